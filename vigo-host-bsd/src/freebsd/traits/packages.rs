//! `packages`, `package_updates`, `repositories`.

use super::ucl;
use crate::freebsd::package::Pkg;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::resource::package::Tool;
use vigo_core::time::Duration;
use vigo_core::traits::see::{See, list, path, read_at, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector =
    Collector::slow("packages", |_| alloc::vec![run(PKG, QUERY)], packages).within(Duration::from_secs(10));
pub(super) const UPDATES: Collector =
    Collector::slow("package_updates", |_| alloc::vec![newer()], updates).within(Duration::from_secs(30));

pub(super) const REPOSITORIES: Collector =
    Collector::quick("repositories", |_| FOLDERS.iter().map(|folder| list(folder)).collect(), repositories).of_image();

/// The system's own, and what the administrator has changed of them.
const FOLDERS: &[&str] = &["/etc/pkg", "/usr/local/etc/pkg/repos"];
const PKG: &str = "pkg";
const QUERY: &[&str] = &["query", "-a", "%n %v"];
/// With the catalogue as it is: none is fetched.
const UPGRADE: &[&str] = &["upgrade", "-n", "-U"];

/// It looks at every package.
fn newer() -> Op {
    Op::Run(Command::read(PKG, UPGRADE.iter().copied()).timeout(Duration::from_secs(25)).output_bytes_max(4 << 20))
}

fn packages(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PKG, QUERY)?;
    let one = |line: &'_ str| line.split_once(' ').map(|(name, version)| (String::from(name), String::from(version)));
    Ok(form::packages("pkg", text.lines().filter_map(one)))
}

fn updates(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let ran = See(outputs).ran(PKG, UPGRADE).ok_or("`pkg` was not run")?;
    let upgrades = Pkg.upgrades(ran)?;
    // What comes along is no update of anything.
    let newer = upgrades.iter().filter(|u| !u.from.is_empty() && u.from != u.to);
    Ok(form::updates(newer.map(|u| (&*u.name, &*u.from, &*u.to))))
}

/// A later file changes what an earlier one says, pkg.conf(5).
fn repositories(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let conf = |folder: &str| {
        let names = see.entries(folder).iter().map(|e| &*e.path).filter(|name| name.ends_with(".conf")).take(100);
        names.filter_map(|name| path(&alloc::format!("{folder}/{name}"))).collect::<Vec<_>>()
    };
    let files: Vec<_> = FOLDERS.iter().flat_map(|folder| conf(folder)).collect();
    let open = see.open(files.iter().cloned().map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let mut sources: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for file in &files {
        for (name, key, value) in ucl::values(&see.text(file.as_str()).unwrap_or_default()) {
            let source = sources.entry(name).or_insert_with(|| (String::new(), true));
            match key.as_str() {
                "url" => source.0 = value,
                "enabled" => source.1 = matches!(value.to_lowercase().as_str(), "yes" | "true" | "on"),
                _ => {}
            }
        }
    }
    Ok(form::repositories(sources.iter().map(|(name, (url, enabled))| (&**name, &**url, *enabled))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn what_is_installed_and_what_is_newer() {
        let outputs = answers(&[]);
        assert!(packages(&Machine::default(), &outputs).is_err() && updates(&Machine::default(), &outputs).is_err());
        let mut outputs = Outputs::default();
        let text = "Installed packages to be UPGRADED:\n\tcurl: 8.10.1 -> 8.11.0 [FreeBSD]\n\
                    New packages to be INSTALLED:\n\tlibnew: 1.0\n";
        outputs.push(newer(), alloc::sync::Arc::new(vigo_core::action::OpOutput::exited(1, text, "")));
        let Ok(Found::Value(seen)) = updates(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("count"), seen.at("packages.0.candidate")), (Some(&Value::Int(1)), Some(&"8.11.0".into())));
        let query = alloc::sync::Arc::new(vigo_core::action::OpOutput::exited(0, "curl 8.10.1\npkg 1.21.3\n", ""));
        outputs.push(run(PKG, QUERY), query);
        let Ok(Found::Value(seen)) = packages(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("count"), seen.at("installed.curl")), (Some(&Value::Int(2)), Some(&"8.10.1".into())));
    }

    #[test]
    fn a_later_file_changes_a_source() {
        let own = "# x\nFreeBSD: {\n  url: \"pkg+http://pkg.FreeBSD.org/${ABI}/quarterly\",\n  mirror_type: \"srv\",\n  enabled: yes\n}\n";
        let outputs = vigo_core::sim::answers(&[
            ("/etc/pkg/", "FreeBSD.conf note.txt"),
            ("/usr/local/etc/pkg/repos/", "mine.conf"),
            ("/etc/pkg/FreeBSD.conf", own),
            (
                "/usr/local/etc/pkg/repos/mine.conf",
                "FreeBSD: { enabled: no }\nmine: { url: \"https://p.example/x\" }\n",
            ),
        ]);
        let Ok(Found::Value(seen)) = repositories(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!((seen.at("0.id"), seen.at("0.enabled")), (Some(&"FreeBSD".into()), Some(&Value::Bool(false))));
        assert_eq!(seen.at("0.url"), Some(&"pkg+http://pkg.FreeBSD.org/${ABI}/quarterly".into()));
        assert_eq!(
            (seen.at("1.url"), seen.at("1.enabled")),
            (Some(&"https://p.example/x".into()), Some(&Value::Bool(true)))
        );
    }
}
