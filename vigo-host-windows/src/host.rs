//! What Windows supports of each type.

use crate::registry::RegExe;
use crate::service::Scm;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Problem, Support};
use vigo_core::resource::registry_key::RegistryKey;
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

    fn registry(&self, _: &HostFacts) -> Result<&'static dyn Adapter<RegistryKey>, Problem> {
        Ok(&RegExe)
    }
}

/// One line a type, in the order of the reference.
#[rustfmt::skip]
static CAPABILITIES: &[Capability] = &[
    Capability { type_name: "file", support: Support::Partly("`mode`, `group`, `secontext`, `stream_edit`"), tool: "file operations" },
    Capability { type_name: "directory", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "symlink", support: Support::Partly("`owner`, `group`"), tool: "file operations" },
    Capability { type_name: "file_line", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "blockinfile", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "replace", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "ini", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "json_file", support: Support::Partly("`mode`, `group`, `secontext`"), tool: "file operations" },
    Capability { type_name: "package", support: Support::Planned, tool: "choco, winget, scoop" },
    Capability { type_name: "repository", support: Support::Planned, tool: "choco source, scoop bucket" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `scope`, `flags`, `runlevel`"), tool: "sc.exe" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Planned, tool: "tasklist, taskkill" },
    Capability { type_name: "exec", support: Support::Partly("`user`, `umask`"), tool: "cmd" },
    Capability { type_name: "user", support: Support::Planned, tool: "net user" },
    Capability { type_name: "group", support: Support::Planned, tool: "net localgroup" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Planned, tool: "schtasks" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Planned, tool: "the registry" },
    Capability { type_name: "timezone", support: Support::Planned, tool: "tzutil" },
    Capability { type_name: "sysctl", support: Support::No, tool: "" },
    Capability { type_name: "mount", support: Support::No, tool: "" },
    Capability { type_name: "swap", support: Support::No, tool: "" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Planned, tool: "executors" },
    Capability { type_name: "registry", support: Support::Partly("letters beyond ASCII"), tool: "reg.exe" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_adapters_agree() {
        assert_eq!(vigo_core::host::contradictions(&Windows), [""; 0]);
    }
}
