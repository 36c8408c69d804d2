//! What the programs share of an operating system.

mod certificates;
mod diagnostics;
mod error;
mod tree;

pub use certificates::trusted_certificates;
pub use diagnostics::diagnostics_json;
pub use error::system_text;
pub use tree::{Found, Print, Unreadable, find, prints, prints_of, read, read_tree};
