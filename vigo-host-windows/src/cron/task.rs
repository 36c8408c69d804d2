//! A task as a document.

use super::trigger::trigger;
use super::xml::{element, elements};
use crate::program::CMD;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::resource::cron::Want;

/// The account of the system, which runs what elsewhere root runs.
const SYSTEM: &str = "S-1-5-18";

/// Returns the document of a job; `None` when its schedule has no form.
pub(super) fn document(want: &Want) -> Option<String> {
    let description = element("Description", &format!("managed by vigo: {}", want.id));
    let principal = match is_system(&want.user) {
        true => format!("<UserId>{SYSTEM}</UserId><RunLevel>HighestAvailable</RunLevel>"),
        // It logs on without its password, and so without the rights of that over the network.
        false => format!("{}<LogonType>S4U</LogonType>", element("UserId", &want.user)),
    };
    let exec = format!("{}{}", element("Command", CMD), element("Arguments", &format!("/C {}", want.command)));
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         <RegistrationInfo>{description}</RegistrationInfo>\r\n\
         <Triggers>{}</Triggers>\r\n\
         <Principals><Principal id=\"Author\">{principal}</Principal></Principals>\r\n\
         <Settings><MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>\
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\
         <ExecutionTimeLimit>PT0S</ExecutionTimeLimit><Enabled>true</Enabled></Settings>\r\n\
         <Actions Context=\"Author\"><Exec>{exec}</Exec></Actions>\r\n</Task>\r\n",
        trigger(&want.schedule)?
    ))
}

/// Whether the user of a job is the system.
fn is_system(user: &str) -> bool {
    ["root", "system", SYSTEM].iter().any(|name| name.eq_ignore_ascii_case(user))
}

/// Returns whether the machine's document is that of the job: what runs, when, as whom, and that it does. `None` when it is
/// no document of a task.
pub(super) fn is_same(want: &Want, seen: &str) -> Option<bool> {
    let seen = elements(seen).filter(|elements| elements.iter().any(|(way, _)| way.starts_with("Task/")))?;
    let wanted = document(want).and_then(|text| elements(&text)).unwrap_or_default();
    Some(essence(&seen) == essence(&wanted) && is_user(want, &seen))
}

/// Returns what two documents of one job have in common, whatever the system adds: the triggers, the actions, and what
/// matters of the others. Each as often as it is there: two triggers of one time run the job twice.
fn essence(elements: &[(String, String)]) -> Vec<(&str, &str)> {
    let counts = |(way, text): &(&str, &str)| match way.strip_prefix("Task/Triggers/") {
        Some(rest) => match rest.rsplit_once('/') {
            // What is so anyway.
            Some((_, "Enabled")) => *text != "true",
            Some((_, "StopAtDurationEnd")) => *text != "false",
            _ => true,
        },
        None if *way == "Task/Settings/Enabled" => *text != "true",
        None => *way == "Task/RegistrationInfo/Description" || way.starts_with("Task/Actions/"),
    };
    let mut essence: Vec<_> = elements.iter().map(|(way, text)| (&**way, &**text)).filter(counts).collect();
    essence.sort_unstable();
    essence
}

/// The system may show an account by its SID, which is not known here unless it is what the job names.
fn is_user(want: &Want, seen: &[(String, String)]) -> bool {
    let mut users = seen.iter().filter(|(way, _)| way == "Task/Principals/Principal/UserId").map(|(_, user)| user);
    let (Some(user), None) = (users.next(), users.next()) else { return false };
    let name = user.rsplit('\\').next().unwrap_or(user);
    match is_system(&want.user) {
        true => is_system(name),
        false => name.eq_ignore_ascii_case(&want.user) || is_sid(user) && !is_sid(&want.user),
    }
}

/// Whether text is the SID of an account of this machine or of a domain.
fn is_sid(text: &str) -> bool {
    text.starts_with("S-1-5-21-")
}

#[cfg(test)]
mod tests {
    use super::super::xml::{text_of, wide};
    use super::*;
    use vigo_core::resource::cron::Schedule;

    fn job(command: &str) -> Want {
        Want {
            id: "job".into(),
            present: true,
            command: command.into(),
            schedule: Schedule::parse("30 2 * * *").unwrap(),
            user: "root".into(),
            environment: Vec::new(),
        }
    }

    /// Commands of all letters that a policy can write here, from a fixed seed.
    fn commands() -> impl Iterator<Item = String> {
        let mut state = 7u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        (0..500).map(move |_| (0..1 + next() % 40).map(|_| char::from(b' ' + (next() % 95) as u8)).collect())
    }

    #[test]
    fn what_was_put_is_found_again_whatever_stands_in_its_command() {
        for command in commands().chain(["]]> & <a/> &amp; \"%1\" 'x'".into()]) {
            let want = job(&command);
            let text = document(&want).unwrap();
            assert_eq!(text_of(&wide(&text)), text, "{command:?}");
            assert_eq!(is_same(&want, &text), Some(true), "{command:?}");
            let other = format!("{command}x");
            assert_eq!(is_same(&job(&other), &text), Some(false), "{command:?}");
        }
    }

    #[test]
    fn a_document_that_is_cut_is_never_that_of_the_job() {
        let want = job("C:\\tools\\run.cmd \"a b\" & echo 100%");
        let text = document(&want).unwrap();
        let whole = text.trim_end().len();
        for end in 0..whole {
            assert_eq!(is_same(&want, &text[..end]), None, "{}", &text[..end]);
        }
    }

    #[test]
    fn what_runs_more_often_or_twice_is_not_the_job() {
        let want = job("x");
        let text = document(&want).unwrap();
        let between = |from: &str, to: &str| {
            let start = text.find(from).unwrap();
            &text[start..start + text[start..].find(to).unwrap() + to.len()]
        };
        for part in [
            between("<CalendarTrigger>", "</CalendarTrigger>"),
            between("<Exec>", "</Exec>"),
            between("<UserId>", "</UserId>"),
        ] {
            assert_eq!(is_same(&want, &text.replace(part, &part.repeat(2))), Some(false), "{part}");
        }
        // Two triggers, each with a part of what one is to have.
        let (when, day) =
            (between("<StartBoundary>", "</StartBoundary>"), between("<ScheduleByDay>", "</ScheduleByDay>"));
        let split = text.replace(&format!("{when}{day}"), &format!("{when}</CalendarTrigger><CalendarTrigger>{day}"));
        assert_ne!(split, text);
        assert_eq!(is_same(&want, &split), Some(false));
    }

    #[test]
    fn a_job_that_names_a_sid_is_not_that_of_another() {
        let want = Want { user: "S-1-5-21-1-2-3-1001".into(), ..job("x") };
        let text = document(&want).unwrap();
        assert_eq!(is_same(&want, &text), Some(true));
        assert_eq!(is_same(&want, &text.replace("-1001", "-1002")), Some(false));
        let named = Want { user: "bob".into(), ..job("x") };
        assert_eq!(is_same(&named, &text), Some(true), "it may be his");
    }
}
