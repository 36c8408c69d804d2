//! The interfaces between what a machine needs (core) and how it is done there (a `vigo-host-*` crate).

mod accounts;
mod adapter;
mod database;
mod facts;
mod installer;
mod observe;
pub mod posix;
mod problem;
mod settings;
mod step;
mod table;

pub use accounts::{Accounts, account_id};
pub use adapter::{Adapter, Comparison, Family, Interpreted, Phase, RunsAs};
pub use database::{Database, Group, IdRange, Shadow, User};
pub use facts::{HostFacts, Init};
pub use installer::{BY_HAND, Installation, Installer, Places, SERVICE, installer_faults};
pub use observe::{ROUNDS_MAX, observe};
pub use problem::{Problem, ProblemKind};
pub use settings::{AccountSettings, OwnGroup};
pub use step::Step;
pub(crate) use table::unsupported_type;
pub use table::{Capability, Host, Support, contradictions};
