//! What ails a server, and what to do about it.

use super::{Freeze, Machine, examine_machine};
use crate::bundle::KeyKind;
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something is less than it should be, or soon will be.
    Warning,
    /// Something does not work, or cannot be trusted.
    Error,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Names its kind, for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What.
    pub message: String,
    /// What to do, in the imperative.
    pub help: String,
}

/// What a server knows of itself.
#[derive(Clone, Debug)]
pub struct Condition<'a> {
    /// The clock.
    pub clock: Timestamp,
    /// The newest time in the database: what counts where the clock is behind it.
    pub newest: Timestamp,
    /// Whether anything is published.
    pub is_published: bool,
    /// In how many files the stacks differ from what is published; why that is not known.
    pub edited: Result<usize, String>,
    /// Nothing may be published.
    pub freeze: Option<&'a Freeze>,
    /// The row of the audit from which on it is not what was written.
    pub audit_broken_at: Option<i64>,
    /// What is wrong with the database: of its file, then of single rows.
    pub damaged: (Option<String>, Vec<String>),
    /// What Litestream has of the database.
    pub replica: Replica,
    /// Secrets that the policy refers to and that are not set.
    pub missing_secrets: Vec<&'a str>,
    /// Secrets that cannot be opened, and why.
    pub closed_secrets: Vec<(&'a str, String)>,
    /// Globs of the names that become envoys without a token, from wherever they come.
    pub trusted_from_anywhere: Vec<&'a str>,
    /// The root key lies on this machine.
    pub has_root: bool,
    /// The keys that count no more, as agents have shown, and for whose successors the root is needed.
    pub outdated_keys: Vec<KeyKind>,
    /// The key that was announced and is not used yet, and who has not heard of it.
    pub rotating: Option<(KeyKind, Vec<&'a str>)>,
    /// Bytes that are free on the file system of the data directory, and what it has in all; `None` where the system does
    /// not say.
    pub disk: Option<(u64, u64)>,
    /// Bytes of the database's write-ahead log.
    pub wal_bytes: u64,
    /// How many programs of the agent there are to give to new machines.
    pub agents: usize,
    /// Envoys that are offline.
    pub offline: Vec<&'a str>,
    /// Envoys whose newest run failed, in part or whole.
    pub failed: Vec<&'a str>,
    /// Envoys that seem to run twice.
    pub cloned: Vec<&'a str>,
    /// The database was put back to an earlier state, and nobody has looked at it: what was done between these is lost.
    pub restored: Option<(Timestamp, Timestamp)>,
    /// Envoys that were not in it and are taken up again, and that nobody has looked at.
    pub adopted: Vec<&'a str>,
    /// Machines that were the fleet's and wait for somebody to let them in.
    pub waiting: Vec<&'a str>,
    /// Its machine: keys, disks, backups, ports.
    pub machine: Machine<'a>,
}

/// What a replica has of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replica {
    /// There is to be none.
    No,
    /// There is to be one, and nothing was copied yet.
    Missing,
    /// The newest change of the database is so much later than what was copied last.
    Behind(Duration),
}

/// A replica that is so far behind is not made any more: it is made every second.
const REPLICA_LATE: Duration = Duration::from_secs(60);

/// What to do when a replica is not made.
pub const REPLICA_HELP: &str = "start Litestream, and see what it says: `litestream status`";

impl Replica {
    /// Returns what is wrong, a stable word and a sentence, where something is.
    pub fn trouble(self) -> Option<(&'static str, String)> {
        match self {
            Self::No => None,
            Self::Missing => Some(("replica-missing", "Litestream has copied nothing of the database".into())),
            Self::Behind(by) if by <= REPLICA_LATE => None,
            Self::Behind(by) => {
                let lacks = format!("the replica lacks what was written to the database for {} s", by.as_ms() / 1000);
                Some(("replica-late", lacks))
            }
        }
    }
}

/// A clock that is so far behind the database is wrong.
const CLOCK_BEHIND: Duration = Duration::from_secs(60);

/// Free bytes below which writes are about to fail: reports come in groups of some megabytes.
const DISK_ERROR: u64 = 256 << 20;

/// Free bytes below which somebody should look.
const DISK_WARNING: u64 = 2 << 30;

/// Bytes of a write-ahead log that nobody writes back into the database any more.
const WAL_WARNING: u64 = 512 << 20;

/// Names in one message.
const NAMES_MAX: usize = 5;

