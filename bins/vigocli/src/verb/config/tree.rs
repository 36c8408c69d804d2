//! `vigocli config tree`.

use super::local::{self, Stacks};
use crate::cli::Global;
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Map, Value, json};
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_core::survey::{FileEntry, Item, Narrow, Survey, files};

/// Show the files of a tree and what they hold, in the order in which a host meets them
#[derive(Args, Debug)]
pub(crate) struct Tree {
    /// Only what this machine meets
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    #[command(flatten)]
    stacks: Stacks,
}

impl Tree {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let sources = self.stacks.read(global)?;
        let config = Config::read(&sources);
        if config.has_errors() {
            return Err(local::invalid(&sources)(config.diagnostics));
        }
        let narrow = match &self.host {
            None => None,
            Some(host) => {
                let host = local::hostname(host)?;
                let explained = resolve::explain(&config, &host, None, &local::now().civil(0));
                Some(Narrow::to(&explained.map_err(local::invalid(&sources))?))
            }
        };
        let found = files(&config, &Survey::of(&config), narrow.as_ref());
        let json = json!({ "files": found.iter().map(file_json).collect::<Vec<_>>() });
        Ok(Answer::new(json, found.iter().map(file_text).collect::<String>()))
    }
}

fn file_json(file: &FileEntry) -> Value {
    let item = |item: &Item| {
        let says: Map<String, Value> =
            item.says.iter().map(|(key, values)| ((*key).replace(' ', "_"), json!(values))).collect();
        json!({ "name": item.name, "line": item.line, "says": says })
    };
    json!({ "file": &*file.path, "kind": file.kind.word(), "holds": file.items.iter().map(item).collect::<Vec<_>>() })
}

fn file_text(file: &FileEntry) -> String {
    let mut text = format!("{}  ({})\n", file.path, file.kind.word());
    for item in &file.items {
        text.push_str(&format!("  {}  line {}\n", shown(&item.name), item.line));
        for (key, values) in &item.says {
            text.push_str(&format!("    {key}: {}\n", shown(&values.join(", "))));
        }
    }
    text
}
