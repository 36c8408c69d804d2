//! What the programs share of an operating system.

mod certificates;
mod core_dump;
mod diagnostics;
mod error;
mod tree;

pub use certificates::trusted_certificates;
pub use core_dump::forbid_core_dumps;
pub use diagnostics::diagnostics_json;
pub use error::system_text;
pub use tree::{Found, Print, Unreadable, find, prints, prints_of, read, read_tree};
