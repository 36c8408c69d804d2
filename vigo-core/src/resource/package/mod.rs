//! `package`: packages of the native manager.

mod decl;
mod family;
mod tool;

pub use decl::DECL;
pub use family::{
    Action, Ensure, Foretold, Found, Hold, Index, NameIs, Package, State, Step, Target, Upgrade, Version, Want,
};
pub use tool::{By, LOCKED_HELP, Tool, blocked, index_age, touch, versioned};
