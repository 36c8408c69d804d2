//! `vigocli runs`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, shown, table};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Show what came out otherwise in one run than in another
    Diff {
        /// The number of the earlier one
        from: i64,
        /// The number of the later one
        to: i64,
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
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=500))]
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
            Some(Verb::Diff { from, to }) => {
                let run = |number: i64| client.get(&path("/runs", &number.to_string(), ""), &[]);
                Ok(diff(&run(*from)?, &run(*to)?))
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

/// Compares two runs, by resource. One that a run does not tell of was as it should be.
fn diff(from: &Value, to: &Value) -> Answer {
    let resources = |run: &Value| -> BTreeMap<String, Value> {
        let resources = run["resources"].as_array().into_iter().flatten();
        resources.map(|resource| (resource["id"].as_str().unwrap_or_default().to_owned(), resource.clone())).collect()
    };
    let (before, after) = (resources(from), resources(to));
    let said = |run: &BTreeMap<String, Value>, id: &str| {
        let said = |resource: &Value| json!({ "outcome": resource["outcome"], "changes": resource["changes"], "cause": resource["cause"] });
        run.get(id).map(said)
    };
    let mut differences = Vec::new();
    let mut text = format!(
        "run {} of {}, {}, and run {} of {}, {}\n",
        cell(from, "id"),
        cell(from, "hostname"),
        cell(from, "started_at"),
        cell(to, "id"),
        cell(to, "hostname"),
        cell(to, "started_at"),
    );
    for id in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (said(&before, id), said(&after, id));
        if before == after {
            continue;
        }
        text.push_str(&format!("{}\n", shown(id)));
        for (sign, said) in [('-', &before), ('+', &after)] {
            let Some(said) = said else {
                text.push_str(&format!("  {sign} nothing to tell\n"));
                continue;
            };
            let cause = cell(said, "cause");
            let cause = if cause.is_empty() { cause } else { format!(": {cause}") };
            text.push_str(&format!("  {sign} {}{cause}\n", cell(said, "outcome")));
            for change in said["changes"].as_array().into_iter().flatten() {
                let (field, before, after) = (cell(change, "field"), cell(change, "before"), cell(change, "after"));
                text.push_str(&format!("  {sign}   {field}: {before} -> {after}\n"));
            }
        }
        differences.push(json!({ "id": id, "before": before, "after": after }));
    }
    if differences.is_empty() {
        text.push_str("The same came out of both.\n");
    }
    Answer::new(json!({ "from": from["id"], "to": to["id"], "differences": differences }), text)
}

fn block(text: &mut String, head: &str, line: &str) {
    if !line.is_empty() {
        text.push_str(&format!("{:13}{head}{line}\n", ""));
    }
}
