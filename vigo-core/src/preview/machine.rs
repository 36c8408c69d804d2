//! A blank machine that answers.

use super::blank::{At, Blank};
use super::unknown;
use crate::action::{Entry, FailureKind, FileKind, Metadata, Op, OpFailure, OpOutput, Space};
use crate::traits::{TraitError, TraitSet, areas};
use crate::value::Value;
use crate::when::words::family_of;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

impl Blank {
    /// Answers an operation that only reads.
    pub(super) fn perform(&self, op: &Op) -> OpOutput {
        match op {
            Op::Stat { path, .. } => self.file(path.as_str(), |meta, _| OpOutput::Stat(meta)),
            Op::HashFile { path, .. } => self.file(path.as_str(), |meta, content| match meta.kind {
                FileKind::File => OpOutput::Hash { meta, sha256: Sha256::digest(content.as_bytes()).into() },
                _ => OpOutput::Stat(meta),
            }),
            Op::ReadFile { path, .. } => self.file(path.as_str(), |meta, content| match meta.kind {
                FileKind::File => OpOutput::File { meta, content: content.as_bytes().into() },
                _ => OpOutput::Stat(meta),
            }),
            Op::ListDir { path, .. } => match (self.at)(path.as_str()) {
                Some(At::Dir(names)) => {
                    let meta = || metadata(FileKind::File, 0o644, 0);
                    OpOutput::Dir(names.iter().map(|name| Entry { path: (*name).into(), meta: meta() }).collect())
                }
                Some(_) => self.file(path.as_str(), |meta, _| OpOutput::Stat(meta)),
                None => OpOutput::Missing,
            },
            // Enough of it: how full a disk is says nothing about a policy.
            Op::Space { .. } => OpOutput::Space(Space {
                size_bytes: 1 << 40,
                free_bytes: 1 << 40,
                available_bytes: 1 << 40,
                inodes: 1 << 24,
                inodes_free: 1 << 24,
            }),
            // It has no directory of accounts.
            Op::Account { .. } => OpOutput::Missing,
            Op::Run(command) => match (self.answer)(command) {
                Some(ran) => OpOutput::Ran(ran),
                None => failed(op),
            },
            other => failed(other),
        }
    }

    fn file(&self, path: &str, answer: impl FnOnce(Metadata, &str) -> OpOutput) -> OpOutput {
        match (self.at)(path) {
            None => OpOutput::Missing,
            Some(At::Dir(_)) => OpOutput::Stat(metadata(FileKind::Dir, 0o755, 0)),
            Some(At::File(content)) => answer(metadata(FileKind::File, 0o644, content.len()), &content),
            Some(At::Program) => answer(metadata(FileKind::File, 0o755, 0), ""),
            Some(At::Link(target)) => {
                OpOutput::Stat(Metadata { target: Some(target.into()), ..metadata(FileKind::Symlink, 0o777, 0) })
            }
        }
    }
}

/// Returns what a machine of this kind and name says of itself. `given` traits win, area by area; of what is neither given
/// nor the same on each such machine it is said that it could not be read, so that nothing is taken for false.
///
/// # Errors
/// When what is given is no set of traits.
pub fn traits(blank: &Blank, hostname: &str, given: Option<&Value>) -> Result<TraitSet, TraitError> {
    let (short, domain) = hostname.split_once('.').unwrap_or((hostname, ""));
    let own = [("network.hostname", short), ("network.fqdn", hostname), ("network.domain", domain)];
    let mut all: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for area in areas().iter().filter(|area| area.is_of(blank.host.name())) {
        let known = |path: &&(&str, &str)| path.0.split('.').next() == Some(area.name);
        let known: Vec<_> = blank.traits.iter().chain(&own).filter(known).collect();
        if known.is_empty() {
            all.insert(area.name.into(), Value::Null);
            continue;
        }
        let plain = |path: &str| !path.is_empty() && !path.contains(['.', '*', '#']);
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        fields.extend(area.paths().filter(|path| plain(path)).map(|path| (path.into(), Value::Null)));
        for (path, value) in known {
            let (_, field) = path.split_once('.').unwrap_or(("", path));
            fields.insert(field.into(), scalar(value));
        }
        all.insert(area.name.into(), Value::Map(Arc::new(fields)));
    }
    if let Some(given) = given {
        let set = TraitSet::from_value(given.clone())?;
        all.extend(set.value().as_map().into_iter().flatten().map(|(area, value)| (area.clone(), value.clone())));
    }
    TraitSet::from_value(Value::Map(Arc::new(all)))
}

/// Returns the machine of a distribution or family.
pub fn named(blanks: impl Iterator<Item = &'static Blank> + Clone, system: &str) -> Option<&'static Blank> {
    let find = |name: &str| blanks.clone().find(|blank| blank.name == name);
    find(system).or_else(|| find(family_of(system)?))
}

/// Returns the machine most like one that tells these traits: one of its distribution, or else of its family.
pub fn like(blanks: impl Iterator<Item = &'static Blank> + Clone, traits: &Value) -> Option<&'static Blank> {
    let find = |path: &str| named(blanks.clone(), traits.at(path).and_then(Value::as_str)?);
    find("os.distro").or_else(|| find("os.family"))
}

/// Returns what a machine of this kind says of itself as a rule, of this family or distribution: what is not among it such a
/// machine does not have.
pub fn usual(blank: &Blank, system: &str) -> Value {
    let family = family_of(system).unwrap_or(system);
    let mut known: BTreeMap<&str, &str> = blank.traits.iter().copied().collect();
    known.insert("os.family", family);
    // A family that is no distribution stands for one of its own.
    if system != family || !known.contains_key("os.distro") {
        known.insert("os.distro", system);
    }
    let mut areas: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>> = BTreeMap::new();
    for (path, value) in known {
        let (area, field) = path.split_once('.').unwrap_or((path, ""));
        areas.entry(area.into()).or_default().insert(field.into(), scalar(value));
    }
    let areas = areas.into_iter().map(|(area, fields)| (area, Value::Map(Arc::new(fields))));
    Value::Map(Arc::new(areas.collect()))
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => text.parse().map_or_else(|_| Value::text(text), Value::Int),
    }
}

fn metadata(kind: FileKind, mode: u32, size: usize) -> Metadata {
    let (uid, gid, mtime_ms, dev, ino, nlink) = (0, 0, 0, 1, 2, 1);
    Metadata { kind, mode, uid, gid, size: size as u64, mtime_ms, dev, ino, nlink, target: None, context: None }
}

fn failed(op: &Op) -> OpOutput {
    let shown: String = format!("{op}").chars().take(200).collect();
    OpOutput::Failed(OpFailure { kind: FailureKind::Other, message: unknown::unasked(&shown) })
}
