//! What a plan believes the machine to look like after the changes it predicted: a layer over the real files, and the
//! states that families foretell.

use crate::action::{
    AbsPath, Content, Entry, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Owner, Replace, StagedId,
};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use sha2::{Digest, Sha256};

/// A layer of predicted changes.
#[derive(Default)]
pub(super) struct Overlay {
    entries: BTreeMap<AbsPath, Layer>,
    /// Metadata that was really observed: what a rewritten file keeps.
    observed: BTreeMap<AbsPath, Metadata>,
    staged: BTreeMap<StagedId, [u8; 32]>,
    states: BTreeMap<(&'static str, String), Arc<dyn Any + Send + Sync>>,
    inodes: u64,
}

#[derive(Clone)]
enum Layer {
    /// Something is there.
    There(There),
    /// A directory that is made only where there is none.
    DirIfMissing,
    /// Nothing is there, nor below.
    Gone,
    /// What is there keeps its content, with other metadata.
    Patched { owner: Owner, mode: Option<u32> },
}

#[derive(Clone)]
struct There {
    meta: Metadata,
    /// `None` where the content cannot be known before it is made.
    content: Option<Arc<[u8]>>,
    sha256: Option<[u8; 32]>,
}

impl Overlay {
    /// Answers a read from the layer alone, if it can.
    pub(super) fn answer(&self, op: &Op) -> Option<OpOutput> {
        let (path, follow) = match op {
            Op::ReadFile { path, follow, .. } | Op::HashFile { path, follow } | Op::Stat { path, follow } => {
                (path, *follow)
            }
            Op::ListDir { path, .. } => (path, true),
            _ => return None,
        };
        if self.entries.is_empty() {
            return None;
        }
        let path = self.resolve(path, follow)?;
        match self.entries.get(&path) {
            Some(Layer::There(there)) => self.read(op, &path, there),
            Some(Layer::Gone) => Some(OpOutput::Missing),
            Some(Layer::DirIfMissing | Layer::Patched { .. }) => None,
            None => {
                let mut above = path.parent();
                while let Some(dir) = above {
                    match self.entries.get(&dir) {
                        Some(Layer::Gone) => return Some(OpOutput::Missing),
                        Some(Layer::There(t)) if t.meta.ino >= SYNTHETIC => return Some(OpOutput::Missing),
                        _ => above = dir.parent(),
                    }
                }
                None
            }
        }
    }

    /// Follows links of the layer; `None` when there are too many.
    fn resolve(&self, path: &AbsPath, follow: bool) -> Option<AbsPath> {
        let mut path = path.clone();
        for _ in 0..40 {
            let link = |p: &AbsPath| match self.entries.get(p) {
                Some(Layer::There(t)) if t.meta.kind == FileKind::Symlink => t.meta.target.clone(),
                _ => None,
            };
            let mut at = if follow { Some(path.clone()) } else { path.parent() };
            let mut found = None;
            while let Some(p) = at {
                if let Some(to) = link(&p) {
                    found = Some((p, to));
                    break;
                }
                at = p.parent();
            }
            let Some((p, to)) = found else { return Some(path) };
            let rest = path.as_str()[p.as_str().len()..].trim_start_matches('/');
            let base = if to.starts_with('/') { AbsPath::parse(&to).ok()? } else { lexical(&p.parent()?, &to)? };
            path = if rest.is_empty() { base } else { base.join(rest) };
        }
        None
    }

    fn read(&self, op: &Op, path: &AbsPath, there: &There) -> Option<OpOutput> {
        let unknown = || {
            OpOutput::Failed(OpFailure {
                kind: FailureKind::Unmade,
                message: alloc::format!("the content of `{path}` is not known before it is made"),
            })
        };
        Some(match op {
            Op::ReadFile { .. } if there.meta.kind == FileKind::File => match &there.content {
                Some(content) => OpOutput::File { meta: there.meta.clone(), content: content.clone() },
                None => unknown(),
            },
            Op::HashFile { .. } if there.meta.kind == FileKind::File => match there.sha256 {
                Some(sha256) => OpOutput::Hash { meta: there.meta.clone(), sha256 },
                None => unknown(),
            },
            Op::ListDir { deep, .. } if there.meta.kind == FileKind::Dir && there.meta.ino >= SYNTHETIC => {
                OpOutput::Dir(self.below(path, *deep))
            }
            Op::ListDir { .. } if there.meta.kind == FileKind::Dir => return None,
            _ => OpOutput::Stat(there.meta.clone()),
        })
    }

