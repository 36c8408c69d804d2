//! `services`, `packages`: the service manager, and the registry's list of what was installed.

use super::registry::{Key, keys, query_below, query_each};
use crate::program::{SC, ran};
use crate::status::{number, run_state, start_type};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::resource::service::{RunState, StartType};
use vigo_core::time::Duration;
use vigo_core::traits::see::fields;
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const SERVICES: Collector =
    Collector::slow("services", |_| alloc::vec![all(), query_each(SERVICES_KEY, START)], services)
        .within(Duration::from_secs(15));
pub(super) const PACKAGES: Collector =
    Collector::slow("packages", |_| UNINSTALL.iter().map(|key| query_below(key)).collect(), packages)
        .within(Duration::from_secs(15));

const SERVICES_KEY: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services";

/// When one is started.
const START: &str = "Start";

/// Of programs of 64 bits, and of those of 32 on such a system.
const UNINSTALL: [&str; 2] = [
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
    "HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall",
];

/// All services, in one answer: the largest that the program makes.
fn all() -> Op {
    let args = ["query", "type=", "service", "state=", "all", "bufsize=", "262144"];
    Op::Run(Command::read(SC, args).timeout(Duration::from_secs(5)).output_bytes_max(4 << 20))
}

fn services(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let listing = ran(outputs, &all()).ok_or("the services were not asked for")??;
    let out = listing.out();
    // A block a service, behind the name of its first field.
    let blocks = out.split("SERVICE_NAME:").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap_or((block, ""));
        (name.trim(), number(rest, "STATE").and_then(run_state))
    });
    let running: BTreeMap<&str, Option<RunState>> = blocks.collect();
    if !listing.success() || running.is_empty() {
        return Err("`sc.exe query` tells of no service".into());
    }
    let below = keys(outputs, &query_each(SERVICES_KEY, START), SERVICES_KEY)?;
    let starts: BTreeMap<String, &Key> = below.iter().map(|(name, key)| (name.to_lowercase(), key)).collect();
    let one = |(name, state): (&str, Option<RunState>)| {
        let start = starts.get(&name.to_lowercase()).and_then(|key| u32::try_from(key.number(START)?).ok());
        let value = fields([
            ("run", state.map(|state| Value::text(run_word(state)))),
            ("boot", start.and_then(start_type).map(|start| Value::text(boot_word(start)))),
        ]);
        (name.to_string(), value)
    };
    Ok(Found::Value(Value::map(running.into_iter().map(one))))
}

fn run_word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Starting => "starting",
        RunState::Stopping => "stopping",
        RunState::Paused => "paused",
        _ => "stopped",
    }
}

fn boot_word(start: StartType) -> &'static str {
    match start {
        StartType::Auto => "enabled",
        StartType::Manual => "manual",
        StartType::Disabled => "disabled",
        _ => "kernel",
    }
}

/// Parts of the system and updates of others are no programs.
fn packages(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let mut found: Vec<(String, String)> = Vec::new();
    let all = keys(outputs, &query_below(UNINSTALL[0]), UNINSTALL[0])?;
    // A system of 32 bits has the first alone.
    let narrow = keys(outputs, &query_below(UNINSTALL[1]), UNINSTALL[1]).unwrap_or_default();
    for (_, key) in all.iter().chain(&narrow) {
        let is_part = key.number("SystemComponent") == Some(1) || key.text("ParentKeyName").is_some();
        if let (Some(name), false) = (key.text("DisplayName"), is_part) {
            found.push((name.to_string(), key.text("DisplayVersion").unwrap_or_default().to_string()));
        }
    }
    Ok(form::packages("windows", found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;

    #[test]
    fn a_service_runs_by_the_manager_and_starts_by_the_registry() {
        let listing = "\r\nSERVICE_NAME: W32Time\r\nDISPLAY_NAME: Windows Time\r\n        TYPE               : 30  WIN32  \r\n        \
            STATE              : 4  RUNNING \r\n\r\nSERVICE_NAME: Spooler \r\nDISPLAY_NAME: x\r\n        STATE              : 1  BEENDET \r\n";
        let starts = "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\w32time\r\n    Start    REG_DWORD    0x3\r\n\r\n\
            HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\w32time\\Config\r\n    Start    REG_DWORD    0x4\r\n\r\n\
            HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Spooler\r\n    Start    REG_DWORD    0x2\r\n";
        let mut outputs = Outputs::default();
        outputs.push(all(), Arc::new(OpOutput::exited(0, listing, "")));
        outputs.push(query_each(SERVICES_KEY, START), Arc::new(OpOutput::exited(0, starts, "")));
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let of = |path: &str| seen.at(path).and_then(Value::as_str);
        assert_eq!((of("W32Time.run"), of("W32Time.boot")), (Some("running"), Some("manual")));
        assert_eq!((of("Spooler.run"), of("Spooler.boot")), (Some("stopped"), Some("enabled")));
        assert!(services(&Machine::default(), &Outputs::default()).is_err());
    }

    #[test]
    fn programs_have_names_and_parts_of_the_system_are_none() {
        let text = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\7-Zip\r\n    DisplayName    REG_SZ    7-Zip 23.01 (x64)\r\n    \
            DisplayVersion    REG_SZ    23.01\r\n\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{A}\r\n    DisplayName    REG_SZ    Part\r\n    \
            SystemComponent    REG_DWORD    0x1\r\n\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{B}\r\n    Version    REG_DWORD    0x1\r\n";
        let mut outputs = Outputs::default();
        outputs.push(query_below(UNINSTALL[0]), Arc::new(OpOutput::exited(0, text, "")));
        let Ok(Found::Value(seen)) = packages(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("count"), Some(&Value::Int(1)));
        let installed = seen.at("installed").and_then(Value::as_map).unwrap();
        assert_eq!(installed.get("7-Zip 23.01 (x64)"), Some(&"23.01".into()));
    }
}
