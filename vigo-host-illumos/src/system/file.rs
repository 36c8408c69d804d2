//! Writing a file of the system.

use vigo_core::action::{AbsPath, Content, Expect, Op, Replace};

/// Returns the write of a file's new text.
pub(super) fn write(path: AbsPath, text: &[u8], expect: Expect) -> Op {
    Op::ReplaceFile(Replace::kept(path, Content::Bytes(text.into()), expect))
}
