//! What OpenBSD supports of each type.

use super::service::Rcctl;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::service::Service;

/// OpenBSD.
pub struct OpenBsd;

impl Host for OpenBsd {
    fn name(&self) -> &'static str {
        "openbsd"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Rcctl)
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
    Capability::partly("package", "pkg_add, pkg_delete, pkg_info", "`version` with a trailing `*`, `purge`, holds"),
    Capability::partly("repository", "/etc/installurl", "one source only"),
    Capability::partly("service", "rcctl", "`masked`, `scope`, `start_type`, `runlevel`"),
    Capability::no("systemd_unit"),
    Capability::no("systemd_dropin"),
    Capability::full("process", "ps"),
    Capability::full("exec", "sh"),
    Capability::partly("user", "useradd, usermod, userdel", "`system`, ageing but for `expires`"),
    Capability::full("group", "groupadd, groupmod, groupdel"),
    Capability::full("authorized_key", "file operations"),
    Capability::full("cron", "crontab"),
    Capability::full("host", "file operations"),
    Capability::full("hostname", "/etc/myname, hostname"),
    Capability::full("timezone", "/etc/localtime"),
    Capability::full("sysctl", "sysctl"),
    Capability::full("mount", "mount, /etc/fstab"),
    Capability::full("swap", "swapctl"),
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
