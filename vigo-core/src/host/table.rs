//! A host: its adapters and what it can do.

use super::{Adapter, HostFacts, Problem};
use alloc::format;

/// What a host supports of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    /// Everything.
    Full,
    /// What the text does not except.
    Partly(&'static str),
    /// Nothing yet: the tool is known, the adapter is to come.
    Planned,
    /// Nothing.
    No,
}

/// One line of a host's capability table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// The resource type.
    pub type_name: &'static str,
    /// How far it goes.
    pub support: Support,
    /// The native tool.
    pub tool: &'static str,
}

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident: $family:ty;)*) => {
        /// The adapters of one operating system. Pure: every host can be asked on every machine.
        pub trait Host: Sync {
            /// Returns the system's name in messages: `linux`, `openbsd` …
            fn name(&self) -> &'static str;

            /// Returns what the host supports of each type.
            fn capabilities(&self) -> &'static [Capability];

            /// Returns the bare names of programs whose presence decides which adapter is taken.
            fn programs(&self) -> &'static [&'static str] {
                &[]
            }

            /// Returns the collectors of its traits.
            fn collectors(&self) -> &'static [crate::traits::Collector] {
                &[]
            }

            /// Returns how the agent becomes a service here; `None` where that is not known.
            fn installer(&self) -> Option<&'static dyn super::Installer> {
                None
            }

            /// Returns the adapter for packages: of `manager`, or of the system's own one.
            ///
            /// # Errors
            /// [`Problem`] of kind `Unsupported`, when this host has no such manager.
            fn package(
                &self,
                facts: &HostFacts,
                _manager: Option<&str>,
            ) -> Result<&'static dyn Adapter<crate::resource::package::Package>, Problem> {
                Err(unsupported_type("package", self.name(), facts))
            }

            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`Problem`] of kind `Unsupported`, when this host has no way to do it.
                fn $name(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<$family>, Problem> {
                    Err(unsupported_type(<$family as super::Family>::TYPE, self.name(), facts))
                }
            )*
        }

        /// Returns the types that have not one line in the host's table, or one that says another thing than its adapters
        /// do, each asked without any facts; for the tests of hosts.
        pub fn contradictions(host: &dyn Host) -> alloc::vec::Vec<&'static str> {
            let facts = HostFacts::default();
            let adapters = [
                ("package", host.package(&facts, None).is_ok()),
                $((<$family as super::Family>::TYPE, host.$name(&facts).is_ok()),)*
            ];
            let says = |name: &str| {
                let line = host.capabilities().iter().find(|c| c.type_name == name);
                line.is_some_and(|c| matches!(c.support, Support::Full | Support::Partly(_)))
            };
            let wrong = |name: &&str| {
                let mut lines = host.capabilities().iter().filter(|c| c.type_name == *name);
                let told = lines.next().is_some_and(|c| (c.support == Support::No) == c.tool.is_empty());
                !told || lines.next().is_some()
            };
            let unlisted = crate::resource::types().iter().map(|decl| decl.name).filter(wrong);
            let untrue = adapters.into_iter().filter(|(name, there)| says(name) != *there).map(|(name, _)| name);
            unlisted.chain(untrue).collect()
        }
    };
}

families! {
    /// Returns the adapter for package sources.
    repository: crate::resource::repository::Repository;
    /// Returns the adapter for services.
    service: crate::resource::service::Service;
    /// Returns the adapter for systemd's unit files.
    systemd_unit: crate::resource::systemd_unit::SystemdUnit;
    /// Returns the adapter for systemd's drop-in files.
    systemd_dropin: crate::resource::systemd_dropin::SystemdDropin;
    /// Returns the adapter for processes.
    process: crate::resource::process::Process;
    /// Returns the adapter for local users.
    user: crate::resource::user::Users;
    /// Returns the adapter for local groups.
    group: crate::resource::group::Groups;
    /// Returns the adapter for scheduled jobs.
    cron: crate::resource::cron::Cron;
    /// Returns the adapter for the machine's name.
    hostname: crate::resource::hostname::Hostname;
    /// Returns the adapter for the time zone.
    timezone: crate::resource::timezone::Timezone;
    /// Returns the adapter for kernel parameters.
    sysctl: crate::resource::sysctl::Sysctl;
    /// Returns the adapter for mounts.
    mount: crate::resource::mount::Mount;
    /// Returns the adapter for swap.
    swap: crate::resource::swap::Swaps;
    /// Returns the adapter for the Windows registry.
    registry: crate::resource::registry_key::RegistryKey;
}

/// Returns that a host has no way to manage a type.
pub(crate) fn unsupported_type(type_name: &str, host: &str, facts: &HostFacts) -> Problem {
    let version = if facts.version.is_empty() { host.into() } else { facts.system() };
    Problem::unsupported(format!("type `{type_name}` is not supported on {version}"))
}
