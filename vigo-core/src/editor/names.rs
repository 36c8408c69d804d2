//! What a name means in the whole tree.

use super::index::{CrateEntry, Index, Layer, Mark, Name};
use super::workspace::Workspace;
use crate::resolve::{pattern_of, wildcard};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;
use hashbrown::{HashMap, HashSet};

/// The crates that alone set and see a variable; `None` where hosts set it.
type Scope = Option<BTreeSet<Arc<str>>>;

/// Who sees a variable, by its name and by the crate or file that names it.
type Scopes = HashMap<(Arc<str>, Arc<str>), Scope>;

/// A thing that has a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Symbol {
    /// A configcrate: `nginx`, `user:dan`.
    Crate(Arc<str>),
    /// A role.
    Role(Arc<str>),
    /// An environment.
    Environment(Arc<str>),
    /// A variable of hosts, or one that only these crates set and see.
    Variable(Arc<str>, Option<BTreeSet<Arc<str>>>),
    /// A resource of a crate.
    Resource(Arc<str>, Arc<str>),
    /// A file of the tree.
    File(Arc<str>),
}

/// A symbol that a name may mean, and the bytes of the name that say so.
pub(super) struct Meaning {
    pub symbol: Symbol,
    pub part: Range<usize>,
    /// Whether it is one of many that a pattern stands for.
    pub by_pattern: bool,
}

/// The crates of a tree by name; the first of each wins.
pub(super) struct Names<'w> {
    crates: HashMap<&'w str, &'w CrateEntry>,
    sorted: Vec<&'w CrateEntry>,
    workspace: &'w Workspace,
    /// The variables that some layer of hosts sets.
    of_hosts: HashSet<&'w str>,
    /// What was looked up already.
    scopes: RefCell<Scopes>,
}

impl<'w> Names<'w> {
    pub fn new(workspace: &'w Workspace) -> Self {
        let mut crates = HashMap::new();
        let mut sorted = Vec::new();
        let mut of_hosts = HashSet::new();
        for (_, file) in workspace.indexed() {
            for krate in &file.index().crates {
                crates.entry(&*krate.name).or_insert_with(|| {
                    sorted.push(krate);
                    krate
                });
            }
            let vars = file.index().vars.iter().filter(|v| !matches!(v.layer, Layer::Override | Layer::Crate));
            of_hosts.extend(vars.map(|v| &*v.name));
        }
        Self { crates, sorted, workspace, of_hosts, scopes: RefCell::default() }
    }

