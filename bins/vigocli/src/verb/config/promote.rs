//! `vigocli config promote`.

use super::diff::diff_text;
use super::local::{self, Stacks};
use super::replace::{replace, with};
use super::trees;
use crate::cli::{Format, Global};
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write as _};
use vigo_core::config::Config;
use vigo_core::promote::{Choice, Promoted, promote};
use vigo_core::source::Sources;

/// Bring what one environment sets over to another, in environments.vgo: variables, configcrates, exclusions
///
/// First it is shown what that changes, for which classes. Comments and layout stay as they are.
#[derive(Args, Debug)]
pub(crate) struct Promote {
    /// The environment that sets it
    from: String,
    /// The environment that is to have it
    to: String,
    /// Only this variable; may be said more than once
    #[arg(long = "var", value_name = "NAME")]
    variables: Vec<String>,
    /// Only this configcrate, added or excluded; may be said more than once
    #[arg(long = "crate", value_name = "NAME")]
    crates: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only show what would change
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    stacks: Stacks,
}

impl Promote {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let dir = self.stacks.dir(global);
        let tree = vigo_driver::read_tree(&dir)?;
        let sources = Sources::read(&tree);
        let before = trees::resolved(&sources).map_err(local::invalid(&sources))?;
        let choice = Choice { variables: self.variables.clone(), crates: self.crates.clone() };
        let files = promote(&Config::read(&sources), &self.from, &self.to, &choice)
            .map_err(|error| CliError::NotFound { help: error.help(), why: error.to_string() })?;
        if files.is_empty() {
            let text = format!("`{}` has all that already.\n", self.to);
            return Ok(Answer::new(json!({ "files": [], "written": false }), text));
        }
        let changed = files.iter().fold(tree.clone(), |tree, file| with(&tree, &file.path, &file.text));
        let after = Sources::read(&changed);
        let resolved = trees::resolved(&after).map_err(local::invalid(&after))?;
        let differences = vigo_driver::differences_json(&trees::differences(&before, &resolved)?);
        let mut text: String = files.iter().map(said).collect();
        text.push_str(&diff_text(&differences));
        let written = !self.dry_run && (self.yes || agreed(global, &text)?);
        if written {
            for file in &files {
                let old = tree.files.iter().find(|old| old.path == file.path).map(|old| &*old.bytes);
                replace(&dir.join(&*file.path), old, &file.text)?;
            }
        }
        // Who was asked has seen it.
        let asked = !self.dry_run && !self.yes;
        let end = if written { "Written.\n" } else { "Nothing was written.\n" };
        let text = if asked { end.to_owned() } else { format!("{text}{end}") };
        let mut json = differences;
        json["files"] = files.iter().map(file_json).collect();
        json["written"] = written.into();
        Ok(Answer { status: u8::from(asked && !written), ..Answer::new(json, text) })
    }
}

fn said(file: &Promoted) -> String {
    let mut text = format!("{}\n", file.path);
    for change in &file.changes {
        let (key, name, after) = (change.key, shown(&change.name), shown(&change.after));
        text.push_str(&match (&change.before, key) {
            (Some(before), _) => format!("  {key}: {name}: {} -> {after}\n", shown(before)),
            (None, "vars") => format!("  {key}: {name}: {after}, new\n"),
            (None, _) => format!("  {key}: {name}, new\n"),
        });
    }
    text
}

fn file_json(file: &Promoted) -> Value {
    let change =
        |c: &vigo_core::promote::Change| json!({ "key": c.key, "name": c.name, "before": c.before, "after": c.after });
    json!({ "file": &*file.path, "changes": file.changes.iter().map(change).collect::<Vec<_>>() })
}

/// Asks on the terminal.
fn agreed(global: &Global, text: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() || global.format != Format::Table {
        return Err(CliError::Usage { why: "nobody can be asked here; say `--yes`, or `--dry-run` to see it".into() });
    }
    // What cannot be shown is not agreed to.
    let asked = write!(io::stderr(), "{text}Write that? [y/N] ");
    let mut line = String::new();
    Ok(asked.is_ok() && io::stdin().read_line(&mut line).is_ok() && matches!(line.trim(), "y" | "yes"))
}
