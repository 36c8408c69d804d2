//! What is wrong with a text, where, and what to write instead.
//!
//! The core returns [`Diagnostic`]s; only a driver renders them (colour, width, underlines).

mod code;
mod message;
mod nearest;
mod source_map;
mod tidy;

pub use code::{Code, Severity};
pub use message::{Diagnostic, Label};
pub use nearest::nearest;
pub use source_map::{FileId, Position, SourceFile, SourceMap, Span};
pub use tidy::tidy;
