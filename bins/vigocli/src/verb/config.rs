//! `vigocli config`.

use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, cell, count, render, shown, table};
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
    /// Show what is published now, which machines have it, and what is not published yet
    Status,
    /// Show in what two publishes differ, by resource: the stacks and what is published, where none is named
    Diff {
        /// The earlier one [default: what is published]
        from: Option<u64>,
        /// The later one [default: the stacks]
        to: Option<u64>,
    },
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
                let status = global.client().get("/config/status", &[])?;
                let text = status_text(&status);
                Ok(Answer::new(status, text))
            }
            Self::Diff { from, to } => {
                let number = |id: &Option<u64>| id.map(|id| id.to_string());
                let diff = global.client().get("/config/diff", &[("from", number(from)), ("to", number(to))])?;
                let text = diff_text(&diff);
                let notes = render(diff["warnings"].as_array().map_or(&[], Vec::as_slice));
                Ok(Answer { notes, ..Answer::new(diff, text) })
            }
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

fn frozen(freeze: &Value) -> String {
    let until = match cell(freeze, "until") {
        none if none.is_empty() => "until somebody ends it".to_owned(),
        until => format!("until {until}"),
    };
    let reason = cell(freeze, "reason");
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    format!("frozen by {} at {}, {until}{reason}", cell(freeze, "by"), cell(freeze, "at"))
}

fn status_text(status: &Value) -> String {
    let mut text = match &status["publish"] {
        Value::Null => "Nothing is published.\n".to_owned(),
        publish => {
            let age = age(publish["age_seconds"].as_u64().unwrap_or_default());
            let (id, at, by) = (cell(publish, "id"), cell(publish, "at"), cell(publish, "author"));
            format!(
                "Publish {id}, {at} by {by}, {age} ago: {}.\n",
                plural(publish["classes"].as_u64(), "class", "classes")
            )
        }
    };
    let envoys = &status["envoys"];
    let (have_it, not_yet) = (envoys["have_it"].as_u64(), &envoys["not_yet"]);
    if !status["publish"].is_null() {
        text.push_str(&format!("{} it", plural(have_it, "machine has", "machines have")));
        match not_yet["count"].as_u64() {
            None | Some(0) => text.push_str(".\n"),
            Some(more) => text.push_str(&format!(", {more} not yet: {}.\n", names(&not_yet["hostnames"], more))),
        }
    }
    text.push_str(&format!("The highest serial of an assignment is {}.\n", cell(status, "serial")));
    let stacks = &status["stacks"];
    match stacks["count"].as_u64() {
        None => text.push_str(&format!("The stacks cannot be read: {}.\n", cell(stacks, "error"))),
        Some(0) => text.push_str("The stacks are what is published.\n"),
        Some(many) => {
            let files = plural(Some(many), "file", "files");
            text.push_str(&format!("The stacks differ in {files}: {}.\n", names(&stacks["files"], many)));
        }
    }
    if !status["freeze"].is_null() {
        text.push_str(&format!("Publishing is {}.\n", frozen(&status["freeze"])));
    }
    text
}

fn diff_text(diff: &Value) -> String {
    let mut text = String::new();
    let list = |name: &str| diff[name].as_array().map_or(&[][..], Vec::as_slice);
    for class in list("classes") {
        entry(&mut text, class, &format!("class {}", cell(class, "name")));
    }
    for difference in list("differences") {
        let (kind, id, type_name) = (cell(difference, "kind"), cell(difference, "id"), cell(difference, "type"));
        let type_name = if type_name.is_empty() { type_name } else { format!(" ({type_name})") };
        let classes = &difference["classes"];
        let many = classes["count"].as_u64().unwrap_or_default();
        entry(&mut text, difference, &format!("{kind} {id}{type_name} in {}", names(&classes["names"], many)));
    }
    if let Some(more @ 1..) = diff["left_out"].as_u64() {
        text.push_str(&format!("and {more} more\n"));
    }
    if text.is_empty() {
        text.push_str("They want the same.\n");
    }
    let envoys = &diff["envoys"];
    match envoys["count"].as_u64() {
        None | Some(0) => text.push_str("It concerns no machine.\n"),
        Some(many) => {
            let machines = plural(Some(many), "machine", "machines");
            text.push_str(&format!("It concerns {machines}: {}.\n", names(&envoys["hostnames"], many)));
        }
    }
    text
}

/// Adds something that differs, with its fields. Each line of a text is one of its own.
fn entry(text: &mut String, difference: &Value, what: &str) {
    let sign = match difference["change"].as_str() {
        Some("added") => '+',
        Some("removed") => '-',
        _ => '~',
    };
    text.push_str(&format!("{sign} {what}\n"));
    for field in difference["fields"].as_array().into_iter().flatten() {
        text.push_str(&format!("    {}:\n", cell(field, "name")));
        for (sign, name) in [('-', "before"), ('+', "after")] {
            let value = field[name].as_str();
            value.into_iter().flat_map(str::lines).for_each(|line| {
                text.push_str(&format!("      {sign} {}\n", shown(line)));
            });
        }
    }
}

/// Returns the names of a list, and how many there are besides.
fn names(list: &Value, many: u64) -> String {
    let names: Vec<_> = list.as_array().into_iter().flatten().filter_map(Value::as_str).map(shown).collect();
    let more = many.saturating_sub(names.len() as u64);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", names.join(", "))
}

fn plural(number: Option<u64>, one: &str, many: &str) -> String {
    match number {
        Some(1) => format!("1 {one}"),
        other => format!("{} {many}", other.unwrap_or_default()),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
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
