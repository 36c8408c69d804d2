//! The report of a run: for people, and for programs.

mod json;
mod text;

pub use json::report_json;
pub use text::write_report;
