//! What FreeBSD supports of each type.

use super::service::RcD;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::service::Service;

/// FreeBSD, DragonFly.
pub struct FreeBsd;

impl Host for FreeBsd {
    fn name(&self) -> &'static str {
        "freebsd"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&RcD)
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
    Capability::partly("package", "pkg", "`version` with a trailing `*`, `purge`"),
    Capability::partly("repository", "/usr/local/etc/pkg/repos", "apt, dnf and zypper options"),
    Capability::partly("service", "service, sysrc", "`masked`, `scope`, `start_type`, `runlevel`"),
    Capability::no("systemd_unit"),
    Capability::no("systemd_dropin"),
    Capability::full("process", "ps"),
    Capability::full("exec", "sh"),
    Capability::partly("user", "pw", "ageing but for `expires`"),
    Capability::full("group", "pw"),
    Capability::full("authorized_key", "file operations"),
    Capability::full("cron", "/etc/cron.d"),
    Capability::full("host", "file operations"),
    Capability::full("hostname", "sysrc, hostname"),
    Capability::full("timezone", "/etc/localtime, /var/db/zoneinfo"),
    Capability::full("sysctl", "sysctl"),
    Capability::full("mount", "mount, /etc/fstab"),
    Capability::partly("swap", "swapctl, md", "`size` and `priority`"),
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
