//! `services`: which run, and which start at boot.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, list, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("services", probe, interpret);

const UNITS: &[&str] = &["list-units", "--type=service", "--all", "--plain", "--no-legend", "--no-pager", "--full"];
const FILES: &[&str] = &["list-unit-files", "--type=service", "--no-legend", "--no-pager", "--full"];
const OPENRC: &[&str] = &["--nocolor", "--servicelist"];
const RUNLEVELS: &[&str] = &["show"];
const INIT_D: &str = "/etc/init.d";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat("/run/systemd/system"), stat("/run/openrc"), list(INIT_D)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (is_systemd, is_openrc) = (see.is_dir("/run/systemd/system"), see.is_dir("/run/openrc"));
    let asked = match (is_systemd, is_openrc) {
        (true, _) => alloc::vec![run("systemctl", UNITS), run("systemctl", FILES)],
        (false, true) => alloc::vec![run("rc-status", OPENRC), run("rc-update", RUNLEVELS)],
        (false, false) => return Ok(Found::Absent),
    };
    let open = see.open(asked);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let services = if is_systemd {
        systemd(&see.output("systemctl", UNITS)?, &see.output("systemctl", FILES)?)
    } else {
        openrc(&see.output("rc-status", OPENRC)?, &see.output("rc-update", RUNLEVELS)?)
    };
    let one = |(name, (run, boot)): (String, (Option<String>, Option<String>))| {
        (name, fields([("run", run.as_deref().and_then(some)), ("boot", boot.as_deref().and_then(some))]))
    };
    Ok(Found::Value(Value::map(services.into_iter().map(one))))
}

/// By name: what it does now, and what at boot.
type Services = BTreeMap<String, (Option<String>, Option<String>)>;

fn systemd(units: &str, files: &str) -> Services {
    let mut services = Services::new();
    for line in units.lines() {
        let words: Vec<&str> = line.trim_start_matches(['●', '*', ' ']).split_whitespace().collect();
        let [unit, load, active, sub, ..] = words.as_slice() else { continue };
        // What others only mention is not there.
        let Some(name) = unit.strip_suffix(".service").filter(|_| *load != "not-found") else { continue };
        let state = match (*active, *sub) {
            ("active" | "reloading", _) => "running",
            ("activating", _) => "starting",
            ("deactivating", _) => "stopping",
            ("failed", _) => "failed",
            ("inactive", _) => "stopped",
            ("maintenance", _) => "maintenance",
            _ => continue,
        };
        services.entry(name.to_string()).or_default().0 = Some(state.to_string());
    }
    for line in files.lines() {
        let mut words = line.split_whitespace();
        let (Some(unit), Some(state)) = (words.next(), words.next()) else { continue };
        // A template is no service before it has an instance.
        let Some(name) = unit.strip_suffix(".service").filter(|name| !name.ends_with('@')) else { continue };
        let state = match state {
            "enabled-runtime" | "linked" | "linked-runtime" => state.trim_end_matches("-runtime"),
            "masked-runtime" => "masked",
            other => other,
        };
        let service = services.entry(name.to_string()).or_default();
        service.1 = Some(state.to_string());
        service.0.get_or_insert_with(|| "stopped".to_string());
    }
    services
}

/// ` sshd   [  started  ]`, and ` sshd | default`.
fn openrc(status: &str, levels: &str) -> Services {
    let mut services = Services::new();
    for line in status.lines() {
        let Some((name, state)) = line.split_once('[') else { continue };
        let state = match state.split(']').next().unwrap_or_default().split_whitespace().next() {
            Some("started" | "inactive") => "running",
            Some("starting" | "scheduled") => "starting",
            Some("stopping") => "stopping",
            Some("crashed" | "failed") => "failed",
            Some("stopped") => "stopped",
            _ => continue,
        };
        services.insert(name.trim().to_string(), (Some(state.to_string()), Some("disabled".to_string())));
    }
    for line in levels.lines() {
        let Some((name, levels)) = line.split_once('|') else { continue };
        if !levels.trim().is_empty() {
            services.entry(name.trim().to_string()).or_default().1 = Some("enabled".to_string());
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(services: &'a Services, name: &str) -> Option<(&'a str, &'a str)> {
        let (run, boot) = services.get(name)?;
        Some((run.as_deref().unwrap_or("-"), boot.as_deref().unwrap_or("-")))
    }

    #[test]
    fn units_and_their_files_are_one() {
        let units = "cron.service loaded active running Regular background program processing daemon\n\
            ● bad.service loaded failed failed Broken\n\
            apache2.service not-found inactive dead apache2.service\n\
            getty@tty1.service loaded active running Getty on tty1\n";
        let files = "cron.service enabled enabled\nbad.service disabled enabled\ngetty@.service enabled enabled\n\
            old.service masked enabled\n";
        let seen = systemd(units, files);
        let cases = [
            ("cron", Some(("running", "enabled"))),
            ("bad", Some(("failed", "disabled"))),
            ("apache2", None),
            ("getty@tty1", Some(("running", "-"))),
            ("getty@", None),
            ("old", Some(("stopped", "masked"))),
        ];
        for (name, expected) in cases {
            assert_eq!(of(&seen, name), expected, "{name}");
        }
    }

    #[test]
    fn openrc_names_levels_apart() {
        let seen = openrc(" sshd                [  started  ]\n cron  [  stopped  ]\n", " sshd | default\n cron |\n");
        assert_eq!(of(&seen, "sshd"), Some(("running", "enabled")));
        assert_eq!(of(&seen, "cron"), Some(("stopped", "disabled")));
    }
}
