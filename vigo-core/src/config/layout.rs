//! Which file of a tree is what.

use super::common::{self, Common};
use super::compliance::{self, Claims, Waiver};
use super::configcrate::{self, Configcrate};
use super::environments::{self, Environment, EnvironmentsFile};
use super::links;
use super::match_block::{self, MatchBlock, MatchFile};
use super::reader::{Reader, words};
use super::role::{self, Role};
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::source::{Node, Sources, YamlFile};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use hashbrown::{HashMap, HashSet};

/// A tree, read.
#[derive(Debug)]
pub struct Config<'a> {
    /// The texts.
    pub sources: &'a Sources,
    /// Configcrates and usercrates, by file, then as written.
    pub crates: Vec<Configcrate<'a>>,
    /// Roles, by file, then as written.
    pub roles: Vec<Role<'a>>,
    /// The `common.vgo` files, parents before children.
    pub commons: Vec<Common<'a>>,
    /// The `environments.vgo` files, parents before children.
    pub environments: Vec<EnvironmentsFile<'a>>,
    /// The match files, in the order in which blocks are asked.
    pub match_files: Vec<MatchFile<'a>>,
    /// Claims of library folders: the folder, and what every crate in and below it claims.
    pub claims: Vec<(&'a str, Claims<'a>)>,
    /// Waivers of host folders.
    pub waivers: Vec<(&'a str, Vec<Waiver<'a>>)>,
    /// What is wrong, of the texts and of what they say.
    pub diagnostics: Vec<Diagnostic>,
    pub(super) crate_names: HashMap<Arc<str>, usize>,
    pub(super) role_names: HashMap<&'a str, usize>,
    pub(super) known_environments: BTreeSet<&'a str>,
    pub(super) custom_types: BTreeSet<Arc<str>>,
    /// Words of what could not be read.
    lost: HashSet<String>,
}

/// Files of earlier trees, with ours.
const OLD_FILES: &[(&str, &str)] =
    &[("per_env_overrides.vgo", "environments.vgo"), ("waivers.vgo", "compliance.vgo"), ("role.vgo", "roles.vgo")];
const OLD_FOLDERS: &[(&str, &str)] = &[("modules", "configcrates"), ("usermodules", "usercrates")];
const LIBRARY: &[&str] = &["configcrates", "usercrates", "templates"];

impl<'a> Config<'a> {
    /// Reads what the files say.
    pub fn read(sources: &'a Sources) -> Self {
        let mut config = Self {
            sources,
            crates: Vec::new(),
            roles: Vec::new(),
            commons: Vec::new(),
            environments: Vec::new(),
            match_files: Vec::new(),
            claims: Vec::new(),
            waivers: Vec::new(),
            diagnostics: sources.diagnostics().to_vec(),
            crate_names: HashMap::new(),
            role_names: HashMap::new(),
            known_environments: BTreeSet::new(),
            custom_types: BTreeSet::new(),
            lost: HashSet::new(),
        };
        let mut reader = Reader::default();
        for (path, text) in sources.lost() {
            reader.lose(text);
            reader.lose(stem(path));
        }
        for file in sources.policy_files() {
            config.file(&mut reader, file);
        }
        config.match_files.sort_unstable_by(|a, b| reading_order(a.path, b.path));
        config.commons.sort_unstable_by_key(|c| (depth(c.dir), c.dir));
        config.environments.sort_unstable_by_key(|e| (depth(e.dir), e.dir));
        config.index(&mut reader);
        links::check(&config, &mut reader);
        config.lost = reader.lost;
        let mut found = core::mem::take(&mut reader.diagnostics);
        found.retain(|d| !config.is_noise(d));
        config.diagnostics.append(&mut found);
        config
    }

