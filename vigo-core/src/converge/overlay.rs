//! What a plan believes the machine to look like after the changes it predicted: a layer over the real files, and the
//! states that families foretell.

use super::links::Links;
use crate::action::{
    AbsPath, Content, Entry, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Owner, Replace, StagedId,
};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use sha2::{Digest, Sha256};

/// A layer of predicted changes.
#[derive(Default)]
pub(super) struct Overlay {
    entries: BTreeMap<AbsPath, Layer>,
    /// Directories below which another file system would be seen.
    covered: BTreeSet<AbsPath>,
    links: Links,
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
    /// Returns the looks at the machine that tell where the paths of these reads lead.
    pub(super) fn looks(&self, ops: &[Arc<Op>]) -> Vec<Op> {
        let mut unseen = BTreeSet::new();
        for (path, follow) in ops.iter().filter_map(|op| read_path(op)) {
            self.links.follow(path, follow, &|p| self.link_at(p), &mut |p| _ = unseen.insert(p));
        }
        unseen.iter().map(Op::stat).collect()
    }

    /// Takes the answer to such a look.
    pub(super) fn learn(&mut self, op: &Op, answer: &OpOutput) {
        if let Op::Stat { path, .. } = op {
            self.links.learn(path, answer);
        }
    }

    /// Answers a read from the layer alone, if it can.
    pub(super) fn answer(&self, op: &Op) -> Option<OpOutput> {
        let (path, follow) = read_path(op)?;
        if self.entries.is_empty() && self.covered.is_empty() {
            return None;
        }
        let path = self.resolve(path, follow)?;
        if matches!(op, Op::ListDir { .. }) && self.covered.contains(&path) {
            return Some(unmade(&path));
        }
        match self.entries.get(&path) {
            Some(Layer::There(there)) => self.read(op, &path, there),
            Some(Layer::Gone) => Some(OpOutput::Missing),
            Some(Layer::DirIfMissing | Layer::Patched { .. }) => None,
            None => {
                let mut above = path.parent();
                while let Some(dir) = above {
                    match self.entries.get(&dir) {
                        Some(Layer::Gone) => return Some(OpOutput::Missing),
                        _ if self.covered.contains(&dir) => return Some(unmade(&path)),
                        Some(Layer::There(t)) if t.meta.ino >= SYNTHETIC => return Some(OpOutput::Missing),
                        _ => above = dir.parent(),
                    }
                }
                None
            }
        }
    }

    /// Follows links, those of the layer and those of the machine; `None` when there are too many.
    fn resolve(&self, path: &AbsPath, follow: bool) -> Option<AbsPath> {
        self.links.follow(path, follow, &|p| self.link_at(p), &mut |_| {})
    }

    /// Returns what the layer knows of a link at a path.
    fn link_at(&self, path: &AbsPath) -> Option<Option<Arc<str>>> {
        match self.entries.get(path)? {
            Layer::There(t) if t.meta.kind == FileKind::Symlink => Some(t.meta.target.clone()),
            Layer::There(_) | Layer::Gone => Some(None),
            Layer::DirIfMissing | Layer::Patched { .. } => None,
        }
    }

    /// Returns a change as it is with links followed.
    fn really(&self, op: &Op) -> Op {
        let real = |path: &mut AbsPath, follow: bool| {
            if let Some(resolved) = self.resolve(path, follow) {
                *path = resolved;
            }
        };
        let mut op = op.clone();
        match &mut op {
            Op::ReplaceFile(replace) => real(&mut replace.path, replace.follow),
            Op::SetOwner { path, follow, .. } => real(path, *follow),
            Op::MakeDir { path, .. }
            | Op::Symlink { path, .. }
            | Op::Remove { path, .. }
            | Op::SetMode { path, .. }
            | Op::SetContext { path, .. } => real(path, false),
            Op::HardLink { path: from, to, .. } | Op::Rename { from, to } => {
                real(from, false);
                real(to, false);
            }
            _ => {}
        }
        op
    }

