//! `vigocli audit`.

use crate::client::Client;
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use clap::Subcommand;
use serde_json::Value;

#[derive(Subcommand, Debug)]
pub(crate) enum Audit {
    /// List who did what, the newest first
    List {
        /// Only what is before this row
        #[arg(long, value_name = "ROW")]
        before: Option<i64>,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Look whether every row is as it was written
    Verify,
}

impl Audit {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::List { before, limit } => {
                let params = [("before", before.map(|row| row.to_string())), ("limit", Some(limit.to_string()))];
                let rows = client.get("/audit", &params)?;
                let columns = [
                    ("ROW", "id"),
                    ("AT", "at"),
                    ("BY", "actor"),
                    ("ACTION", "action"),
                    ("SUBJECT", "subject"),
                    ("DETAIL", "detail"),
                ];
                let text = table(rows["rows"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(rows, text))
            }
            Self::Verify => {
                let found: Value = client.get("/audit/verify", &[])?;
                let is_whole = found["whole"] == true;
                let text = if is_whole {
                    format!(
                        "All {} rows are as they were written; the last has the hash {}.\n",
                        cell(&found, "rows"),
                        cell(&found, "head")
                    )
                } else {
                    format!("Row {} is not what was written, or one before it is missing.\n", cell(&found, "broken_at"))
                };
                Ok(Answer { status: u8::from(!is_whole), ..Answer::new(found, text) })
            }
        }
    }
}
