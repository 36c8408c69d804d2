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
