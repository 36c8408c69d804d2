//! `packages`, `package_updates`, `repositories`: pkg_info(1), pkgin(1).

use crate::netbsd::package::{self, Pkgin};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::resource::package::Tool as _;
use vigo_core::time::Duration;
use vigo_core::traits::see::{See, read, stat};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", probe, packages);
pub(super) const UPDATES: Collector =
    Collector::slow("package_updates", probe, updates).within(Duration::from_secs(30));
pub(super) const REPOSITORIES: Collector =
    Collector::quick("repositories", |_| alloc::vec![read(SOURCES)], repositories).of_image();

const PKGIN: &str = package::PROGRAM;
const SOURCES: &str = "/usr/pkg/etc/pkgin/repositories.conf";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat(PKGIN), Op::Run(package::query())]
}

fn installed(see: See<'_>) -> Result<Vec<(String, String)>, String> {
    match see.ran(package::INFO, &[]).filter(|ran| !ran.truncated) {
        Some(ran) => package::all(ran),
        None => Err(see.output(package::INFO, &[]).err().unwrap_or_default()),
    }
}

fn packages(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    Ok(form::packages(if see.exists(PKGIN) { "pkgin" } else { "pkg_add" }, installed(see)?))
}

fn updates(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if !see.exists(PKGIN) {
        return Ok(Found::Absent);
    }
    let offers = Op::Run(package::offers().timeout(Duration::from_secs(25)));
    let newer = match outputs.get(&offers) {
        None => return Ok(Found::Ask(alloc::vec![offers])),
        Some(OpOutput::Ran(ran)) if !ran.truncated => Pkgin.upgrades(ran)?,
        Some(OpOutput::Failed(why)) => return Err(why.message.clone()),
        Some(_) => return Err(format!("`{PKGIN}` said more than is kept")),
    };
    let installed: BTreeMap<String, String> = installed(see)?.into_iter().collect();
    let newer = newer.iter().filter_map(|u| Some((&*u.name, installed.get(&*u.name)?.as_str(), &*u.to)));
    Ok(form::updates(newer))
}

/// Lines of URLs; `#` begins a comment.
fn repositories(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(SOURCES).unwrap_or_default();
    let urls = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(form::repositories(urls.map(|url| ("pkgin", url, true))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    const LIST: &str = "bash-5.2.15nb1      The GNU Bourne Again Shell\npy311-foo-1.2nb3    x\n";

    #[test]
    fn what_is_installed_and_what_is_newer() {
        let items = [("run /usr/sbin/pkg_info", LIST), (PKGIN, "")];
        let Ok(Found::Value(seen)) = packages(&Machine::default(), &answers(&items)) else { panic!("no value") };
        assert_eq!((seen.at("count"), seen.at("installed.py311-foo")), (Some(&Value::Int(2)), Some(&"1.2nb3".into())));
        let mut outputs = answers(&items);
        let Ok(Found::Ask(ops)) = updates(&Machine::default(), &outputs) else { panic!("expected a question") };
        let offers = "bash-5.2.21;<;The GNU Bourne Again Shell\npy311-foo-1.2nb3;=;x\nzsh-5.9;;x\n";
        outputs.push(ops[0].clone(), Arc::new(OpOutput::exited(0, offers, "")));
        let Ok(Found::Value(seen)) = updates(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(
            (seen.at("count"), seen.at("packages.0.installed")),
            (Some(&Value::Int(1)), Some(&"5.2.15nb1".into()))
        );
        assert_eq!(
            updates(&Machine::default(), &answers(&items[..1])),
            Ok(Found::Absent),
            "without pkgin nobody knows"
        );
        assert!(packages(&Machine::default(), &answers(&[("run /usr/sbin/pkg_info", "nonsense\n")])).is_err());
    }

    #[test]
    fn a_source_is_a_line() {
        let text = "# x\nhttps://cdn.NetBSD.org/pub/pkgsrc/packages/NetBSD/x86_64/10.0/All\n";
        let Ok(Found::Value(seen)) = repositories(&Machine::default(), &answers(&[(SOURCES, text)])) else {
            panic!("no value")
        };
        assert_eq!(seen.as_list().map(<[_]>::len), Some(1));
    }
}
