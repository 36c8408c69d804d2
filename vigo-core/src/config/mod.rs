//! The files of a tree as what they mean: configcrates, roles, match blocks, layers of variables.
//!
//! [`Config::read`] never fails: what is wrong stands in [`Config::diagnostics`], and what could be read is there.

mod common;
mod compliance;
mod configcrate;
mod environments;
pub mod keys;
mod layout;
mod links;
mod match_block;
mod reader;
mod resource;
mod role;
mod types;
mod value;
mod vars;

pub use common::{Common, Include, Inclusion};
pub use compliance::{Claims, Waiver};
pub use configcrate::{Configcrate, Defaults, EnvironmentOverride};
pub use environments::{Environment, EnvironmentsFile};
pub use layout::Config;
pub(crate) use links::unknown_environment;
pub use match_block::{MatchBlock, MatchFile, NetworkDevice, Pattern};
pub(crate) use reader::{Reader, is_extension, is_name, when_error};
pub use resource::{Attempts, Case, CaseArm, MatchArm, Resource};
pub use role::{Role, RoleArm};
pub(crate) use value::value;
pub use vars::Var;
pub(crate) use vars::is_var_name;
