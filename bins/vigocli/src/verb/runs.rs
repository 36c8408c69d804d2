//! `vigocli runs`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, shown, table};
use clap::{Args, Subcommand};
use serde_json::Value;

/// Without a verb: list them.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Runs {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// List runs in which something changed or failed, the newest first
    List(List),
    /// Show what one run did
    Show {
        /// Its number
        run: i64,
    },
}

#[derive(Args, Debug)]
struct List {
    /// Only those of this machine: its hostname or id
    #[arg(long, value_name = "ENVOY")]
    envoy: Option<String>,
    /// Only those before this run
    #[arg(long, value_name = "RUN")]
    before: Option<i64>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: u32,
}

impl Runs {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match &self.verb {
            None => list(client, &self.list),
            Some(Verb::List(wanted)) => list(client, wanted),
            Some(Verb::Show { run }) => {
                let run = client.get(&path("/runs", &run.to_string(), ""), &[])?;
                let text = show(&run);
                Ok(Answer::new(run, text))
            }
        }
    }
}

fn list(client: &Client, wanted: &List) -> Result<Answer, CliError> {
    let params = [
        ("envoy", wanted.envoy.clone()),
        ("before", wanted.before.map(|before| before.to_string())),
        ("limit", Some(wanted.limit.to_string())),
    ];
    let runs = client.get("/runs", &params)?;
    let columns = [
        ("RUN", "id"),
        ("HOSTNAME", "hostname"),
        ("STARTED", "started_at"),
        ("OUTCOME", "outcome"),
        ("OK", "counts.ok"),
        ("CHANGED", "counts.changed"),
        ("FAILED", "counts.failed"),
        ("SKIPPED", "counts.skipped"),
        ("MS", "duration_ms"),
    ];
    let text = table(runs["runs"].as_array().map_or(&[], Vec::as_slice), &columns);
    Ok(Answer::new(runs, text))
}

fn show(run: &Value) -> String {
    let mut text = format!(
        "run {} of {}, {}: {}\n",
        cell(run, "id"),
        cell(run, "hostname"),
        cell(run, "started_at"),
        cell(run, "outcome")
    );
    block(&mut text, "", &cell(run, "error"));
    for resource in run["resources"].as_array().into_iter().flatten() {
        let word = cell(resource, "outcome");
        text.push_str(&format!("{word:>12} {} ({})\n", cell(resource, "id"), cell(resource, "type")));
        for change in resource["changes"].as_array().into_iter().flatten() {
            let (field, before, after) = (cell(change, "field"), cell(change, "before"), cell(change, "after"));
            block(&mut text, "", &format!("{field}: {before} -> {after}"));
        }
        for (head, name) in [("", "diff"), ("cause: ", "cause"), ("log: ", "log"), ("help: ", "help")] {
            // Of several lines: each is shown by itself.
            for line in resource[name].as_str().unwrap_or_default().lines() {
                block(&mut text, head, &shown(line));
            }
        }
    }
    match run["left_out"].as_u64() {
        None | Some(0) => {}
        Some(more) => text.push_str(&format!("             and {more} more\n")),
    }
    text
}

fn block(text: &mut String, head: &str, line: &str) {
    if !line.is_empty() {
        text.push_str(&format!("{:13}{head}{line}\n", ""));
    }
}
