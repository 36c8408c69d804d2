//! `vigocli tokens`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub(crate) enum Tokens {
    /// Make a token, and print it this once
    Create {
        /// The glob of the hostnames that it admits, such as 'web-*'
        #[arg(long = "match", value_name = "GLOB")]
        match_glob: String,
        /// How long it is good, such as 30m or 7d [default: the server's enrollment.token_ttl]
        #[arg(long, value_name = "TIME")]
        ttl: Option<String>,
        /// How many machines it admits
        #[arg(long, value_name = "NUMBER", default_value = "1")]
        uses: u32,
        /// Let it take a name from the machine that has it, which is revoked
        #[arg(long)]
        replace: bool,
        /// Print lines for machines that are to leave the fleet that they are in, because nothing is left of its server
        #[arg(long)]
        leave_fleet: bool,
    },
    /// List all tokens
    List,
    /// Make a token worthless
    Revoke {
        /// What stands behind the first `_` of the token
        id: String,
    },
}

impl Tokens {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Create { match_glob, ttl, uses, replace, leave_fleet } => {
                let mut body = json!({ "match": match_glob, "uses": uses, "replace": replace });
                if *leave_fleet {
                    body["leave_fleet"] = true.into();
                }
                if let Some(ttl) = ttl {
                    body["ttl"] = ttl.as_str().into();
                }
                let token = client.post("/tokens", &body)?;
                let text = made(&token);
                Ok(Answer::new(token, text))
            }
            Self::List => {
                let tokens = client.get("/tokens", &[])?;
                let columns = [
                    ("ID", "id"),
                    ("MATCH", "match"),
                    ("STATE", "state"),
                    ("USES LEFT", "uses_left"),
                    ("EXPIRES", "expires_at"),
                    ("REPLACES", "replace"),
                    ("CREATED BY", "created_by"),
                ];
                let text = table(tokens["tokens"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(tokens, text))
            }
            Self::Revoke { id } => {
                let revoked = client.delete(&path("/tokens", id, ""))?;
                let text = format!("Token {} admits nobody any more.\n", cell(&revoked, "id"));
                Ok(Answer::new(revoked, text))
            }
        }
    }
}

/// Returns a new token as people see it.
pub(super) fn made(token: &Value) -> String {
    format!(
        "{}\n\nIt is shown this once; it admits {} of `{}` until {}. On the machine, run:\n\n  {}\n\n\
         `sudo` logs that line. With the token in a file that only root can read:\n\n  {}\n\n\
         On Windows, in a PowerShell of an administrator:\n\n  {}\n\n\
         Where the agent is installed already:\n\n  {}\n",
        cell(token, "token"),
        machines(&token["uses_left"]),
        cell(token, "match"),
        cell(token, "expires_at"),
        cell(token, "command"),
        cell(token, "command_with_file"),
        cell(token, "command_for_windows"),
        cell(token, "command_with_agent"),
    )
}

fn machines(uses: &Value) -> String {
    match uses.as_u64() {
        Some(1) => "one machine".into(),
        other => format!("{} machines", other.unwrap_or_default()),
    }
}
