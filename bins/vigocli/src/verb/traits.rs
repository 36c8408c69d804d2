//! `vigocli traits`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, shown, table};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub(crate) enum Traits {
    /// Show what a machine said of itself
    Show {
        /// Its hostname or id
        envoy: String,
    },
    /// Show what a machine's traits were before, the newest change first
    History {
        /// Its hostname or id
        envoy: String,
        /// Only this trait, and what is below it
        path: Option<String>,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// List the machines whose traits fit a question, such as 'os.family = "debian" and memory.total_mb < 2048'
    Query {
        /// The question: comparisons by = != < <= > >= and ~ (a glob), joined by and, or, not and parentheses
        query: String,
    },
}

impl Traits {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Show { envoy } => {
                let found = client.get(&path("/envoys", envoy, "/traits"), &[])?;
                let mut text = String::new();
                flat(&mut text, "", &found["traits"]);
                Ok(Answer::new(found, text))
            }
            Self::History { envoy, path: wanted, limit } => {
                let params = [("path", wanted.clone()), ("limit", Some(limit.to_string()))];
                let found = client.get(&path("/envoys", envoy, "/traits/history"), &params)?;
                let rows = found["changes"].as_array().map_or(&[][..], Vec::as_slice);
                let columns = [("AT", "at"), ("TRAIT", "trait"), ("BEFORE", "before"), ("AFTER", "after")];
                let text = match rows {
                    [] => "No change of it is kept.\n".into(),
                    rows => table(rows, &columns),
                };
                Ok(Answer::new(found, text))
            }
            Self::Query { query: wanted } => query(client, wanted),
        }
    }
}

/// Lists all pages as one.
fn query(client: &Client, wanted: &str) -> Result<Answer, CliError> {
    let mut all: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut page = client.get("/traits", &[("query", Some(wanted.into())), ("after", after.take())])?;
        if let Value::Array(envoys) = page["envoys"].take() {
            all.extend(envoys);
        }
        match page["next"].as_str() {
            Some(next) => after = Some(next.into()),
            None => break,
        }
    }
    let mut text = String::new();
    for envoy in &all {
        let values = envoy["traits"].as_object().into_iter().flatten();
        let values: Vec<_> = values.map(|(name, value)| format!("{} = {}", shown(name), one(value))).collect();
        text.push_str(format!("{}  {}", cell(envoy, "hostname"), values.join(", ")).trim_end());
        text.push('\n');
    }
    if all.is_empty() {
        text.push_str("No machine fits.\n");
    }
    Ok(Answer::new(json!({ "envoys": all }), text))
}

/// Adds each value with its path.
fn flat(text: &mut String, path: &str, value: &Value) {
    match value.as_object() {
        Some(entries) if !entries.is_empty() || path.is_empty() => {
            for (name, value) in entries {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flat(text, &path, value);
            }
        }
        _ => text.push_str(&format!("{} = {}\n", shown(path), one(value))),
    }
}

fn one(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text).into_owned(),
        other => shown(&other.to_string()).into_owned(),
    }
}
