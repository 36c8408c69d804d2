//! A host: its adapters and what it can do.

use super::{Adapter, HostFacts, Problem};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a host supports of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Support {
    /// Everything.
    Full,
    /// What the text does not except.
    Partly(&'static str),
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

impl Capability {
    /// Returns the line of a type that is managed in full.
    pub const fn full(type_name: &'static str, tool: &'static str) -> Self {
        Self { type_name, support: Support::Full, tool }
    }

    /// Returns the line of a type of which `but` is not supported.
    pub const fn partly(type_name: &'static str, tool: &'static str, but: &'static str) -> Self {
        Self { type_name, support: Support::Partly(but), tool }
    }

    /// Returns the line of a type that does not exist there.
    pub const fn no(type_name: &'static str) -> Self {
        Self { type_name, support: Support::No, tool: "" }
    }
}

/// Returns the types that do not have one line in a host's table, each with what it has.
pub fn gaps(table: &[Capability]) -> Vec<String> {
    let lines = |name: &str| table.iter().filter(|c| c.type_name == name).count();
    let gap = |name: &str| match lines(name) {
        1 => None,
        count => Some(format!("`{name}` has {count} lines")),
    };
    let strange = table.iter().filter(|c| crate::resource::find(c.type_name).is_none());
    let strange = strange.map(|c| format!("`{}` is no type", c.type_name));
    crate::resource::types().iter().map(|t| t.name).filter_map(gap).chain(strange).collect()
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
}

/// Returns that a host has no way to manage a type.
pub(crate) fn unsupported_type(type_name: &str, host: &str, facts: &HostFacts) -> Problem {
    let version = if facts.version.is_empty() { host.into() } else { format!("{} {}", facts.distro, facts.version) };
    Problem::unsupported(format!("type `{type_name}` is not supported on {version}"))
}
