//! Writing a file of the system.

use vigo_core::action::{AbsPath, Content, Expect, Op, Owner, Replace};

/// Returns the write of a file's new text.
pub(super) fn write(path: AbsPath, text: &[u8], expect: Expect) -> Op {
    Op::ReplaceFile(Replace {
        path,
        content: Content::Bytes(text.into()),
        mode: None,
        owner: Owner::default(),
        context: None,
        expect,
        validate: None,
        backup: None,
        follow: true,
        parents: false,
    })
}
