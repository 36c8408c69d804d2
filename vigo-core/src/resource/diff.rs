//! The text diff of a file-like change.

use crate::value::Text;
use alloc::sync::Arc;

/// What a file-like change does to a file's content; rendered as a unified diff by [`Diff::unified`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diff {
    /// The path as shown.
    pub path: Arc<str>,
    /// The bytes before; `None` when there was no file.
    pub before: Option<Arc<[u8]>>,
    /// The bytes after; `None` when the file goes.
    pub after: Option<Text>,
}
