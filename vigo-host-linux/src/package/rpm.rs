//! The database of rpm, which dnf, yum and zypper share.

use super::rpm_version;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::HostFacts;
use vigo_core::resource::package::Found;

const FORMAT: &str = "%{NAME} %{EPOCHNUM} %{VERSION} %{RELEASE} %{ARCH}\\n";

/// Returns the question for packages by name. It exits with the number of those that are not installed.
pub(super) fn query(names: &[Arc<str>], facts: &HostFacts) -> Command {
    let root = facts.image.as_ref().map(|image| ["--root".into(), image.shared()]);
    let fixed = ["-q", "--qf", FORMAT].map(Arc::<str>::from);
    Command::read("/usr/bin/rpm", root.into_iter().flatten().chain(fixed).chain(names.iter().cloned()))
        .output_bytes_max(8 << 20)
}

/// Reads the answer. Of several versions (kernels) the newest counts.
pub(super) fn installed(ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
    let out = ran.out();
    let mut found = Found { name: name.clone(), ..Found::default() };
    let mut told = false;
    for line in out.lines() {
        if line.strip_prefix("package ").and_then(|l| l.strip_suffix(" is not installed")) == Some(&**name) {
            told = true;
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let [of, epoch, version, release, arch] = words[..] else { continue };
        if of != &**name && name.strip_prefix(of).and_then(|rest| rest.strip_prefix('.')) != Some(arch) {
            continue;
        }
        told = true;
        let plain = format!("{version}-{release}");
        let shown = if epoch == "0" { plain.clone() } else { format!("{epoch}:{plain}") };
        if found.installed.as_deref().is_none_or(|old| rpm_version::compare(&shown, old) == Ordering::Greater) {
            found.installed = Some(shown.into());
            let spellings =
                [plain, version.into(), format!("{epoch}:{version}-{release}"), format!("{epoch}:{version}")];
            found.spellings = spellings.into_iter().map(Arc::from).collect();
        }
    }
    match told {
        true => Ok(found),
        false => {
            let err = ran.err();
            let why = err.lines().find(|l| l.starts_with("error:")).unwrap_or("it said nothing of it");
            Err(format!("`rpm -q {name}`: {why}"))
        }
    }
}
