//! `file`: one file's content, owner and mode.

mod decl;
mod family;
mod native;
mod source;
mod stream;
#[cfg(test)]
mod tests;

pub use decl::DECL;
pub(super) use decl::{check_source, want_at, with_content};
pub use family::{File, State, Want, Wanted};
pub use native::Native;
pub use source::Source;
pub(super) use source::render_blob;
pub use stream::Script;
