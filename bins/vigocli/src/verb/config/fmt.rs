//! `vigocli config fmt`.

use super::local::Stacks;
use super::replace::replace;
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use vigo_core::format::{self, Unformatted};
use vigo_core::resource::Diff;
use vigo_core::source::{Sources, Tree, TreeFile};
use vigo_core::value::Text;

/// Folders in which a file is what it is by its place in the tree.
const LIBRARY: &[&str] = &["configcrates", "usercrates", "roles"];

/// Write files as all are written: indents, quotes, the order of keys; comments and meaning stay
#[derive(Args, Debug)]
pub(crate) struct Fmt {
    /// Files, and folders with all their files `*.vgo` [default: the tree]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    stacks: Stacks,
    /// Write nothing; exit 1 when a file is to be written anew
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    diff: bool,
}

/// A file to be formatted.
struct Found {
    /// Where it is.
    path: PathBuf,
    /// Its place in its tree.
    place: String,
}

/// What came of a file.
enum Outcome {
    Same,
    Changed(String),
    Left(Unformatted),
    Wrong(Vec<Value>),
}

impl Fmt {
    pub(super) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let root = self.stacks.dir(global);
        let mut files = Vec::new();
        if self.paths.is_empty() {
            folder(&root, &root, &mut files)?;
        }
        for path in &self.paths {
            if path.is_dir() {
                folder(path, &root, &mut files)?;
            } else {
                files.push(Found { path: path.clone(), place: place(path, &root) });
            }
        }
        let (mut changed, mut left, mut diagnostics, mut text) = (Vec::new(), Vec::new(), Vec::new(), String::new());
        for file in &files {
            let name = file.path.display().to_string();
            let bytes = fs::read(&file.path).map_err(|e| failed("read", &file.path, e))?;
            match outcome(file, &bytes) {
                Outcome::Same => {}
                Outcome::Changed(new) => {
                    if self.diff {
                        let old = Text::plain(String::from_utf8_lossy(&bytes).as_ref());
                        text.push_str(&Diff::new(name.as_str().into(), old, Text::plain(new.as_str())).unified());
                    } else if self.check {
                        text.push_str(&format!("{} is to be formatted.\n", shown(&name)));
                    } else {
                        replace(&file.path, Some(&bytes), &new)?;
                        text.push_str(&format!("Formatted {}.\n", shown(&name)));
                    }
                    changed.push(name);
                }
                Outcome::Left(why) => {
                    text.push_str(&format!("Left {} as it is: {why}.\n", shown(&name)));
                    left.push(name);
                }
                Outcome::Wrong(found) => {
                    diagnostics.extend(found);
                    left.push(name);
                }
            }
        }
        if !self.diff {
            text.push_str(&summary(files.len(), changed.len(), self.check));
        }
        let is_no = !diagnostics.is_empty() || (self.check && !changed.is_empty());
        let json = json!({ "files": files.len(), "changed": changed, "left": left, "diagnostics": diagnostics });
        Ok(Answer { diagnostics, status: u8::from(is_no), ..Answer::new(json, text) })
    }
}

fn summary(files: usize, changed: usize, check: bool) -> String {
    let plural = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    match (changed, check) {
        (0, _) => format!("{} looked at, nothing to do.\n", plural(files)),
        (n, false) => format!("{} formatted, of {}.\n", plural(n), plural(files)),
        (n, true) => format!("{} to be formatted, of {}.\n", plural(n), plural(files)),
    }
}

fn outcome(file: &Found, bytes: &[u8]) -> Outcome {
    let one = TreeFile { path: file.place.as_str().into(), bytes: bytes.into(), executable: false };
    let tree = Tree { files: vec![one] };
    let sources = Sources::read(&tree).with_tests(&tree);
    let wrong: Vec<_> = sources.diagnostics().iter().chain(sources.test_diagnostics()).cloned().collect();
    let Some(yaml) = sources.policy_files().chain(sources.test_files()).next() else {
        return Outcome::Left(Unformatted::Construct("a file that is no `*.vgo`, or whose name begins with a dot,"));
    };
    if !wrong.is_empty() {
        return Outcome::Wrong(vigo_driver::diagnostics_json(&wrong, sources.map()));
    }
    match format::format(yaml) {
        Ok(new) if new.as_bytes() == bytes => Outcome::Same,
        Ok(new) => Outcome::Changed(new),
        Err(why) => Outcome::Left(why),
    }
}

/// Finds the policy files below a folder.
fn folder(dir: &Path, root: &Path, into: &mut Vec<Found>) -> Result<(), CliError> {
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).map_err(|e| failed("read", &dir, e))? {
            let entry = entry.map_err(|e| failed("read", &dir, e))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().map_err(|e| failed("read", &path, e))?;
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() && name.ends_with(".vgo") {
                into.push(Found { place: place(&path, root), path });
            }
        }
    }
    into.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

/// Returns the place of a file in its tree: below the root that is named, or from a folder on that only a root has.
fn place(path: &Path, root: &Path) -> String {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let below = fs::canonicalize(root).ok().and_then(|root| whole.strip_prefix(root).ok().map(Path::to_owned));
    let names = |path: &Path| -> Vec<String> {
        path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect()
    };
    if let Some(below) = below {
        return names(&below).join("/");
    }
    let names = names(&whole);
    let from = names.iter().rposition(|name| LIBRARY.contains(&&**name)).unwrap_or(names.len().saturating_sub(1));
    names.get(from..).unwrap_or_default().join("/")
}

fn failed(what: &'static str, path: &Path, error: io::Error) -> CliError {
    CliError::File { what, path: path.into(), why: vigo_driver::system_text(error) }
}
