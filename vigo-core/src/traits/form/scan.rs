//! `security_scan`.

use super::super::Found;
use super::super::see::{fields, int, listed};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// Findings that are told of; all are counted.
const FINDINGS_MAX: usize = 1000;

/// What a file gives others that they should not have, the gravest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exposure {
    /// Anybody may write to the file.
    WritableFile,
    /// Anybody may put files in the folder, and take away those of others.
    WritableFolder,
    /// It belongs to a user or a group that there is not.
    Unowned,
    /// A program that runs with the rights of its owner or group.
    Suid,
}

impl Exposure {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::WritableFile => ("world-writable-file", "high"),
            Self::WritableFolder => ("world-writable-directory", "medium"),
            Self::Unowned => ("unowned", "medium"),
            Self::Suid => ("suid", "low"),
        }
    }
}

/// Returns area `security_scan` of findings with their paths, on the file systems at `roots`.
pub fn security_scan(roots: &[&str], mut found: Vec<(Exposure, String)>) -> Found {
    let count = |of: &[Exposure]| int(found.iter().filter(|(kind, _)| of.contains(kind)).count() as u64);
    let counts = [
        ("world_writable", count(&[Exposure::WritableFile, Exposure::WritableFolder])),
        ("suid", count(&[Exposure::Suid])),
        ("unowned", count(&[Exposure::Unowned])),
    ];
    found.sort_unstable();
    let told = found.iter().take(FINDINGS_MAX).map(|(kind, path)| {
        let (id, severity) = kind.words();
        let texts = [("id", id), ("severity", severity), ("path", path)];
        fields(texts.map(|(key, text)| (key, Some(Value::text(text)))))
    });
    let more = [("findings", Value::list(told)), ("roots", listed(roots.iter().copied()))];
    Found::Value(fields(counts.into_iter().chain(more).map(|(key, value)| (key, Some(value)))))
}
