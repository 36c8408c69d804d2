//! `services`, `firewall`: launchctl(1), and the firewall of programs.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, run};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const SERVICES: Collector =
    Collector::slow("services", |_| alloc::vec![run(LAUNCHCTL, LIST), run(LAUNCHCTL, DISABLED)], services);
pub(super) const FIREWALL: Collector =
    Collector::slow("firewall", |_| alloc::vec![run(SOCKETFILTER, STATE), run(SOCKETFILTER, BLOCK_ALL)], firewall);

const LAUNCHCTL: &str = "/bin/launchctl";
/// Jobs of the system that are loaded.
const LIST: &[&str] = &["list"];
/// Jobs of which somebody has said whether they are to be loaded.
const DISABLED: &[&str] = &["print-disabled", "system"];
const SOCKETFILTER: &str = "/usr/libexec/ApplicationFirewall/socketfilterfw";
const STATE: &[&str] = &["--getglobalstate"];
const BLOCK_ALL: &[&str] = &["--getblockall"];

/// Lines of process, last status and label; a negative status is a signal, by which jobs are ended in order, too.
fn services(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (list, overrides) = (see.output(LAUNCHCTL, LIST)?, see.output(LAUNCHCTL, DISABLED)?);
    let mut found: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for line in list.lines() {
        let mut columns = line.split('\t');
        let (Some(pid), Some(status), Some(label)) = (columns.next(), columns.next(), columns.next()) else { continue };
        let run = match (pid.parse::<u32>(), status.parse::<i32>()) {
            (Ok(_), _) => "running",
            (Err(_), Ok(1..)) => "failed",
            (Err(_), Ok(_)) => "stopped",
            // The heading.
            (Err(_), Err(_)) => continue,
        };
        found.insert(label, (run, "enabled"));
    }
    if found.is_empty() {
        return Err("`launchctl list` tells of no job".into());
    }
    for line in overrides.lines() {
        let Some((label, word)) = line.trim().split_once(" => ") else { continue };
        let boot = match word.trim() {
            "true" | "disabled" => "disabled",
            "false" | "enabled" => "enabled",
            _ => continue,
        };
        found.entry(label.trim_matches('"')).or_insert(("stopped", boot)).1 = boot;
    }
    let one = |(label, (run, boot)): (&str, (&str, &str))| {
        (label.to_string(), fields([("run", Some(Value::text(run))), ("boot", Some(Value::text(boot)))]))
    };
    Ok(Found::Value(Value::map(found.into_iter().map(one))))
}

/// `Firewall is enabled. (State = 1)`: 0 is off, 2 lets in what is necessary alone.
fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.output(SOCKETFILTER, STATE)?;
    let state = text.split_once("State = ").and_then(|(_, rest)| rest.chars().next());
    let active = match state {
        Some('0') => false,
        Some('1' | '2') => true,
        _ => return Err("`socketfilterfw` does not say whether it filters".into()),
    };
    let blocks = state == Some('2') || see.output(SOCKETFILTER, BLOCK_ALL).is_ok_and(|text| is_enabled(&text));
    // What is let in depends on the program that listens.
    let default = match (active, blocks) {
        (false, _) => Some(Value::text("accept")),
        (true, true) => Some(Value::text("drop")),
        (true, false) => None,
    };
    Ok(Found::Value(fields([
        ("backend", Some(Value::text("socketfilterfw"))),
        ("active", Some(Value::Bool(active))),
        ("default_in", default),
        ("default_out", Some(Value::text("accept"))),
    ])))
}

fn is_enabled(text: &str) -> bool {
    text.to_lowercase().contains("enabled") && !text.to_lowercase().contains("disabled")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{OpOutput, Ran};
    use vigo_core::sim::answers;

    #[test]
    fn a_job_that_is_not_loaded_is_known_by_its_override() {
        let mut outputs = answers(&[(
            "run /bin/launchctl list",
            "PID\tStatus\tLabel\n412\t0\tcom.openssh.sshd\n-\t0\tcom.example.idle\n-\t78\tcom.example.bad\n-\t-9\tcom.example.killed\n",
        )]);
        let overrides = include_str!("../../tests/fixtures/launchctl/reported/print-disabled-booleans.txt");
        let (_, ran) = Ran::from_recording(overrides).unwrap();
        outputs.push(run(LAUNCHCTL, DISABLED), alloc::sync::Arc::new(OpOutput::Ran(ran)));
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let jobs = seen.as_map().unwrap();
        let of = |label: &str| {
            let field = |field| jobs.get(label).and_then(|job| job.at(field)).and_then(Value::as_str);
            (field("run"), field("boot"))
        };
        assert_eq!(of("com.openssh.sshd"), (Some("running"), Some("enabled")));
        assert_eq!(of("com.example.bad"), (Some("failed"), Some("enabled")));
        assert_eq!(of("com.example.killed"), (Some("stopped"), Some("enabled")));
        assert_eq!(of("com.example.food"), (Some("stopped"), Some("disabled")));
        assert_eq!(of("com.example.idle"), (Some("stopped"), Some("enabled")));
    }

    #[test]
    fn the_number_of_the_state_decides() {
        let seen = |state: &str, block: &str| {
            let outputs = answers(&[
                ("run /usr/libexec/ApplicationFirewall/socketfilterfw --getglobalstate", state),
                ("run /usr/libexec/ApplicationFirewall/socketfilterfw --getblockall", block),
            ]);
            match firewall(&Machine::default(), &outputs) {
                Ok(Found::Value(value)) => Some((value.at("active").cloned()?, value.at("default_in").cloned())),
                _ => None,
            }
        };
        let (on, off) = (Value::Bool(true), Value::Bool(false));
        assert_eq!(seen("Firewall is enabled. (State = 1)\n", "Block all DISABLED! \n"), Some((on.clone(), None)));
        assert_eq!(seen("Firewall is enabled. (State = 2)\n", ""), Some((on.clone(), Some("drop".into()))));
        assert_eq!(
            seen(
                "Firewall is enabled. (State = 1)\n",
                "Firewall is set to block all non-essential incoming connections: ENABLED\n"
            ),
            Some((on, Some("drop".into())))
        );
        assert_eq!(seen("Firewall is disabled. (State = 0)\n", ""), Some((off, Some("accept".into()))));
        assert_eq!(seen("\n", ""), None);
    }
}
