//! `vigocli server`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::offline;
use crate::output::{Answer, cell, shown, table};
use clap::Subcommand;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub(crate) enum Server {
    /// Show how server and fleet are
    Status,
    /// Look for what ails the server, and say what to do
    Doctor,
    /// Show when the database was put back to an earlier state, what is lost by that, and what to look at
    Restored {
        /// All of it was looked at: `server doctor` and the list of envoys speak of it no more
        #[arg(long)]
        reviewed: bool,
    },
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
                let found = client.get_or("/doctor", |dir| {
                    let note = format!("note: vigosrv does not run; `{}` is looked at without it\n", dir.display());
                    // Whom it does not concern it does not disturb: programs read standard output.
                    let _ = std::io::stderr().write_all(note.as_bytes());
                    offline::work(&["--data-dir".into(), dir.into(), "doctor".into()], &mut |_, _| {})
                })?;
                let findings = found["findings"].as_array().map_or(&[][..], Vec::as_slice);
                let text = match findings {
                    [] => "Nothing ails the server.\n".to_owned(),
                    _ => vigo_driver::render(findings, false),
                };
                let status = u8::from(found["well"] != true);
                Ok(Answer { status, ..Answer::new(found, text) })
            }
            Self::Restored { reviewed } => {
                if *reviewed {
                    client.post("/restored/reviewed", &json!({}))?;
                }
                let restored = client.get("/restored", &[])?;
                let text = went_back(&restored);
                Ok(Answer::new(restored, text))
            }
            Self::Agents(verb) => verb.run(client),
        }
    }
}

/// Returns what was lost, and what to look at.
fn went_back(restored: &Value) -> String {
    let mut text = String::new();
    for restore in restored["restores"].as_array().into_iter().flatten() {
        let of = |at: &str| cell(restore, at);
        text.push_str(&format!("{}  {}\n", of("at"), of("detail")));
        text.push_str(&format!("  lost      what was done from {} to {}\n", of("lost_from"), of("lost_to")));
        text.push_str(&format!(
            "  void      tokens: {}; tokens of the API and logins: {}; orders: {}\n",
            of("void.tokens"),
            of("void.api_tokens"),
            of("void.orders")
        ));
        let older = restore["older_secrets"].as_array().map_or(&[][..], Vec::as_slice);
        if !older.is_empty() {
            let classes: Vec<_> = older.iter().filter_map(Value::as_str).map(shown).collect();
            text.push_str(&format!("  secrets   older than what envoys have applied: of {}\n", classes.join(", ")));
        }
        match restore["reviewed_at"].is_null() {
            true => text.push_str("  reviewed  no\n"),
            false => text.push_str(&format!("  reviewed  {} by {}\n", of("reviewed_at"), of("reviewed_by"))),
        }
    }
    if text.is_empty() {
        text.push_str("The database never went back.\n");
    }
    let adopted = cell(restored, "adopted");
    if !matches!(&*adopted, "" | "0") {
        text.push_str(&format!(
            "Envoys that were not in it and are taken up again: {adopted}; see `vigocli envoys list --adopted`\n"
        ));
    }
    let look: Vec<_> = restored["look_at"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !look.is_empty() {
        text.push_str("Look at these, then run `vigocli server restored --reviewed`:\n");
        look.into_iter().for_each(|line| text.push_str(&format!("  {}\n", shown(line))));
    }
    text
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
    if status["restored"].is_object() {
        let (from, to) = (cell(status, "restored.lost_from"), cell(status, "restored.lost_to"));
        text.push_str(&format!(
            "{:<14} the database was put back: what was done from {from} to {to} is lost; see `vigocli server restored`\n",
            "restored"
        ));
    }
    for server in status["servers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("{:<14} {}\n", "agents dial", shown(server)));
    }
    text
}
