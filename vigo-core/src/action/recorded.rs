//! Answers that come from no machine: recorded output, as fixtures and replaying executors hold it.

use super::{Exit, FileKind, Metadata, OpOutput, Ran};
use alloc::string::String;

impl Ran {
    /// Returns how a program ends that exits with this code.
    pub fn exited(code: i32, stdout: &str, stderr: &str) -> Self {
        Self { exit: Exit::Code(code), stdout: stdout.into(), stderr: stderr.into(), truncated: false }
    }

    /// Reads a recording: a line `$ command`, lines of output after `O| ` or `E| `, last `[exit N]`. Returns the
    /// command line and how it ended; `None` when `text` is no recording. An unknown code (`[exit ?]`) reads as 1.
    pub fn from_recording(text: &str) -> Option<(&str, Self)> {
        let mut lines = text.split('\n');
        let command = lines.next()?.strip_prefix("$ ")?;
        let (mut stdout, mut stderr, mut exit) = (String::new(), String::new(), None);
        for line in lines {
            if let Some(text) = line.strip_prefix("O| ") {
                stdout.push_str(text);
                stdout.push('\n');
            } else if let Some(text) = line.strip_prefix("E| ") {
                stderr.push_str(text);
                stderr.push('\n');
            } else if let Some(code) = line.strip_prefix("[exit ").and_then(|rest| rest.trim_end().strip_suffix(']')) {
                exit = Some(Exit::Code(code.parse().unwrap_or(1)));
            }
        }
        Some((command, Self { exit: exit?, stdout: stdout.into(), stderr: stderr.into(), truncated: false }))
    }
}

impl OpOutput {
    /// Returns the answer of a program that ended with this code.
    pub fn exited(code: i32, stdout: &str, stderr: &str) -> Self {
        Self::Ran(Ran::exited(code, stdout, stderr))
    }

    /// Returns the answer of a read file, root's and 0644.
    pub fn file(content: &str) -> Self {
        let meta = Metadata {
            kind: FileKind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: content.len() as u64,
            mtime_ms: 0,
            dev: 0,
            ino: 0,
            nlink: 1,
            target: None,
            context: None,
        };
        Self::File { meta, content: content.as_bytes().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_apart_and_line_ends_kept() {
        let (command, ran) = Ran::from_recording("$ x -y\n# note\nO| a\r\nO| \nE| b\n[exit 3]\n").unwrap();
        assert_eq!((command, ran.code()), ("x -y", Some(3)));
        assert_eq!((&*ran.out(), &*ran.err()), ("a\r\n\n", "b\n"));
        assert_eq!(Ran::from_recording("$ x\nO| a\n"), None, "cut short");
    }
}
