//! What ails a server's machine: its keys, its disks, its backups, its ports. It is found while the server runs, and on the
//! data directory of one that does not.

use super::doctor::{Finding, Severity};
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// What is known of a server's machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine<'a> {
    /// The clock.
    pub clock: Timestamp,
    /// The certificates: of what, and from when to when they are good.
    pub certificates: Vec<(&'a str, Timestamp, Timestamp)>,
    /// Files and folders that others may read or write: what is wrong, and what to do.
    pub modes: Vec<(String, String)>,
    /// What was found otherwise, such as a file that cannot be read: see [`Problem`].
    pub problems: Vec<Problem<'a>>,
    /// The backups that are made by schedule; none where none are.
    pub backup: Option<BackupCondition>,
    /// Addresses, for what, at which nobody listens whom `server.yaml` names, and why that is known.
    pub deaf: Vec<(&'a str, String, String)>,
    /// Addresses that agents are told, and at which this server is not reached from its own machine, and why.
    pub unreached: Vec<(String, String)>,
}

/// Something that is wrong, as whoever found it says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem<'a> {
    /// Names its kind, for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What.
    pub message: String,
    /// What to do; something general where that is not known.
    pub help: Option<&'a str>,
}

/// What is known of the backups that are made by schedule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupCondition {
    /// The folder.
    pub folder: String,
    /// No good one is new enough: what is to be said of it, and what to do.
    pub old: Option<(String, String)>,
    /// The newest that was looked at is not good: what is to be said of it, and what to do.
    pub bad: Option<(String, String)>,
    /// The last try failed: why, and what to do.
    pub failing: Option<(String, Option<String>)>,
    /// They can be read by whoever finds them.
    pub is_plain: bool,
    /// They lie on the disk of the server's data.
    pub is_beside: bool,
    /// Bytes that are free where they lie, and that the newest takes; `None` where that is not known.
    pub room: Option<(u64, u64)>,
}

/// A certificate that ends so soon has not been made anew when it should have been: a server's is, months before.
const CERTIFICATE_SOON: Duration = Duration::from_secs(90 * 86_400);

/// An authority needs longer: envoys that come seldom have to hear of the next one.
const AUTHORITY_SOON: Duration = Duration::from_secs(365 * 86_400);

/// What an authority is called among the certificates.
pub const AUTHORITY: &str = "authority";

/// Returns what is to be said of a server's machine, the gravest first.
pub fn examine_machine(machine: &Machine<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity, code, message: String, help: String| found.push(Finding { code, severity, message, help });
    for problem in &machine.problems {
        let help = problem.help.unwrap_or("look at the file, and at the disk that it lies on");
        say(problem.severity, problem.code, problem.message.clone(), help.to_string());
    }
    for (what, help) in &machine.modes {
        say(Severity::Error, "mode", what.clone(), help.clone());
    }
    for (what, from, until) in &machine.certificates {
        let clock = machine.clock;
        let is_authority = *what == AUTHORITY;
        let soon = if is_authority { AUTHORITY_SOON } else { CERTIFICATE_SOON };
        let help = match is_authority {
            true => "put another in its place: `vigocli keys rotate ca`",
            false => "restart vigosrv, which makes it anew, and look into its log when it does not",
        };
        if clock < *from {
            say(
                Severity::Error,
                "certificate-early",
                format!("the certificate of the {what} is good from {from} on, and the clock says {clock}"),
                "set the clock".into(),
            );
        } else if *until <= clock {
            let message = format!("the certificate of the {what} has ended on {until}");
            say(Severity::Error, "certificate-ended", message, help.into());
        } else if *until < clock + soon {
            let message = format!("the certificate of the {what} ends on {until}");
            say(Severity::Warning, "certificate-ends", message, help.into());
        }
    }
    for (what, address, why) in &machine.deaf {
        say(
            Severity::Error,
            "port-deaf",
            format!("`server.yaml` has {what} answered on {address}, and they are not: {why}"),
            "restart vigosrv after a change of `server.yaml`; end what else listens there".into(),
        );
    }
    for (address, why) in &machine.unreached {
        say(
            Severity::Warning,
            "address-unreached",
            format!("agents are told `{address}`, where this machine does not reach the server: {why}"),
            "mend `server.advertise` or `server.hostname`, the name, or the firewall; where only this machine cannot reach \
             it, let it be"
                .into(),
        );
    }
    match &machine.backup {
        Some(backup) => backups(backup, &mut say),
        None => say(
            Severity::Note,
            "backup-none",
            "the server makes no backups by itself".into(),
            "set `backup.schedule` and `backup.directory` in server.yaml".into(),
        ),
    }
    found.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    found
}

