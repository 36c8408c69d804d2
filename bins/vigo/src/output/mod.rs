//! What people and programs get to see.

mod diagnostics;
mod invalid;
mod json;
mod print;
mod progress;
mod report;
mod text;

pub use invalid::invalid;
pub use print::{complain, print, shown};
pub use progress::Progress;
pub use report::report;