    fn read(&self, op: &Op, path: &AbsPath, there: &There) -> Option<OpOutput> {
        Some(match op {
            Op::ReadFile { .. } if there.meta.kind == FileKind::File => match &there.content {
                Some(content) => OpOutput::File { meta: there.meta.clone(), content: content.clone() },
                None => unmade(path),
            },
            Op::HashFile { .. } if there.meta.kind == FileKind::File => match there.sha256 {
                Some(sha256) => OpOutput::Hash { meta: there.meta.clone(), sha256 },
                None => unmade(path),
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
        let Some((path, follow)) = read_path(op) else { return real };
        let path = &self.resolve(path, follow).unwrap_or_else(|| path.clone());
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
        let mut all: BTreeMap<Arc<str>, Entry> = BTreeMap::new();
        all.extend(entries.into_iter().chain(made).map(|e| (e.path.clone(), e)));
        OpOutput::Dir(all.into_values().collect())
    }

    /// Performs a change on the layer. Programs have no effect here.
    pub(super) fn perform(&mut self, op: &Op) {
        match &self.really(op) {
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

    /// Takes that another file system would be seen below `dir`.
    pub(super) fn cover(&mut self, dir: AbsPath) {
        let (top, below): (Vec<_>, Vec<_>) = self.taken(&dir).into_iter().partition(|(path, _)| *path == dir);
        drop(below);
        self.entries.extend(top);
        self.covered.insert(dir);
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

fn unmade(path: &AbsPath) -> OpOutput {
    let message = alloc::format!("what is at `{path}` is not known before it is made");
    OpOutput::Failed(OpFailure { kind: FailureKind::Unmade, message })
}

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

/// Returns the path that is read, and whether a link at its end is followed.
fn read_path(op: &Op) -> Option<(&AbsPath, bool)> {
    match op {
        Op::ReadFile { path, follow, .. } | Op::HashFile { path, follow } | Op::Stat { path, follow } => {
            Some((path, *follow))
        }
        Op::ListDir { path, .. } => Some((path, true)),
        _ => None,
    }
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
    fn two_names_of_one_file_are_one_file() {
        let mut o = Overlay::default();
        let real = |op: &Op| match op {
            Op::Stat { path, .. } if path.as_str() == "/a/lnk" => {
                let link = Metadata { kind: FileKind::Symlink, target: Some("../b/./c".into()), ..directory(0o777, 1) };
                OpOutput::Stat(link)
            }
            Op::Stat { path, .. } if path.as_str() == "/b" => {
                OpOutput::Stat(Metadata { kind: FileKind::Symlink, target: Some("/d".into()), ..directory(0o777, 2) })
            }
            _ => OpOutput::Stat(directory(0o755, 3)),
        };
        let read = Arc::new(Op::read_file(&path("/a/lnk/x")));
        let mut rounds = 0;
        while let looks = o.looks(core::slice::from_ref(&read))
            && !looks.is_empty()
        {
            rounds += 1;
            looks.iter().for_each(|look| o.learn(look, &real(look)));
        }
        assert_eq!(rounds, 3, "the path, where it leads, and where that leads");
        o.perform(&write("/a/lnk/x", "hello"));
        for name in ["/a/lnk/x", "/b/c/x", "/d/c/x"] {
            let seen = o.answer(&Op::read_file(&path(name)));
            assert!(
                matches!(&seen, Some(OpOutput::File { content, .. }) if &**content == b"hello"),
                "{name}: {seen:?}"
            );
        }
        assert_eq!(o.answer(&Op::read_file(&path("/a/x"))), None);
        o.perform(&Op::Remove { path: path("/b/c/x"), recursive: false });
        assert_eq!(o.answer(&Op::stat(&path("/a/lnk/x"))), Some(OpOutput::Missing));
    }

    #[test]
    fn a_circle_of_links_ends() {
        let mut o = Overlay::default();
        let link = Metadata { kind: FileKind::Symlink, target: Some("l".into()), ..directory(0o777, 1) };
        o.learn(&Op::stat(&path("/l")), &OpOutput::Stat(link));
        o.perform(&write("/l/x", "hello"));
        assert_eq!(o.answer(&Op::read_file(&path("/l/x"))), None);
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
    fn what_a_mount_brings_is_not_known_and_what_is_put_there_is() {
        let mut o = Overlay::default();
        o.perform(&Op::MakeDir { path: path("/data"), mode: 0o755, owner: Owner::default(), parents: false });
        o.perform(&write("/data/hidden", "x"));
        o.cover(path("/data"));
        let is_unmade = |seen: Option<OpOutput>| {
            matches!(seen, Some(OpOutput::Failed(OpFailure { kind: FailureKind::Unmade, .. })))
        };
        assert!(matches!(o.answer(&Op::stat(&path("/data"))), Some(OpOutput::Stat(_))));
        assert!(is_unmade(o.answer(&Op::stat(&path("/data/hidden")))));
        assert!(is_unmade(o.answer(&Op::ListDir { path: path("/data"), deep: false, entries_max: 9 })));
        o.perform(&write("/data/f", "x"));
        assert!(matches!(o.answer(&Op::read_file(&path("/data/f"))), Some(OpOutput::File { .. })));
        assert_eq!(o.answer(&Op::stat(&path("/database"))), None);
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
