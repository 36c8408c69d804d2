//! What macOS supports of each type.

use crate::service::Launchd;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Installer, Problem, Support};
use vigo_core::resource::service::Service;

/// macOS.
pub struct MacOs;

impl Host for MacOs {
    fn name(&self) -> &'static str {
        "macos"
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&crate::installer::LaunchDaemon)
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Launchd)
    }
}

/// One line a type, in the order of the reference.
#[rustfmt::skip]
static CAPABILITIES: &[Capability] = &[
    Capability { type_name: "file", support: Support::Full, tool: "file operations" },
    Capability { type_name: "directory", support: Support::Full, tool: "file operations" },
    Capability { type_name: "symlink", support: Support::Full, tool: "file operations" },
    Capability { type_name: "file_line", support: Support::Full, tool: "file operations" },
    Capability { type_name: "blockinfile", support: Support::Full, tool: "file operations" },
    Capability { type_name: "replace", support: Support::Full, tool: "file operations" },
    Capability { type_name: "ini", support: Support::Full, tool: "file operations" },
    Capability { type_name: "json_file", support: Support::Full, tool: "file operations" },
    Capability { type_name: "package", support: Support::Planned, tool: "brew" },
    Capability { type_name: "repository", support: Support::Planned, tool: "brew tap" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `flags`, `start_type`, `runlevel`"), tool: "launchctl" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Planned, tool: "ps" },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "user", support: Support::Planned, tool: "dscl, createhomedir" },
    Capability { type_name: "group", support: Support::Planned, tool: "dseditgroup" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Planned, tool: "crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Planned, tool: "scutil" },
    Capability { type_name: "timezone", support: Support::Planned, tool: "systemsetup" },
    Capability { type_name: "sysctl", support: Support::No, tool: "" },
    Capability { type_name: "mount", support: Support::Planned, tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::No, tool: "" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "executors" },
    Capability { type_name: "registry", support: Support::No, tool: "" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_adapters_agree() {
        assert_eq!(vigo_core::host::contradictions(&MacOs), [""; 0]);
    }
}
