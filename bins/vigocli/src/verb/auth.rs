//! `vigocli auth`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use clap::Subcommand;
use serde_json::json;

#[derive(Subcommand, Debug)]
pub(crate) enum Auth {
    /// Make, list and revoke tokens of the API
    #[command(subcommand)]
    Token(Token),
    /// Show as whom the server knows you
    Whoami,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Token {
    /// Make a token for a program, and print it this once
    Create {
        /// What it is for
        label: String,
        /// What it may: viewer, operator or admin
        #[arg(long)]
        role: String,
        /// Whose it is: it may no more than that user, and goes with the user [default: nobody's]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// How long it is good, such as 24h or 365d [default: 90d]
        #[arg(long, value_name = "TIME")]
        ttl: Option<String>,
    },
    /// List all tokens, without their secrets
    List,
    /// Make a token worthless
    Revoke {
        /// What stands between the first and the second `_` of the token
        id: String,
    },
}

impl Auth {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Whoami => {
                let who = client.get("/whoami", &[])?;
                let text = format!("{}, with role {}\n", cell(&who, "actor"), cell(&who, "role"));
                Ok(Answer::new(who, text))
            }
            Self::Token(Token::Create { label, role, user, ttl }) => {
                let mut body = json!({ "label": label, "role": role });
                for (name, value) in [("user", user), ("ttl", ttl)] {
                    if let Some(value) = value {
                        body[name] = value.as_str().into();
                    }
                }
                let token = client.post("/auth/tokens", &body)?;
                let (text, role, end) = (cell(&token, "token"), cell(&token, "role"), cell(&token, "expires_at"));
                let text = format!("{text}\n\nIt is shown this once; it has role {role} until {end}.\n");
                Ok(Answer::new(token, text))
            }
            Self::Token(Token::List) => {
                let tokens = client.get("/auth/tokens", &[])?;
                let columns = [
                    ("ID", "id"),
                    ("LABEL", "label"),
                    ("USER", "user"),
                    ("ROLE", "role"),
                    ("STATE", "state"),
                    ("EXPIRES", "expires_at"),
                    ("CREATED BY", "created_by"),
                ];
                let text = table(tokens["tokens"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(tokens, text))
            }
            Self::Token(Token::Revoke { id }) => {
                let revoked = client.delete(&path("/auth/tokens", id, ""))?;
                let text = format!("Token {} is good for nothing any more.\n", cell(&revoked, "id"));
                Ok(Answer::new(revoked, text))
            }
        }
    }
}
