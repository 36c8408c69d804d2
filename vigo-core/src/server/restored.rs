//! A server whose database is older than what the server has done.
//!
//! A database that is put back, by whatever means, has tokens that were used up since, tokens of the API and logins that
//! were withdrawn, orders that were given long ago. None of them counts any more. Three things tell of it: the mark that a
//! restore leaves, the stamp beside the keys of what the database last had, and what agents show: only this server signs
//! assignments, so one that it does not remember is of a time that the database has lost.

use crate::hex;
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What the file of a mark begins with; the number is that of the format.
const MARK_HEAD: &str = "vigo-restored-1";

/// What the file of a stamp begins with.
const STAMP_HEAD: &str = "vigo-stamp-1";

/// Serials are given this much later than the newest row at the most: what is laid down in memory is written within ten
/// seconds.
pub(super) const UNWRITTEN_MAX: Duration = Duration::from_secs(60);

/// What a restore says of the database that it brought, in `tls/restored`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestoreMark {
    /// When the backup was made.
    pub created: Timestamp,
    /// The version of its database.
    pub schema: i64,
    /// The number of the newest row of its audit, 0 for none.
    pub audit: i64,
}

/// The newest row of the audit, as `tls/stamp` has it: it is written after the row, so that it is never ahead of a database
/// that did not go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditStamp {
    /// Its number, 0 for none.
    pub id: i64,
    /// Its hash, zeros for none.
    pub hash: [u8; 32],
    /// When it was written down.
    pub at: Timestamp,
}

/// What a server finds when it opens its database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// The mark of a restore, where there is one.
    pub mark: Option<RestoreMark>,
    /// The stamp, where there is one.
    pub stamp: Option<AuditStamp>,
    /// The hash of the row that has the stamp's number, where there is one.
    pub at_stamp: Option<[u8; 32]>,
    /// That row is the newest.
    pub ends_at_stamp: bool,
    /// It is another file than the one that was open last.
    pub is_other_file: bool,
    /// The newest time in the database.
    pub newest: Timestamp,
    /// The clock.
    pub now: Timestamp,
}

/// How it is known that the database went back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WentBackBy {
    /// A restore has said so.
    Mark,
    /// The row that the stamp names is not there, or is another.
    Stamp,
    /// Another file is in its place, and has rows of after the stamp: how many there were nobody knows.
    OtherFile,
    /// This envoy has shown an assignment of the time that is lost.
    Shown(EnvoyId),
}

/// The database went back: what was done between two times is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WentBack {
    /// How that is known.
    pub by: WentBackBy,
    /// The end of what the database has.
    pub from: Timestamp,
    /// Until when at least, or at most after a mark, there was more.
    pub to: Timestamp,
}

/// Says whether a database that is being opened went back.
pub fn went_back(found: &Found) -> Option<WentBack> {
    let Found { mark, stamp, at_stamp, ends_at_stamp, is_other_file, newest, now } = *found;
    // Before the first row there is nothing that could be missing.
    let missing = stamp.filter(|stamp| stamp.id > 0 && at_stamp != Some(stamp.hash));
    let by = match (mark, missing) {
        (Some(_), _) => WentBackBy::Mark,
        (None, Some(_)) => WentBackBy::Stamp,
        (None, None) if is_other_file && !ends_at_stamp => WentBackBy::OtherFile,
        (None, None) => return None,
    };
    // A backup has everything up to the moment in which it was made.
    let from = mark.map_or(newest, |mark| mark.created.max(newest));
    let to = missing.map_or(now, |stamp| stamp.at);
    Some(WentBack { by, from, to: to.max(from) })
}

/// Returns what somebody should look at, one line each: after the database went back, where nobody has looked yet, and of so
/// many envoys that were adopted.
pub fn to_look_at(is_open: bool, adopted: usize) -> Vec<&'static str> {
    let of_restore = [
        "users: who was added, removed, given another role or another password meanwhile is as before (`vigocli users list`)",
        "names that need no token: those that were removed meanwhile are back (`vigocli trusted list`)",
        "tokens of the API and tokens for machines: make those anew that are needed; none of before is good",
        "what is published: the policy may be an older one (`vigocli config status`)",
        "secrets: values that were changed meanwhile may be the old ones; set them again (`vigocli secrets list`)",
    ];
    let of_adopted =
        "envoys that were not in the database: revoke those that should not be there (`vigocli envoys list --adopted`)";
    let mut lines = Vec::new();
    if is_open {
        lines.extend(of_restore);
    }
    if adopted > 0 {
        lines.push(of_adopted);
    }
    lines
}

impl WentBackBy {
    /// Returns a word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mark => "restore",
            Self::Stamp => "stamp",
            Self::OtherFile => "other-file",
            Self::Shown(_) => "agent",
        }
    }
}

impl fmt::Display for WentBackBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark => f.write_str("it was restored from a backup"),
            Self::Stamp => f.write_str("it lacks rows of which `tls/stamp` tells"),
            Self::OtherFile => f.write_str("it is another file than the one that was open last"),
            Self::Shown(id) => write!(f, "envoy {id} has an assignment that it does not remember"),
        }
    }
}

