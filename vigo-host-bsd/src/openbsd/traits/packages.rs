//! `packages`, `repositories`: pkg_info(1), installurl(5). What is newer only a mirror knows.

use crate::openbsd::spec::Installed;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, read, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", |_| alloc::vec![run(INFO, ALL)], packages);
pub(super) const REPOSITORIES: Collector =
    Collector::quick("repositories", |_| alloc::vec![read(INSTALLURL)], repositories).of_image();

const INFO: &str = "/usr/sbin/pkg_info";
const ALL: &[&str] = &["-q", "-a"];
const INSTALLURL: &str = "/etc/installurl";

/// Full names, a line each: `vim-9.0.1p0-no_x11`. There may be none.
fn packages(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    if machine.is_image {
        return Ok(Found::Absent);
    }
    let text = See(outputs).output(INFO, ALL)?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let all: Vec<Installed<'_>> = lines.iter().filter_map(|line| Installed::parse(line)).collect();
    if all.is_empty() && !lines.is_empty() {
        return Err("`pkg_info` names no package".into());
    }
    let one = |p: Installed<'_>| (p.stem.to_string(), p.version_and_flavors().to_string());
    Ok(form::packages("pkg_add", all.into_iter().map(one)))
}

fn repositories(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(INSTALLURL).unwrap_or_default();
    let url = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(form::repositories(url.map(|url| ("installurl", url, true))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn full_names_are_stems_and_versions() {
        let seen = |text| packages(&Machine::default(), &answers(&[("run /usr/sbin/pkg_info -q -a", text)]));
        let Ok(Found::Value(some)) = seen("vim-9.0.1p0-no_x11\npy3-setuptools-68.0.0v0\nquirks-7.14\n") else {
            panic!("no value")
        };
        assert_eq!(some.at("count"), Some(&Value::Int(3)));
        assert_eq!(some.at("installed.vim"), Some(&"9.0.1p0-no_x11".into()));
        assert_eq!(some.at("installed.py3-setuptools"), Some(&"68.0.0v0".into()));
        let Ok(Found::Value(two)) = seen("python-2.7.18p11\npython-3.11.9\n") else { panic!("no value") };
        assert_eq!(two.at("count"), Some(&Value::Int(2)), "two versions of one stem are two packages");
        assert_eq!(two.at("installed.python"), Some(&"3.11.9".into()));
        assert!(matches!(seen(""), Ok(Found::Value(none)) if none.at("count") == Some(&Value::Int(0))));
        assert!(seen("nonsense\n").is_err());
    }

    #[test]
    fn the_mirror_is_the_first_line_that_is_no_comment() {
        let outputs = answers(&[(INSTALLURL, "# x\nhttps://cdn.openbsd.org/pub/OpenBSD\n")]);
        let Ok(Found::Value(seen)) = repositories(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("0.url"), Some(&"https://cdn.openbsd.org/pub/OpenBSD".into()));
    }
}
