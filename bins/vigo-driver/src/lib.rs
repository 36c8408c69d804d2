//! What the programs share of an operating system.

mod certificates;
mod core_dump;
mod diagnostics;
mod differences;
pub mod disk;
mod error;
mod random;
mod render;
mod report;
mod text;
mod tree;

pub use certificates::trusted_certificates;
pub use core_dump::forbid_core_dumps;
pub use diagnostics::{diagnostics_json, document};
pub use differences::differences_json;
pub use error::system_text;
pub use random::entropy;
pub use render::{count, has_colour, render, summary};
pub use report::{report_json, write_report};
pub use text::shown;
pub use tree::{Found, Print, Unreadable, find, prints, prints_of, read, read_tree};
