//! `services`, `firewall`: svcs(1), ipf(8).

use alloc::string::{String, ToString};
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, colon, fields, run};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const SERVICES: Collector = Collector::slow("services", |_| alloc::vec![run(SVCS, ALL)], services);

pub(super) const FIREWALL: Collector = Collector::slow("firewall", |_| alloc::vec![run(IPF, STATE)], firewall);

const IPF: &str = "/usr/sbin/ipf";
/// What it is, and whether it runs.
const STATE: &[&str] = &["-V"];
const SVCS: &str = "/usr/bin/svcs";
/// All instances, without a heading: state, the state that they go to, and name.
const ALL: &[&str] = &["-a", "-H", "-o", "state,nstate,fmri"];

/// An instance that is on its way has `*` behind its state, or the next one beside it. What is disabled is so until the
/// next boot at least: whether that is to last this listing does not say, so no other is told to start then.
fn services(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SVCS, ALL)?;
    let one = |line: &str| {
        let mut words = line.split_whitespace();
        let (state, next, name) = (words.next()?, words.next()?, words.next()?);
        let name = name.strip_prefix("svc:/")?;
        let run = match (state.trim_end_matches('*'), next) {
            ("offline" | "uninitialized" | "disabled", "online" | "offline") => "starting",
            ("online" | "degraded", "disabled" | "offline") => "stopping",
            ("online", _) => "running",
            ("degraded", _) => "degraded",
            ("maintenance", _) => "maintenance",
            ("offline" | "uninitialized" | "disabled", _) => "stopped",
            _ => return None,
        };
        Some((name.to_string(), fields([("run", Some(Value::text(run)))])))
    };
    let found = Value::map(text.lines().filter_map(one));
    if found.as_map().is_none_or(|map| map.is_empty()) {
        return Err("`svcs` tells of no service".into());
    }
    Ok(Found::Value(found))
}

/// `Running: yes`. What becomes of the rest stands in its rules, which are not read.
fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(IPF, STATE)?;
    let active = match colon(&text, "Running") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err("`ipf` does not say whether it filters".into()),
    };
    let default = || (!active).then(|| Value::text("accept"));
    Ok(Found::Value(fields([
        ("backend", Some(Value::text("ipf"))),
        ("active", Some(Value::Bool(active))),
        ("default_in", default()),
        ("default_out", default()),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn a_filter_runs_or_not() {
        let seen = |text| match firewall(&Machine::default(), &answers(&[("run /usr/sbin/ipf -V", text)])) {
            Ok(Found::Value(value)) => value.at("active").cloned(),
            _ => None,
        };
        assert_eq!(
            seen("ipf: IP Filter: v4.1.9 (592)\nRunning: yes\nDefault: pass all, Logging: available\n"),
            Some(Value::Bool(true))
        );
        assert_eq!(
            seen("ipf: IP Filter: v4.1.9 (592)\nKernel: IP Filter: v4.1.9\nRunning: no\n"),
            Some(Value::Bool(false))
        );
        assert_eq!(seen(""), None);
    }

    #[test]
    fn states_are_words_and_scripts_of_old_are_none() {
        let text = "legacy_run     -             lrc:/etc/rc2_d/S47pppd\ndisabled       -             svc:/network/ipfilter:default\n\
            online         -             svc:/network/ssh:default\noffline*       online        svc:/site/food:default\n\
            maintenance    -             svc:/site/badd:default\nbroken\n";
        let outputs = answers(&[("run /usr/bin/svcs -a -H -o state,nstate,fmri", text)]);
        let Ok(Found::Value(seen)) = services(&Machine::default(), &outputs) else { panic!("expected a value") };
        let all = seen.as_map().unwrap();
        let of = |name: &str| all.get(name).and_then(|s| s.at("run")).and_then(Value::as_str);
        assert_eq!(all.len(), 4);
        assert_eq!((of("network/ssh:default"), of("network/ipfilter:default")), (Some("running"), Some("stopped")));
        assert_eq!((of("site/food:default"), of("site/badd:default")), (Some("starting"), Some("maintenance")));
        let nothing = answers(&[("run /usr/bin/svcs -a -H -o state,nstate,fmri", "")]);
        assert!(services(&Machine::default(), &nothing).is_err());
    }
}
