//! `packages`, `package_updates`, `repositories`: what Homebrew has installed, and what it knows to be newer.

use crate::brew::{find, installed_packages, look, taps};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", probe, interpret).within(Duration::from_secs(30));
pub(super) const UPDATES: Collector =
    Collector::slow("package_updates", probe, updates).within(Duration::from_secs(30));
pub(super) const REPOSITORIES: Collector =
    Collector::slow("repositories", probe, repositories).within(Duration::from_secs(30));

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![look()]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let Some(by) = find(outputs)? else { return Ok(Found::Absent) };
    let all = match installed_packages(&by, outputs)? {
        Ok(all) => all,
        Err(ask) => return Ok(Found::Ask(alloc::vec![ask])),
    };
    Ok(form::packages("brew", all.into_iter().map(|(name, version, _)| (name, version))))
}

/// Taps that Homebrew has cloned; what comes over its API is none.
fn repositories(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let Some(by) = find(outputs)? else { return Ok(Found::Absent) };
    Ok(match taps(&by, outputs)? {
        Ok(all) => form::repositories(all.iter().map(|(name, url)| (&**name, &**url, true))),
        Err(ask) => Found::Ask(alloc::vec![ask]),
    })
}

/// With the index as it was last fetched.
fn updates(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let Some(by) = find(outputs)? else { return Ok(Found::Absent) };
    let all = match installed_packages(&by, outputs)? {
        Ok(all) => all,
        Err(ask) => return Ok(Found::Ask(alloc::vec![ask])),
    };
    let newer = all.iter().filter_map(|(name, version, newer)| Some((&**name, &**version, newer.as_deref()?)));
    Ok(form::updates(newer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;
    use vigo_core::value::Value;

    /// Returns what a collector says when Homebrew is there and says this.
    fn seen(collector: &Collector, said: &str) -> Result<Value, String> {
        let mut outputs = Outputs::default();
        outputs.push(look(), Arc::new(OpOutput::exited(1, "501 alice /opt/homebrew/bin/brew\n", "")));
        let Ok(Found::Ask(ops)) = (collector.interpret)(&Machine::default(), &outputs) else { panic!("no question") };
        for op in ops {
            outputs.push(op, Arc::new(OpOutput::exited(0, said, "")));
        }
        match (collector.interpret)(&Machine::default(), &outputs) {
            Ok(Found::Value(value)) => Ok(value),
            Err(why) => Err(why),
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn what_is_newer_and_where_it_comes_from_homebrew_says() {
        let info = r#"{"formulae":[{"name":"jq","full_name":"jq","aliases":[],"oldnames":[],"versions":{"stable":"1.7.1"},
            "revision":0,"installed":[{"version":"1.6"}],"linked_keg":"1.6","pinned":false,"outdated":true}],"casks":[]}"#;
        let newer = seen(&UPDATES, info).unwrap();
        assert_eq!(
            (newer.at("count"), newer.at("packages.0.candidate")),
            (Some(&Value::Int(1)), Some(&"1.7.1".into()))
        );
        assert_eq!(seen(&PACKAGES, info).unwrap().at("installed.jq"), Some(&"1.6".into()));
        let taps = "Warning: x\n[{\"name\":\"a/b\",\"remote\":\"https://git.example/b\"}]\n";
        assert_eq!(seen(&REPOSITORIES, taps).unwrap().at("0.url"), Some(&"https://git.example/b".into()));
        assert!(seen(&UPDATES, "").is_err() && seen(&REPOSITORIES, "nonsense\n").is_err());
    }
}
