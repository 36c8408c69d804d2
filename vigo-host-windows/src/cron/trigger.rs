//! When a task runs: what of crontab(5) the Task Scheduler has, too.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::resource::cron::Schedule;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Returns the trigger of a schedule; `None` for one that it has no form for: a time of day and its repetition, on all
/// days, days of the week, or days of months.
pub(super) fn trigger(schedule: &Schedule) -> Option<String> {
    let fields = match schedule.plain() {
        Some(Schedule::Fields(fields)) => fields,
        _ if *schedule == Schedule::Macro("@reboot") => return Some("<BootTrigger></BootTrigger>".into()),
        _ => return None,
    };
    let [minute, hour, day, month, weekday] = &fields;
    let (minutes, hours) = (numbers(minute, 0, 59)?, numbers(hour, 0, 23)?);
    let every_hour = hours.len() == 24;
    let (start, interval) = match (&minutes[..], &hours[..]) {
        ([minute], [hour]) => ((*hour, *minute), None),
        ([minute], hours) => ((*hours.first()?, *minute), Some(format!("PT{}H", even(hours, 24)?))),
        (minutes, _) if every_hour => ((0, *minutes.first()?), Some(format!("PT{}M", even(minutes, 60)?))),
        _ => return None,
    };
    let repetition = interval
        .map(|interval| format!("<Repetition><Interval>{interval}</Interval><Duration>P1D</Duration></Repetition>"));
    let on = match (day.as_str(), month.as_str(), weekday.as_str()) {
        ("*", "*", "*") => "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>".into(),
        ("*", "*", days) => {
            let days = named(&numbers(days, 0, 6)?, 0, &DAYS)?;
            format!("<ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek>{days}</DaysOfWeek></ScheduleByWeek>")
        }
        (days, months, "*") => {
            let days: String = numbers(days, 1, 31)?.iter().map(|day| format!("<Day>{day}</Day>")).collect();
            let months = named(&numbers(months, 1, 12)?, 1, &MONTHS)?;
            format!("<ScheduleByMonth><DaysOfMonth>{days}</DaysOfMonth><Months>{months}</Months></ScheduleByMonth>")
        }
        // Cron runs on either; a trigger has no "or".
        _ => return None,
    };
    let (hour, minute) = start;
    Some(format!(
        "<CalendarTrigger>{}<StartBoundary>2000-01-01T{hour:02}:{minute:02}:00</StartBoundary>{on}</CalendarTrigger>",
        repetition.unwrap_or_default()
    ))
}

/// Returns the numbers of a field without steps and names, in order.
fn numbers(field: &str, min: u32, max: u32) -> Option<Vec<u32>> {
    if field == "*" {
        return Some((min..=max).collect());
    }
    let mut all = Vec::new();
    for part in field.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        (min <= from && to <= max).then_some(())?;
        all.extend(from..=to);
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// Returns the step of numbers that lie evenly in a circle.
fn even(numbers: &[u32], circle: u32) -> Option<u32> {
    let count = u32::try_from(numbers.len()).ok().filter(|count| *count > 0 && circle.is_multiple_of(*count))?;
    let step = circle / count;
    numbers.windows(2).all(|pair| pair[1] - pair[0] == step).then_some(step)
}

fn named(numbers: &[u32], first: u32, names: &[&str]) -> Option<String> {
    let name = |n: &u32| Some(format!("<{0}></{0}>", names.get((n - first) as usize)?));
    numbers.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_a_trigger_or_none() {
        let cases = [
            ("@reboot", Some("<BootTrigger>")),
            ("* * * * *", Some("PT1M")),
            ("*/15 * * * *", Some("PT15M")),
            ("5-59/15 * * * *", Some("T00:05:00")),
            ("@hourly", Some("PT1H")),
            ("7 */6 * * *", Some("PT6H")),
            ("30 2 * * *", Some("T02:30:00")),
            ("@weekly", Some("<Sunday>")),
            ("0 4 * * mon-fri", Some("<Friday>")),
            ("0 4 1,15 * *", Some("<Day>15</Day>")),
            ("@yearly", Some("<Months><January></January></Months>")),
            ("*/7 * * * *", None),
            ("0 3,4 * * *", None),
            ("0,30 4 * * *", None),
            ("0 4 1 * mon", None),
            ("0 4 * jan mon", None),
        ];
        for (text, expected) in cases {
            let seen = trigger(&Schedule::parse(text).unwrap());
            assert_eq!(seen.is_some(), expected.is_some(), "{text}: {seen:?}");
            assert!(seen.is_none_or(|seen| seen.contains(expected.unwrap())), "{text}");
        }
    }

    #[test]
    fn a_schedule_of_every_day_repeats_for_a_day() {
        assert_eq!(
            trigger(&Schedule::parse("*/20 * * * *").unwrap()).as_deref(),
            Some(
                "<CalendarTrigger><Repetition><Interval>PT20M</Interval><Duration>P1D</Duration></Repetition>\
                 <StartBoundary>2000-01-01T00:00:00</StartBoundary><ScheduleByDay><DaysInterval>1</DaysInterval>\
                 </ScheduleByDay></CalendarTrigger>"
            )
        );
    }
}
