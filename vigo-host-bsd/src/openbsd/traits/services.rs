//! `services`, `firewall`: rcctl(8), pfctl(8).

use crate::traits::pf;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, OpOutput, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::see::{See, fields, list};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

/// Each that is started is asked for itself, by a script of the shell.
pub(super) const SERVICES: Collector = Collector::slow("services", probe, services).within(Duration::from_secs(20));
pub(super) const FIREWALL: Collector = Collector::slow("firewall", |_| pf::ask().into(), firewall);

const RCCTL: &str = "/usr/sbin/rcctl";
const LISTS: &[&str] = &["all", "on", "started", "failed"];

/// Scripts: what else is listed are variables, such as `pf`, and rcctl(8) calls none of them started.
const SCRIPTS: &str = "/etc/rc.d";

fn probe(_: &Machine) -> Vec<Op> {
    LISTS.iter().map(|of| ask(of)).chain([list(SCRIPTS)]).collect()
}

fn ask(list: &str) -> Op {
    Op::Run(Command::read(RCCTL, ["ls", list]).timeout(Duration::from_secs(15)))
}

fn services(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let listed = |list: &str| -> Result<BTreeSet<String>, String> {
        // It exits 1 when some have failed, rcctl(8).
        let text = match see.ran(RCCTL, &["ls", list]).filter(|ran| list == "failed" && ran.code() == Some(1)) {
            Some(ran) => ran.out(),
            None => see.output(RCCTL, &["ls", list])?,
        };
        Ok(text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect())
    };
    let (all, on, started, failed) = (listed("all")?, listed("on")?, listed("started")?, listed("failed")?);
    if all.is_empty() {
        return Err("`rcctl` tells of no service".into());
    }
    let Some(OpOutput::Dir(scripts)) = see.path(SCRIPTS) else {
        return Err(format!("`{SCRIPTS}` could not be read"));
    };
    let scripts: BTreeSet<&str> = scripts.iter().map(|entry| &*entry.path).collect();
    let one = |name: String| {
        let run = match () {
            () if started.contains(&name) => Some("running"),
            () if failed.contains(&name) => Some("failed"),
            () => scripts.contains(&*name).then_some("stopped"),
        };
        let boot = if on.contains(&name) { "enabled" } else { "disabled" };
        (name, fields([("run", run.map(Value::text)), ("boot", Some(Value::text(boot)))]))
    };
    Ok(Found::Value(Value::map(all.into_iter().map(one))))
}

fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    Ok(pf::firewall(See(outputs), true)?.unwrap_or_else(|| pf::found("none", false, "accept", "accept")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::Ran;
    use vigo_core::sim::answers;

    #[test]
    fn lists_of_rcctl_are_one() {
        let mut outputs = answers(&[("/etc/rc.d/", "badd cron food httpd ntpd sshd")]);
        for (list, text) in [
            ("all", include_str!("../../../tests/fixtures/rcctl/1.120/ls-all.txt")),
            ("on", include_str!("../../../tests/fixtures/rcctl/1.120/ls-on.txt")),
            ("started", include_str!("../../../tests/fixtures/rcctl/1.120/ls-started.txt")),
            ("failed", include_str!("../../../tests/fixtures/rcctl/1.120/ls-failed.txt")),
        ] {
            let (_, ran) = Ran::from_recording(text).unwrap();
            outputs.push(ask(list), alloc::sync::Arc::new(OpOutput::Ran(ran)));
        }
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let of = |name: &str| {
            let field = |field| seen.at(&alloc::format!("{name}.{field}")).and_then(Value::as_str);
            (field("run"), field("boot"))
        };
        assert_eq!(of("food"), (Some("running"), Some("enabled")));
        assert_eq!(of("httpd"), (Some("stopped"), Some("disabled")));
        assert_eq!(of("badd").1, Some("enabled"));
        assert_eq!(of("pf"), (None, Some("enabled")), "a filter is at work or not, and no service");
        assert!(services(&Machine::default(), &Outputs::default()).is_err());
    }
}
