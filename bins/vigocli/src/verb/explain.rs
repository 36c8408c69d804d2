//! `vigocli explain`.

use crate::error::CliError;
use crate::output::{Answer, page};
use clap::Args;
use serde_json::{Value, json};
use vigo_core::diagnostic::{Code, Severity, nearest};

/// Say what a code such as E0103 means, why it is a mistake, and how it is mended
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The code, or its name: E0103, unknown-name
    #[arg(value_name = "CODE", required_unless_present = "list")]
    code: Option<String>,
    /// List all codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

impl Explain {
    pub(crate) fn run(&self) -> Result<Answer, CliError> {
        let Some(word) = self.code.as_deref().filter(|_| !self.list) else { return Ok(list()) };
        let code = find(word).ok_or_else(|| unknown(word))?;
        let mut json = entry(code);
        json["text"] = page(code).into();
        Ok(Answer::new(json, shown(page(code))))
    }
}

fn list() -> Answer {
    let line = |code: &Code| format!("{code}  {:24}{}\n", code.slug(), code.summary());
    let text: String = Code::ALL.iter().map(line).collect();
    Answer::new(Code::ALL.iter().map(|code| entry(*code)).collect::<Vec<_>>().into(), text)
}

fn entry(code: Code) -> Value {
    let severity = if code.severity() == Severity::Error { "error" } else { "warning" };
    json!({ "code": code.to_string(), "name": code.slug(), "severity": severity, "summary": code.summary() })
}

/// Returns the code that is meant by `E0103`, `e0103`, `103` or `unknown-name`.
fn find(word: &str) -> Option<Code> {
    let is = |code: &&Code| {
        let written = code.to_string();
        word.eq_ignore_ascii_case(&written)
            || word.eq_ignore_ascii_case(code.slug())
            || word.parse() == Ok(code.number())
    };
    Code::ALL.iter().find(is).copied()
}

fn unknown(word: &str) -> CliError {
    let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    let upper = word.to_ascii_uppercase();
    let near = nearest(&word.to_ascii_lowercase(), Code::ALL.iter().map(|code| code.slug()))
        .or_else(|| nearest(&upper, codes.iter().map(|code| &**code)));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`vigocli explain --list` lists all codes".to_owned(),
    };
    CliError::NotFound { why: format!("there is no code `{}`", word.escape_debug()), help: Some(help) }
}

/// Returns a page for a terminal: examples indented, of links the words.
fn shown(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut is_example = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if is_example {
            text.push_str(&format!("    {line}\n"));
        } else {
            text.push_str(&words(line.trim_start_matches("# ")));
            text.push('\n');
        }
    }
    text
}

/// Returns a line without the targets of its links.
fn words(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("](") {
        let (label, after) = (before.rfind('['), behind.split_once(')'));
        let (Some(label), Some((_, after))) = (label, after) else { break };
        text.push_str(&before[..label]);
        text.push_str(&before[label + 1..]);
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_whatever_names_it() {
        for word in ["E0103", "e0103", "103", "0103", "unknown-name", "UNKNOWN-NAME"] {
            assert_eq!(find(word), Some(Code::UnknownName), "{word}");
        }
        for word in ["", "E", "W0103", "E9999", "name"] {
            assert_eq!(find(word), None, "{word}");
        }
        let help = |word: &str| unknown(word).help().unwrap_or_default().to_owned();
        assert_eq!(help("unkown-name"), "did you mean `unknown-name`?");
        assert_eq!(help("E103"), "did you mean `E0103`?");
        assert_eq!(help("x"), "`vigocli explain --list` lists all codes");
    }

    #[test]
    fn a_page_is_plain_text_on_a_terminal() {
        let page =
            "# E1: x\n\nSee [the `guide`](../a.md) and [b](c).\n\nWrong:\n\n```yaml,broken\n# a.vgo\na: [b](c)\n```\n";
        assert_eq!(shown(page), "E1: x\n\nSee the `guide` and b.\n\nWrong:\n\n    # a.vgo\n    a: [b](c)\n");
    }
}