impl Severity {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Returns what is to be said of a server, the gravest first.
pub fn examine(c: &Condition<'_>) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    keys(c, &mut found);
    storage(c, &mut found);
    restored(c, &mut found);
    policy(c, &mut found);
    secrets(c, &mut found);
    fleet(c, &mut found);
    found.0.extend(examine_machine(&c.machine));
    found.0.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    found.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, code: &'static str, message: String, help: impl Into<String>) {
        self.0.push(Finding { code, severity: Severity::Error, message, help: help.into() });
    }

    fn warning(&mut self, code: &'static str, message: String, help: impl Into<String>) {
        self.0.push(Finding { code, severity: Severity::Warning, message, help: help.into() });
    }

    fn note(&mut self, code: &'static str, message: String, help: impl Into<String>) {
        self.0.push(Finding { code, severity: Severity::Note, message, help: help.into() });
    }
}

fn keys(c: &Condition<'_>, found: &mut Findings) {
    if !c.outdated_keys.is_empty() {
        let kinds: Vec<_> = c.outdated_keys.iter().map(|kind| format!("{kind}")).collect();
        found.error(
            "keys-outdated",
            format!(
                "agents have a newer key set, in which the {} of this server counts no more: it was restored from before a \
                 rotation",
                kinds.join(" and the ")
            ),
            "run `vigocli keys rotate bundle --root-key FILE` with the root key",
        );
    }
    if let Some((kind, behind)) = &c.rotating
        && !behind.is_empty()
    {
        found.note(
            "rotation-waits",
            format!("the new {kind} waits for {}", named(behind, "envoy", "envoys")),
            format!("wait until they check in, or run `vigocli keys rotate {} --force`", kind.word()),
        );
    }
    if c.has_root {
        found.note(
            "root-key-here",
            "the root key lies on this machine: whoever takes the server takes the fleet".into(),
            "keep it elsewhere: `vigocli keys export-root FILE --remove`",
        );
    }
    for glob in &c.trusted_from_anywhere {
        found.warning(
            "trusted-from-anywhere",
            format!("whoever can reach the server becomes an envoy by saying a name like `{}`", glob.escape_debug()),
            "give the pattern the network that such machines are in, or use tokens",
        );
    }
}

fn storage(c: &Condition<'_>, found: &mut Findings) {
    if c.clock + CLOCK_BEHIND < c.newest {
        let help = "set the clock; until then the time of the newest row counts";
        let message = format!("the clock says {}, and the database has rows of {}", c.clock, c.newest);
        found.warning("clock-behind", message, help);
    }
    if let Some(id) = c.audit_broken_at {
        let message = format!("the audit is not as it was written, from row {id} on");
        found.error(
            "audit-broken",
            message,
            "compare it with that of a backup, and find out who wrote to the database",
        );
    }
    if let Some((code, message)) = c.replica.trouble() {
        found.error(code, message, REPLICA_HELP);
    }
    let (file, rows) = &c.damaged;
    if let Some(why) = file {
        let help = "stop vigosrv, look at the disk, and restore it: `vigocli backup restore FILE --db-only --force`";
        found.error("database-damaged", format!("the database is damaged: {why}"), help);
    }
    for what in rows {
        let help = "look at the disk, and compare with a backup; `vigocli backup restore FILE --db-only --force` brings it back";
        found.error("database-rows-damaged", format!("the database is damaged: {what}"), help);
    }
    if let Some((free, all)) = c.disk {
        let message = format!("{} MiB of {} MiB are free where the server keeps its data", free >> 20, all >> 20);
        let help = "make room: without it reports are not taken, and wait on the machines";
        if free < DISK_ERROR {
            found.error("disk-full", message, help);
        } else if free < DISK_WARNING {
            found.warning("disk-full", message, help);
        }
    }
    if c.wal_bytes > WAL_WARNING {
        found.warning(
            "wal-large",
            format!("the database's write-ahead log has {} MiB", c.wal_bytes >> 20),
            "see whether what copies the database still runs",
        );
    }
}

/// What a database that was put back brings back or has lost.
fn restored(c: &Condition<'_>, found: &mut Findings) {
    let help = "look at it: `vigocli server restored`; then run that with `--reviewed`";
    if let Some((from, to)) = c.restored {
        let message =
            format!("the database was put back to an earlier state: what was done from {from} to {to} is lost");
        found.warning("restored", message, help);
    }
    if !c.adopted.is_empty() {
        let message = format!("the database had lost {}, now taken up again", named(&c.adopted, "envoy", "envoys"));
        found.warning("envoys-adopted", message, help);
    }
}

