//! `vigocli config`.

use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, cell, count, render, table};
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::PathBuf;
use vigo_core::resolve;
use vigo_core::source::Sources;

#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Look whether a tree can be published; needs no server
    Validate {
        /// The tree [default: `stacks` in the data directory]
        #[arg(long, value_name = "DIR")]
        stacks: Option<PathBuf>,
    },
    /// Publish the server's stacks: all of it, or, when something is wrong, nothing
    Publish,
    /// List what was published, the newest first
    History,
    /// Publish once more what an earlier publish was
    Rollback {
        /// Its number
        publish: u64,
    },
    /// Show what is published now
    Status,
}

impl Config {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Validate { stacks } => validate(&stacks.clone().unwrap_or_else(|| global.data_dir().join("stacks"))),
            Self::Publish => Ok(published(global.client().post("/publish", &json!({}))?)),
            Self::Rollback { publish } => Ok(published(global.client().post("/rollback", &json!({ "id": publish }))?)),
            Self::History => {
                let history = global.client().get("/publishes", &[])?;
                let columns = [
                    ("PUBLISH", "id"),
                    ("AT", "at"),
                    ("BY", "author"),
                    ("CLASSES", "classes"),
                    ("BRINGS BACK", "restores"),
                ];
                let text = table(history["publishes"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(history, text))
            }
            Self::Status => {
                let mut status = global.client().get("/status", &[])?;
                let publish = status["publish"].take();
                let text = match publish {
                    Value::Null => "Nothing is published.\n".into(),
                    _ => format!(
                        "Publish {}, {} by {}.\n",
                        cell(&publish, "id"),
                        cell(&publish, "at"),
                        cell(&publish, "author")
                    ),
                };
                Ok(Answer::new(json!({ "publish": publish }), text))
            }
        }
    }
}

fn published(publish: Value) -> Answer {
    let classes = publish["classes"].as_array().map_or(&[][..], Vec::as_slice);
    let number = match classes.len() {
        1 => "1 class".to_owned(),
        many => format!("{many} classes"),
    };
    let text = format!("Published as {}: {number}.\n", cell(&publish, "id"));
    let notes = render(publish["warnings"].as_array().map_or(&[], Vec::as_slice));
    Answer { notes, ..Answer::new(publish, text) }
}

fn validate(stacks: &std::path::Path) -> Result<Answer, CliError> {
    let tree = vigo_driver::read_tree(stacks)?;
    let sources = Sources::read(&tree);
    let diagnostics = resolve::check(&vigo_core::config::Config::read(&sources));
    let diagnostics = vigo_driver::diagnostics_json(&diagnostics, sources.map());
    let (errors, warnings) = count(&diagnostics);
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let text = match (errors, warnings) {
        (0, 0) => "The tree is valid.\n".into(),
        (0, _) => format!("The tree is valid, with {}.\n", plural(warnings, "warning")),
        _ => format!("The tree is not valid: {}, {}.\n", plural(errors, "error"), plural(warnings, "warning")),
    };
    let notes = render(&diagnostics);
    let json = json!({ "valid": errors == 0, "errors": errors, "warnings": warnings, "diagnostics": diagnostics });
    Ok(Answer { notes, status: u8::from(errors > 0), ..Answer::new(json, text) })
}
