//! What people and programs get to see.

mod invalid;
mod json;
mod print;
mod progress;
mod report;

pub use invalid::invalid;
pub use print::{complain, print};
pub use progress::Progress;
pub use report::report;
pub use vigo_driver::shown;
