//! What is wrong with a policy as SARIF 2.1.0, which code hosts and editors read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use super::{meaning, page};
use serde_json::{Value, json};
use vigo_core::diagnostic::{Code, Severity};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Where the pages of the codes are read.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/src/diagnostics");

/// Returns diagnostics, as `vigo_driver::diagnostics_json` has them, as a log of one run.
pub(crate) fn sarif(diagnostics: &[Value]) -> Value {
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    json!({
        "version": "2.1.0",
        "$schema": SCHEMA,
        "runs": [{
            "tool": { "driver": {
                "name": "vigocli",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            // Columns count characters, not the code units of UTF-16.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    let level = if code.severity() == Severity::Error { "error" } else { "warning" };
    json!({
        "id": code.to_string(),
        "name": code.slug(),
        "shortDescription": { "text": code.summary() },
        "fullDescription": { "text": meaning(code) },
        "help": { "text": page(code), "markdown": page(code) },
        "helpUri": format!("{PAGES}/{code}.md"),
        "defaultConfiguration": { "level": level },
    })
}

fn result(diagnostic: &Value) -> Value {
    let labels = diagnostic["labels"].as_array().map_or(&[][..], Vec::as_slice);
    let (first, others) = labels.split_at(labels.len().min(1));
    let help = diagnostic["help"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // There is no place for help: it stands in the message, a line each.
    let text = diagnostic["message"].as_str().into_iter().chain(help).collect::<Vec<_>>().join("\n");
    let mut result = json!({
        "ruleId": diagnostic["code"],
        "level": diagnostic["severity"],
        "message": { "text": text },
        "locations": first.iter().map(location).collect::<Vec<_>>(),
    });
    let position = Code::ALL.iter().position(|code| diagnostic["code"] == *code.to_string());
    if let Some(index) = position {
        result["ruleIndex"] = index.into();
    }
    if !others.is_empty() {
        result["relatedLocations"] = others.iter().map(location).collect();
    }
    result
}

fn location(label: &Value) -> Value {
    let mut location = json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(label["file"].as_str().unwrap_or_default()) },
        "region": {
            "startLine": label["line"], "startColumn": label["column"],
            "endLine": label["end_line"], "endColumn": label["end_column"],
        },
    }});
    if label["text"].as_str().is_some_and(|text| !text.is_empty()) {
        location["message"] = json!({ "text": label["text"] });
    }
    location
}

/// Returns a path as a relative URI, RFC 3986.
fn uri(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut uri, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
        uri
    })
}
