//! A small disk: files that models read and policies write.

use crate::action::{
    AbsPath, Content, Entry, Expect, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Replace,
};
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// Files by path. Every path in front of a file is a directory, and so are `/etc` and `C:\`.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    files: BTreeMap<String, (Arc<[u8]>, Timestamp)>,
}

impl Files {
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).and_then(|(content, _)| core::str::from_utf8(content).ok())
    }

    pub(super) fn set(&mut self, path: &str, text: &str, now: Timestamp) {
        self.files.insert(path.into(), (text.as_bytes().into(), now));
    }

    fn is_dir(&self, path: &str) -> bool {
        let below = |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.starts_with(['/', '\\']));
        matches!(path, "/" | "/etc" | "C:\\") || self.files.keys().any(below)
    }

    fn look(&self, path: &AbsPath) -> Option<Metadata> {
        let path = path.as_str();
        let meta = |kind, size: usize, at: Timestamp| Metadata {
            kind,
            mode: if kind == FileKind::Dir { 0o755 } else { 0o644 },
            uid: 0,
            gid: 0,
            size: size as u64,
            mtime_ms: at.epoch_ms(),
            dev: 1,
            ino: 1,
            nlink: 1,
            target: None,
            context: None,
        };
        if let Some((content, at)) = self.files.get(path) {
            return Some(meta(FileKind::File, content.len(), *at));
        }
        self.is_dir(path).then(|| meta(FileKind::Dir, 0, Timestamp::default()))
    }

    /// Performs an operation on files; `None` when it is none that is known here.
    pub(super) fn perform(&mut self, op: &Op, now: Timestamp) -> Option<OpOutput> {
        let path = match op {
            Op::Stat { path, .. } => return Some(self.look(path).map_or(OpOutput::Missing, OpOutput::Stat)),
            Op::ReadFile { path, .. } | Op::HashFile { path, .. } => path,
            Op::ListDir { path, .. } => return Some(self.list(path)),
            Op::ReplaceFile(replace) => return Some(self.replace(replace, now)),
            Op::Remove { path, .. } => {
                self.files.remove(path.as_str());
                return Some(OpOutput::Done);
            }
            _ => return None,
        };
        let Some(meta) = self.look(path) else { return Some(OpOutput::Missing) };
        let Some((content, _)) = self.files.get(path.as_str()) else { return Some(OpOutput::Stat(meta)) };
        Some(match op {
            Op::HashFile { .. } => OpOutput::Hash { meta, sha256: Sha256::digest(content).into() },
            _ => OpOutput::File { meta, content: content.clone() },
        })
    }

    fn list(&self, folder: &AbsPath) -> OpOutput {
        let inside = |path: &String| {
            let name = path.strip_prefix(folder.as_str())?.strip_prefix('/')?;
            (!name.contains('/')).then(|| Arc::<str>::from(name))
        };
        let mut entries: Vec<Entry> = Vec::new();
        for name in self.files.keys().filter_map(inside) {
            entries.extend(self.look(&folder.join(&name)).map(|meta| Entry { path: name, meta }));
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        match self.is_dir(folder.as_str()) {
            true => OpOutput::Dir(entries),
            false => OpOutput::Missing,
        }
    }

    fn replace(&mut self, replace: &Replace, now: Timestamp) -> OpOutput {
        let path = replace.path.as_str();
        let is = self.files.get(path).map(|(content, _)| <[u8; 32]>::from(Sha256::digest(content)));
        let is_expected = match replace.expect {
            Expect::Anything => true,
            Expect::Missing => is.is_none(),
            Expect::Digest(wanted) => is == Some(wanted),
        };
        if !is_expected {
            return failed(FailureKind::Changed, "it is not what it was");
        }
        let content: Arc<[u8]> = match &replace.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Text(text) => text.as_str().as_bytes().into(),
            other => return failed(FailureKind::Other, &alloc::format!("{other:?} is not known here")),
        };
        self.files.insert(path.to_string(), (content, now));
        OpOutput::Done
    }
}

/// Returns that an operation failed.
pub(super) fn failed(kind: FailureKind, message: &str) -> OpOutput {
    OpOutput::Failed(OpFailure { kind, message: message.into() })
}
