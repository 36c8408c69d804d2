//! `vigocli config diff`.

use super::trees;
use super::words::{names, plural};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, cell, shown};
use clap::Args;
use serde_json::Value;
use std::path::Path;

/// Show in what two publishes differ, or two folders of stacks, by resource
///
/// Without names it is what is published, and the server's stacks. Folders need no server.
#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The earlier one: a publish's number, or a folder [default: what is published]
    #[arg(value_name = "FROM")]
    old: Option<String>,
    /// The later one: a publish's number, or a folder [default: the stacks]
    #[arg(value_name = "TO")]
    new: Option<String>,
}

impl Diff {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let is_number = |text: &Option<String>| text.as_ref().is_none_or(|text| text.parse::<u64>().is_ok());
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if !is_number(&self.old) && !is_number(&self.new) => {
                trees::between(Path::new(old), Path::new(new))
            }
            _ if is_number(&self.old) && is_number(&self.new) => {
                let query = [("from", self.old.clone()), ("to", self.new.clone())];
                let diff = global.client().get("/config/diff", &query)?;
                let text = diff_text(&diff);
                let diagnostics = diff["warnings"].as_array().cloned().unwrap_or_default();
                Ok(Answer { diagnostics, ..Answer::new(diff, text) })
            }
            _ => Err(CliError::Usage { why: "expected two numbers of publishes, or two folders of stacks".into() }),
        }
    }
}

/// Says in what two policies differ.
pub(super) fn diff_text(diff: &Value) -> String {
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
    if envoys.is_null() {
        return text;
    }
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
