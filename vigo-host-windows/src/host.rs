//! What Windows supports of each type.

use crate::account::{LocalGroups, LocalUsers};
use crate::cron::Schtasks;
use crate::hostname::PendingName;
use crate::installer::ServiceManager;
use crate::process::Tasklist;
use crate::registry::RegExe;
use crate::service::Scm;
use crate::timezone::Tzutil;
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Installer, Problem, Support};
use vigo_core::resource::cron::Cron;
use vigo_core::resource::group::Groups;
use vigo_core::resource::hostname::Hostname;
use vigo_core::resource::package::Package;
use vigo_core::resource::process::Process;
use vigo_core::resource::registry_key::RegistryKey;
use vigo_core::resource::repository::Repository;
use vigo_core::resource::service::Service;
use vigo_core::resource::timezone::Timezone;
use vigo_core::resource::user::Users;
use vigo_core::traits::Collector;

/// Windows, client and server.
pub struct Windows;

impl Host for Windows {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn programs(&self) -> &'static [&'static str] {
        crate::package::PROGRAMS
    }

    fn package(&self, facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        crate::package::select(facts, manager)
    }

    fn collectors(&self) -> &'static [Collector] {
        crate::traits::collectors()
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&ServiceManager)
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Scm)
    }

    fn repository(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        crate::repository::select(facts)
    }

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&Tasklist)
    }

    fn user(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Users>, Problem> {
        Ok(&LocalUsers)
    }

    fn group(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Groups>, Problem> {
        Ok(&LocalGroups)
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&Schtasks)
    }

    fn hostname(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        Ok(&PendingName)
    }

    fn timezone(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        Ok(&Tzutil)
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
    Capability { type_name: "package", support: Support::Partly("`purge`, `allow_downgrade`, `update_cache`, `post_cleanup`; `lock_version` with choco only"), tool: "choco, winget, scoop" },
    Capability { type_name: "repository", support: Support::Partly("`key_url`, `key_fingerprint`, `format`, `gpgcheck`, `priority`"), tool: "choco source, scoop bucket" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `scope`, `flags`, `runlevel`"), tool: "sc.exe" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Partly("`match_mode: pattern`, `restart_unit`, signals other than `TERM` and `KILL`"), tool: "tasklist, taskkill" },
    Capability { type_name: "exec", support: Support::Partly("`user`, `umask`"), tool: "cmd" },
    Capability { type_name: "user", support: Support::Partly("`uid`, `system`, `group`, `gid`, `shell`, `move_home`, `password_hash`, `password_max_age`, `password_min_age`, `password_warn_days`, `password_inactive_days`, `authorized_keys`, `sudo_nopasswd`, `login_class`"), tool: "powershell" },
    Capability { type_name: "group", support: Support::Partly("`gid`, `system`"), tool: "powershell" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Partly("`environment`, a `schedule` without a trigger, letters beyond ASCII"), tool: "schtasks" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Partly("names with a domain, members of a domain"), tool: "the registry" },
    Capability { type_name: "timezone", support: Support::Full, tool: "tzutil" },
    Capability { type_name: "sysctl", support: Support::No, tool: "" },
    Capability { type_name: "mount", support: Support::No, tool: "" },
    Capability { type_name: "swap", support: Support::No, tool: "" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "executors" },
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
