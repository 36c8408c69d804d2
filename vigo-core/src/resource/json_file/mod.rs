//! `json_file`: a value in a JSON file.

mod decl;
mod edit;
pub(super) mod json;
mod path;
#[cfg(test)]
mod tests;
mod value;

pub use decl::DECL;
pub use json::{Error as JsonError, Json};
