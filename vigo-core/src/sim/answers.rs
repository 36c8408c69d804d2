//! Answers as a machine would give them, for tests of collectors.

use crate::action::{AbsPath, Command, Entry, Exit, FileKind, Metadata, Op, OpOutput, Outputs, Ran};
use crate::traits::see::{list_at, read_at};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is at paths and what programs print, for [`answers`].
pub type Files<'a> = &'a [(&'a str, &'a str)];

/// Returns the answers of a machine that has these: `/a/file` and its text; `/a/folder/` and its entries by blanks, where
/// `name@target` is a link; `run uname -r` and what it prints.
///
/// # Panics
/// When a path is none.
pub fn answers(items: &[(&str, &str)]) -> Outputs {
    let mut outputs = Outputs::default();
    for (path, content) in items {
        let meta = Metadata {
            kind: FileKind::File,
            mode: 0o644,
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
        match path.strip_prefix("run ") {
            // Output of a program, named with its arguments.
            Some(line) => {
                let mut words = line.split(' ');
                let command = Command::read(words.next().unwrap_or_default(), words);
                let ran = Ran {
                    exit: Exit::Code(0),
                    stdout: content.as_bytes().into(),
                    stderr: Vec::new(),
                    truncated: false,
                };
                outputs.push(Op::Run(command), Arc::new(OpOutput::Ran(ran)));
            }
            // Entries of a folder, by blanks; `name@target` is a link.
            None if path.ends_with('/') => {
                let entry = |word: &str| {
                    let (name, target) = word.split_once('@').map_or((word, None), |(n, t)| (n, Some(t)));
                    let kind = if target.is_some() { FileKind::Symlink } else { FileKind::Dir };
                    Entry { path: name.into(), meta: Metadata { kind, target: target.map(Into::into), ..meta.clone() } }
                };
                let entries = content.split_whitespace().map(entry).collect();
                // invariant: a test names absolute paths, as the documentation says.
                let path = AbsPath::parse(path).expect("an absolute path");
                outputs.push(list_at(path), Arc::new(OpOutput::Dir(entries)));
            }
            None => {
                // invariant: a test names absolute paths, as the documentation says.
                let path = AbsPath::parse(path).expect("an absolute path");
                outputs.push(read_at(path), Arc::new(OpOutput::File { meta, content: content.as_bytes().into() }));
            }
        }
    }
    outputs
}
