//! `services` of FreeBSD and NetBSD: which start at boot, service(8). Which run each must be asked for itself, so it is not
//! told here.

use alloc::collections::BTreeSet;
use alloc::string::String;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, run};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(crate) const SERVICES: Collector =
    Collector::slow("services", |_| alloc::vec![run(SERVICE, ALL), run(SERVICE, ENABLED)], services);

const SERVICE: &str = "/usr/sbin/service";
const ALL: &[&str] = &["-l"];
const ENABLED: &[&str] = &["-e"];

/// FreeBSD lists names, NetBSD the paths of the scripts. Services in capitals are marks in the order of the others.
fn services(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (all, enabled) = (see.output(SERVICE, ALL)?, see.output(SERVICE, ENABLED)?);
    let enabled: BTreeSet<&str> = enabled.lines().map(name).collect();
    let names = all.lines().map(name).filter(|name| name.bytes().any(|b| b.is_ascii_lowercase()));
    let one = |name: &str| {
        let boot = if enabled.contains(name) { "enabled" } else { "disabled" };
        (String::from(name), fields([("boot", Some(Value::text(boot)))]))
    };
    let services = Value::map(names.map(one));
    if services.as_map().is_none_or(|map| map.is_empty()) {
        return Err("`service -l` tells of no service".into());
    }
    Ok(Found::Value(services))
}

fn name(line: &str) -> &str {
    let line = line.trim();
    line.rsplit_once('/').map_or(line, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{OpOutput, Ran};
    use vigo_core::sim::answers;

    #[test]
    fn services_start_at_boot_or_not_and_marks_are_none() {
        let outputs = answers(&[
            ("run /usr/sbin/service -l", "FILESYSTEMS\ncron\nsshd\nfood\n"),
            ("run /usr/sbin/service -e", "/etc/rc.d/cron\n/usr/local/etc/rc.d/food\n"),
        ]);
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let of = |name: &str| seen.at(&alloc::format!("{name}.boot")).and_then(Value::as_str);
        assert_eq!(
            (of("cron"), of("sshd"), of("food"), of("FILESYSTEMS")),
            (Some("enabled"), Some("disabled"), Some("enabled"), None)
        );
    }

    #[test]
    fn services_that_are_listed_by_their_scripts_have_the_names_of_these() {
        let outputs = answers(&[
            ("run /usr/sbin/service -l", "/etc/rc.d/DAEMON\n/etc/rc.d/cron\n/etc/rc.d/sshd\n"),
            ("run /usr/sbin/service -e", "/etc/rc.d/sshd\n"),
        ]);
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let one = |boot: &str| fields([("boot", Some(Value::text(boot)))]);
        assert_eq!(seen, fields([("cron", Some(one("disabled"))), ("sshd", Some(one("enabled")))]));
    }

    #[test]
    fn a_broken_line_of_rc_conf_changes_nothing() {
        let mut outputs = Outputs::default();
        for (args, text) in [
            (ALL, include_str!("../../tests/fixtures/service-freebsd/12.1/list-all-with-broken-rc.conf.txt")),
            (ENABLED, include_str!("../../tests/fixtures/service-freebsd/12.1/list-enabled-with-broken-rc.conf.txt")),
        ] {
            let (_, ran) = Ran::from_recording(text).unwrap();
            outputs.push(run(SERVICE, args), alloc::sync::Arc::new(OpOutput::Ran(ran)));
        }
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("sshd.boot").and_then(Value::as_str), Some("disabled"));
    }
}
