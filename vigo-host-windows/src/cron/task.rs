//! A task as a document.

use super::trigger::trigger;
use super::xml::{element, leaves};
use crate::program::CMD;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
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
    let seen = leaves(seen).filter(|leaves| leaves.iter().any(|(way, _)| way.starts_with("Task/")))?;
    let wanted = document(want).and_then(|text| leaves(&text)).unwrap_or_default();
    Some(essence(&seen) == essence(&wanted) && is_user(want, &seen))
}

/// Returns what two documents of one job have in common, whatever the system adds: which triggers there are, and what
/// matters of the elements.
fn essence(leaves: &[(String, String)]) -> BTreeSet<(&str, &str)> {
    let mut essence = BTreeSet::new();
    for (way, text) in leaves {
        if let Some(rest) = way.strip_prefix("Task/Triggers/") {
            let trigger = rest.split('/').next().unwrap_or(rest);
            essence.insert((trigger, ""));
            // What is so anyway.
            let is_usual = matches!((rest.rsplit('/').next(), &**text), (Some("Enabled"), "true"))
                || matches!((rest.rsplit('/').next(), &**text), (Some("StopAtDurationEnd"), "false"));
            if !is_usual && rest != trigger {
                essence.insert((way, text));
            }
        } else if way == "Task/RegistrationInfo/Description"
            || way.starts_with("Task/Actions/")
            || (way == "Task/Settings/Enabled" && text != "true")
        {
            essence.insert((way, text));
        }
    }
    essence
}

/// The system may show an account by its SID, which is not known here.
fn is_user(want: &Want, seen: &[(String, String)]) -> bool {
    let Some((_, user)) = seen.iter().find(|(way, _)| way == "Task/Principals/Principal/UserId") else { return false };
    let name = user.rsplit('\\').next().unwrap_or(user);
    match is_system(&want.user) {
        true => is_system(name),
        false => name.eq_ignore_ascii_case(&want.user) || user.starts_with("S-1-5-21-"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::{text_of, wide};
    use super::*;
    use alloc::vec::Vec;
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
}
