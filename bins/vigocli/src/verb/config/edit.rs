//! `vigocli config edit`.

use super::local::{self, Stacks};
use super::replace::{replace, with};
use crate::cli::{Format, Global};
use crate::error::CliError;
use crate::output::Answer;
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use vigo_core::config::Config;
use vigo_core::diagnostic::Severity;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_driver::{diagnostics_json, system_text};

/// Edit a file of the tree, which is put in place only if the whole tree is valid with it
///
/// The editor is $VISUAL, $EDITOR or vi, and gets a copy. What was typed is never lost: where the copy is not put in place,
/// it stays, and it is said where.
#[derive(Args, Debug)]
pub(crate) struct Edit {
    /// A file, as a path in the tree, or the name of a configcrate or role; a new one as a path that ends in .vgo
    what: String,
    #[command(flatten)]
    stacks: Stacks,
}

impl Edit {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let dir = self.stacks.dir(global);
        let tree = vigo_driver::read_tree(&dir)?;
        let path = self.path(&dir, &tree)?;
        let before = tree.files.iter().find(|file| *file.path == *path).map(|file| file.bytes.clone());
        let copy = Copy::new(&path, before.as_deref().unwrap_or_default())?;
        loop {
            copy.open()?;
            let text = copy.read()?;
            if text.as_bytes() == before.as_deref().unwrap_or_default() {
                copy.remove();
                return Ok(Answer::new(answer(&path, false, None), "Nothing was changed.\n"));
            }
            let sources = Sources::read(&with(&tree, &path, &text));
            let found = resolve::check(&Config::read(&sources));
            let is_valid = found.iter().all(|d| d.severity() != Severity::Error);
            let diagnostics = diagnostics_json(&found, sources.map());
            if is_valid {
                if let Err(error) = replace(&dir.join(&path), before.as_deref(), &text) {
                    let _ = writeln!(io::stderr(), "What was typed is kept in `{}`.", copy.path.display());
                    return Err(error);
                }
                copy.remove();
                let said = format!("`{path}` is in place.\n");
                return Ok(Answer { diagnostics, ..Answer::new(answer(&path, true, None), said) });
            }
            if !again(global, &diagnostics) {
                let kept = copy.path.display().to_string();
                let said = format!(
                    "The tree is not valid with that; nothing was put in place. What was typed is kept in `{kept}`.\n"
                );
                // On a terminal it was shown already.
                let diagnostics = if can_ask(global) { Vec::new() } else { diagnostics };
                return Ok(Answer { diagnostics, status: 1, ..Answer::new(answer(&path, false, Some(&kept)), said) });
            }
        }
    }

    /// Returns the path in the tree of what is to be edited.
    fn path(&self, dir: &Path, tree: &Tree) -> Result<String, CliError> {
        let what = self.what.as_str();
        let is_file = |path: &str| tree.files.iter().any(|file| *file.path == *path);
        if is_file(what) {
            return Ok(what.into());
        }
        // A path from the working directory, too.
        if let (Ok(real), Ok(root)) = (fs::canonicalize(what), fs::canonicalize(dir))
            && let Ok(relative) = real.strip_prefix(&root)
            && let Some(relative) = relative.to_str().filter(|path| is_file(path))
        {
            return Ok(relative.into());
        }
        let sources = Sources::read(tree);
        let config = Config::read(&sources);
        if let Some((_, krate)) = config.configcrate(what) {
            return Ok(krate.node.file().path().to_string());
        }
        if let Some(role) = config.role(what) {
            return Ok(role.node.file().path().to_string());
        }
        let is_new = what.ends_with(".vgo")
            && !what.starts_with('/')
            && what.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        if is_new {
            return Ok(what.into());
        }
        let files = tree.files.iter().map(|file| &*file.path);
        let known = files.chain(config.crates.iter().map(|c| &*c.name)).chain(config.roles.iter().map(|r| r.name));
        Err(local::unknown("the tree has no file, configcrate or role", what, known))
    }
}

fn answer(path: &str, is_written: bool, copy: Option<&str>) -> serde_json::Value {
    json!({ "file": path, "written": is_written, "copy": copy })
}

/// A copy that is edited.
struct Copy {
    dir: PathBuf,
    path: PathBuf,
}

impl Copy {
    /// Makes a copy in a folder that nobody else can look into.
    fn new(path: &str, content: &[u8]) -> Result<Self, CliError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let base = std::env::temp_dir();
        let failed =
            |dir: &Path, error: io::Error| CliError::File { what: "write", path: dir.into(), why: system_text(error) };
        for number in 0..1000 {
            let dir = base.join(format!("vigo-edit-{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(&dir, error)),
                Ok(()) => {
                    let copy = Self { path: dir.join(name), dir };
                    fs::write(&copy.path, content).map_err(|error| failed(&copy.path, error))?;
                    return Ok(copy);
                }
            }
        }
        Err(failed(&base, io::ErrorKind::AlreadyExists.into()))
    }

    /// Lets the editor have it. What the editor is may have arguments.
    fn open(&self) -> Result<(), CliError> {
        let named = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into());
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(&self.path);
        let kept = || format!("what was typed is kept in `{}`", self.path.display());
        let help = "set $VISUAL or $EDITOR to an editor that is there";
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(CliError::Input { why: format!("`{editor}` ended with {status}; {}", kept()), help }),
            Err(error) => Err(CliError::Input { why: format!("`{editor}`: {}; {}", system_text(error), kept()), help }),
        }
    }

    fn read(&self) -> Result<String, CliError> {
        fs::read_to_string(&self.path).map_err(|error| CliError::File {
            what: "read",
            path: self.path.clone(),
            why: system_text(error),
        })
    }

    fn remove(&self) {
        // What is left of a copy hurts nobody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn can_ask(global: &Global) -> bool {
    global.format == Format::Table && io::stdin().is_terminal()
}

/// Shows what is wrong and asks whether to go on editing.
fn again(global: &Global, diagnostics: &[serde_json::Value]) -> bool {
    if !can_ask(global) {
        return false;
    }
    let shown = write!(io::stderr(), "{}\nEdit again? [Y/n] ", vigo_driver::render(diagnostics, false));
    let mut line = String::new();
    shown.is_ok() && io::stdin().read_line(&mut line).is_ok_and(|read| read > 0) && !matches!(line.trim(), "n" | "no")
}
