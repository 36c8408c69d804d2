//! What illumos supports of each type.

use crate::service::Smf;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::service::Service;

/// illumos and its distributions.
pub struct Illumos;

impl Host for Illumos {
    fn name(&self) -> &'static str {
        "illumos"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Smf)
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
    Capability::partly("package", "pkg (IPS), pkgin", "`version` with a trailing `*`, `purge`"),
    Capability::full("repository", "pkg set-publisher"),
    Capability::partly("service", "svcs, svcprop, svcadm", "`masked`, `scope`, `flags`, `start_type`, `runlevel`"),
    Capability::no("systemd_unit"),
    Capability::no("systemd_dropin"),
    Capability::full("process", "ps"),
    Capability::full("exec", "sh"),
    Capability::partly("user", "useradd, usermod, userdel", "`password_inactive_days`"),
    Capability::full("group", "groupadd, groupmod, groupdel"),
    Capability::full("authorized_key", "file operations"),
    Capability::partly("cron", "crontab", "`@reboot`"),
    Capability::full("host", "file operations on /etc/inet/hosts"),
    Capability::full("hostname", "/etc/nodename, hostname"),
    Capability::full("timezone", "/etc/default/init"),
    Capability::no("sysctl"),
    Capability::full("mount", "mount, /etc/vfstab"),
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