    fn below(&self, dir: &AbsPath, deep: bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (path, layer) in self.entries.range(dir.clone()..).skip_while(|(p, _)| *p == dir) {
            if !path.is_at_or_below(dir) {
                // Names such as `/a-b` sort between `/a` and `/a/c`.
                if path.as_str().starts_with(dir.as_str()) {
                    continue;
                }
                break;
            }
            let name = path.as_str()[dir.as_str().len()..].trim_start_matches('/');
            if let Layer::There(there) = layer
                && (deep || !name.contains('/'))
            {
                entries.push(Entry { path: name.into(), meta: there.meta.clone() });
            }
        }
        entries
    }

    /// Lays the layer over a real answer.
    pub(super) fn amend(&mut self, op: &Op, real: OpOutput) -> OpOutput {
        let path = match op {
            Op::ReadFile { path, .. }
            | Op::HashFile { path, .. }
            | Op::Stat { path, .. }
            | Op::ListDir { path, .. } => path,
            _ => return real,
        };
        let mut real = real;
        if let OpOutput::File { meta, .. } | OpOutput::Hash { meta, .. } | OpOutput::Stat(meta) = &mut real {
            self.observed.insert(path.clone(), meta.clone());
            if let Some(Layer::Patched { owner, mode }) = self.entries.get(path) {
                patch(meta, *owner, *mode);
            }
        }
        match (op, self.entries.get(path)) {
            (Op::ListDir { deep, .. }, _) => self.amend_list(path, *deep, real),
            (_, Some(Layer::DirIfMissing)) if real == OpOutput::Missing => OpOutput::Stat(directory(0o755, SYNTHETIC)),
            _ => real,
        }
    }

    fn amend_list(&self, dir: &AbsPath, deep: bool, real: OpOutput) -> OpOutput {
        let made = self.below(dir, deep);
        let OpOutput::Dir(mut entries) = real else {
            let missing = real == OpOutput::Missing && matches!(self.entries.get(dir), Some(Layer::DirIfMissing));
            return if missing { OpOutput::Dir(made) } else { real };
        };
        entries.retain_mut(|e| {
            let path = dir.join(&e.path);
            if let Some(Layer::Patched { owner, mode }) = self.entries.get(&path) {
                patch(&mut e.meta, *owner, *mode);
            }
            let mut at = Some(path);
            while let Some(p) = at.filter(|p| p != dir) {
                if matches!(self.entries.get(&p), Some(Layer::Gone)) {
                    return false;
                }
                at = p.parent();
            }
            true
        });
        let mut all: BTreeMap<Arc<str>, Entry> = entries.into_iter().map(|e| (e.path.clone(), e)).collect();
        all.extend(made.into_iter().map(|e| (e.path.clone(), e)));
        OpOutput::Dir(all.into_values().collect())
    }

    /// Performs a change on the layer. Programs have no effect here.
    pub(super) fn perform(&mut self, op: &Op) {
        match op {
            Op::ReplaceFile(replace) => self.replace(replace),
            Op::MakeDir { path, mode, owner, parents } => {
                if *parents {
                    self.parents(path);
                }
                let mut meta = directory(*mode, self.inode());
                patch(&mut meta, *owner, None);
                self.put(path, There { meta, content: None, sha256: None });
            }
            Op::Symlink { path, to, owner, .. } => {
                let mut meta = Metadata { target: Some(to.clone()), ..directory(0o777, self.inode()) };
                meta.kind = FileKind::Symlink;
                patch(&mut meta, *owner, None);
                self.put(path, There { meta, content: None, sha256: None });
            }
            Op::HardLink { path, to, .. } => {
                let there = match self.entries.get(to) {
                    Some(Layer::There(there)) => there.clone(),
                    _ => match self.observed.get(to) {
                        Some(meta) => There { meta: meta.clone(), content: None, sha256: None },
                        None => return,
                    },
                };
                self.put(path, there);
            }
            Op::Remove { path, .. } => {
                drop(self.taken(path));
                self.entries.insert(path.clone(), Layer::Gone);
            }
            Op::Rename { from, to } => {
                // Below what is really there the real answers are those of before; that it is there is known.
                let meta = self.observed.get(from).cloned().unwrap_or_else(|| directory(0o755, 1));
                drop(self.taken(to));
                self.put(to, There { meta, content: None, sha256: None });
                for (path, layer) in self.taken(from) {
                    let rest = path.as_str()[from.as_str().len()..].trim_start_matches('/');
                    if !rest.is_empty() {
                        self.entries.insert(to.join(rest), layer);
                    } else if matches!(layer, Layer::There(_)) {
                        self.entries.insert(to.clone(), layer);
                    }
                }
                self.entries.insert(from.clone(), Layer::Gone);
            }
            Op::SetOwner { path, owner, .. } => self.patch(path, *owner, None),
            Op::SetMode { path, mode } => self.patch(path, Owner::default(), Some(*mode)),
            Op::Fetch { sha256, staged, .. } => {
                self.staged.insert(*staged, *sha256);
            }
            _ => {}
        }
    }

