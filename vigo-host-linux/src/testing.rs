//! Answers for tests of adapters.

use vigo_core::action::{Exit, FileKind, Metadata, OpOutput, Ran};

/// Returns the answer that a recording holds.
pub(crate) fn recorded(text: &str) -> OpOutput {
    OpOutput::Ran(Ran::from_recording(text).unwrap().1)
}

/// Returns the answer of a command.
pub(crate) fn ran(stdout: &str, stderr: &str, code: i32) -> OpOutput {
    OpOutput::Ran(Ran { exit: Exit::Code(code), stdout: stdout.into(), stderr: stderr.into(), truncated: false })
}

/// Returns a read file of root's, and its metadata.
pub(crate) fn file(content: &str, mode: u32) -> (OpOutput, Metadata) {
    let meta = Metadata {
        kind: FileKind::File,
        mode: if mode == 0 { 0o644 } else { mode },
        uid: 0,
        gid: 0,
        size: content.len() as u64,
        mtime_ms: 0,
        dev: 1,
        ino: 1,
        nlink: 1,
        target: None,
        context: None,
    };
    (OpOutput::File { meta: meta.clone(), content: content.as_bytes().into() }, meta)
}