    /// Returns whether something could not be read in which names may have been defined; it is an error then.
    pub(crate) fn loses_names(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Returns whether what is missed stands in what could not be read: one mistake is enough.
    pub(crate) fn is_noise(&self, d: &Diagnostic) -> bool {
        let Some(name) = d.about.as_deref().filter(|_| self.loses_names()) else { return false };
        words(name).next().is_some() && words(name).all(|word| self.lost.contains(word))
    }

    fn file(&mut self, reader: &mut Reader, file: &'a YamlFile) {
        let path: &'a str = file.path();
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = stem(path);
        let first = path.split('/').next().filter(|_| !dir.is_empty()).unwrap_or("");
        let whole = Span::new(file.id(), 0, 0);
        let misplaced = |message| Diagnostic::new(Code::Misplaced, whole, message);
        if let Some((old, ours)) = OLD_FOLDERS.iter().find(|(old, _)| dir.split('/').any(|part| part == *old)) {
            let message = format!("folder `{old}` is called `{ours}` here");
            reader.report(Diagnostic::new(Code::OldWord, whole, message).help("rename the folder"));
            reader.lose(file.text());
            reader.lose(stem);
            return;
        }
        match first {
            "configcrates" if name == "compliance.vgo" => {
                if let Some(root) = single(reader, file) {
                    self.claims.push((dir, compliance::claims(reader, root, path)));
                }
                return;
            }
            "configcrates" | "usercrates" => {
                let documents = file.documents().filter(|d| !d.is_null());
                self.crates.extend(documents.filter_map(|d| configcrate::read(reader, d, stem, first == "usercrates")));
                return;
            }
            "roles" => {
                file.documents()
                    .filter(|d| !d.is_null())
                    .for_each(|d| role::document(reader, d, path, &mut self.roles));
                return;
            }
            _ => {}
        }
        if let Some(folder) = dir.split('/').find(|part| LIBRARY.contains(part)) {
            let message = format!("`{path}` is in a folder `{folder}` that does not stand in the root");
            reader.report(misplaced(message).help(format!("move it to `{folder}/` in the root of the tree")));
            reader.lose(file.text());
            reader.lose(stem);
            return;
        }
        if let Some((_, ours)) = OLD_FILES.iter().find(|(old, _)| *old == name) {
            let message = format!("`{path}` is called `{ours}` here");
            reader.report(Diagnostic::new(Code::OldWord, whole, message).help("rename the file"));
            reader.lose(file.text());
            return;
        }
        match name {
            "roles.vgo" if dir.is_empty() => {
                file.documents()
                    .filter(|d| !d.is_null())
                    .for_each(|d| role::document(reader, d, path, &mut self.roles));
            }
            "roles.vgo" => {
                let message = format!("`{path}`: roles stand in the root only");
                reader.report(misplaced(message).help("move its roles to `roles.vgo` in the root"));
                reader.lose(file.text());
            }
            "common.vgo" => {
                let root = single(reader, file);
                let read = root.and_then(|root| common::read(reader, self.sources, dir, path, root));
                self.commons.extend(read);
            }
            "environments.vgo" => {
                if let Some(root) = single(reader, file) {
                    self.environments.push(environments::read(reader, dir, path, root));
                }
            }
            "compliance.vgo" => {
                if let Some(root) = single(reader, file) {
                    self.waivers.push((dir, compliance::waivers(reader, root, path)));
                }
            }
            _ => {
                let mut blocks = Vec::new();
                for document in file.documents().filter(|d| !d.is_null()) {
                    match_block::document(reader, self.sources, document, path, &mut blocks);
                }
                self.match_files.push(MatchFile { dir, path, blocks });
            }
        }
    }

    fn index(&mut self, reader: &mut Reader) {
        for (i, krate) in self.crates.iter().enumerate() {
            let Some(&first) = self.crate_names.get(&krate.name) else {
                self.crate_names.insert(krate.name.clone(), i);
                continue;
            };
            let message = format!("configcrate `{}` is defined twice", krate.name);
            let d = Diagnostic::new(Code::DuplicateName, krate.name_node.span(), message).at("again here");
            reader.report(match self.crates.get(first).filter(|_| &*krate.name != "?") {
                Some(first) => d.label(first.name_node.span(), "first here").help("rename one of them"),
                None => continue,
            });
        }
        for (i, role) in self.roles.iter().enumerate() {
            let Some(&first) = self.role_names.get(role.name) else {
                self.role_names.insert(role.name, i);
                continue;
            };
            let message = format!("role `{}` is defined twice", role.name);
            let d = Diagnostic::new(Code::DuplicateName, role.node.span(), message).at("again here");
            let first = self.roles.get(first).map_or(Span::NONE, |r| r.node.span());
            reader.report(d.label(first, "first here").help("rename one of them"));
        }
        let declared = self.environments.iter().flat_map(|f| &f.environments).map(|e| e.name);
        let overridden = self.crates.iter().flat_map(|c| &c.overrides).map(|o| o.name);
        self.known_environments = declared.chain(overridden).collect();
    }

    /// Returns the crate of this name (`nginx`, `user:dan`) and its index.
    pub fn configcrate(&self, name: &str) -> Option<(usize, &Configcrate<'a>)> {
        let index = *self.crate_names.get(name)?;
        Some((index, self.crates.get(index)?))
    }

    /// Returns the role of this name.
    pub fn role(&self, name: &str) -> Option<&Role<'a>> {
        self.role_names.get(name).and_then(|&i| self.roles.get(i))
    }