    /// Takes out a path and what is below it.
    fn taken(&mut self, path: &AbsPath) -> Vec<(AbsPath, Layer)> {
        let mut taken: Vec<(AbsPath, Layer)> = self.entries.remove_entry(path).into_iter().collect();
        while let Some(below) = self.entries.range(path.join("")..).next().map(|(p, _)| p.clone())
            && below.is_at_or_below(path)
        {
            taken.extend(self.entries.remove_entry(&below));
        }
        taken
    }

    fn replace(&mut self, replace: &Replace) {
        if replace.parents {
            self.parents(&replace.path);
        }
        let Some(path) = self.resolve(&replace.path, replace.follow) else { return };
        let old = match self.entries.get(&path) {
            Some(Layer::There(there)) => Some(there.meta.clone()),
            Some(Layer::Gone) => None,
            Some(Layer::Patched { owner, mode }) => self.observed.get(&path).map(|meta| {
                let mut meta = meta.clone();
                patch(&mut meta, *owner, *mode);
                meta
            }),
            _ => self.observed.get(&path).cloned(),
        };
        let fresh = if replace.content.secret_path().is_some() { 0o600 } else { 0o644 };
        let mut meta = old.filter(|m| m.kind == FileKind::File).unwrap_or_else(|| directory(fresh, 0));
        meta.kind = FileKind::File;
        meta.target = None;
        meta.ino = self.inode();
        meta.nlink = 1;
        patch(&mut meta, replace.owner, replace.mode);
        let content: Option<Arc<[u8]>> = replace.content.bytes().map(Arc::from);
        let sha256 = match &replace.content {
            Content::Staged(id) => self.staged.get(id).copied(),
            Content::Copy { sha256, .. } => Some(*sha256),
            _ => content.as_deref().map(|bytes| Sha256::digest(bytes).into()),
        };
        meta.size = content.as_ref().map_or(0, |c| c.len() as u64);
        self.put(&path, There { meta, content, sha256 });
    }

    fn patch(&mut self, path: &AbsPath, owner: Owner, mode: Option<u32>) {
        match self.entries.get_mut(path) {
            Some(Layer::There(there)) => patch(&mut there.meta, owner, mode),
            Some(Layer::Patched { owner: o, mode: m }) => {
                o.uid = owner.uid.or(o.uid);
                o.gid = owner.gid.or(o.gid);
                *m = mode.or(*m);
            }
            Some(Layer::Gone) => {}
            Some(Layer::DirIfMissing) | None => {
                self.entries.insert(path.clone(), Layer::Patched { owner, mode });
            }
        }
    }

    fn put(&mut self, path: &AbsPath, there: There) {
        self.entries.insert(path.clone(), Layer::There(there));
    }

    fn parents(&mut self, path: &AbsPath) {
        let mut above = path.parent();
        while let Some(dir) = above {
            let made = There { meta: directory(0o755, self.inode()), content: None, sha256: None };
            match self.entries.get_mut(&dir) {
                None => _ = self.entries.insert(dir.clone(), Layer::DirIfMissing),
                Some(gone @ Layer::Gone) => *gone = Layer::There(made),
                Some(_) => {}
            }
            above = dir.parent();
        }
    }

    fn inode(&mut self) -> u64 {
        self.inodes += 1;
        SYNTHETIC + self.inodes
    }

    /// Keeps the state that a resource will be found in.
    pub(super) fn foretell(&mut self, type_name: &'static str, identity: &str, state: Arc<dyn Any + Send + Sync>) {
        self.states.insert((type_name, identity.into()), state);
    }

