//! What somebody is told of without asking, and when.
//!
//! What is wrong stands on a [`Board`]. Each way of telling people has told some of that; [`change`] is what it has to tell
//! next. So each change is told once, whatever comes between, and one that is over before it could be told is not told at all.

use crate::limits::{NOTICE_CHARS_MAX, NOTICE_RETRY_MS_MAX, NOTICE_RETRY_MS_MIN};
use crate::time::{Duration, Timestamp};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// What somebody is told of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Alarm {
    /// The last good backup is too old.
    BackupOld,
    /// The newest backup is not good.
    BackupBad,
    /// The database was put back to an earlier state.
    Restored,
    /// The database is damaged.
    DatabaseDamaged,
    /// What copies the database is late.
    ReplicaLate,
}

/// An alarm that stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raised {
    /// Since when; another one of the same kind has another time.
    pub since: Timestamp,
    /// What.
    pub message: String,
    /// What to do, in the imperative.
    pub help: String,
}

/// What is known of the alarms: those that stand, and those that do not. Of one that is not in it nobody knows yet.
pub type Board = BTreeMap<Alarm, Option<Raised>>;

/// What was told, and is not over as far as those know who were told: since when it stands.
pub type ToldOf = BTreeMap<Alarm, Timestamp>;

/// What is to be told next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoticeOf<'a> {
    /// An alarm stands.
    Raised(Alarm, &'a Raised),
    /// It stands no more.
    Over(Alarm),
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::BackupOld, Self::BackupBad, Self::Restored, Self::DatabaseDamaged, Self::ReplicaLate];

    /// Returns a stable word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BackupOld => "backup-old",
            Self::BackupBad => "backup-bad",
            Self::Restored => "restored",
            Self::DatabaseDamaged => "database-damaged",
            Self::ReplicaLate => "replica-late",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Alarm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = || Self::ALL.iter().map(|alarm| alarm.word());
        let found = Self::ALL.into_iter().find(|alarm| alarm.word() == text);
        found.ok_or_else(|| match crate::diagnostic::nearest(text, words()) {
            Some(near) => format!("unknown event `{}`; did you mean `{near}`?", text.escape_debug()),
            None => {
                let known = words().map(|word| format!("`{word}`")).collect::<alloc::vec::Vec<_>>().join(", ");
                format!("expected one of {known}, found `{}`", text.escape_debug())
            }
        })
    }
}

impl Raised {
    /// Returns one that stands since `since`; its text is cut to what can be told.
    pub fn new(since: Timestamp, message: &str, help: &str) -> Self {
        let cut = |text: &str| text.chars().take(NOTICE_CHARS_MAX).collect();
        Self { since, message: cut(message), help: cut(help) }
    }
}

/// Returns what is to be told next to somebody who wants to hear of `wanted`, of everything where that is empty, and who was
/// told of `told`. What is over comes first; nothing comes where all is told.
pub fn change<'a>(board: &'a Board, told: &ToldOf, wanted: &BTreeSet<Alarm>) -> Option<NoticeOf<'a>> {
    let is_wanted = |alarm: &Alarm| wanted.is_empty() || wanted.contains(alarm);
    let over = told.keys().find(|alarm| is_wanted(alarm) && board.get(alarm).is_some_and(Option::is_none));
    let news = || {
        let mut standing = board.iter().filter_map(|(alarm, raised)| Some((*alarm, raised.as_ref()?)));
        standing.find(|(alarm, raised)| is_wanted(alarm) && told.get(alarm) != Some(&raised.since))
    };
    over.map(|alarm| NoticeOf::Over(*alarm)).or_else(|| news().map(|(alarm, raised)| NoticeOf::Raised(alarm, raised)))
}

impl NoticeOf<'_> {
    /// Returns which alarm it is of.
    pub const fn alarm(&self) -> Alarm {
        match self {
            Self::Raised(alarm, _) | Self::Over(alarm) => *alarm,
        }
    }

    /// Takes note that it was told.
    pub fn note(&self, told: &mut ToldOf) {
        match self {
            Self::Raised(alarm, raised) => drop(told.insert(*alarm, raised.since)),
            Self::Over(alarm) => drop(told.remove(alarm)),
        }
    }
}

