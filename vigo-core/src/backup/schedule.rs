//! Backups that are made by schedule: when one is due, which are kept, and when somebody has to look.

use crate::limits::{BACKUP_RETRY_MS_MAX, BACKUP_RETRY_MS_MIN, BACKUP_VERIFY_PERIOD_MS};
use crate::resource::cron::Schedule;
use crate::time::{Duration, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What is known of the backups that were made by schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// When the newest one was made that is good, as far as is known.
    pub last_good: Option<Timestamp>,
    /// When that one was last looked at as a whole, and was good.
    pub last_verified: Option<Timestamp>,
    /// How often making or looking at one has failed since it last went well.
    pub failures: u32,
    /// When it failed last.
    pub failed_at: Option<Timestamp>,
    /// When it failed first since it last went well.
    pub failing_since: Option<Timestamp>,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// One is to be made.
    Create,
    /// The newest good one is to be looked at.
    Verify,
    /// Nothing, until then.
    Nothing {
        /// When something is due, if nothing happens before; none where the schedule never comes.
        until: Option<Timestamp>,
    },
}

/// What is so far ahead of the clock was written by one that was wrong: it must not put backups off for years.
const AHEAD: Duration = Duration::from_secs(3600);

/// Says what is due. Where none is good, one is made at once, and one that was missed is made as soon as it can be. What has
/// failed is tried again after five minutes, then after ever longer, six hours at the most.
///
/// `utc_offset_secs` is how far the machine's clock on the wall is east of Greenwich.
pub fn due(schedule: &Schedule, kept: &Kept, now: Timestamp, utc_offset_secs: i32) -> Due {
    let known = |at: Option<Timestamp>| at.filter(|at| *at <= now + AHEAD).map(|at| at.min(now));
    let retry_at = known(kept.failed_at).filter(|_| kept.failures > 0).map(|at| at + retry_after(kept.failures));
    let make_at = match known(kept.last_good) {
        None => Some(now),
        Some(made) => schedule.next(made, utc_offset_secs),
    };
    let look_at = known(kept.last_good).map(|_| match known(kept.last_verified) {
        None => now,
        Some(at) => at + Duration::from_ms(BACKUP_VERIFY_PERIOD_MS),
    });
    // A retry is not before its time.
    let not_before = |at: Option<Timestamp>| at.map(|at| retry_at.map_or(at, |retry| at.max(retry)));
    let (make_at, look_at) = (not_before(make_at), not_before(look_at));
    if make_at.is_some_and(|at| at <= now) {
        return Due::Create;
    }
    if look_at.is_some_and(|at| at <= now) {
        return Due::Verify;
    }
    Due::Nothing { until: make_at.into_iter().chain(look_at).min() }
}

/// Returns how long to wait after so many failures: twice as long each time.
pub fn retry_after(failures: u32) -> Duration {
    let doubled = BACKUP_RETRY_MS_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16));
    Duration::from_ms(doubled.min(BACKUP_RETRY_MS_MAX))
}

/// Returns since when somebody has to look because no backup is new enough: one was missed altogether and the next is late,
/// too; or there never was one, and making it has failed.
pub fn too_old_since(schedule: &Schedule, kept: &Kept, now: Timestamp, utc_offset_secs: i32) -> Option<Timestamp> {
    let Some(made) = kept.last_good.filter(|at| *at <= now + AHEAD) else {
        return kept.failing_since.or(kept.failed_at).filter(|_| kept.failures > 0);
    };
    let next = schedule.next(made, utc_offset_secs)?;
    let since = schedule.next(next, utc_offset_secs)? + GRACE;
    (since < now).then_some(since)
}

/// So late may one be: large ones take their time.
const GRACE: Duration = Duration::from_secs(3600);

/// What is known of one that lies in the folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was whole when it was last looked at.
    Good,
    /// It was not.
    Bad,
    /// Nobody knows: what was known of it is lost.
    Unknown,
}

/// A file in the folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub verdict: Verdict,
}

/// Returns which of the files go when `keep` good ones are to stay. Only those go that were made by schedule for this fleet.
/// The newest good one stays whatever is said, and so does all that is newer than the good ones that stay, but for bad ones:
/// of these the newest stays, for whoever looks into it. One that was made by a clock that was far ahead counts for none.
pub fn surplus(list: &[Listed], fleet: &str, keep: usize, now: Timestamp) -> Vec<String> {
    let mut ours: Vec<(Timestamp, &Listed)> =
        list.iter().filter_map(|listed| Some((scheduled_at(&listed.name, fleet)?, listed))).collect();
    ours.sort_unstable_by_key(|(at, listed)| (core::cmp::Reverse(*at), &listed.name));
    let (mut good, mut bad) = (0, 0);
    let mut gone = Vec::new();
    for (at, listed) in ours {
        let verdict = if at > now + AHEAD { Verdict::Unknown } else { listed.verdict };
        let stays = match verdict {
            _ if good >= keep.max(1) => false,
            Verdict::Bad => bad == 0,
            Verdict::Good | Verdict::Unknown => true,
        };
        match verdict {
            Verdict::Good => good += 1,
            Verdict::Bad => bad += 1,
            Verdict::Unknown => {}
        }
        if !stays {
            gone.push(listed.name.clone());
        }
    }
    gone
}

