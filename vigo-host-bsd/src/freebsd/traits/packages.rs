//! `packages`, `package_updates`.

use crate::freebsd::package::Pkg;
use alloc::string::String;
use vigo_core::action::Outputs;
use vigo_core::resource::package::Tool;
use vigo_core::time::Duration;
use vigo_core::traits::see::{See, fields, int, run, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const PACKAGES: Collector =
    Collector::slow("packages", |_| alloc::vec![run(PKG, QUERY)], packages).within(Duration::from_secs(10));
pub(super) const UPDATES: Collector =
    Collector::slow("package_updates", |_| alloc::vec![run(PKG, UPGRADE)], updates).within(Duration::from_secs(30));

const PKG: &str = "pkg";
const QUERY: &[&str] = &["query", "-a", "%n %v"];
/// With the catalogue as it is: none is fetched.
const UPGRADE: &[&str] = &["upgrade", "-n", "-U"];

fn packages(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PKG, QUERY)?;
    let one = |line: &'_ str| line.split_once(' ').map(|(name, version)| (String::from(name), Value::text(version)));
    let installed = Value::map(text.lines().filter_map(one));
    Ok(Found::Value(fields([
        ("manager", Some(Value::text("pkg"))),
        ("count", installed.as_map().map(|map| int(map.len() as u64))),
        ("installed", Some(installed)),
    ])))
}

fn updates(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let ran = See(outputs).ran(PKG, UPGRADE).ok_or("`pkg` was not run")?;
    let upgrades = Pkg.upgrades(ran)?;
    // What comes along is no update of anything.
    let newer = || upgrades.iter().filter(|u| !u.from.is_empty() && u.from != u.to);
    let packages =
        newer().map(|u| fields([("name", some(&u.name)), ("installed", some(&u.from)), ("candidate", some(&u.to))]));
    Ok(Found::Value(fields([("count", Some(int(newer().count() as u64))), ("packages", Some(Value::list(packages)))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn what_is_installed_and_what_is_newer() {
        let outputs = answers(&[]);
        assert!(packages(&Machine::default(), &outputs).is_err() && updates(&Machine::default(), &outputs).is_err());
        let mut outputs = Outputs::default();
        let text = "Installed packages to be UPGRADED:\n\tcurl: 8.10.1 -> 8.11.0 [FreeBSD]\n\
                    New packages to be INSTALLED:\n\tlibnew: 1.0\n";
        outputs.push(run(PKG, UPGRADE), alloc::sync::Arc::new(vigo_core::action::OpOutput::exited(1, text, "")));
        let Ok(Found::Value(seen)) = updates(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("count"), seen.at("packages.0.candidate")), (Some(&Value::Int(1)), Some(&"8.11.0".into())));
        let query = alloc::sync::Arc::new(vigo_core::action::OpOutput::exited(0, "curl 8.10.1\npkg 1.21.3\n", ""));
        outputs.push(run(PKG, QUERY), query);
        let Ok(Found::Value(seen)) = packages(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("count"), seen.at("installed.curl")), (Some(&Value::Int(2)), Some(&"8.10.1".into())));
    }
}