impl RestoreMark {
    /// Returns the text of its file.
    pub fn text(&self) -> String {
        format!("{MARK_HEAD} {} {} {}\n", self.created.epoch_ms(), self.schema, self.audit)
    }

    /// Reads the text of its file; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = words(text, MARK_HEAD)?;
        let mut number = || words.next()?.parse::<i64>().ok();
        let (created, schema, audit) = (number()?, number()?, number()?);
        let mark = Self { created: Timestamp::from_epoch_ms(created), schema, audit };
        words.next().is_none().then_some(mark)
    }
}

impl AuditStamp {
    /// Returns the text of its file.
    pub fn text(&self) -> String {
        format!("{STAMP_HEAD} {} {} {}\n", self.id, hex::encode(self.hash), self.at.epoch_ms())
    }

    /// Reads the text of its file; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = words(text, STAMP_HEAD)?;
        let id = words.next()?.parse().ok()?;
        let hash = hex::decode_array(words.next()?)?;
        let at = Timestamp::from_epoch_ms(words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { id, hash, at })
    }
}

/// Returns what stands behind the head of a file of one line.
fn words<'a>(text: &'a str, head: &str) -> Option<impl Iterator<Item = &'a str>> {
    let line = text.strip_suffix('\n')?;
    let mut words = line.split(' ');
    (words.next() == Some(head)).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_secs(1_800_000_000 + seconds)
    }

    const STAMP: AuditStamp = AuditStamp { id: 7, hash: [0xab; 32], at: at(50) };
    const MARK: RestoreMark = RestoreMark { created: at(20), schema: 9, audit: 5 };

    #[test]
    fn a_database_that_went_back_is_told_from_one_that_did_not() {
        let well = Found {
            mark: None,
            stamp: Some(STAMP),
            at_stamp: Some(STAMP.hash),
            ends_at_stamp: false,
            is_other_file: false,
            newest: at(55),
            now: at(100),
        };
        let back = |by, from, to| Some(WentBack { by, from: at(from), to: at(to) });
        let empty = AuditStamp { id: 0, hash: [0; 32], ..STAMP };
        let cases = [
            ("as it was left, or newer", well, None),
            ("the first start, or one of a server before", Found { stamp: None, at_stamp: None, ..well }, None),
            ("it was copied when it was closed", Found { is_other_file: true, ends_at_stamp: true, ..well }, None),
            (
                "it was replaced after a kill",
                Found { is_other_file: true, ..well },
                back(WentBackBy::OtherFile, 55, 100),
            ),
            (
                "it was replaced by one of long ago",
                Found { is_other_file: true, at_stamp: None, newest: at(10), ..well },
                back(WentBackBy::Stamp, 10, 50),
            ),
            ("nothing was ever done", Found { stamp: Some(empty), at_stamp: None, ..well }, None),
            ("the row is not there", Found { at_stamp: None, newest: at(10), ..well }, back(WentBackBy::Stamp, 10, 50)),
            ("another history", Found { at_stamp: Some([1; 32]), ..well }, back(WentBackBy::Stamp, 55, 55)),
            (
                "restored with its keys",
                Found { mark: Some(MARK), newest: at(10), ..well },
                back(WentBackBy::Mark, 20, 100),
            ),
            (
                "restored alone",
                Found { mark: Some(MARK), at_stamp: None, newest: at(10), ..well },
                back(WentBackBy::Mark, 20, 50),
            ),
            (
                "the clock went back, too",
                Found { mark: Some(MARK), now: at(-9), newest: at(10), ..well },
                back(WentBackBy::Mark, 20, 20),
            ),
        ];
        for (name, found, expected) in cases {
            assert_eq!(went_back(&found), expected, "{name}");
        }
    }

    #[test]
    fn the_files_are_read_as_they_are_written_and_nothing_else_is() {
        assert_eq!(MARK.text(), "vigo-restored-1 1800000020000 9 5\n");
        assert_eq!(RestoreMark::parse(&MARK.text()), Some(MARK));
        assert_eq!(STAMP.text(), format!("vigo-stamp-1 7 {} 1800000050000\n", "ab".repeat(32)));
        assert_eq!(AuditStamp::parse(&STAMP.text()), Some(STAMP));
        let marks =
            ["", "vigo-restored-1", "vigo-restored-2 1 9 5\n", "vigo-restored-1 1 9\n", "vigo-restored-1 1 9 5"];
        for text in marks.into_iter().chain(["vigo-restored-1 1 9 5 6\n", "vigo-restored-1 x 9 5\n"]) {
            assert_eq!(RestoreMark::parse(text), None, "{text:?}");
        }
        let short = format!("vigo-stamp-1 7 {} 1\n", "ab".repeat(31));
        for text in ["", "vigo-stamp-1 7\n", "vigo-stamp-1 7 zz 1\n", &short, &STAMP.text()[1..]] {
            assert_eq!(AuditStamp::parse(text), None, "{text:?}");
        }
    }
}