    /// Returns the state that a resource will be found in, where one was foretold.
    pub(super) fn foretold(&self, type_name: &'static str, identity: &str) -> Option<&Arc<dyn Any + Send + Sync>> {
        if self.states.is_empty() {
            return None;
        }
        self.states.get(&(type_name, identity.into()))
    }
}

/// Inodes from here on are of things that are not made yet.
const SYNTHETIC: u64 = 1 << 62;

fn directory(mode: u32, ino: u64) -> Metadata {
    Metadata {
        kind: FileKind::Dir,
        mode,
        uid: 0,
        gid: 0,
        size: 0,
        mtime_ms: 0,
        dev: 0,
        ino,
        nlink: 1,
        target: None,
        context: None,
    }
}

fn patch(meta: &mut Metadata, owner: Owner, mode: Option<u32>) {
    meta.uid = owner.uid.unwrap_or(meta.uid);
    meta.gid = owner.gid.unwrap_or(meta.gid);
    meta.mode = mode.unwrap_or(meta.mode);
}

/// Returns the path of relative `to` from `base`, `..` taken lexically.
fn lexical(base: &AbsPath, to: &str) -> Option<AbsPath> {
    let mut parts: Vec<&str> = base.as_str().split('/').filter(|p| !p.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    AbsPath::parse(&alloc::format!("/{}", parts.join("/"))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Expect;

    fn path(text: &str) -> AbsPath {
        AbsPath::parse(text).unwrap()
    }

    fn write(to: &str, text: &str) -> Op {
        Op::ReplaceFile(Replace {
            path: path(to),
            content: Content::Bytes(text.as_bytes().into()),
            mode: None,
            owner: Owner::default(),
            context: None,
            expect: Expect::Anything,
            validate: None,
            backup: None,
            follow: true,
            parents: true,
        })
    }

    #[test]
    fn a_written_file_is_read_back_also_through_a_link() {
        let mut o = Overlay::default();
        o.perform(&write("/etc/app/x.conf", "hello"));
        o.perform(&Op::Symlink { path: path("/etc/link"), to: "app".into(), owner: Owner::default(), force: false });
        let Some(OpOutput::File { content, .. }) = o.answer(&Op::read_file(&path("/etc/link/x.conf"))) else {
            panic!("expected the file")
        };
        assert_eq!(&*content, b"hello");
        let parent = o.amend(&Op::stat(&path("/etc/app")), OpOutput::Missing);
        assert!(matches!(parent, OpOutput::Stat(m) if m.kind == FileKind::Dir));
    }

    #[test]
    fn what_is_removed_is_missing_with_all_below() {
        let mut o = Overlay::default();
        o.perform(&write("/srv/a/b", "x"));
        o.perform(&Op::Remove { path: path("/srv"), recursive: true });
        assert_eq!(o.answer(&Op::stat(&path("/srv/a/b"))), Some(OpOutput::Missing));
        o.perform(&Op::MakeDir { path: path("/srv"), mode: 0o755, owner: Owner::default(), parents: false });
        assert_eq!(o.answer(&Op::stat(&path("/srv/other"))), Some(OpOutput::Missing));
    }

    #[test]
    fn a_directory_that_was_removed_is_made_again_for_what_is_put_into_it() {
        let mut o = Overlay::default();
        o.perform(&Op::Remove { path: path("/srv/a"), recursive: true });
        o.perform(&write("/srv/a/b/c", "x"));
        for dir in ["/srv/a", "/srv/a/b"] {
            let seen = o.answer(&Op::stat(&path(dir)));
            let seen = seen.unwrap_or_else(|| o.amend(&Op::stat(&path(dir)), OpOutput::Missing));
            assert!(matches!(&seen, OpOutput::Stat(m) if m.kind == FileKind::Dir), "{dir}: {seen:?}");
        }
        assert_eq!(o.answer(&Op::stat(&path("/srv/a/old"))), Some(OpOutput::Missing));
    }

    #[test]
    fn what_is_renamed_is_there_by_its_new_name_alone() {
        let mut o = Overlay::default();
        o.perform(&write("/home/a/new", "x"));
        o.perform(&Op::Rename { from: path("/home/a"), to: path("/home/b") });
        assert_eq!(o.answer(&Op::stat(&path("/home/a/new"))), Some(OpOutput::Missing));
        assert!(matches!(o.answer(&Op::stat(&path("/home/b"))), Some(OpOutput::Stat(m)) if m.kind == FileKind::Dir));
        assert!(matches!(o.answer(&Op::read_file(&path("/home/b/new"))), Some(OpOutput::File { .. })));
        assert_eq!(o.answer(&Op::read_file(&path("/home/b/old"))), None, "the machine is asked");
    }

    #[test]
    fn metadata_is_patched_over_the_real_answer() {
        let mut o = Overlay::default();
        o.perform(&Op::SetMode { path: path("/x"), mode: 0o600 });
        let real = OpOutput::Stat(directory(0o755, 3));
        let OpOutput::Stat(m) = o.amend(&Op::stat(&path("/x")), real) else { panic!("expected metadata") };
        assert_eq!(m.mode, 0o600);
    }
}
