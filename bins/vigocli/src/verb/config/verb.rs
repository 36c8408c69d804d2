//! The verbs of `vigocli config`.

use super::dedup::Dedup;
use super::diff::Diff;
use super::edit::Edit;
use super::examples::Examples;
use super::fmt::Fmt;
use super::plan::Plan;
use super::promote::Promote;
use super::publish::published;
use super::schema::Schema;
use super::search::Search;
use super::status::{frozen, status_text};
use super::test::Test;
use super::trace::Trace;
use super::tree::Tree;
use super::validate::Validate;
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, table};
use clap::Subcommand;
use serde_json::json;

#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Look whether a tree can be published; needs no server
    Validate(Validate),
    Plan(Plan),
    Trace(Trace),
    Tree(Tree),
    Search(Search),
    Dedup(Dedup),
    Edit(Edit),
    Promote(Promote),
    /// Trees and configcrates to start from
    #[command(subcommand)]
    Examples(Examples),
    Test(Test),
    Fmt(Fmt),
    Schema(Schema),
    /// Publish the server's stacks: all of it, or, when something is wrong, nothing
    Publish,
    /// List what was published, the newest first
    History,
    /// Publish once more what an earlier publish was
    Rollback {
        /// Its number
        publish: u64,
    },
    /// Show what is published now, which machines have it, and what is not published yet
    Status,
    Diff(Diff),
    /// Refuse to publish and to roll back, until a time or until `unfreeze`
    Freeze {
        /// When it ends by itself, such as 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME", conflicts_with = "span")]
        until: Option<String>,
        /// After how long it ends by itself, such as 2h or 3d
        #[arg(long = "for", value_name = "TIME", id = "span")]
        span: Option<String>,
        /// What whoever wants to publish is told
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// End a freeze
    Unfreeze,
    /// Print the server's configuration with all its defaults, explained
    #[command(name = "server.yaml")]
    ServerYaml,
}

impl Config {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Validate(verb) => verb.run(global),
            Self::Plan(verb) => verb.run(global),
            Self::Trace(verb) => verb.run(global),
            Self::Tree(verb) => verb.run(global),
            Self::Search(verb) => verb.run(global),
            Self::Dedup(verb) => verb.run(global),
            Self::Edit(verb) => verb.run(global),
            Self::Promote(verb) => verb.run(global),
            Self::Examples(verb) => verb.run(),
            Self::Test(verb) => verb.run(global),
            Self::Fmt(verb) => verb.run(global),
            Self::Schema(verb) => verb.run(),
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
                let status = global.client().get("/config/status", &[])?;
                let text = status_text(&status);
                Ok(Answer::new(status, text))
            }
            Self::Diff(verb) => verb.run(global),
            Self::Freeze { until, span, reason } => {
                let mut body = json!({ "reason": reason });
                for (name, value) in [("until", until), ("for", span)] {
                    if let Some(value) = value {
                        body[name] = value.as_str().into();
                    }
                }
                let freeze = global.client().post("/config/freeze", &body)?;
                let mut text = format!("Publishing is {}.\n", frozen(&freeze));
                if !freeze["instead_of"].is_null() {
                    text.push_str(&format!("Before, it was {}.\n", frozen(&freeze["instead_of"])));
                }
                Ok(Answer::new(freeze, text))
            }
            Self::Unfreeze => {
                let freeze = global.client().delete("/config/freeze")?;
                let text = format!("Publishing is possible again. It was {}.\n", frozen(&freeze));
                Ok(Answer::new(freeze, text))
            }
            Self::ServerYaml => {
                let answer = global.client().get("/config/server-yaml", &[])?;
                let text = answer["text"].as_str().unwrap_or_default().to_owned();
                Ok(Answer::new(answer, text))
            }
        }
    }
}
