//! What macOS supports of each type.

use crate::service::Launchd;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::service::Service;

/// macOS.
pub struct MacOs;

impl Host for MacOs {
    fn name(&self) -> &'static str {
        "macos"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Launchd)
    }
}

/// One line a type, in the order of the reference.
static CAPABILITIES: &[Capability] = &[
    Capability::full("file", "file operations"),
    Capability::full("directory", "file operations"),
    Capability::full("symlink", "file operations"),
    Capability::full("file_line", "file operations"),
    Capability::full("blockinfile", "file operations"),
    Capability::full("replace", "file operations"),
    Capability::full("ini", "file operations"),
    Capability::full("json_file", "file operations"),
    Capability::partly("package", "brew", "`version` with a trailing `*`, `purge`"),
    Capability::full("repository", "brew tap"),
    Capability::partly("service", "launchctl", "`masked`, `flags`, `start_type`, `runlevel`"),
    Capability::no("systemd_unit"),
    Capability::no("systemd_dropin"),
    Capability::full("process", "ps"),
    Capability::full("exec", "sh"),
    Capability::partly("user", "dscl, createhomedir", "ageing, `login_class`"),
    Capability::full("group", "dseditgroup"),
    Capability::full("authorized_key", "file operations"),
    Capability::full("cron", "crontab"),
    Capability::full("host", "file operations"),
    Capability::full("hostname", "scutil"),
    Capability::full("timezone", "systemsetup"),
    Capability::no("sysctl"),
    Capability::full("mount", "mount, /etc/fstab"),
    Capability::no("swap"),
    Capability::full("git", "git"),
    Capability::full("custom", "executors"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn every_type_of_the_reference_has_one_line() {
        assert_eq!(vigo_core::host::gaps(CAPABILITIES), Vec::<String>::new());
    }
}