/// How the name ends of one that is not encrypted.
const PLAIN_END: &str = ".scheduled.tar.zst";

/// What an encrypted one has behind it.
const AGE_END: &str = ".age";

/// Returns the name of the backup of a fleet that is made at a time.
pub fn scheduled_name(fleet: &str, at: Timestamp, is_encrypted: bool) -> String {
    let c = at.civil(0);
    let end = if is_encrypted { AGE_END } else { "" };
    format!(
        "vigo-{fleet}-{:04}{:02}{:02}T{:02}{:02}{:02}Z{PLAIN_END}{end}",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}

/// Returns when the backup was made that has this name, if it is one that was made by schedule for this fleet.
pub fn scheduled_at(name: &str, fleet: &str) -> Option<Timestamp> {
    let text = name.strip_suffix(AGE_END).unwrap_or(name);
    let text = text.strip_prefix("vigo-")?.strip_prefix(fleet)?.strip_prefix('-')?.strip_suffix(PLAIN_END)?;
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<i64>().ok()
    };
    let date = [number(0, 4)?, number(4, 6)?, number(6, 8)?];
    let at = Timestamp::from_utc(date, [number(9, 11)?, number(11, 13)?, number(13, 15)?])?;
    // What reads the same and is written otherwise is somebody else's.
    (scheduled_name(fleet, at, name.ends_with(AGE_END)) == name).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLEET: &str = "0123456789abcdef";
    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;

    /// 2027-01-15T08:00:00Z and so many seconds.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_secs(1_800_000_000 + seconds)
    }

    fn daily() -> Schedule {
        Schedule::parse("0 9 * * *").unwrap()
    }

    #[test]
    fn what_is_due_is_done_and_what_failed_is_tried_again_later_and_later() {
        let kept = |good: Option<i64>, verified: Option<i64>, failures, failed: Option<i64>| Kept {
            last_good: good.map(at),
            last_verified: verified.map(at),
            failures,
            failed_at: failed.map(at),
            failing_since: failed.map(at),
        };
        let until = |seconds| Due::Nothing { until: Some(at(seconds)) };
        let cases = [
            ("none yet", kept(None, None, 0, None), 0, Due::Create),
            ("made, not looked at", kept(Some(0), None, 0, None), 10, Due::Verify),
            ("both done", kept(Some(0), Some(10), 0, None), 20, until(HOUR)),
            ("the next is due", kept(Some(0), Some(10), 0, None), HOUR, Due::Create),
            ("one was missed", kept(Some(0), Some(10), 0, None), 3 * DAY, Due::Create),
            ("a week later", kept(Some(7 * DAY + HOUR), Some(0), 0, None), 7 * DAY + HOUR + 60, Due::Verify),
            ("it failed just now", kept(None, None, 1, Some(0)), 299, until(300)),
            ("and again", kept(None, None, 1, Some(0)), 300, Due::Create),
            ("a second time", kept(None, None, 2, Some(0)), 300, until(600)),
            ("many times", kept(None, None, 4_000_000_000, Some(0)), 300, until(6 * HOUR)),
            ("a look that failed", kept(Some(0), None, 1, Some(5)), 20, until(305)),
            (
                "the next comes while it waits",
                kept(Some(0), Some(0), 3, Some(HOUR - 60)),
                HOUR,
                until(HOUR - 60 + 1200),
            ),
            ("the clock was a little ahead", kept(Some(60), Some(60), 0, None), 0, until(HOUR)),
            ("the clock was years ahead", kept(Some(400 * DAY), Some(400 * DAY), 0, None), 0, Due::Create),
            ("at a look", kept(Some(0), Some(400 * DAY), 0, None), 10, Due::Verify),
            ("at a failure", kept(None, None, 1, Some(400 * DAY)), 0, Due::Create),
        ];
        for (name, kept, now, expected) in cases {
            assert_eq!(due(&daily(), &kept, at(now), 0), expected, "{name}");
        }
        let never = Schedule::parse("@reboot").unwrap();
        let made = kept(Some(0), Some(0), 0, None);
        assert_eq!(due(&never, &made, at(1), 0), until(7 * DAY), "it is looked at all the same");
        assert_eq!(due(&daily(), &made, at(1), 1800), until(HOUR / 2), "by the clock on the wall");
    }

    #[test]
    fn one_that_is_late_is_forgiven_and_two_are_not() {
        let kept = |good: Option<i64>, failures| Kept {
            last_good: good.map(at),
            failures,
            failed_at: Some(at(-5)),
            failing_since: Some(at(-9)),
            ..Kept::default()
        };
        let second = HOUR + DAY + HOUR;
        let cases = [
            ("none yet, and nothing was tried", kept(None, 0), 0, None),
            ("none yet, and it failed", kept(None, 1), 0, Some(-9)),
            ("the first is late", kept(Some(0), 9), DAY, None),
            ("the second is due", kept(Some(0), 9), second, None),
            ("the second is late, too", kept(Some(0), 0), second + 1, Some(second)),
            ("and later", kept(Some(0), 0), 9 * DAY, Some(second)),
            ("the clock was ahead", kept(Some(400 * DAY), 1), 0, Some(-9)),
        ];
        for (name, kept, now, expected) in cases {
            assert_eq!(too_old_since(&daily(), &kept, at(now), 0), expected.map(at), "{name}");
        }
    }

    #[test]
    fn names_tell_fleet_and_time_and_nobody_elses_are_ours() {
        let name = scheduled_name(FLEET, at(0), false);
        assert_eq!(name, "vigo-0123456789abcdef-20270115T080000Z.scheduled.tar.zst");
        assert_eq!(scheduled_at(&name, FLEET), Some(at(0)));
        assert_eq!(scheduled_at(&scheduled_name(FLEET, at(1), true), FLEET), Some(at(1)));
        let others = [
            "",
            "vigo-01234567-20270115T080000Z.tar.zst",
            "vigo-0123456789abcdef-20270115T080000Z.tar.zst",
            "vigo-0123456789abcdee-20270115T080000Z.scheduled.tar.zst",
            "vigo-0123456789abcdef-20270115T080000Z.scheduled.tar.zst.gpg",
            "vigo-0123456789abcdef-20271315T080000Z.scheduled.tar.zst",
            "vigo-0123456789abcdef-20270115t080000Z.scheduled.tar.zst",
            "vigo-0123456789abcdef-+0270115T080000Z.scheduled.tar.zst",
            "vigo-0123456789abcdef-20270115T080060Z.scheduled.tar.zst",
            ".vigo-0123456789abcdef-20270115T080000Z.scheduled.tar.zst.77",
            "../vigo-0123456789abcdef-20270115T080000Z.scheduled.tar.zst",
        ];
        for name in others {
            assert_eq!(scheduled_at(name, FLEET), None, "{name}");
        }
    }

    #[test]
    fn the_newest_good_ones_stay_and_nobody_elses_goes() {
        let of = |verdicts: &[Verdict]| -> Vec<Listed> {
            let listed = |(n, verdict): (usize, &Verdict)| Listed {
                name: scheduled_name(FLEET, at(n as i64), n % 2 == 1),
                verdict: *verdict,
            };
            verdicts.iter().enumerate().map(listed).collect()
        };
        use Verdict::{Bad, Good, Unknown};
        // The oldest first; which go by their number.
        let cases: [(&str, &[Verdict], usize, &[usize]); 8] = [
            ("few", &[Good, Good], 2, &[]),
            ("too many", &[Good, Good, Good, Good], 2, &[1, 0]),
            ("bad ones do not count", &[Good, Good, Bad], 1, &[0]),
            ("the good one behind many bad ones", &[Good, Bad, Bad, Bad], 1, &[2, 1]),
            ("of the bad the newest stays", &[Bad, Bad, Bad], 7, &[1, 0]),
            ("nobody knows", &[Unknown, Unknown, Unknown], 1, &[]),
            ("newer than the good one", &[Unknown, Good, Unknown], 1, &[0]),
            ("none are to be kept", &[Good, Good], 0, &[0]),
        ];
        for (name, verdicts, keep, expected) in cases {
            let list = of(verdicts);
            let expected: Vec<_> = expected.iter().map(|n| list[*n].name.clone()).collect();
            assert_eq!(surplus(&list, FLEET, keep, at(99)), expected, "{name}");
        }
        let mut list = of(&[Good, Good, Good]);
        list.push(Listed { name: "vigo-0123456789abcdef-20200101T000000Z.tar.zst".into(), verdict: Bad });
        assert_eq!(surplus(&list, FLEET, 2, at(99)), [list[0].name.clone()], "one that somebody has made stays");
        assert!(surplus(&list, "fedcba9876543210", 1, at(99)).is_empty(), "those of another fleet stay");
        list.push(Listed { name: scheduled_name(FLEET, at(400 * DAY), false), verdict: Good });
        assert_eq!(surplus(&list, FLEET, 3, at(99)), [""; 0], "made by a clock that was ahead");
    }

    proptest! {
        #[test]
        fn a_good_one_is_left_whatever_lies_about(
            verdicts in prop::collection::vec(0u8..3, 0..20),
            keep in 0usize..5,
        ) {
            let list: Vec<Listed> = verdicts.iter().enumerate().map(|(n, verdict)| Listed {
                name: scheduled_name(FLEET, at(n as i64), false),
                verdict: [Verdict::Good, Verdict::Bad, Verdict::Unknown][*verdict as usize],
            }).collect();
            let gone = surplus(&list, FLEET, keep, at(99));
            let newest = list.iter().rev().find(|listed| listed.verdict == Verdict::Good);
            prop_assert!(newest.is_none_or(|newest| !gone.contains(&newest.name)));
            let left = list.iter().filter(|l| l.verdict == Verdict::Good && !gone.contains(&l.name)).count();
            prop_assert!(left <= keep.max(1));
        }
    }
}
