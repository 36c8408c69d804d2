//! `vigocli secrets`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::input;
use crate::output::{Answer, cell, shown, table};
use clap::Subcommand;
use serde_json::{Value, json};
use vigo_core::secret::SecretValue;

#[derive(Subcommand, Debug)]
pub(crate) enum Secrets {
    /// Show where the master key is, of which a copy must be kept
    Init {
        /// Make another, because it is lost: what it has sealed is laid aside, and has to be set again
        #[arg(long)]
        new_key: bool,
    },
    /// Set a secret; the value comes from standard input, or is asked for
    Set {
        /// Its path, as policy refers to it behind `secret:`
        path: String,
        /// Keep a line feed at the end of standard input
        #[arg(long)]
        exact: bool,
    },
    /// Show a secret, without its value
    Get {
        /// Its path
        path: String,
        /// Print the value; that is audited
        #[arg(long)]
        reveal: bool,
    },
    /// List all secrets, those that are lost, and those that policy refers to and nobody has set
    List,
    /// Remove a secret
    Delete {
        /// Its path
        path: String,
    },
    /// Give a secret that is there a new value, and have it applied
    Rotate {
        /// Its path
        path: String,
        /// Make the value up: so many letters and digits
        #[arg(long, value_name = "LENGTH")]
        generate: Option<u16>,
        /// Keep a line feed at the end of standard input
        #[arg(long, conflicts_with = "generate")]
        exact: bool,
    },
    /// Make a new master key, and seal all secrets by it
    Rekey,
    /// Look whether every secret can be opened
    Verify,
}

/// Bounds of a value that is made up: what is shorter can be guessed.
const GENERATED_MIN: u16 = 16;
const GENERATED_MAX: u16 = 1024;

impl Secrets {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Init { new_key: true } => Ok(anew(client.post("/vault/init", &json!({ "new_key": true }))?)),
            Self::Init { new_key: false } => {
                let made = client.post("/vault/init", &json!({}))?;
                let text = format!(
                    "The master key is `{}` ({}). Keep a copy of it in another place: without it no secret can be opened.\n",
                    cell(&made, "master_key"),
                    cell(&made, "id"),
                );
                Ok(Answer::new(made, text))
            }
            Self::Set { path: at, exact } => {
                let value = input::secret(at, *exact)?;
                Ok(set(client.put(&path("/secrets", at, ""), &json!({ "value": value.reveal() }))?))
            }
            Self::Rotate { path: at, generate, exact } => {
                let value = match generate {
                    Some(length) => generated(*length)?,
                    None => input::secret(at, *exact)?,
                };
                let body = json!({ "value": value.reveal(), "rotate": true });
                Ok(set(client.put(&path("/secrets", at, ""), &body)?))
            }
            Self::Get { path: at, reveal: true } => {
                let secret = client.post(&path("/secrets", at, "/reveal"), &json!({}))?;
                // As it is, so that it can be piped.
                let text = secret["value"].as_str().unwrap_or_default().to_owned();
                let text = if text.ends_with('\n') { text } else { format!("{text}\n") };
                Ok(Answer::new(secret, text))
            }
            Self::Get { path: at, reveal: false } => {
                let secret = client.get(&path("/secrets", at, ""), &[])?;
                let text = table(std::slice::from_ref(&flat(&secret)), &COLUMNS);
                Ok(Answer::new(secret, text))
            }
            Self::List => {
                let secrets = client.get("/secrets", &[])?;
                let rows: Vec<Value> = secrets["secrets"].as_array().into_iter().flatten().map(flat).collect();
                let text = table(&rows, &COLUMNS);
                Ok(Answer::new(secrets, text))
            }
            Self::Delete { path: at } => {
                let deleted = client.delete(&path("/secrets", at, ""))?;
                let mut text = format!("Secret {} is gone.\n", cell(&deleted, "path"));
                if deleted["classes"].as_array().is_some_and(|classes| !classes.is_empty()) {
                    text.push_str("Policy still refers to it: what uses it will be skipped.\n");
                }
                Ok(Answer::new(deleted, text))
            }
            Self::Rekey => {
                let done = client.post("/vault/rekey", &json!({}))?;
                let text = format!(
                    "{} secrets are sealed by the new master key ({}). Keep a copy of it in another place.\n",
                    cell(&done, "sealed"),
                    cell(&done, "id"),
                );
                Ok(Answer::new(done, text))
            }
            Self::Verify => Ok(verified(client.post("/vault/verify", &json!({}))?)),
        }
    }
}

const COLUMNS: [(&str, &str); 4] =
    [("SECRET", "path"), ("STATE", "state"), ("CHANGED", "changed_at"), ("CLASSES", "used_by")];

/// Returns a secret with its classes in one text.
fn flat(secret: &Value) -> Value {
    let mut row = secret.clone();
    let classes: Vec<&str> = secret["classes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    row["used_by"] = match &classes[..] {
        [first, second, third, others @ ..] if !others.is_empty() => {
            format!("{first}, {second}, {third} and {} more", others.len()).into()
        }
        few => few.join(", ").into(),
    };
    row
}

fn set(done: Value) -> Answer {
    let at = cell(&done, "path");
    let used = done["classes"].as_array().map_or(0, Vec::len);
    let text = match (done["changed"].as_bool(), used) {
        (Some(false), _) => format!("Secret {at} has this value already.\n"),
        (_, 0) => format!("Secret {at} is set; no policy that is published refers to it.\n"),
        (_, 1) => format!("Secret {at} is set; the envoys of 1 class apply it at their next check-in.\n"),
        (_, many) => format!("Secret {at} is set; the envoys of {many} classes apply it at their next check-in.\n"),
    };
    Answer::new(done, text)
}

/// Says what is lost with the key that is lost.
fn anew(made: Value) -> Answer {
    let lost: Vec<&str> = made["lost"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text = format!(
        "There is a new master key, `{}` ({}). Keep a copy of it in another place.\n{} secrets are lost with the one before. \
         Set each of them again; until then what uses it is skipped:\n",
        cell(&made, "master_key"),
        cell(&made, "id"),
        lost.len(),
    );
    for path in lost {
        text.push_str(&format!("  vigocli secrets set {}\n", shown(path)));
    }
    Answer::new(made, text)
}

fn verified(checked: Value) -> Answer {
    let bad = checked["bad"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = format!("{} secrets can be opened.\n", cell(&checked, "good"));
    for one in bad {
        text.push_str(&format!("{}\n", shown(one["why"].as_str().unwrap_or_default())));
    }
    let status = u8::from(!bad.is_empty());
    Answer { status, ..Answer::new(checked, text) }
}

/// Returns a value that nobody can guess.
fn generated(length: u16) -> Result<SecretValue, CliError> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if !(GENERATED_MIN..=GENERATED_MAX).contains(&length) {
        let why = format!("--generate: expected {GENERATED_MIN} to {GENERATED_MAX}, found {length}");
        return Err(CliError::Input { why, help: "leave it to 32, which nobody guesses" });
    }
    let mut value = String::with_capacity(length.into());
    while value.len() < usize::from(length) {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|error| CliError::Input {
            why: format!("the system has no random bytes: {error}"),
            help: "pipe a value in",
        })?;
        // Bytes above the last multiple are thrown away: each letter is as likely as the others.
        let fair = bytes.iter().filter(|b| **b < 248).filter_map(|b| LETTERS.get(usize::from(*b) % LETTERS.len()));
        value.extend(fair.map(|letter| char::from(*letter)).take(usize::from(length) - value.len()));
    }
    Ok(SecretValue::new(value))
}
