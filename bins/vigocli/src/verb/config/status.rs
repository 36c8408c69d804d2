//! `vigocli config status`, `freeze` and `unfreeze`.

use super::words::{names, plural};
use crate::output::cell;
use serde_json::Value;

/// Says what is published and which machines have it.
pub(super) fn status_text(status: &Value) -> String {
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

/// Says who froze publishing, until when and why.
pub(super) fn frozen(freeze: &Value) -> String {
    let until = match cell(freeze, "until") {
        none if none.is_empty() => "until somebody ends it".to_owned(),
        until => format!("until {until}"),
    };
    let reason = cell(freeze, "reason");
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    format!("frozen by {} at {}, {until}{reason}", cell(freeze, "by"), cell(freeze, "at"))
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
