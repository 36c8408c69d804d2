//! Facts of a machine: which there are, a set of them, what changed between two sets.

mod declared;
mod delta;
mod path;
mod set;

pub use declared::{Area, Period, TraitKind, areas};
pub use delta::{DeltaError, TraitDelta};
pub use path::{PathError, check_path, declared};
pub use set::{Lookup, TraitError, TraitSet};
