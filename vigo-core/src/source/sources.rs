//! The files of a tree, read.

use super::node::{Node, NodeKind, YamlFile};
use super::parse;
use crate::diagnostic::{Code, Diagnostic, FileId, SourceMap, Span};
use crate::limits;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The files below a `stacks/` directory, as a driver found them.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files, in any order.
    pub files: Vec<TreeFile>,
}

impl Tree {
    /// Returns the files by path.
    pub fn sorted(&self) -> Vec<&TreeFile> {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

/// One file of a [`Tree`].
#[derive(Clone, Debug)]
pub struct TreeFile {
    /// The path relative to the tree, with `/`.
    pub path: Arc<str>,
    /// The content.
    pub bytes: Arc<[u8]>,
    /// Whether an executable bit is set.
    pub executable: bool,
}

/// A tree whose policy files are parsed.
#[derive(Debug, Default)]
pub struct Sources {
    map: SourceMap,
    yaml: Vec<Arc<YamlFile>>,
    data: BTreeMap<Arc<str>, usize>,
    /// Policy tests, parsed on demand.
    tests: Vec<YamlFile>,
    /// What they name in `traits_file`, by path.
    test_data: BTreeMap<Arc<str>, YamlFile>,
    templates: Vec<(TreeFile, Option<FileId>)>,
    /// The edition of each template file.
    template_editions: Vec<u64>,
    /// Paths of the files that nothing reads.
    others: Vec<Arc<str>>,
    diagnostics: Vec<Diagnostic>,
    test_diagnostics: Vec<Diagnostic>,
    /// Editions that were handed out, over all readings of one tree.
    editions: u64,
}

impl Tree {
    /// Returns a tree of `(path, text)`.
    pub fn from_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let file = |(path, text): (&str, &str)| TreeFile {
            path: path.into(),
            bytes: text.as_bytes().into(),
            executable: false,
        };
        Self { files: files.into_iter().map(file).collect() }
    }
}

impl Sources {
    /// Parses every `*.vgo` of `tree` (policy tests and names with a leading dot left out), and the data files that
    /// they name in `vars_from`.
    pub fn read(tree: &Tree) -> Self {
        Self::read_after(tree, &Self::default())
    }

    /// Does what [`Sources::read`] does, and parses only what is not in `earlier`, a reading of the same tree, as it is.
    pub fn read_after(tree: &Tree, earlier: &Self) -> Self {
        let mut sources = Self { editions: earlier.editions, ..Self::default() };
        let mut files = tree.sorted();
        if files.len() > limits::TREE_FILES_MAX {
            let message = format!("the tree has {} files, at most {} are read", files.len(), limits::TREE_FILES_MAX);
            sources.diagnostics.push(Diagnostic::new(Code::YamlLimit, Span::NONE, message));
            files.truncate(limits::TREE_FILES_MAX);
        }
        let mut others: BTreeMap<&str, &TreeFile> = BTreeMap::new();
        for file in files {
            if file.path.split('/').any(|part| part.starts_with('.')) {
                continue;
            }
            if file.path.starts_with("templates/") {
                sources.template(file, earlier);
            } else if file.path.ends_with(".vgo") {
                if !is_test(&file.path) {
                    sources.parse(file, earlier);
                }
            } else {
                others.insert(&file.path, file);
            }
        }
        for path in sources.data_files() {
            if let Some(file) = others.remove(&*path) {
                let index = sources.parse(file, earlier);
                sources.data.insert(path, index);
            }
        }
        sources.others = others.into_values().map(|file| file.path.clone()).collect();
        sources
    }

    fn template(&mut self, file: &TreeFile, earlier: &Self) {
        let at = earlier.templates.binary_search_by(|(other, _)| other.path.cmp(&file.path)).ok();
        let known = at.and_then(|at| Some((earlier.templates.get(at)?, *earlier.template_editions.get(at)?)));
        let known = known.filter(|((other, _), _)| other.bytes == file.bytes);
        let edition = known.map_or_else(|| self.edition(), |(_, edition)| edition);
        let text = match known {
            Some(((_, id), _)) => id.and_then(|id| earlier.map.file(id)).map(|file| file.text.clone()),
            None => core::str::from_utf8(&file.bytes).ok().map(Arc::from),
        };
        let id = text.map(|text| self.map.add(file.path.clone(), text));
        self.templates.push((file.clone(), id));
        self.template_editions.push(edition);
    }

    fn edition(&mut self) -> u64 {
        self.editions += 1;
        self.editions
    }

    fn parse(&mut self, file: &TreeFile, earlier: &Self) -> usize {
        let next = FileId(self.map.files().len() as u32);
        let at = earlier.yaml.binary_search_by(|other| other.id.cmp(&next)).ok();
        if let Some(known) = at.and_then(|at| earlier.yaml.get(at)).filter(|known| known.is_of(file)) {
            self.map.add(file.path.clone(), known.text.clone());
            self.diagnostics.extend_from_slice(&known.diagnostics);
            self.yaml.push(known.clone());
            return self.yaml.len() - 1;
        }
        let parsed = YamlFile { edition: self.edition(), ..parse_file(&mut self.map, file) };
        self.diagnostics.extend_from_slice(&parsed.diagnostics);
        self.yaml.push(parsed.into());
        self.yaml.len() - 1
    }

