//! A server whose database is damaged, or gone.
//!
//! A damaged database is put aside, never away: somebody may get more out of it. In its place a mark stays, so that the next
//! start, which a service manager makes a second later, does not come up with an empty one: that would forget users, tokens
//! and who was told what, and nobody would notice. Whoever puts a database in its place has answered the mark.

use crate::time::{Civil, Timestamp};
use alloc::format;
use alloc::string::String;

/// What the file of a mark begins with; the number is that of the format.
const MARK_HEAD: &str = "vigo-damaged-1";

/// Characters of a reason that are kept: what SQLite says of one page is a line.
const WHY_CHARS_MAX: usize = 500;

/// What lies in the place of a database that was put aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DamageMark {
    /// When it was found.
    pub at: Timestamp,
    /// The name of the folder, beside the mark, in which the damaged one is.
    pub aside: String,
    /// What is wrong with it: one line.
    pub why: String,
}

/// What a server finds where its database should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DatabaseSeen<'a> {
    /// There is a file, and something in it.
    pub is_there: bool,
    /// It is as the server left it when it was stopped.
    pub was_closed: bool,
    /// The mark of one that was put aside.
    pub mark: Option<&'a DamageMark>,
    /// What tells that there was one: a file that a server has only with a database.
    pub told_by: Option<&'a str>,
}

/// What is to be done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening<'a> {
    /// It is opened.
    Open,
    /// It is looked at first: it was not closed, or somebody has put it there in the place of a damaged one.
    Look,
    /// An empty one is made: there never was one.
    Make,
    /// Nothing is made: the one that was there is damaged, and was put aside.
    Damaged(&'a DamageMark),
    /// Nothing is made: there was one, as this tells.
    Gone(&'a str),
}

/// Says what a server does about what it finds where its database should be.
pub const fn opening<'a>(seen: &DatabaseSeen<'a>) -> Opening<'a> {
    match (seen.is_there, seen.mark, seen.told_by) {
        (true, None, _) if seen.was_closed => Opening::Open,
        (true, _, _) => Opening::Look,
        (false, Some(mark), _) => Opening::Damaged(mark),
        (false, None, Some(told)) => Opening::Gone(told),
        (false, None, None) => Opening::Make,
    }
}

/// Returns what can be done where there is no database, with what it costs: several lines.
pub fn ways_back(replicates: bool) -> String {
    let replica = if replicates {
        "\n    litestream restore …, with Litestream stopped, from its replica: some seconds are lost"
    } else {
        ""
    };
    format!(
        "put one in its place, then start vigosrv; agents go on with the policy that they have meanwhile:\n    \
         vigocli backup restore FILE --db-only --force: what happened since that backup is lost{replica}\n    \
         vigosrv without-database: begin with an empty one. Users, tokens, runs, the audit, and who was told to rest or observe \
         are lost; envoys are taken up again when they check in, and who was revoked stays out"
    )
}

impl DamageMark {
    /// Returns the mark of what was found now.
    pub fn new(at: Timestamp, why: &str) -> Self {
        let line = why.chars().take(WHY_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c });
        let Civil { year, month, day, hour, minute, second, .. } = at.civil(0);
        let aside = format!("damaged-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
        Self { at, aside, why: line.collect() }
    }

    /// Returns the text of its file.
    pub fn text(&self) -> String {
        format!("{MARK_HEAD} {} {} {}\n", self.at.epoch_ms(), self.aside, self.why)
    }

    /// Reads the text of its file; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.splitn(4, ' ');
        let head = words.next()?;
        let at = Timestamp::from_epoch_ms(words.next()?.parse().ok()?);
        let (aside, why) = (words.next()?, words.next()?);
        let is_name = aside.starts_with("damaged-") && !aside.contains('/');
        (head == MARK_HEAD && is_name && !why.contains('\n')).then(|| Self { at, aside: aside.into(), why: why.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

    #[test]
    fn an_empty_database_is_made_only_where_there_never_was_one() {
        let mark = DamageMark::new(AT, "no");
        let seen = |is_there, was_closed, mark, told_by| opening(&DatabaseSeen { is_there, was_closed, mark, told_by });
        let cases = [
            ("the first start", seen(false, false, None, None), Opening::Make),
            ("any other", seen(true, true, None, Some("x")), Opening::Open),
            ("after a kill", seen(true, false, None, Some("x")), Opening::Look),
            ("somebody has answered", seen(true, true, Some(&mark), None), Opening::Look),
            ("nobody has", seen(false, false, Some(&mark), Some("x")), Opening::Damaged(&mark)),
            ("nobody has, and it was closed", seen(false, true, Some(&mark), None), Opening::Damaged(&mark)),
            ("it is gone", seen(false, true, None, Some("x")), Opening::Gone("x")),
        ];
        for (name, found, expected) in cases {
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_mark_is_read_as_it_is_written_and_nothing_else_is() {
        let mark = DamageMark::new(AT, "page 3:\nno such  thing");
        assert_eq!(mark.text(), "vigo-damaged-1 1800000000000 damaged-20270115T080000Z page 3: no such  thing\n");
        assert_eq!(DamageMark::parse(&mark.text()), Some(mark));
        assert_eq!(DamageMark::new(AT, &"x".repeat(9999)).why.len(), WHY_CHARS_MAX);
        let others = [
            "",
            "vigo-damaged-1\n",
            "vigo-damaged-2 1 damaged-1 no\n",
            "vigo-damaged-1 x damaged-1 no\n",
            "vigo-damaged-1 1 ../tls no\n",
            "vigo-damaged-1 1 damaged-/../.. no\n",
            "vigo-damaged-1 1 damaged-1 no",
        ];
        for text in others {
            assert_eq!(DamageMark::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_way_back_says_what_it_costs() {
        for (replicates, ways) in [(false, 2), (true, 3)] {
            assert_eq!(ways_back(replicates).matches("lost").count(), ways, "{replicates}");
        }
    }
}
