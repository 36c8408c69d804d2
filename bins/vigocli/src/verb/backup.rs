//! `vigocli backup`.

use crate::cli::{Format, Global};
use crate::error::CliError;
use crate::offline;
use crate::output::{Answer, Progress, cell, shown, table};
use clap::Subcommand;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vigo_core::backup::Part;
use vigo_core::backup::age::{AgeError, Recipient};
use vigo_core::time::Timestamp;

#[derive(Subcommand, Debug)]
pub(crate) enum Backup {
    /// Make a backup of the server, which goes on meanwhile; on its machine only
    Create {
        /// Where it is to be, as `.tar.zst` or `.tar.gz` [default: a file here with the fleet's name and the time]
        file: Option<PathBuf>,
        /// Leave out the agent's programs that the server gives to new machines
        #[arg(long)]
        without_blobs: bool,
        /// Encrypt it for this key, as `age-keygen -y` prints it; again for each more
        #[arg(long, value_name = "RECIPIENT")]
        encrypt_to: Vec<String>,
    },
    /// Look whether a backup is whole, of this fleet, and works: its database, its secrets
    Verify {
        /// The backup
        file: PathBuf,
        /// The fleet that it should be of: its root key, or the recovery kit [default: that of the server here]
        #[arg(long, value_name = "KEY")]
        expect_root: Option<String>,
        /// The file of the key that it is encrypted for, of `age-keygen`
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// Come back from a backup, whole or in parts; the server must not run
    Restore {
        /// The backup
        file: PathBuf,
        /// Restore the database alone: keys, secrets and policy stay
        #[arg(long, conflicts_with = "only")]
        db_only: bool,
        /// Restore these parts alone, such as `stacks,secrets`
        #[arg(long, value_name = "PARTS", value_delimiter = ',')]
        only: Vec<Part>,
        /// Where it is to be [default: the data directory]
        #[arg(long, value_name = "DIR")]
        target: Option<PathBuf>,
        /// Look whether it can be done, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Replace what is there; it is kept beside
        #[arg(long)]
        force: bool,
        /// The fleet that it should be of: its root key, or the recovery kit [default: that of the server there]
        #[arg(long, value_name = "KEY")]
        expect_root: Option<String>,
        /// The file of the key that it is encrypted for, of `age-keygen`
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
    },
    /// List the backups that the server makes by schedule, and those in a folder, the newest first
    List {
        /// The folder, and nothing else [default: this one, and the server's]
        folder: Option<PathBuf>,
    },
}

/// Time between two looks at how far a backup is.
const LOOK: Duration = Duration::from_millis(300);

impl Backup {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        match self {
            Self::Create { file, without_blobs, encrypt_to } => {
                create(global, file.as_deref(), *without_blobs, encrypt_to)
            }
            Self::Verify { file, expect_root, identity } => {
                let args = ["backup".into(), "verify".into(), file.into()];
                let mut args = [&[OsString::from("--data-dir"), global.data_dir().into()][..], &args].concat();
                args.extend(opened_with(identity.as_deref()));
                Ok(verified(asked(global.format, "Verifying", args, expect_root.as_deref())?))
            }
            Self::Restore { file, db_only, only, target, dry_run, force, expect_root, identity } => {
                let target = target.clone().unwrap_or_else(|| global.data_dir());
                let mut args: Vec<OsString> = vec!["--data-dir".into(), target.into()];
                args.extend(["backup".into(), "restore".into(), file.into()]);
                args.extend(opened_with(identity.as_deref()));
                let only = if *db_only { &[Part::Database][..] } else { only };
                if !only.is_empty() {
                    let words: Vec<&str> = only.iter().map(|part| part.word()).collect();
                    args.extend(["--only".into(), words.join(",").into()]);
                }
                let flags = [(*dry_run, "--dry-run"), (*force, "--force")];
                args.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag.into()));
                Ok(restored(asked(global.format, "Restoring", args, expect_root.as_deref())?))
            }
            Self::List { folder: Some(folder) } => {
                let found = listed(folder)?;
                let text = rows(&found);
                Ok(Answer::new(found, text))
            }
            Self::List { folder: None } => list(global),
        }
    }
}

const COLUMNS: [(&str, &str); 7] = [
    ("FILE", "file"),
    ("MADE", "created_at"),
    ("BYTES", "bytes"),
    ("PUBLISH", "publish"),
    ("ENVOYS", "envoys"),
    ("FLEET", "fleet"),
    ("VERIFIED", "verified"),
];

/// Returns a row of the list; of what is no backup it says why.
fn row(backup: &Value) -> Value {
    let mut row = match backup["problem"].as_str() {
        Some(why) => json!({ "file": backup["file"], "created_at": why }),
        None => backup.clone(),
    };
    if backup["encrypted"] == true {
        row["fleet"] = "encrypted".into();
    }
    row["verified"] = match backup["bad"].as_str() {
        Some(_) => "bad".into(),
        None => backup["verified_at"].clone(),
    };
    row
}

