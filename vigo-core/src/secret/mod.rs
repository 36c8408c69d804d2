//! References to secrets: found in what is written, carried as markers, filled when a run begins.

mod marker;
mod reference;

pub use marker::{MissingSecret, fill, fill_known, fill_value, first_path, is_marked, mark, paths, reserved, shown};
pub use reference::{Reference, find};