fn policy(c: &Condition<'_>, found: &mut Findings) {
    match &c.edited {
        _ if !c.is_published => {
            found.warning(
                "not-published",
                "nothing is published: no envoy manages anything".into(),
                "write `stacks/`, and run `vigocli config publish`",
            );
        }
        Ok(0) => {}
        Ok(files) => {
            let message = format!("`stacks/` differs from what is published in {files} files");
            found.note("not-published", message, "see `vigocli config diff`, then run `vigocli config publish`");
        }
        Err(why) => found.warning("stacks-unreadable", format!("`stacks/` cannot be read: {why}"), "mend it"),
    }
    if let Some(freeze) = c.freeze {
        found.note("frozen", format!("publishing is {freeze}"), "wait, or run `vigocli config unfreeze`");
    }
}

fn secrets(c: &Condition<'_>, found: &mut Findings) {
    if !c.missing_secrets.is_empty() {
        found.warning(
            "secret-missing",
            format!("the policy refers to {}, and nobody has set it", named(&c.missing_secrets, "secret", "secrets")),
            "run `vigocli secrets set PATH`; until then what uses it is skipped",
        );
    }
    for (path, why) in &c.closed_secrets {
        let message = format!("secret `{}` cannot be opened: {why}", path.escape_debug());
        found.error("secret-closed", message, "restore the master key or the record from a backup, or set it anew");
    }
}

fn fleet(c: &Condition<'_>, found: &mut Findings) {
    if c.agents == 0 {
        found.warning(
            "no-agent",
            "there is no agent to give to new machines".into(),
            "add one: `vigocli server agents add FILE`",
        );
    }
    if !c.offline.is_empty() {
        let message = format!("{} cannot be heard", named(&c.offline, "envoy", "envoys"));
        found.warning("envoys-offline", message, "see `vigocli envoys list`; throw out those that are no more");
    }
    if !c.waiting.is_empty() {
        let message = format!(
            "waiting to be let in, with a certificate of this fleet that holds no more: {}",
            named(&c.waiting, "machine", "machines")
        );
        let help = "see `vigocli envoys list --waiting`; where they are yours, run `vigocli envoys rebootstrap --all`";
        found.warning("envoys-waiting", message, help);
    }
    if !c.cloned.is_empty() {
        let message = format!("one identity seems to run on two machines: {}", named(&c.cloned, "envoy", "envoys"));
        found.warning("envoys-cloned", message, "see `vigocli envoys show`, and void it: `vigocli envoys rebootstrap`");
    }
    if !c.failed.is_empty() {
        let message = format!("the newest run failed of {}", named(&c.failed, "envoy", "envoys"));
        found.warning("envoys-failed", message, "see `vigocli runs list`, and `vigocli runs show`");
    }
}

