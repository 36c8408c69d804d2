//! What is added to an interval.

use super::Span;
use serde::{Deserialize, Deserializer, de};
use std::str::FromStr;
use vigo_core::time::Duration;

/// A share of the interval, `10%`, or a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Splay {
    /// Hundredths of the interval: 100 at most.
    Percent(u8),
    /// A time.
    Time(Duration),
}

impl Splay {
    /// Returns the most that is added to `interval`.
    pub const fn of(self, interval: Duration) -> Duration {
        match self {
            // Divided first: no interval is long enough for an overflow then, and none short enough to matter.
            Self::Percent(percent) => Duration::from_ms(interval.as_ms() / 100 * percent as u64),
            Self::Time(time) => time,
        }
    }
}

impl FromStr for Splay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%').map(|number| number.trim().parse()) {
            Some(Ok(percent @ 0..=100)) => Ok(Self::Percent(percent)),
            Some(_) => Err(format!("expected a share up to `100%`, found `{text}`")),
            None => text.parse::<Span>().map(|span| Self::Time(span.0)),
        }
    }
}

impl<'de> Deserialize<'de> for Splay {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
