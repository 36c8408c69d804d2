//! `vigocli keys`.

use crate::client::Client;
use crate::error::CliError;
use crate::output::{Answer, cell, shown, table};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Subcommand, Debug)]
pub(crate) enum Keys {
    /// Show the keys that the fleet believes, and for whom a rotation waits
    Show,
    /// Put a new key in the place of one, and retire that
    Rotate {
        /// Which key
        #[arg(value_enum)]
        kind: Kind,
        /// Use the new key at once, without waiting until all agents know it: for a key that was stolen
        #[arg(long)]
        force: bool,
        /// The fleet's root key, where it was taken away from the server's machine
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
    },
    /// Write the fleet's root key to a new file, to be kept elsewhere: with it a lost server can be replaced
    ExportRoot {
        /// The file
        file: PathBuf,
        /// Then take the key away from the server's machine
        #[arg(long)]
        remove: bool,
    },
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The key that signs policies
    Bundle,
    /// The authority that signs certificates
    Ca,
}

/// Bytes of a file of a key: with it stands a key set, of a fleet that has changed its authorities often.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;

impl Keys {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Show => {
                let keys = client.get("/keys", &[])?;
                let text = show(&keys);
                Ok(Answer::new(keys, text))
            }
            Self::Rotate { kind, force, root_key } => rotate(client, *kind, *force, root_key.as_deref()),
            Self::ExportRoot { file, remove } => export_root(client, file, *remove),
        }
    }
}

fn rotate(client: &Client, kind: Kind, force: bool, root_key: Option<&Path>) -> Result<Answer, CliError> {
    let word = match kind {
        Kind::Bundle => "bundle",
        Kind::Ca => "ca",
    };
    let mut body = json!({ "kind": word, "force": force });
    if let Some(path) = root_key {
        body["root_key"] = read(path)?.into();
    }
    let keys = client.post("/keys/rotate", &body)?;
    let version = cell(&keys, "version");
    let text = match keys["rotation"]["waiting"].as_u64() {
        None => format!("Version {version} of the key set: the new key is used, the one before is retired.\n"),
        Some(waiting) => format!(
            "Version {version} of the key set announces the new key. It is used when the agents know it ({waiting} are \
             yet to come): see `vigocli keys show`.\n"
        ),
    };
    Ok(Answer::new(keys, text))
}

fn export_root(client: &Client, file: &Path, remove: bool) -> Result<Answer, CliError> {
    // Nobody's file is written over, and the server gives nothing out that cannot be kept.
    let failed = |what| move |e| CliError::File { what, path: file.to_owned(), why: vigo_driver::system_text(e) };
    let mut options = OpenOptions::new();
    let mut kept = options.write(true).create_new(true).mode(0o600).open(file).map_err(failed("make"))?;
    let exported = client.post("/keys/root/export", &json!({})).inspect_err(|_| drop(fs::remove_file(file)))?;
    let root_key = exported["root_key"].as_str().unwrap_or_default();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = kept.write_all(root_key.as_bytes()).and_then(|()| kept.sync_all());
    written.and_then(|()| File::open(folder)?.sync_all()).map_err(failed("write"))?;
    let mut text =
        format!("The root key of fleet {} is in {}.", cell(&exported, "fleet"), shown(&file.display().to_string()));
    if remove {
        client.post("/keys/root/remove", &json!({ "root_key": read(file)? }))?;
        text.push_str(" It is on the server's machine no more.");
    }
    text.push_str("\nKeep it where no thief and no fire finds it: who has it has the fleet.\n");
    Ok(Answer::new(json!({ "fleet": exported["fleet"], "file": file.display().to_string(), "removed": remove }), text))
}

fn read(path: &Path) -> Result<String, CliError> {
    let failed = |why| CliError::File { what: "read", path: path.to_owned(), why };
    let length = fs::metadata(path).map_err(|e| failed(vigo_driver::system_text(e)))?.len();
    if length > KEY_FILE_BYTES_MAX {
        return Err(failed("expected the file of a key, found a larger one".into()));
    }
    fs::read_to_string(path).map_err(|e| failed(vigo_driver::system_text(e)))
}

fn show(keys: &Value) -> String {
    let here = if keys["root"]["here"] == true { "on the server's machine" } else { "not on the server's machine" };
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name:<20} {value}\n"));
    line("fleet", &cell(keys, "fleet"));
    line("key set, version", &cell(keys, "version"));
    line("root key", &cell(keys, "root.key"));
    line("", here);
    line("server certificate", &format!("until {}", cell(keys, "server_certificate.ends")));
    let rows = |name: &str| keys[name].as_array().cloned().unwrap_or_default();
    text.push_str(&format!("\n{}", table(&rows("bundle_keys"), &[("BUNDLE KEY", "id"), ("STATE", "state")])));
    let columns = [("CA, SHA-256", "sha256"), ("STATE", "state"), ("UNTIL", "ends")];
    text.push_str(&format!("\n{}", table(&rows("cas"), &columns)));
    if let Some(waiting) = keys["rotation"]["waiting"].as_u64() {
        let kind = cell(keys, "rotation.kind");
        text.push_str(&format!("\nA new {kind} key is announced; {waiting} agents are yet to take it.\n"));
        for name in keys["rotation"]["waiting_for"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("  {}\n", shown(name)));
        }
    }
    if let Some(version) = keys["newer"]["version"].as_u64() {
        text.push_str(&format!(
            "\nAgents have version {version}, with keys that are not here: the server was restored from before a rotation.\n\
             Run `vigocli keys rotate bundle --root-key FILE`: it makes what is missing.\n"
        ));
    }
    text
}