/// Returns `envoy a`, or `3 envoys: a, b, c`: the first few.
fn named(names: &[&str], one: &str, many: &str) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_MAX).map(|name| format!("`{}`", name.escape_debug())).collect();
    let more = if names.len() > NAMES_MAX { ", …" } else { "" };
    match names.len() {
        1 => format!("{one} {}", shown.concat()),
        len => format!("{len} {many} ({}{more})", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::BackupCondition;

    fn well<'a>() -> Condition<'a> {
        Condition {
            clock: Timestamp::from_epoch_secs(1_000_000),
            newest: Timestamp::from_epoch_secs(1_000_060),
            is_published: true,
            edited: Ok(0),
            freeze: None,
            audit_broken_at: None,
            damaged: (None, Vec::new()),
            replica: Replica::Behind(REPLICA_LATE),
            missing_secrets: Vec::new(),
            closed_secrets: Vec::new(),
            trusted_from_anywhere: Vec::new(),
            has_root: false,
            outdated_keys: Vec::new(),
            rotating: None,
            disk: Some((3 << 30, 9 << 30)),
            wal_bytes: WAL_WARNING,
            agents: 1,
            offline: Vec::new(),
            failed: Vec::new(),
            cloned: Vec::new(),
            restored: None,
            adopted: Vec::new(),
            waiting: Vec::new(),
            machine: Machine { backup: Some(BackupCondition::default()), ..Machine::default() },
        }
    }

    #[test]
    fn each_ailment_is_told_with_what_to_do() {
        use Severity::{Error, Note, Warning};
        assert_eq!(examine(&well()), []);
        let freeze = Freeze { by: "ann".into(), at: well().clock, until: None, reason: String::new() };
        let many = alloc::vec!["a", "b", "c", "d", "e", "f"];
        let late = Timestamp::from_epoch_secs(1_000_061);
        let cases = [
            (
                Condition { newest: late, ..well() },
                "clock-behind",
                Warning,
                "the database has rows of 1970-01-12T13:47:41Z",
            ),
            (
                Condition { is_published: false, edited: Ok(3), ..well() },
                "not-published",
                Warning,
                "nothing is published",
            ),
            (Condition { edited: Ok(3), ..well() }, "not-published", Note, "in 3 files"),
            (Condition { edited: Err("loop".into()), ..well() }, "stacks-unreadable", Warning, "cannot be read: loop"),
            (Condition { freeze: Some(&freeze), ..well() }, "frozen", Note, "frozen by `ann`"),
            (Condition { audit_broken_at: Some(7), ..well() }, "audit-broken", Error, "from row 7 on"),
            (Condition { replica: Replica::Missing, ..well() }, "replica-missing", Error, "has copied nothing"),
            (
                Condition { replica: Replica::Behind(Duration::from_secs(61)), ..well() },
                "replica-late",
                Error,
                "for 61 s",
            ),
            (
                Condition { damaged: (Some("page 3".into()), Vec::new()), ..well() },
                "database-damaged",
                Error,
                "is damaged: page 3",
            ),
            (
                Condition { damaged: (None, ["report 7".into()].into()), ..well() },
                "database-rows-damaged",
                Error,
                "is damaged: report 7",
            ),
            (
                Condition { missing_secrets: many.clone(), ..well() },
                "secret-missing",
                Warning,
                "6 secrets (`a`, `b`, `c`, `d`, `e`, …)",
            ),
            (
                Condition { closed_secrets: [("a\n", "no key".into())].into(), ..well() },
                "secret-closed",
                Error,
                "secret `a\\n` cannot be opened: no key",
            ),
            (
                Condition { trusted_from_anywhere: [("*")].into(), ..well() },
                "trusted-from-anywhere",
                Warning,
                "a name like `*`",
            ),
            (Condition { has_root: true, ..well() }, "root-key-here", Note, "the root key"),
            (
                Condition { outdated_keys: [KeyKind::Bundle, KeyKind::Ca].into(), ..well() },
                "keys-outdated",
                Error,
                "the bundle key and the authority of this server",
            ),
            (
                Condition { rotating: Some((KeyKind::Ca, ["web"].into())), ..well() },
                "rotation-waits",
                Note,
                "authority waits for envoy `web`",
            ),
            (
                Condition { disk: Some(((2 << 30) - 1, 9 << 30)), ..well() },
                "disk-full",
                Warning,
                "2047 MiB of 9216 MiB",
            ),
            (Condition { disk: Some(((256 << 20) - 1, 9 << 30)), ..well() }, "disk-full", Error, "255 MiB of"),
            (Condition { wal_bytes: WAL_WARNING + 1, ..well() }, "wal-large", Warning, "512 MiB"),
            (Condition { agents: 0, ..well() }, "no-agent", Warning, "no agent"),
            (
                Condition { restored: Some((well().clock, late)), ..well() },
                "restored",
                Warning,
                "what was done from 1970-01-12T13:46:40Z to 1970-01-12T13:47:41Z is lost",
            ),
            (Condition { adopted: ["web"].into(), ..well() }, "envoys-adopted", Warning, "had lost envoy `web`"),
            (Condition { waiting: ["web"].into(), ..well() }, "envoys-waiting", Warning, "no more: machine `web`"),
            (Condition { cloned: ["web"].into(), ..well() }, "envoys-cloned", Warning, "two machines: envoy `web`"),
            (Condition { offline: ["web"].into(), ..well() }, "envoys-offline", Warning, "envoy `web` cannot be heard"),
            (Condition { failed: many, ..well() }, "envoys-failed", Warning, "of 6 envoys"),
        ];
        for (condition, code, severity, expected) in cases {
            let found = examine(&condition);
            let [finding] = &found[..] else { panic!("{code}: {found:?}") };
            assert_eq!((finding.code, finding.severity), (code, severity), "{finding:?}");
            assert!(finding.message.contains(expected) && !finding.help.is_empty(), "{finding:?}");
        }
        let rotating = Some((KeyKind::Bundle, Vec::new()));
        assert_eq!(examine(&Condition { rotating, disk: None, ..well() }), [], "nobody is waited for");
    }

    #[test]
    fn the_gravest_comes_first() {
        let found = examine(&Condition { has_root: true, agents: 0, audit_broken_at: Some(1), ..well() });
        assert!(found.is_sorted_by_key(|finding| core::cmp::Reverse(finding.severity)) && found.len() == 3);
    }
}