    /// Parses the policy tests of `tree`, which [`Sources::read`] leaves out, and the data files that they name in
    /// `traits_file`. What is wrong with them is no mistake of the policy: [`Sources::test_diagnostics`] has it.
    #[must_use]
    pub fn with_tests(mut self, tree: &Tree) -> Self {
        let files: Vec<&TreeFile> =
            tree.sorted().into_iter().filter(|f| !f.path.split('/').any(|part| part.starts_with('.'))).collect();
        for file in files.iter().filter(|f| is_test(&f.path)) {
            let parsed = parse_file(&mut self.map, file);
            self.test_diagnostics.extend_from_slice(&parsed.diagnostics);
            self.tests.push(parsed);
        }
        let roots = self.tests.iter().flat_map(YamlFile::documents).filter_map(Node::map);
        let cases = roots.filter_map(|root| root.get("tests")).filter_map(Node::list).flatten().filter_map(Node::map);
        let mut named: Vec<Arc<str>> =
            cases.filter_map(|c| c.get("traits_file")).filter_map(Node::text).map(Arc::from).collect();
        named.sort_unstable();
        named.dedup();
        for path in named {
            if let Ok(at) = files.binary_search_by(|f| f.path.cmp(&path))
                && let Some(file) = files.get(at)
            {
                let parsed = parse_file(&mut self.map, file);
                self.test_diagnostics.extend_from_slice(&parsed.diagnostics);
                self.test_data.insert(path, parsed);
            }
        }
        self
    }

    /// Collects the files named by `vars_from`, which stands at the top of a document or in a block of `envoys`.
    fn data_files(&self) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        let mut take = |node: Node<'_>| match node.kind() {
            NodeKind::Scalar(text, _) => found.push(Arc::from(text)),
            NodeKind::List => found.extend(node.list().into_iter().flatten().filter_map(Node::text).map(Arc::from)),
            NodeKind::Map(_) => {}
        };
        for root in self.yaml.iter().flat_map(|file| file.documents()).filter_map(Node::map) {
            root.get("vars_from").into_iter().for_each(&mut take);
            let blocks = root.get("envoys").and_then(Node::list).into_iter().flatten();
            blocks.filter_map(Node::map).filter_map(|b| b.get("vars_from")).for_each(&mut take);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the texts that spans point into.
    pub fn map(&self) -> &SourceMap {
        &self.map
    }

    /// Returns the parsed policy files, sorted by path.
    pub fn policy_files(&self) -> impl Iterator<Item = &YamlFile> {
        self.yaml.iter().map(|file| &**file).filter(|f| f.path.ends_with(".vgo"))
    }

    /// Returns the texts that could not be read, each with the path of its file.
    pub fn lost(&self) -> impl Iterator<Item = (&str, &str)> {
        self.yaml.iter().flat_map(|f| f.lost().map(|text| (&*f.path, text)))
    }

    /// Returns a parsed data file, if some `vars_from` names it and it is there.
    pub fn data_file(&self, path: &str) -> Option<&YamlFile> {
        self.data.get(path).and_then(|&i| self.yaml.get(i)).map(|file| &**file)
    }

    /// Returns the policy tests, sorted by path.
    pub fn test_files(&self) -> &[YamlFile] {
        &self.tests
    }

    /// Returns a data file of the tests, if some `traits_file` names it and it is there.
    pub fn test_data_file(&self, path: &str) -> Option<&YamlFile> {
        self.test_data.get(path)
    }

    /// Returns what was wrong with the texts of the tests and their data files.
    pub fn test_diagnostics(&self) -> &[Diagnostic] {
        &self.test_diagnostics
    }

    /// Returns the paths of the files that are no policy and that no `vars_from` names, sorted.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|path| &**path)
    }

    /// Returns the files below `templates/`, sorted by path; those that are text have an id in the map.
    pub fn templates(&self) -> &[(TreeFile, Option<FileId>)] {
        &self.templates
    }

    /// Returns the files below `templates/` that `written` names: the file, or all below the folder.
    pub(crate) fn templates_named<'s>(&'s self, written: &str) -> impl Iterator<Item = &'s (TreeFile, Option<FileId>)> {
        self.templates_from(written.trim_end_matches('/')).filter(move |(file, _)| is_in(&file.path, written))
    }

    /// Returns the files below `templates/` whose paths begin with `start`.
    pub(crate) fn templates_from<'s>(&'s self, start: &str) -> impl Iterator<Item = &'s (TreeFile, Option<FileId>)> {
        let first = self.templates.partition_point(|(file, _)| &*file.path < start);
        let rest = self.templates.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(file, _)| file.path.starts_with(start))
    }

    /// Returns the edition of a file below `templates/`: another one wherever the text is another.
    pub(crate) fn template_edition(&self, path: &str) -> u64 {
        let at = self.templates.binary_search_by(|(file, _)| (*file.path).cmp(path)).ok();
        at.and_then(|at| self.template_editions.get(at)).copied().unwrap_or_default()
    }

    /// Returns what was wrong with the texts.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// Parses a file and adds it to the map.
fn parse_file(map: &mut SourceMap, file: &TreeFile) -> YamlFile {
    let text = String::from_utf8_lossy(&file.bytes);
    match core::str::from_utf8(&file.bytes) {
        Ok(_) => {
            let text: Arc<str> = text.into();
            parse::parse(map.add(file.path.clone(), text.clone()), file.path.clone(), text)
        }
        Err(e) => {
            let end = e.valid_up_to();
            let id = map.add(file.path.clone(), text.get(..end).unwrap_or_default());
            let message = format!("`{}` is not UTF-8 from byte {end} on", file.path);
            let d = Diagnostic::new(Code::Yaml, Span::new(id, end as u32, end as u32), message);
            YamlFile { diagnostics: alloc::vec![d], ..parse::unread(id, file.path.clone(), text.into()) }
        }
    }
}

/// Returns whether `path` is the file or below the folder that `written` names.
fn is_in(path: &str, written: &str) -> bool {
    let rest = path.strip_prefix(written.trim_end_matches('/'));
    path == written || rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether a file holds policy tests.
fn is_test(path: &str) -> bool {
    path.ends_with(".test.vgo")
}
