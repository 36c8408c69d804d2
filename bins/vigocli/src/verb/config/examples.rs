//! `vigocli config examples`.

use super::local;
use crate::error::CliError;
use crate::output::{Answer, table};
use clap::Subcommand;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree, TreeFile};
use vigo_driver::system_text;

/// The files of `examples/`, as they stood when the program was built.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

#[derive(Subcommand, Debug)]
pub(crate) enum Examples {
    /// List whole trees and single configcrates to start from
    List,
    /// Copy one of them, with what belongs to it; a file that is there is kept
    Copy {
        /// Its name in the list
        name: String,
        /// The tree to copy it into
        #[arg(default_value = "stacks")]
        dir: PathBuf,
        /// Overwrite files that are there
        #[arg(long)]
        force: bool,
    },
}

/// Something to start from.
struct Example {
    name: String,
    /// `tree` or `configcrate`.
    kind: &'static str,
    about: String,
    /// Paths in the tree, and their contents.
    files: Vec<(String, &'static [u8])>,
    /// Configcrates that it depends on.
    needs: Vec<String>,
}

impl Examples {
    pub(crate) fn run(&self) -> Result<Answer, CliError> {
        let all = all();
        match self {
            Self::List => {
                let rows: Vec<Value> = all.iter().map(row).collect();
                let columns = [("NAME", "name"), ("KIND", "kind"), ("ABOUT", "about")];
                let text = table(&rows, &columns);
                Ok(Answer::new(json!({ "examples": rows }), text))
            }
            Self::Copy { name, dir, force } => {
                let Some(example) = all.iter().find(|example| example.name == *name) else {
                    return Err(local::unknown("there is no example", name, all.iter().map(|e| e.name.as_str())));
                };
                copy(example, dir, *force)
            }
        }
    }
}

fn row(example: &Example) -> Value {
    let files: Vec<&str> = example.files.iter().map(|(path, _)| path.as_str()).collect();
    json!({ "name": example.name, "kind": example.kind, "about": example.about, "files": files, "needs": example.needs })
}

/// Returns the trees, each followed by its configcrates.
fn all() -> Vec<Example> {
    let mut trees: BTreeMap<&str, Vec<(&str, &'static [u8])>> = BTreeMap::new();
    for (path, bytes) in FILES {
        if let Some((tree, rest)) = path.split_once('/') {
            trees.entry(tree).or_default().push((rest, bytes));
        }
    }
    let mut all = Vec::new();
    for (tree, files) in trees {
        if !files.iter().any(|(path, _)| path.ends_with(".vgo")) {
            continue;
        }
        let about = format!("a whole tree: {} files", files.len());
        let whole = files.iter().map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect();
        all.push(Example { name: tree.into(), kind: "tree", about, files: whole, needs: Vec::new() });
        all.extend(crates(&files));
    }
    all
}

/// Returns the configcrates of a tree, each with its policy tests and the templates that it names.
fn crates(files: &[(&str, &'static [u8])]) -> Vec<Example> {
    let file = |(path, bytes): &(&str, &'static [u8])| TreeFile {
        path: (*path).into(),
        bytes: (*bytes).into(),
        executable: false,
    };
    let sources = Sources::read(&Tree { files: files.iter().map(file).collect() });
    let config = Config::read(&sources);
    let mut found = Vec::new();
    for krate in &config.crates {
        let path = krate.node.file().path();
        let text = krate.node.file().text();
        let test = format!("{}.test.vgo", path.trim_end_matches(".vgo"));
        let templates = resolve::templates_of(&config, krate);
        let belongs = |name: &str| name == &**path || name == test || templates.iter().any(|file| *file.path == *name);
        let own = files.iter().filter(|(name, _)| belongs(name));
        let comment = text.lines().next().and_then(|line| line.strip_prefix('#')).map(str::trim);
        let many = krate.resources.len();
        found.push(Example {
            name: krate.name.to_string(),
            kind: "configcrate",
            about: comment.map_or_else(|| format!("{many} resources"), str::to_owned),
            files: own.map(|(path, bytes)| ((*path).to_owned(), *bytes)).collect(),
            needs: krate.depends_on.iter().filter_map(|node| node.text()).map(str::to_owned).collect(),
        });
    }
    found
}

fn copy(example: &Example, dir: &Path, force: bool) -> Result<Answer, CliError> {
    let there: Vec<&str> = example
        .files
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| dir.join(path).symlink_metadata().is_ok())
        .collect();
    if !force && !there.is_empty() {
        let why = format!("`{}` has {} already; nothing was copied", dir.display(), there.join(", "));
        return Err(CliError::Input { why, help: "name another folder, or say `--force` to overwrite them" });
    }
    for (path, bytes) in &example.files {
        let to = dir.join(path);
        let written = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&to, bytes));
        written.map_err(|error: io::Error| CliError::File { what: "write", path: to, why: system_text(error) })?;
    }
    let mut text: String = example.files.iter().map(|(path, _)| format!("{}\n", dir.join(path).display())).collect();
    if !example.needs.is_empty() {
        text.push_str(&format!("It needs {}, too.\n", example.needs.join(", ")));
    }
    if example.kind == "configcrate" {
        text.push_str(&match example.name.strip_prefix("user:") {
            Some(user) => format!("Add `usercrates: [{user}]` to a match block to use it.\n"),
            None => format!("Add `{}` to a role or match block to use it.\n", example.name),
        });
    }
    let mut json = row(example);
    json["dir"] = dir.display().to_string().into();
    Ok(Answer::new(json, text))
}
