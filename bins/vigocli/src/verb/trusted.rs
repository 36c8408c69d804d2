//! `vigocli trusted`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub(crate) enum Trusted {
    /// Admit machines of some names from a network, without a token
    Add {
        /// The glob of the hostnames, such as 'web-*'
        #[arg(long = "match", value_name = "GLOB")]
        match_glob: String,
        /// The network that they must come from, such as 10.0.0.0/8; `any` for all
        #[arg(long, value_name = "NETWORK")]
        from: String,
        /// Until when, such as 2027-01-31T12:00:00Z [default: for ever]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// List what was added here; what server.yaml has stands there
    List,
    /// Admit them no more
    Remove {
        /// The number of the pattern
        id: i64,
    },
}

impl Trusted {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Add { match_glob, from, until } => {
                let mut body = json!({ "match": match_glob, "from": from });
                if let Some(until) = until {
                    body["until"] = until.as_str().into();
                }
                let pattern = client.post("/trusted", &body)?;
                let (id, names, from) = (cell(&pattern, "id"), cell(&pattern, "match"), cell(&pattern, "from"));
                Ok(Answer::new(pattern, format!("Pattern {id} admits `{names}` from `{from}`.\n")))
            }
            Self::List => {
                let patterns = client.get("/trusted", &[])?;
                let columns = [
                    ("ID", "id"),
                    ("MATCH", "match"),
                    ("FROM", "from"),
                    ("STATE", "state"),
                    ("UNTIL", "until"),
                    ("CREATED BY", "created_by"),
                ];
                let text = table(patterns["trusted"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(patterns, text))
            }
            Self::Remove { id } => {
                let removed: Value = client.delete(&path("/trusted", &id.to_string(), ""))?;
                Ok(Answer::new(removed, format!("Pattern {id} admits nobody any more.\n")))
            }
        }
    }
}
