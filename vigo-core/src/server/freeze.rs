//! A time in which nothing is published.

use crate::time::Timestamp;
use alloc::string::String;
use core::fmt;

/// A freeze: who wants nothing published, since when, until when, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Freeze {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; none is until somebody ends it.
    pub until: Option<Timestamp>,
    /// Why; may be empty.
    pub reason: String,
}

impl Freeze {
    /// Returns whether nothing may be published at `now`: the clock, or the newest time that is stored where the clock is
    /// behind it.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frozen by `{}` at {}, ", self.by, self.at)?;
        match self.until {
            Some(until) => write!(f, "until {until}")?,
            None => f.write_str("until somebody ends it")?,
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason.escape_debug()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_freeze_ends_by_itself() {
        let at = Timestamp::from_epoch_secs;
        let freeze = |until| Freeze { by: "ann".into(), at: at(10), until, reason: "sale".into() };
        let cases =
            [(None, 1 << 40, true), (Some(at(20)), 19, true), (Some(at(20)), 20, false), (Some(at(20)), 21, false)];
        for (until, now, expected) in cases {
            assert_eq!(freeze(until).holds(at(now)), expected, "{until:?} at {now}");
        }
        let text = freeze(Some(at(20))).to_string();
        assert_eq!(text, "frozen by `ann` at 1970-01-01T00:00:10Z, until 1970-01-01T00:00:20Z: sale");
    }
}
