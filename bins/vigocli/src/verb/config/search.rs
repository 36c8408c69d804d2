//! `vigocli config search`.

use super::local::{self, Stacks};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Value, json};
use vigo_core::config::Config;
use vigo_core::survey::{Fact, FactKind, Query, Survey};

/// Find resources, configcrates, roles and variables: where they are defined, and who uses them
///
/// What is said is all to be true of what is found.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct Search {
    /// A part of a name, or of a variable's value, in any case
    text: Option<String>,
    /// Resources of this type
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Resources with this attribute, or with this value of it
    #[arg(long, value_name = "NAME[=VALUE]")]
    attribute: Option<String>,
    /// One configcrate, and what names it
    #[arg(long = "crate", value_name = "NAME")]
    krate: Option<String>,
    /// One variable, where it is set and used
    #[arg(long = "var", value_name = "NAME")]
    variable: Option<String>,
    /// One role, and what names it
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    #[command(flatten)]
    stacks: Stacks,
}

impl Search {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let sources = self.stacks.read(global)?;
        let config = Config::read(&sources);
        if config.has_errors() {
            return Err(local::invalid(&sources)(config.diagnostics));
        }
        let attribute = self.attribute.as_ref().map(|text| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.clone(), None),
        });
        let query = Query {
            text: self.text.clone(),
            type_name: self.type_name.clone(),
            attribute,
            krate: self.krate.clone(),
            variable: self.variable.clone(),
            role: self.role.clone(),
        };
        let survey = Survey::of(&config);
        let found = survey
            .search(&config, &query)
            .map_err(|error| CliError::NotFound { why: error.message, help: error.help })?;
        let json = json!({ "found": found.iter().map(|fact| fact_json(fact)).collect::<Vec<_>>() });
        let text = if found.is_empty() { "Nothing fits.\n".into() } else { text(&found) };
        Ok(Answer { status: u8::from(found.is_empty()), ..Answer::new(json, text) })
    }
}

fn fact_json(fact: &Fact) -> Value {
    json!({
        "kind": fact.kind.word(), "name": &*fact.name, "is": if fact.is_definition { "defined" } else { "used" },
        "by": &*fact.by, "detail": fact.detail, "file": &*fact.file, "line": fact.line,
    })
}

/// Returns what was found, what is about one thing below its name.
fn text(found: &[&Fact]) -> String {
    let mut text = String::new();
    let mut last: Option<(FactKind, &str)> = None;
    for fact in found {
        if last.replace((fact.kind, &fact.name)) != Some((fact.kind, &*fact.name)) {
            text.push_str(&format!("{} {}\n", fact.kind.word(), shown(&fact.name)));
        }
        let detail = match (fact.is_definition, fact.kind) {
            (_, _) if fact.detail.is_empty() => String::new(),
            (true, FactKind::Variable) => format!(" = {}", fact.detail),
            (_, _) => format!(", {}", fact.detail),
        };
        let what = match (fact.is_definition, fact.kind) {
            (true, FactKind::Variable) => format!("set by {}", fact.by),
            (true, _) => "defined".into(),
            (false, _) => format!("used by {}", fact.by),
        };
        text.push_str(&format!("  {}:{}  {}{}\n", fact.file, fact.line, shown(&what), shown(&detail)));
    }
    text
}
