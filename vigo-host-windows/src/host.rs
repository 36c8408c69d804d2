//! What Windows supports of each type.

use crate::service::Scm;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem};
use vigo_core::resource::service::Service;

/// Windows, client and server.
pub struct Windows;

impl Host for Windows {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Scm)
    }
}

/// One line a type, in the order of the reference.
static CAPABILITIES: &[Capability] = &[
    Capability::partly("file", "file operations", "`mode`, `group`, `secontext`, `stream_edit`"),
    Capability::partly("directory", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("symlink", "file operations", "`owner`, `group`"),
    Capability::partly("file_line", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("blockinfile", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("replace", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("ini", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("json_file", "file operations", "`mode`, `group`, `secontext`"),
    Capability::partly("package", "choco, winget, scoop", "`version` with a trailing `*`, `purge`"),
    Capability::full("repository", "choco source, scoop bucket"),
    Capability::partly("service", "sc.exe", "`masked`, `scope`, `flags`, `runlevel`"),
    Capability::no("systemd_unit"),
    Capability::no("systemd_dropin"),
    Capability::partly("process", "tasklist, taskkill", "`signal` other than TERM and KILL"),
    Capability::partly("exec", "cmd", "`user`, `umask`"),
    Capability::partly("user", "net user", "username, password, comment, groups, locked, expires and home only"),
    Capability::partly("group", "net localgroup", "`gid`"),
    Capability::full("authorized_key", "file operations"),
    Capability::partly(
        "cron",
        "schtasks",
        "schedules other than every n minutes, hourly, daily, weekly, monthly, `@reboot`",
    ),
    Capability::full("host", "file operations"),
    Capability::full("hostname", "the registry"),
    Capability::full("timezone", "tzutil"),
    Capability::no("sysctl"),
    Capability::no("mount"),
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
