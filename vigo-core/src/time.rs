//! Points in time and spans of time, as numbers that a driver hands in: the core never asks a clock.

use core::fmt;
use core::ops::{Add, Sub};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A span of time in milliseconds; never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Timestamp {
    /// Returns the point `ms` milliseconds after (or, negative, before) 1970-01-01T00:00:00Z.
    pub const fn from_epoch_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the point `seconds` seconds after 1970-01-01T00:00:00Z.
    pub const fn from_epoch_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns milliseconds since 1970-01-01T00:00:00Z.
    pub const fn epoch_ms(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn epoch_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time that passed since `earlier`, or zero where the clock went back.
    pub const fn since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0);
        Duration(if ms < 0 { 0 } else { ms as u64 })
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Returns a span of `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Returns a span of `seconds` seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the span in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// Returns the span in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }
}

/// The civil date and time of a point in time, in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, astronomical (1 BC is 0).
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Day of the week, 0 is Monday.
    pub weekday: u8,
}

impl Timestamp {
    /// Returns date and time of day at `utc_offset_secs` seconds east of Greenwich.
    pub fn civil(self, utc_offset_secs: i32) -> Civil {
        let secs = self.epoch_secs().saturating_add(i64::from(utc_offset_secs));
        let days = secs.div_euclid(86_400);
        let rest = secs.rem_euclid(86_400);
        // Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u8;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u8;
        let year = yoe + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month,
            day,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            weekday: (days + 3).rem_euclid(7) as u8,
        }
    }
}

impl Timestamp {
    /// Returns the time of a date (year, month, day) and a clock (hour, minute, second) in UTC; `None` when there is no
    /// such.
    pub fn from_utc([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<Self> {
        let is_date = (-9999..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        if !is_date || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
            return None;
        }
        // Civil date to days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let shifted = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
        let midnight = Self::from_epoch_secs(days * 86_400);
        // A day that the month does not have comes back as one of the next.
        (i64::from(midnight.civil(0).day) == day)
            .then(|| Self::from_epoch_secs(midnight.epoch_secs() + hour * 3600 + minute * 60 + second))
    }

    /// Reads `Sun Nov 22 16:20:16 2026` at the front of a text as UTC, ctime(3).
    pub fn from_ctime(text: &str) -> Option<Self> {
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let mut words = text.split_ascii_whitespace().skip(1);
        let month = words.next()?;
        let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
        let (day, clock, year) = (words.next()?.parse().ok()?, words.next()?, words.next()?.parse().ok()?);
        let mut parts = clock.split(':').map(|part| part.parse().ok());
        let mut next = || parts.next().flatten();
        Self::from_utc([year, month as i64, day], [next()?, next()?, next()?])
    }
}

impl fmt::Display for Timestamp {
    /// Prints RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil(0);
        write!(f, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}+{}ms", self.0.rem_euclid(1000))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms % 1000 != 0 => write!(f, "{ms}ms"),
            ms if ms % 60_000 != 0 || ms == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{}m", ms / 60_000),
        }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn civil_dates_agree_with_known_points() {
        let cases = [
            (0, "1970-01-01T00:00:00Z", 3),
            (951_782_400, "2000-02-29T00:00:00Z", 1),
            (-1, "1969-12-31T23:59:59Z", 2),
            (1_795_219_200, "2026-11-21T00:00:00Z", 5),
        ];
        for (secs, text, weekday) in cases {
            let t = Timestamp::from_epoch_secs(secs);
            assert_eq!(format!("{t}"), text);
            assert_eq!(t.civil(0).weekday, weekday, "{text}");
        }
    }

    #[test]
    fn dates_become_times_again() {
        for secs in [0, 951_782_400, 1_795_262_300, -1, 253_402_300_799] {
            let t = Timestamp::from_epoch_secs(secs);
            let c = t.civil(0);
            let date = [c.year, c.month.into(), c.day.into()];
            assert_eq!(Timestamp::from_utc(date, [c.hour.into(), c.minute.into(), c.second.into()]), Some(t), "{t}");
        }
        let cases = [
            ("Sat Nov 21 11:58:20 2026", Some(1_795_262_300)),
            ("Thu Jan  1 00:00:00 1970", Some(0)),
            ("Thu Jan  1 24:00:00 1970", None),
            ("Thu Xan  1 00:00:00 1970", None),
            ("Thu anF  1 00:00:00 1970", None),
            ("Thu Jan 99999999999999999999 00:00:00 1970", None),
            ("Thu Jan 1 00:00 1970", None),
            ("Thu Feb 29 00:00:00 2024 nginx", Some(1_709_164_800)),
            ("Thu Feb 29 00:00:00 2023", None),
            ("Wed Dec 31 23:59:60 2025", Some(1_767_225_600)),
            ("Thu Jan 1 00:00:00 99999999", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Timestamp::from_ctime(text), expected.map(Timestamp::from_epoch_secs), "{text}");
        }
    }

    #[test]
    fn a_clock_that_went_back_gives_zero() {
        assert_eq!(Timestamp::from_epoch_secs(1).since(Timestamp::from_epoch_secs(5)), Duration::ZERO);
    }
}
