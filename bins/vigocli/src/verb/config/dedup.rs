//! `vigocli config dedup`.

use super::local::{self, Stacks};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Value, json};
use vigo_core::config::Config;
use vigo_core::diagnostic::Severity;
use vigo_core::resolve;
use vigo_core::survey::{self, Finding, Mention, Survey};

/// Find what is written more than once, and what nobody needs, with what to do about it
#[derive(Args, Debug)]
pub(crate) struct Dedup {
    #[command(flatten)]
    stacks: Stacks,
}

impl Dedup {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let sources = self.stacks.read(global)?;
        let config = Config::read(&sources);
        let diagnostics = resolve::check(&config);
        if diagnostics.iter().any(|d| d.severity() == Severity::Error) {
            return Err(local::invalid(&sources)(diagnostics));
        }
        let found = survey::dedup(&config, &Survey::of(&config));
        let json = json!({ "findings": found.iter().map(finding_json).collect::<Vec<_>>() });
        let text = match found.len() {
            0 => "Nothing is written twice, and everything is used.\n".into(),
            _ => found.iter().map(finding_text).collect::<String>(),
        };
        Ok(Answer { status: u8::from(!found.is_empty()), ..Answer::new(json, text) })
    }
}

fn finding_json(finding: &Finding) -> Value {
    let place = |place: &Mention| json!({ "what": &*place.what, "file": &*place.file, "line": place.line });
    json!({
        "kind": finding.kind.word(), "message": finding.message, "help": finding.help,
        "places": finding.places.iter().map(place).collect::<Vec<_>>(),
    })
}

fn finding_text(finding: &Finding) -> String {
    let mut text = format!("{}\n", shown(&finding.message));
    for place in &finding.places {
        text.push_str(&format!("  {}:{}  {}\n", place.file, place.line, shown(&place.what)));
    }
    text.push_str(&format!("  = help: {}\n", shown(&finding.help)));
    text
}
