//! `package`: packages of the native manager.

mod decl;
mod family;

pub use decl::DECL;
pub use family::{
    Action, Ensure, Foretold, Found, Hold, Index, NameIs, Package, State, Step, Target, Upgrade, Version, Want,
};
