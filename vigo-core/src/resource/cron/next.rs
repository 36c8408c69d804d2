//! When a schedule comes next.

use super::schedule::{Schedule, number, range_of};
use crate::time::Timestamp;
use alloc::string::String;

/// Days that are looked through: a 29th of February comes after eight years at the latest.
const DAYS_MAX: i64 = 8 * 366;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// A schedule as sets of numbers.
struct Sets {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Day and weekday are both restricted: then one of them is enough, crontab(5).
    either: bool,
}

impl Schedule {
    /// Returns the first minute after `after` at which it comes, by a clock `utc_offset_secs` seconds east of Greenwich. `None`
    /// where it never does: `@reboot`, a 31st of February.
    pub fn next(&self, after: Timestamp, utc_offset_secs: i32) -> Option<Timestamp> {
        let sets = match self {
            Self::Fields(fields) => Sets::of(fields),
            Self::Macro(_) => match self.plain()? {
                Self::Fields(fields) => Sets::of(&fields),
                Self::Macro(_) => return None,
            },
        };
        let offset = i64::from(utc_offset_secs);
        let first = after.epoch_secs().saturating_add(offset).div_euclid(60).saturating_add(1);
        let today = first.div_euclid(DAY);
        (today..today.saturating_add(DAYS_MAX)).filter(|day| sets.has_day(*day)).find_map(|day| {
            let from = if day == today { first.rem_euclid(DAY) } else { 0 };
            let minute = (from..DAY).find(|minute| has(sets.hours, minute / 60) && has(sets.minutes, minute % 60))?;
            let minutes = day.saturating_mul(DAY).saturating_add(minute);
            Some(Timestamp::from_epoch_secs(minutes.saturating_mul(60).saturating_sub(offset)))
        })
    }
}

impl Sets {
    fn of(fields: &[String; 5]) -> Self {
        let [minute, hour, day, month, weekday] = fields;
        Self {
            minutes: set(0, minute),
            hours: set(1, hour),
            days: set(2, day),
            months: set(3, month),
            weekdays: set(4, weekday),
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        }
    }

    /// Returns whether it comes on a day, by its number since 1970-01-01.
    fn has_day(&self, day: i64) -> bool {
        let civil = Timestamp::from_epoch_secs(day.saturating_mul(86_400)).civil(0);
        // Cron counts from Sunday.
        let weekday = (i64::from(civil.weekday) + 1) % 7;
        let (day, weekday) = (has(self.days, civil.day.into()), has(self.weekdays, weekday));
        has(self.months, civil.month.into()) && if self.either { day || weekday } else { day && weekday }
    }
}

fn has(set: u64, number: i64) -> bool {
    u32::try_from(number).is_ok_and(|number| number < 64 && set & (1 << number) != 0)
}

/// Returns the numbers of a checked field. Sunday is 0.
fn set(index: usize, text: &str) -> u64 {
    let (min, max, _) = range_of(index);
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match range.split_once('-') {
            // Sunday is 0 as well as 7: what counts up to 6 has all days.
            _ if range == "*" => (Some(min), Some(if index == 4 { 6 } else { max })),
            Some((from, to)) => (number(index, from), number(index, to)),
            None => (number(index, range), number(index, range)),
        };
        let step = step.parse::<usize>().unwrap_or(1).max(1);
        if let (Some(from), Some(to)) = (from, to) {
            for number in (from..=to.min(max)).step_by(step) {
                set |= 1 << if index == 4 { number % 7 } else { number };
            }
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        let number = |range: core::ops::Range<usize>| text[range].parse::<i64>().unwrap();
        Timestamp::from_utc([number(0..4), number(5..7), number(8..10)], [number(11..13), number(14..16), 0]).unwrap()
    }

    #[test]
    fn the_next_time_is_the_one_of_crontab() {
        // 2026-11-23 is a Monday.
        let cases = [
            ("* * * * *", "2026-11-23T10:00", 0, "2026-11-23T10:01"),
            ("30 3 * * *", "2026-11-23T03:29", 0, "2026-11-23T03:30"),
            ("30 3 * * *", "2026-11-23T03:30", 0, "2026-11-24T03:30"),
            ("30 3 * * *", "2026-12-31T04:00", 0, "2027-01-01T03:30"),
            ("@hourly", "2026-11-23T10:00", 0, "2026-11-23T11:00"),
            ("@weekly", "2026-11-23T10:00", 0, "2026-11-29T00:00"),
            ("0 0 * * 7", "2026-11-23T10:00", 0, "2026-11-29T00:00"),
            ("0 0 * * sat,sun", "2026-11-23T10:00", 0, "2026-11-28T00:00"),
            ("@yearly", "2026-11-23T10:00", 0, "2027-01-01T00:00"),
            ("0 12 29 feb *", "2026-11-23T10:00", 0, "2028-02-29T12:00"),
            ("0 12 29 2 *", "2096-03-01T00:00", 0, "2104-02-29T12:00"),
            ("*/20 22-23 * * *", "2026-11-23T22:45", 0, "2026-11-23T23:00"),
            // Both restricted: either is enough. A star with steps is a star.
            ("0 0 13 * fri", "2026-11-23T10:00", 0, "2026-11-27T00:00"),
            ("0 0 13 * fri", "2026-12-12T10:00", 0, "2026-12-13T00:00"),
            ("0 0 */2 * fri", "2026-11-23T10:00", 0, "2026-11-27T00:00"),
            // Three in the morning east of Greenwich is evening there.
            ("0 3 * * *", "2026-11-23T00:59", 7200, "2026-11-23T01:00"),
            ("0 3 * * *", "2026-11-23T01:00", 7200, "2026-11-24T01:00"),
            ("0 0 * * mon", "2026-11-23T04:00", -18_000, "2026-11-23T05:00"),
        ];
        for (schedule, after, offset, expected) in cases {
            let found = Schedule::parse(schedule).unwrap().next(at(after), offset);
            assert_eq!(found, Some(at(expected)), "{schedule} after {after}");
        }
        for never in ["@reboot", "0 0 31 2 *", "0 0 30 feb *"] {
            assert_eq!(Schedule::parse(never).unwrap().next(at("2026-11-23T10:00"), 0), None, "{never}");
        }
    }

    proptest! {
        #[test]
        fn it_comes_on_the_minute_after_and_a_plain_one_comes_no_less_often(
            text in "(\\*|[0-5]?[0-9])(/[1-9])? (\\*|1?[0-9]-2[0-3])(/[1-9])? \\* (\\*|[1-9],1[0-2]) (\\*|[0-7]|sun-sat)",
            after in -10_000_000_000i64..100_000_000_000,
            offset in -50_000i32..50_000,
        ) {
            let after = Timestamp::from_epoch_secs(after);
            if let Ok(schedule) = Schedule::parse(&text) {
                let next = schedule.next(after, offset).unwrap();
                prop_assert!(next > after && (next.epoch_secs() + i64::from(offset)) % 60 == 0, "{next:?}");
                prop_assert_eq!(schedule.plain().unwrap().next(after, offset), Some(next));
                prop_assert_eq!(Schedule::parse(&schedule.to_string()).unwrap().next(after, offset), Some(next));
            }
        }
        #[test]
        fn no_time_is_too_far(after in any::<i64>(), offset in any::<i32>()) {
            let _ = Schedule::parse("0 0 29 2 *").unwrap().next(Timestamp::from_epoch_ms(after), offset);
        }
    }
}
