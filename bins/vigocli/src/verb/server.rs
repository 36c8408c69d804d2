//! `vigocli server`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, shown, table};
use clap::Subcommand;
use serde_json::Value;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub(crate) enum Server {
    /// Show how server and fleet are
    Status,
    /// Look for what ails the server, and say what to do
    Doctor,
    /// See and change the agent's programs that the server gives to new machines
    #[command(subcommand)]
    Agents(Agents),
}

#[derive(Subcommand, Debug)]
pub(crate) enum Agents {
    /// List them
    List,
    /// Give this program to machines of its kind
    Add {
        /// The program `vigo`
        file: PathBuf,
        /// What it runs on, such as linux-aarch64 [default: what its head says]
        #[arg(long, value_name = "OS-ARCH")]
        target: Option<String>,
    },
    /// Give no program to machines of this kind
    Remove {
        /// What it runs on, such as linux-aarch64
        target: String,
    },
}

impl Server {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Status => {
                let status = client.get("/status", &[])?;
                let text = show(&status);
                Ok(Answer::new(status, text))
            }
            Self::Doctor => {
                let found = client.get("/doctor", &[])?;
                let findings = found["findings"].as_array().map_or(&[][..], Vec::as_slice);
                let text = match findings {
                    [] => "Nothing ails the server.\n".to_owned(),
                    _ => vigo_driver::render(findings, false),
                };
                let status = u8::from(found["well"] != true);
                Ok(Answer { status, ..Answer::new(found, text) })
            }
            Self::Agents(verb) => verb.run(client),
        }
    }
}

impl Agents {
    fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::List => {
                let agents = client.get("/agents", &[])?;
                let columns = [("TARGET", "target"), ("VERSION", "version"), ("BYTES", "size"), ("SHA-256", "sha256")];
                let text = table(agents["agents"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(agents, text))
            }
            Self::Add { file, target } => {
                let unreadable =
                    |why| CliError::File { what: "read", path: file.clone(), why: vigo_driver::system_text(why) };
                let program = File::open(file).map_err(unreadable)?;
                if program.metadata().map_err(unreadable)?.is_dir() {
                    return Err(unreadable(ErrorKind::IsADirectory.into()));
                }
                let agent = client.upload("/agents", &[("target", target.clone())], &program)?;
                let (version, target) = (cell(&agent, "version"), cell(&agent, "target"));
                Ok(Answer::new(agent, format!("Machines of {target} are given agent {version} from now on.\n")))
            }
            Self::Remove { target } => {
                let removed = client.delete(&path("/agents", target, ""))?;
                let text = format!("Machines of {} are given no agent any more.\n", cell(&removed, "target"));
                Ok(Answer::new(removed, text))
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
    let load = &status["load"];
    let too_much = [
        ("refused", "connections.refused", "connections, as more came than `limits.connections_per_second`"),
        ("delayed", "connections.delayed", "connections by TCP, for the same reason"),
        ("put off", "check_ins_put_off", "check-ins, as more came than `limits.check_ins_per_second`"),
    ];
    for (what, at, of) in too_much {
        let number = cell(load, at);
        if !matches!(&*number, "" | "0") {
            text.push_str(&format!("{what:<14} {number} {of}\n"));
        }
    }
    for server in status["servers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("{:<14} {}\n", "agents dial", shown(server)));
    }
    text
}
