//! `packages`: what is installed.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::traits::see::{See, list, read_large, run, stat};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::slow("packages", probe, interpret).of_image();

const DPKG: &str = "/var/lib/dpkg/status";
const APK: &str = "/lib/apk/db/installed";
const PACMAN: &str = "/var/lib/pacman/local";
const RPM: &[&str] = &["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
const RPM_ALL: &[&str] = &["-qa", "--qf", "%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n"];
/// Programs by which systems of RPM packages are told apart, the likelier to be the real one first.
const RPM_TOOLS: &[(&str, &str)] =
    &[("/usr/bin/zypper", "zypper"), ("/usr/bin/dnf", "dnf"), ("/usr/bin/dnf5", "dnf"), ("/usr/bin/yum", "yum")];

fn probe(_: &Machine) -> Vec<Op> {
    let stats = RPM.iter().chain(RPM_TOOLS.iter().map(|(path, _)| path)).map(|path| stat(path));
    [read_large(DPKG), read_large(APK), list(PACMAN)].into_iter().chain(stats).collect()
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    if let Some(OpOutput::File { content, .. }) = see.path(DPKG) {
        return Ok(form::packages("apt", dpkg(&String::from_utf8_lossy(content))));
    }
    if let Some(OpOutput::File { content, .. }) = see.path(APK) {
        return Ok(form::packages("apk", apk(&String::from_utf8_lossy(content))));
    }
    let folders = see.entries(PACMAN);
    if !folders.is_empty() {
        return Ok(form::packages("pacman", folders.iter().filter_map(|e| pacman(&e.path))));
    }
    // The program of the machine cannot be asked about another's database.
    if machine.is_image || !RPM.iter().any(|path| see.exists(path)) {
        return Ok(Found::Absent);
    }
    let open = see.open(alloc::vec![run("rpm", RPM_ALL)]);
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let text = see.output("rpm", RPM_ALL)?;
    let manager = RPM_TOOLS.iter().find(|(path, _)| see.exists(path)).map_or("rpm", |(_, manager)| *manager);
    Ok(form::packages(manager, rpm(&text)))
}

/// Stanzas of `Package`, `Status` and `Version`, among others. A package of a second architecture adds nothing to its
/// name.
fn dpkg(text: &str) -> BTreeMap<String, String> {
    let mut installed = BTreeMap::new();
    let (mut name, mut version, mut is_installed) = (None, None, false);
    for line in text.lines().chain([""]) {
        if let Some(value) = line.strip_prefix("Package: ") {
            name = Some(value);
        } else if let Some(value) = line.strip_prefix("Version: ") {
            version = Some(value);
        } else if let Some(value) = line.strip_prefix("Status: ") {
            is_installed =
                matches!(value.rsplit(' ').next(), Some("installed" | "triggers-awaited" | "triggers-pending"));
        } else if line.is_empty() {
            if let (Some(name), Some(version), true) = (name, version, is_installed) {
                installed.entry(name.to_string()).or_insert_with(|| version.to_string());
            }
            (name, version, is_installed) = (None, None, false);
        }
    }
    installed
}

/// Stanzas of lines `P:name` and `V:version`, among others.
fn apk(text: &str) -> BTreeMap<String, String> {
    let of = |stanza: &str| {
        let value = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)).map(str::to_string);
        Some((value("P:")?, value("V:")?))
    };
    text.split("\n\n").filter_map(of).collect()
}

/// A folder `name-version-release`.
fn pacman(folder: &str) -> Option<(String, String)> {
    let (rest, release) = folder.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some((name.to_string(), alloc::format!("{version}-{release}")))
}

/// Of packages that may be there in several versions (kernels) the last is kept. Epoch 0 is not written.
fn rpm(text: &str) -> BTreeMap<String, String> {
    let of = |line: &str| {
        let (name, version) = line.split_once('\t')?;
        let version = version.strip_prefix("0:").unwrap_or(version);
        (name != "gpg-pubkey").then(|| (name.to_string(), version.to_string()))
    };
    text.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn databases_are_read() {
        let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nDescription: shell\n Version: 9\n\n\
            Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
            Package: libc6\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 2.36\n\n\
            Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36\n";
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(&[(DPKG, status)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("count"), Some(&Value::Int(2)));
        assert_eq!(seen.at("installed.bash"), Some(&"5.2-1".into()));
        assert_eq!(seen.at("installed.gone"), None);
        let own = |name: &str, version: &str| BTreeMap::from([(name.to_string(), version.to_string())]);
        assert_eq!(apk("C:Q1\nP:busybox\nV:1.36-r1\nA:x86_64\n\nC:Q2\n"), own("busybox", "1.36-r1"));
        assert_eq!(pacman("gcc-libs-13.2.1-3"), Some(("gcc-libs".into(), "13.2.1-3".into())));
        assert_eq!(pacman("ALPM_DB_VERSION"), None);
        assert_eq!(rpm("bash\t0:5.1-2.el9\ngpg-pubkey\t0:x-y\n"), own("bash", "5.1-2.el9"));
        assert_eq!(rpm("perl\t4:5.32-1\n"), own("perl", "4:5.32-1"));
    }
}