/// Returns how long to wait after so many failures to tell somebody: twice as long each time.
pub fn tell_again_after(failures: u32) -> Duration {
    let doubled = NOTICE_RETRY_MS_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16));
    Duration::from_ms(doubled.min(NOTICE_RETRY_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn raised(since: i64) -> Option<Raised> {
        Some(Raised::new(Timestamp::from_epoch_secs(since), "what", "do it"))
    }

    /// Tells everything that is to be told, and returns it as words.
    fn tell(board: &Board, told: &mut ToldOf, wanted: &[Alarm]) -> Vec<String> {
        let wanted = wanted.iter().copied().collect();
        let mut said = Vec::new();
        while let Some(notice) = change(board, told, &wanted) {
            said.push(match &notice {
                NoticeOf::Raised(alarm, _) => format!("+{alarm}"),
                NoticeOf::Over(alarm) => format!("-{alarm}"),
            });
            notice.note(told);
            assert!(said.len() < 10, "it never ends");
        }
        said
    }

    #[test]
    fn each_change_is_told_once() {
        let (mut board, mut told) = (Board::new(), ToldOf::new());
        assert_eq!(tell(&board, &mut told, &[]), [""; 0]);
        board.insert(Alarm::BackupOld, raised(1));
        assert_eq!(tell(&board, &mut told, &[]), ["+backup-old"]);
        board.insert(Alarm::BackupOld, raised(1).map(|raised| Raised { message: "still".into(), ..raised }));
        assert_eq!(tell(&board, &mut told, &[]), [""; 0], "it is the same one");
        board.insert(Alarm::Restored, raised(2));
        board.remove(&Alarm::BackupOld);
        assert_eq!(
            tell(&board, &mut told, &[Alarm::BackupOld]),
            [""; 0],
            "a server that has just started knows nothing"
        );
        board.insert(Alarm::BackupOld, None);
        assert_eq!(tell(&board, &mut told, &[]), ["-backup-old", "+restored"]);
        board.insert(Alarm::Restored, raised(3));
        assert_eq!(tell(&board, &mut told, &[]), ["+restored"], "it is another one");
        board.insert(Alarm::BackupBad, raised(4));
        board.insert(Alarm::BackupBad, None);
        assert_eq!(tell(&board, &mut told, &[]), [""; 0], "nobody need hear of what is over");
    }

    #[test]
    fn who_wants_to_hear_of_some_hears_of_no_others() {
        let (mut board, mut told) = (Board::new(), ToldOf::new());
        board.insert(Alarm::BackupOld, raised(1));
        board.insert(Alarm::DatabaseDamaged, raised(1));
        assert_eq!(tell(&board, &mut told, &[Alarm::DatabaseDamaged]), ["+database-damaged"]);
        let board: Board = Alarm::ALL.map(|alarm| (alarm, None)).into();
        assert_eq!(tell(&board, &mut told, &[Alarm::BackupOld]), [""; 0]);
        assert_eq!(tell(&board, &mut told, &[]), ["-database-damaged"]);
    }

    #[test]
    fn words_are_read_back_and_others_are_refused() {
        for alarm in Alarm::ALL {
            assert_eq!(alarm.word().parse(), Ok(alarm));
        }
        assert_eq!(
            "backup-odd".parse::<Alarm>().unwrap_err(),
            "unknown event `backup-odd`; did you mean `backup-old`?"
        );
        assert!("x".parse::<Alarm>().unwrap_err().contains("expected one of `backup-old`, `backup-bad`"));
        assert_eq!(Raised::new(Timestamp::default(), &"ä".repeat(9999), "").message.chars().count(), NOTICE_CHARS_MAX);
        let waits: Vec<u64> = [1, 2, 3, 99, u32::MAX].map(|n| tell_again_after(n).as_secs()).into();
        assert_eq!(waits, [5, 10, 20, 600, 600]);
    }
}
