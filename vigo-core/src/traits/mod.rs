//! Facts of a machine: which there are, a set of them, what changed between two sets.

mod bound;
mod collector;
mod custom;
mod declared;
mod delta;
pub mod form;
mod history;
mod path;
pub mod posix;
pub mod see;
mod set;

pub use bound::bounded;
pub use collector::{Address, Collector, Found, Machine, Memory, Place};
pub use custom::{check_custom, custom_yaml, is_custom_key};
pub use declared::{Area, Period, TraitKind, areas};
pub use delta::{DeltaError, TraitDelta};
pub use history::{TraitChange, changes, is_lasting};
pub use path::{PathError, check_path, children_of, declared};
pub use set::{Lookup, TraitError, TraitSet};
