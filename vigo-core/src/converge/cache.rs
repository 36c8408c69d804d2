//! Reads that are shared within a run, until an operation spoils them.

use crate::action::{AbsPath, Op, OpOutput, Outputs};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

/// Shared answers.
#[derive(Default)]
pub(super) struct Cache {
    files: BTreeMap<AbsPath, (Op, Arc<OpOutput>)>,
    /// Of the contents in `files`.
    bytes: usize,
    batches: BTreeMap<&'static str, Outputs>,
}

/// A larger file is read again rather than kept.
const SHARED_BYTES_MAX: usize = 1 << 20;
/// When the kept files have more bytes together, all are forgotten: most were read for one resource alone.
const FILES_BYTES_MAX: usize = 8 << 20;

impl Cache {
    /// Returns the kept answer to a read.
    pub(super) fn get(&self, op: &Op) -> Option<Arc<OpOutput>> {
        let Op::ReadFile { path, .. } = op else { return None };
        self.files.get(path).filter(|(kept, _)| kept == op).map(|(_, answer)| answer.clone())
    }

    /// Keeps an answer that others will ask for again: that of a whole-file read.
    pub(super) fn put(&mut self, op: &Op, answer: &Arc<OpOutput>) {
        let Op::ReadFile { path, .. } = op else { return };
        // What the kernel shows there changes by itself.
        if ["/proc/", "/sys/"].iter().any(|live| path.as_str().starts_with(live)) {
            return;
        }
        let bytes = match &**answer {
            OpOutput::File { content, .. } if content.len() <= SHARED_BYTES_MAX => content.len(),
            OpOutput::Missing => 0,
            _ => return,
        };
        if self.bytes + bytes > FILES_BYTES_MAX {
            self.files.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.files.insert(path.clone(), (op.clone(), answer.clone()));
    }

    /// Returns the kept observation of all resources of a type.
    pub(super) fn batch(&self, type_name: &'static str) -> Option<&Outputs> {
        self.batches.get(type_name)
    }

    /// Keeps the observation of all resources of a type.
    pub(super) fn put_batch(&mut self, type_name: &'static str, outputs: Outputs) {
        self.batches.insert(type_name, outputs);
    }

    /// Forgets what `op`, an operation of a resource of `type_name`, may have changed.
    pub(super) fn spoil(&mut self, op: &Op, type_name: &'static str, spoils: &[&str]) {
        self.batches.remove(type_name);
        if spoils.contains(&"*") {
            self.batches.clear();
        }
        self.batches.retain(|name, _| !spoils.contains(name));
        match op {
            Op::Run(_) => {
                self.files.clear();
                self.bytes = 0;
            }
            Op::ReplaceFile(r) => self.forget(&r.path),
            Op::MakeDir { path, .. }
            | Op::Symlink { path, .. }
            | Op::HardLink { path, .. }
            | Op::Remove { path, .. }
            | Op::SetOwner { path, .. }
            | Op::SetMode { path, .. } => self.forget(path),
            Op::Rename { from, to } => {
                self.forget(from);
                self.forget(to);
            }
            _ => {}
        }
    }

    /// Forgets everything: time has passed, and somebody else may have changed it.
    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, path: &AbsPath) {
        self.files.remove(path);
        while let Some(below) = self.files.range(path.join("")..).next().map(|(p, _)| p.clone())
            && below.is_at_or_below(path)
        {
            self.files.remove(&below);
        }
        // A unit file, an init script: what a service is may hang on it. A package database does not.
        self.batches.retain(|name, _| *name == "package");
    }
}