fn backups(backup: &BackupCondition, say: &mut dyn FnMut(Severity, &'static str, String, String)) {
    let general = || String::from("look into the log of vigosrv, and see `vigocli backup list`");
    if let Some((message, help)) = &backup.old {
        say(Severity::Error, "backup-old", message.clone(), help.clone());
    }
    if let Some((message, help)) = &backup.bad {
        say(Severity::Error, "backup-bad", message.clone(), help.clone());
    }
    // What is old or bad says why.
    if let (Some((why, help)), None, None) = (&backup.failing, &backup.old, &backup.bad) {
        let message = format!("the last scheduled backup failed: {why}");
        say(Severity::Warning, "backup-failed", message, help.clone().unwrap_or_else(general));
    }
    if backup.is_plain {
        say(
            Severity::Warning,
            "backup-plain",
            format!("the backups in `{}` are not encrypted: whoever reads them has the fleet", backup.folder),
            "name who may read them in `backup.encrypt_to`".into(),
        );
    }
    if backup.is_beside {
        say(
            Severity::Warning,
            "backup-beside",
            format!("`{}` lies on the disk of the server's data: both are lost together", backup.folder),
            "name a folder on another disk in `backup.directory`, or copy it elsewhere".into(),
        );
    }
    if let Some((free, needed)) = backup.room
        && free < needed.saturating_add(needed / 2)
    {
        say(
            Severity::Warning,
            "backup-room",
            format!(
                "{} MiB are free where backups go, and the newest has {} MiB",
                free >> 20,
                needed.div_ceil(1 << 20)
            ),
            "make room, or keep fewer: `backup.keep`".into(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    const fn at(days: i64) -> Timestamp {
        Timestamp::from_epoch_secs(1_800_000_000 + days * DAY)
    }

    fn well<'a>() -> Machine<'a> {
        Machine {
            clock: at(0),
            certificates: [(AUTHORITY, at(-1), at(366)), ("server", at(-1), at(91))].into(),
            backup: Some(fine()),
            ..Machine::default()
        }
    }

    fn fine() -> BackupCondition {
        BackupCondition { folder: "/backups".into(), room: Some((30 << 20, 20 << 20)), ..BackupCondition::default() }
    }

    #[test]
    fn each_ailment_of_a_machine_is_told_with_what_to_do() {
        use Severity::{Error, Note, Warning};
        assert_eq!(examine_machine(&well()), []);
        let certificate = |what, from, until| Machine { certificates: [(what, at(from), at(until))].into(), ..well() };
        let backup = |backup| Machine { backup: Some(backup), ..well() };
        let said = || Some(("what".into(), "do it".into()));
        let why = || Some(("why".into(), None));
        let problem = |help| Problem { code: "keys", severity: Error, message: "bad keys".into(), help };
        let cases = [
            (certificate("server", -400, -1), "certificate-ended", Error, "ended on 2027-01-14T08:00:00Z"),
            (certificate("server", -400, 0), "certificate-ended", Error, "of the server"),
            (certificate("server", -400, 89), "certificate-ends", Warning, "restart vigosrv"),
            (certificate(AUTHORITY, -400, 300), "certificate-ends", Warning, "keys rotate ca"),
            (certificate(AUTHORITY, 1, 300), "certificate-early", Error, "set the clock"),
            (Machine { modes: [("m".into(), "chmod".into())].into(), ..well() }, "mode", Error, "chmod"),
            (Machine { problems: [problem(None)].into(), ..well() }, "keys", Error, "look at the file"),
            (Machine { problems: [problem(Some("mend"))].into(), ..well() }, "keys", Error, "mend"),
            (
                Machine { deaf: [("agents", ":1530".into(), "refused".into())].into(), ..well() },
                "port-deaf",
                Error,
                "agents answered on :1530, and they are not: refused",
            ),
            (
                Machine { unreached: [("a:1".into(), "refused".into())].into(), ..well() },
                "address-unreached",
                Warning,
                "told `a:1`",
            ),
            (Machine { backup: None, ..well() }, "backup-none", Note, "backup.schedule"),
            (backup(BackupCondition { old: said(), failing: why(), ..fine() }), "backup-old", Error, "do it"),
            (backup(BackupCondition { bad: said(), failing: why(), ..fine() }), "backup-bad", Error, "do it"),
            (backup(BackupCondition { failing: why(), ..fine() }), "backup-failed", Warning, "failed: why"),
            (backup(BackupCondition { is_plain: true, ..fine() }), "backup-plain", Warning, "encrypt_to"),
            (backup(BackupCondition { is_beside: true, ..fine() }), "backup-beside", Warning, "lost together"),
            (
                backup(BackupCondition { room: Some(((30 << 20) - 1, 20 << 20)), ..fine() }),
                "backup-room",
                Warning,
                "29 MiB are free where backups go, and the newest has 20 MiB",
            ),
        ];
        for (machine, code, severity, expected) in cases {
            let found = examine_machine(&machine);
            let [finding] = &found[..] else { panic!("{code}: {found:?}") };
            assert_eq!((finding.code, finding.severity), (code, severity), "{finding:?}");
            let said = format!("{}; {}", finding.message, finding.help);
            assert!(said.contains(expected) && !finding.help.is_empty(), "{finding:?}");
        }
        let both = Machine { modes: [("m".into(), "chmod".into())].into(), backup: None, ..well() };
        assert!(examine_machine(&both).is_sorted_by_key(|finding| core::cmp::Reverse(finding.severity)));
    }
}