fn rows(found: &Value) -> String {
    let backups = found["backups"].as_array().into_iter().flatten();
    table(&backups.map(row).collect::<Vec<_>>(), &COLUMNS)
}

fn listed(folder: &Path) -> Result<Value, CliError> {
    offline::work(&["backup".into(), "list".into(), folder.into()], &mut |_, _| {})
}

/// Lists those that the server makes, where there is one, and those in this folder.
fn list(global: &Global) -> Result<Answer, CliError> {
    let here = std::env::current_dir().unwrap_or_else(|_| ".".into());
    let mut found = listed(&here)?;
    let answer = match global.client().get("/backups", &[]) {
        // Where there is no server, there is a folder all the same.
        Err(CliError::Unreachable { .. } | CliError::Usage { .. }) => Value::Null,
        answer => answer?,
    };
    let of_server = answer["backups"].as_array().cloned().unwrap_or_default();
    if let Some(backups) = found["backups"].as_array_mut() {
        backups.retain(|backup| !of_server.iter().any(|other| other["file"] == backup["file"]));
        backups.splice(0..0, of_server);
    }
    found["scheduled"] = answer["scheduled"].clone();
    let mut text = rows(&found);
    let scheduled = &found["scheduled"];
    if !scheduled.is_null() {
        text.push_str(&format!(
            "By schedule `{}` to {}: the last good one is of {}, verified {}; the next is due {}.\n",
            cell(scheduled, "schedule"),
            cell(scheduled, "directory"),
            or_none(scheduled, "last_good_at"),
            or_never(scheduled, "last_verified_at"),
            or_never(scheduled, "next_at"),
        ));
        if let Some(why) = scheduled["problem"].as_str() {
            text.push_str(&format!("The last try failed: {}\n", shown(why)));
        }
    }
    Ok(Answer::new(found, text))
}

/// Returns the option of the key that opens a backup: its file, so that no key stands among arguments.
fn opened_with(identity: Option<&Path>) -> impl Iterator<Item = OsString> {
    identity.into_iter().flat_map(|path| ["--identity".into(), path.as_os_str().to_owned()])
}

fn create(
    global: &Global,
    file: Option<&Path>,
    without_blobs: bool,
    encrypt_to: &[String],
) -> Result<Answer, CliError> {
    // Before a secret key that was given by mistake goes any further.
    for recipient in encrypt_to {
        let read: Result<Recipient, AgeError> = recipient.parse();
        read.map_err(|error| CliError::Usage { why: format!("`--encrypt-to`: {error}") })?;
    }
    let client = global.client();
    let file = match file {
        Some(file) => file.to_owned(),
        None => {
            let name = default_name(&cell(&client.get("/status", &[])?, "fleet"));
            if encrypt_to.is_empty() { name.into() } else { format!("{name}.age").into() }
        }
    };
    let failed = |e| CliError::File { what: "make", path: file.clone(), why: vigo_driver::system_text(e) };
    let absolute = std::path::absolute(&file).map_err(failed)?;
    let mut progress = Progress::new(global.format, "Backing up");
    let body = json!({ "file": absolute, "without_blobs": without_blobs, "encrypt_to": encrypt_to });
    let (say, heard) = channel::<(u64, u64)>();
    let made = std::thread::scope(|scope| {
        // Where nobody looks, nobody asks.
        if progress.is_on() {
            scope.spawn(move || {
                let beside = global.beside();
                loop {
                    let now = match heard.recv_timeout(LOOK) {
                        // Of a server that is stopped.
                        Ok(now) => Some(now),
                        Err(RecvTimeoutError::Timeout) => beside.as_ref().and_then(|beside| {
                            let now = beside.get("/backups/progress", &[]).ok()?;
                            Some((now["done"].as_u64()?, now["total"].as_u64()?))
                        }),
                        Err(RecvTimeoutError::Disconnected) => return,
                    };
                    if let Some((done, total)) = now {
                        progress.at(done, total);
                    }
                }
            });
        }
        let made = client.post_told("/backups", &body, &mut |done, total| {
            // Where nobody looks, nobody hears.
            let _ = say.send((done, total));
        });
        drop(say);
        made
    })?;
    let mut text = format!(
        "{} holds the server as of {}: publish {}, {} envoys, {} bytes.\n",
        cell(&made, "file"),
        cell(&made, "created_at"),
        or_none(&made, "publish"),
        cell(&made, "envoys"),
        cell(&made, "bytes"),
    );
    text.push_str(match encrypt_to {
        [] => "All keys and secrets are in it: keep it where no thief finds it, and away from this machine.\n",
        _ => "It is encrypted: without the keys that it is encrypted for nobody comes back from it. Keep them elsewhere.\n",
    });
    text.push_str(&left_out(&made));
    Ok(Answer::new(made, text))
}