    /// Returns the names of environments that the tree declares, sorted.
    pub fn known_environments(&self) -> &BTreeSet<&'a str> {
        &self.known_environments
    }

    /// Returns every match block with its file and its number in it, in the order in which they are asked.
    pub fn blocks(&self) -> impl Iterator<Item = (&MatchFile<'a>, usize, &MatchBlock<'a>)> {
        self.match_files.iter().flat_map(|f| f.blocks.iter().enumerate().map(move |(i, b)| (f, i, b)))
    }

    /// Returns the entries of `name` in the `environments.vgo` files that apply to `file`, the root's first.
    pub(crate) fn environment_layers<'s>(
        &'s self,
        file: &'s MatchFile<'a>,
        name: &'s str,
    ) -> impl Iterator<Item = (&'s EnvironmentsFile<'a>, &'s Environment<'a>)> {
        let files = self.environments.iter().filter(move |e| file.directories().any(|dir| dir == e.dir));
        files.flat_map(move |f| f.environments.iter().filter(move |e| e.name == name).map(move |e| (f, e)))
    }

    /// Returns the `common.vgo` files that apply to `file`, the root's first.
    pub(crate) fn common_layers<'s>(&'s self, file: &'s MatchFile<'a>) -> impl Iterator<Item = &'s Common<'a>> {
        self.commons.iter().filter(move |c| c.dir != file.dir && file.directories().any(|dir| dir == c.dir))
    }

    /// Returns whether some error was found.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity() == Severity::Error)
    }
}

/// Returns the one document that such a file may hold.
fn single<'a>(reader: &mut Reader, file: &'a YamlFile) -> Option<Node<'a>> {
    let mut documents = file.documents().filter(|d| !d.is_null());
    let first = documents.next();
    if let Some(second) = documents.next() {
        let message = format!("`{}` holds more than one document", file.path());
        reader.report(Diagnostic::new(Code::Misplaced, second.span(), message).help("merge them into the first"));
    }
    first
}

/// Returns a file's name without folders and `.vgo`.
fn stem(path: &str) -> &str {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.strip_suffix(".vgo").unwrap_or(name)
}

fn depth(dir: &str) -> usize {
    if dir.is_empty() { 0 } else { dir.split('/').count() }
}

/// Compares two match files: sub-folders before the folder's own files, each level bytewise by name.
fn reading_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.split_once('/'), b.split_once('/')) {
            (Some((dir_a, rest_a)), Some((dir_b, rest_b))) => match dir_a.cmp(dir_b) {
                Ordering::Equal => (a, b) = (rest_a, rest_b),
                other => return other,
            },
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => return a.cmp(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn match_files_are_read_from_the_narrow_to_the_wide() {
        let mut files = ["z.vgo", "a.vgo", "prod/x.vgo", "prod/web/b.vgo", "prod/api/c.vgo", "a/b.vgo", "a-b/c.vgo"];
        files.sort_by(|a, b| reading_order(a, b));
        assert_eq!(files, ["a/b.vgo", "a-b/c.vgo", "prod/api/c.vgo", "prod/web/b.vgo", "prod/x.vgo", "a.vgo", "z.vgo"]);
    }
}
