//! `vigocli server`.

use crate::client::Client;
use crate::error::CliError;
use crate::output::{Answer, cell, shown};
use clap::Subcommand;
use serde_json::Value;

#[derive(Subcommand, Debug)]
pub(crate) enum Server {
    /// Show how server and fleet are
    Status,
}

impl Server {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Status => {
                let status = client.get("/status", &[])?;
                let text = show(&status);
                Ok(Answer::new(status, text))
            }
        }
    }
}

fn show(status: &Value) -> String {
    let mut text = String::new();
    let fields = [
        ("version", "version"),
        ("up since", "started_at"),
        ("fleet", "fleet"),
        ("root key", "root_key"),
        ("CA, SHA-256", "ca_sha256"),
        ("HTTPS pin", "https_pin"),
        ("publish", "publish.id"),
        ("published", "publish.at"),
        ("published by", "publish.author"),
        ("envoys", "envoys.total"),
    ];
    for (name, at) in fields {
        let value = cell(status, at);
        text.push_str(&format!("{name:<14} {}\n", if value.is_empty() { "none" } else { &value }));
    }
    for (word, number) in status["envoys"]["by_status"].as_object().into_iter().flatten() {
        text.push_str(&format!("  {:<12} {number}\n", shown(word)));
    }
    for server in status["servers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("{:<14} {}\n", "agents dial", shown(server)));
    }
    text
}