fn verified(found: Value) -> Answer {
    if found["encrypted"] == true && found["secrets"].is_null() {
        let text = format!(
            "{} is as it was written: its digest is the one beside it. It is encrypted; `--identity FILE` looks into it.\n",
            cell(&found, "file")
        );
        return Answer::new(found, text);
    }
    let bad = found["secrets"]["bad"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = of(&found);
    text.push_str(&format!(
        "Every file is as it was signed; the database is whole; {} secrets open.\n",
        cell(&found, "secrets.good")
    ));
    for one in bad {
        text.push_str(&format!("{}\n", shown(one["why"].as_str().unwrap_or_default())));
    }
    text.push_str(&left_out(&found));
    Answer { status: u8::from(found["valid"] != true), ..Answer::new(found, text) }
}

fn restored(done: Value) -> Answer {
    let mut text = of(&done);
    let parts: Vec<&str> = done["restored"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (parts, target) = (parts.join(", "), cell(&done, "target"));
    if done["dry_run"] == true {
        text.push_str(&format!("It can be restored to {target}: {parts}. Nothing was changed.\n"));
    } else {
        text.push_str(&format!("Restored to {target}: {parts}.\n"));
        let old = cell(&done, "replaced");
        if !old.is_empty() {
            text.push_str(&format!("What was there is in {old}; remove that when the fleet is well.\n"));
        }
    }
    for note in done["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("note: {}\n", shown(note)));
    }
    Answer::new(done, text)
}

/// Says which backup it is.
fn of(backup: &Value) -> String {
    format!(
        "{}: fleet {} on {}, made {} by vigosrv {}, publish {}, {} envoys.\n",
        cell(backup, "file"),
        cell(backup, "fleet"),
        cell(backup, "host"),
        cell(backup, "created_at"),
        cell(backup, "program"),
        or_none(backup, "publish"),
        cell(backup, "envoys"),
    )
}

fn or_none(value: &Value, path: &str) -> String {
    Some(cell(value, path)).filter(|text| !text.is_empty()).unwrap_or_else(|| "none".into())
}

fn or_never(value: &Value, path: &str) -> String {
    Some(cell(value, path)).filter(|text| !text.is_empty()).unwrap_or_else(|| "never".into())
}

fn left_out(backup: &Value) -> String {
    let paths = backup["left_out"].as_array().into_iter().flatten().filter_map(Value::as_str);
    paths.map(|path| format!("note: `{}` is not in it\n", shown(path))).collect()
}

/// Has vigosrv work, and asks whether the fleet of the backup is the right one, where nothing says so.
fn asked(
    format: Format,
    what: &'static str,
    mut args: Vec<OsString>,
    expect_root: Option<&str>,
) -> Result<Value, CliError> {
    if let Some(root) = expect_root {
        args.extend(["--expect-root".into(), root.into()]);
    }
    let work = |args: &[OsString]| {
        let mut progress = Progress::new(format, what);
        offline::work(args, &mut |done, total| progress.at(done, total))
    };
    let error = match work(&args) {
        Err(error) => error,
        done => return done,
    };
    let root = match &error {
        CliError::Problem { problem, .. } => problem["root_key"].as_str().map(str::to_owned),
        _ => None,
    };
    let Some(root) = root.filter(|_| format == Format::Table && io::stdin().is_terminal()) else { return Err(error) };
    let question = format!(
        "Nothing on this machine says of which fleet the backup should be. It is of the one with the root key\n\n  {}\n\nThe \
         recovery kit, or `vigocli server status` as it was, shows the right one. Is it the same? [y/N] ",
        shown(&root)
    );
    let mut answer = String::new();
    let read = io::stderr().write_all(question.as_bytes()).and_then(|()| io::stdin().lock().read_line(&mut answer));
    read.map_err(|error| CliError::Usage { why: format!("the terminal: {error}") })?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => work(&[&args[..], &["--expect-root".into(), root.into()]].concat()),
        _ => Err(error),
    }
}

/// Returns the name of a backup that is made now.
fn default_name(fleet: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    name_at(fleet, now)
}

fn name_at(fleet: &str, now: Timestamp) -> String {
    let at = now.civil(0);
    let fleet: String = fleet.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!(
        "vigo-{fleet}-{:04}{:02}{:02}T{:02}{:02}{:02}Z.tar.zst",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_named_after_its_fleet_and_time() {
        let now = Timestamp::from_epoch_secs(1_800_000_000);
        assert_eq!(name_at("0123456789abcdef", now), "vigo-01234567-20270115T080000Z.tar.zst");
        assert_eq!(name_at("../x", now), "vigo-x-20270115T080000Z.tar.zst");
    }
}
