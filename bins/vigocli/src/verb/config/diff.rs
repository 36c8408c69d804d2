//! `vigocli config diff`.

use super::words::{names, plural};
use crate::output::{cell, shown};
use serde_json::Value;

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