    pub fn krate(&self, name: &str) -> Option<&'w CrateEntry> {
        self.crates.get(name).copied()
    }

    /// Returns the crates, by file, then as written.
    pub fn crates(&self) -> &[&'w CrateEntry] {
        &self.sorted
    }

    /// Returns what the name at a mark of a file means; more than one thing for a pattern, nothing where nothing has
    /// that name.
    pub fn meanings(&self, path: &str, index: &Index, mark: &Mark) -> Vec<Meaning> {
        let one = |symbol, text: &Arc<str>| alloc::vec![Meaning { symbol, part: 0..text.len(), by_pattern: false }];
        match &mark.name {
            Name::Crate(name) => {
                let part = name.strip_prefix("user:").unwrap_or(name).len();
                alloc::vec![Meaning { symbol: Symbol::Crate(name.clone()), part: 0..part, by_pattern: false }]
            }
            Name::Role(name) => one(Symbol::Role(name.clone()), name),
            Name::Environment(name) => one(Symbol::Environment(name.clone()), name),
            Name::File(file) => one(Symbol::File(file.clone()), file),
            Name::Variable(name) => {
                let krate = index.krate(mark.krate).map(|k| &k.name);
                let by = (name.clone(), krate.cloned().unwrap_or_else(|| path.into()));
                let known = self.scopes.borrow().get(&by).cloned();
                let scope = known.unwrap_or_else(|| {
                    let scope = self.scope(name, path, krate);
                    self.scopes.borrow_mut().insert(by, scope.clone());
                    scope
                });
                one(Symbol::Variable(name.clone(), scope), name)
            }
            Name::Resource(name) => {
                let Some(krate) = index.krate(mark.krate) else { return Vec::new() };
                one(Symbol::Resource(krate.name.clone(), name.clone()), name)
            }
            Name::CrateReference(text) => self.crates_of(text, 0),
            Name::Reference(text) => self.reference(index.krate(mark.krate), text),
        }
    }

    /// Looks a reference up as the resolver does: a resource of the own crate first, then a crate, then `crate/name`.
    fn reference(&self, own: Option<&CrateEntry>, text: &str) -> Vec<Meaning> {
        let found = own.map(|own| resources_of(own, text, 0)).unwrap_or_default();
        if !found.is_empty() {
            return found;
        }
        let found = self.crates_of(text, 0);
        if !found.is_empty() {
            return found;
        }
        let Some((krate, name)) = text.split_once('/') else { return Vec::new() };
        let mut found = self.crates_of(krate, 0);
        let holders: Vec<&CrateEntry> = found
            .iter()
            .filter_map(|m| match &m.symbol {
                Symbol::Crate(name) => self.krate(name),
                _ => None,
            })
            .collect();
        let resources: Vec<Meaning> =
            holders.into_iter().flat_map(|k| resources_of(k, name, krate.len() + 1)).collect();
        // A crate of that name which has no such resource is not what is meant.
        if resources.is_empty() && !name.contains("{{") {
            return Vec::new();
        }
        found.extend(resources);
        found
    }

    fn crates_of(&self, text: &str, from: usize) -> Vec<Meaning> {
        let by_pattern = text.contains('*');
        let base = text.split_once('[').map_or(text, |(base, _)| base);
        let user = base.len() - base.strip_prefix("user:").unwrap_or(base).len();
        let part = if by_pattern { from..from + text.len() } else { from + user..from + base.len() };
        let meaning =
            |krate: &CrateEntry| Meaning { symbol: Symbol::Crate(krate.name.clone()), part: part.clone(), by_pattern };
        if by_pattern {
            return self.sorted.iter().filter(|k| wildcard(text, &k.name)).map(|k| meaning(k)).collect();
        }
        self.krate(base).map(meaning).into_iter().collect()
    }

    /// Returns the crates that alone see a variable; `None` where some layer of hosts sets it, so that all do.
    fn scope(&self, name: &str, path: &str, krate: Option<&Arc<str>>) -> Scope {
        if self.of_hosts.contains(name) {
            return None;
        }
        // Crates that share a template which uses it share the name.
        let mut seen: BTreeSet<Arc<str>> = krate.cloned().into_iter().collect();
        let mut templates: BTreeSet<Arc<str>> = BTreeSet::new();
        if krate.is_none() {
            templates.insert(path.into());
        }
        let uses = |file: &str| {
            let index = self.workspace.index(file).map(|(index, _)| index);
            index.is_some_and(|i| i.marks.iter().any(|m| matches!(&m.name, Name::Variable(n) if **n == *name)))
        };
        loop {
            let before = (seen.len(), templates.len());
            for krate in seen.iter().filter_map(|name| self.krate(name)) {
                for source in &krate.templates {
                    let below = self.workspace.paths().filter(|p| is_at_or_below(p, source));
                    templates.extend(below.filter(|p| uses(p)).cloned());
                }
            }
            for krate in self.sorted.iter().filter(|_| !templates.is_empty()) {
                let shares = |source: &Arc<str>| templates.iter().any(|t| is_at_or_below(t, source));
                if !seen.contains(&krate.name) && krate.templates.iter().any(shares) {
                    seen.insert(krate.name.clone());
                }
            }
            if (seen.len(), templates.len()) == before {
                return Some(seen);
            }
        }
    }
}

/// Returns whether a path is a file, or lies in a folder, that an attribute names.
pub(super) fn is_at_or_below(path: &str, named: &str) -> bool {
    let rest = path.strip_prefix(named.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the resources of a crate that `text` means; the name begins at the byte `from` of the reference.
fn resources_of(krate: &CrateEntry, text: &str, from: usize) -> Vec<Meaning> {
    let star = text.contains('*');
    let base = if text.ends_with(']') { text.split_once('[').map_or(text, |(base, _)| base) } else { text };
    let mut found = Vec::new();
    for resource in &krate.resources {
        let name = &*resource.name;
        let pattern: Option<String> = name.contains("{{").then(|| pattern_of(name));
        let (is, len, by_pattern) = match &pattern {
            _ if star => (wildcard(text, name), text.len(), true),
            None if name == text => (true, text.len(), false),
            None => (name == base, base.len(), false),
            Some(pattern) => (name == text || wildcard(pattern, text), text.len(), name != text),
        };
        if is {
            let symbol = Symbol::Resource(krate.name.clone(), resource.name.clone());
            found.push(Meaning { symbol, part: from..from + len, by_pattern });
        }
    }
    found
}

impl Symbol {
    /// Returns whether a name that means `other` means this.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Variable(a, _), Self::Variable(b, _)) if a != b => false,
            (Self::Variable(_, Some(a)), Self::Variable(_, Some(b))) => !a.is_disjoint(b),
            (Self::Variable(_, a), Self::Variable(_, b)) => a.is_none() == b.is_none(),
            _ => self == other,
        }
    }

    /// Returns what it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Crate(name) if name.starts_with("user:") => "usercrate",
            Self::Crate(_) => "configcrate",
            Self::Role(_) => "role",
            Self::Environment(_) => "environment",
            Self::Variable(..) => "variable",
            Self::Resource(..) => "resource",
            Self::File(_) => "file",
        }
    }

    /// Returns its name as it is written where it is defined.
    pub fn name(&self) -> &str {
        match self {
            Self::Crate(name) => name.strip_prefix("user:").unwrap_or(name),
            Self::Role(name) | Self::Environment(name) | Self::Variable(name, _) | Self::File(name) => name,
            Self::Resource(_, name) => name,
        }
    }
}
