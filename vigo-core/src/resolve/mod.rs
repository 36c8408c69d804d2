//! A hostname and a tree to the policy of its class.
//!
//! [`resolve`] answers for one host; [`check`] looks through a whole tree; [`validate`] does both, and [`explain`] says
//! besides why; [`classes`] answers for every host that there may be. The order of the work is that of the language:
//! the match block and its layers, the set of crates, variables, stamps, conditions as far as a server knows them,
//! edges.

mod attributes;
mod check;
mod checker;
mod class;
mod classes;
mod contract;
mod crates;
mod cycle;
mod edges;
mod explain;
mod facts;
mod hostname;
mod instances;
mod memory;
mod names;
mod policy;
mod reach;
mod render;
mod stamp;
mod table;
mod targets;
mod templates;
mod trace;
mod uses;
mod validate;
mod vars;
mod written;

pub(crate) use attributes::static_name;
pub use check::check;
pub use checker::Checker;
pub use class::Class;
pub use classes::{ClassPolicy, Classes, classes};
pub use explain::{
    Chosen, ClaimTrace, Condition, ConditionKind, ConditionPart, EdgeTrace, Explained, FileOutcome, FileTrace,
    WaiverTrace, explain,
};
pub use hostname::{HostnameError, hostname};
pub use memory::Work;
pub(crate) use names::{pattern_of, wildcard};
pub use policy::{Resolved, resolve};
pub use reach::{Reach, SettingReach, reach};
pub use table::{ClassTable, ClassTableError};
pub use trace::{ConditionTrace, CrateTrace, ExcludedTrace, Setting, Trace, VarTrace};
pub use uses::templates_of;
pub use validate::validate;
