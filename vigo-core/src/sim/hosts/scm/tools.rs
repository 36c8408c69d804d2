//! What sc.exe, net.exe and reg.exe do and say.

use super::manager::{Called, Scm, start_words};
use super::service::{Service, State};
use crate::resource::service::StartType;
use crate::sim::hosts::luck::Luck;
use crate::sim::hosts::model::{Answer, Deed, LOOK};
use crate::time::Timestamp;
use alloc::format;
use alloc::string::String;

/// Returns what a call of sc.exe that failed prints, and its exit code: the number of the error.
fn fails(call: &str, number: i32) -> Answer {
    let text = match number {
        1051 => "A stop control has been sent to a service that other running services are dependent on.",
        1053 => "The service did not respond to the start or control request in a timely fashion.",
        1056 => "An instance of the service is already running.",
        1058 => {
            "The service cannot be started, either because it is disabled or because it has no enabled devices \
             associated with it."
        }
        1060 => "The specified service does not exist as an installed service.",
        1061 => "The service cannot accept control messages at this time.",
        1062 => "The service has not been started.",
        1068 => "The dependency service or group failed to start.",
        1072 => "The specified service has been marked for deletion.",
        1073 => "The specified service already exists.",
        _ => "",
    };
    Answer::says(number, &format!("[SC] {call} FAILED {number}:\r\n\r\n{text}\r\n\r\n"), "")
}

fn called(call: &str, result: Called, done: impl FnOnce() -> Answer) -> Answer {
    match result {
        Ok(()) => done(),
        Err((number, took)) => Answer { took, ..fails(call, number) },
    }
}

/// Returns how `sc.exe` shows a service.
fn shown(name: &str, service: &Service, more: bool) -> String {
    let (number, word, accepts) = service.words();
    let hint = if matches!(service.state, State::StartPending { .. }) { "0x7d0" } else { "0x0" };
    let mut text = format!(
        "\r\nSERVICE_NAME: {name} \r\n        TYPE               : 10  WIN32_OWN_PROCESS  \r\n        STATE              : \
         {number}  {word} \r\n"
    );
    if !accepts.is_empty() {
        text.push_str(&format!("                                {accepts}\r\n"));
    }
    let exit = service.exit;
    text.push_str(&format!(
        "        WIN32_EXIT_CODE    : {exit}  ({exit:#x})\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n        CHECKPOINT         \
         : 0x0\r\n        WAIT_HINT          : {hint}\r\n"
    ));
    if more {
        let pid = if service.is_active() { 2000 + service.starts } else { 0 };
        text.push_str(&format!("        PID                : {pid}\r\n        FLAGS              : \r\n"));
    }
    text
}

impl Scm {
    pub(super) fn sc(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let [verb, name, rest @ ..] = args else { return Answer::says(1, "DESCRIPTION:\r\n", "") };
        if *verb == "GetKeyName" {
            // Nobody here sees a service under another name than its own.
            return fails("GetServiceKeyName", 1060);
        }
        let own = match (*verb, self.name(name)) {
            ("create", None) => {
                self.services.insert(String::from(*name), Service::new(name, Luck::good()));
                return Answer::says(0, "[SC] CreateService SUCCESS\r\n", "");
            }
            ("create", Some(_)) => return fails("CreateService", 1073),
            (_, Some(own)) => own,
            ("query" | "queryex", None) => return fails("EnumQueryServicesStatus:OpenService", 1060),
            ("start", None) => return fails("StartService: OpenService", 1060),
            (_, None) => return fails("OpenService", 1060),
        };
        match *verb {
            "query" | "queryex" => self.query(&own, *verb == "queryex"),
            "qc" => self.qc(&own),
            "enumdepend" => self.enumdepend(&own),
            "config" => self.config(&own, rest),
            "start" => {
                self.note(&own, Deed::Start);
                let result = self.start(&own, now);
                called("StartService", result, || self.query(&own, true))
            }
            "stop" => {
                self.note(&own, Deed::Stop);
                let result = self.stop(&own, now);
                called("ControlService", result, || self.query(&own, false))
            }
            "continue" => {
                self.note(&own, Deed::Start);
                let result = match self.services.get_mut(&own) {
                    Some(service) if service.state == State::Paused => {
                        service.state = State::ContinuePending { until: now + service.starts_in };
                        Ok(())
                    }
                    Some(service) if service.is_active() => Err((1052, LOOK)),
                    _ => Err((1062, LOOK)),
                };
                called("ControlService", result, || self.query(&own, false))
            }
            "delete" => {
                if let Some(service) = self.services.get_mut(&own) {
                    service.is_marked = true;
                }
                Answer::says(0, "[SC] DeleteService SUCCESS\r\n", "")
            }
            "failure" => Answer::says(0, "[SC] ChangeServiceConfig2 SUCCESS\r\n", ""),
            _ => Answer::says(1, &format!("*** Unrecognized command ***\r\n{verb}\r\n"), ""),
        }
    }

    fn query(&self, name: &str, more: bool) -> Answer {
        Answer::says(0, &self.services.get(name).map(|s| shown(name, s, more)).unwrap_or_default(), "")
    }

    fn qc(&self, name: &str) -> Answer {
        let Some(service) = self.services.get(name) else { return fails("OpenService", 1060) };
        let (number, word) = start_words(service.start_type);
        let needs = service.needs.join("\r\n                           : ");
        let text = format!(
            "[SC] QueryServiceConfig SUCCESS\r\n\r\nSERVICE_NAME: {name}\r\n        TYPE               : 10  \
             WIN32_OWN_PROCESS \r\n        START_TYPE         : {number}   {word}\r\n        ERROR_CONTROL      : 1   \
             NORMAL\r\n        BINARY_PATH_NAME   : C:\\{name}.exe\r\n        LOAD_ORDER_GROUP   : \r\n        \
             TAG                : 0\r\n        DISPLAY_NAME       : {}\r\n        DEPENDENCIES       : {needs}\r\n        \
             SERVICE_START_NAME : LocalSystem\r\n",
            service.display
        );
        Answer::says(0, &text, "")
    }

    fn enumdepend(&self, name: &str) -> Answer {
        let names = self.dependents(name);
        let mut text = format!("[SC] EnumDependentServices: entriesRead = {}\r\n", names.len());
        for name in names {
            if let Some(service) = self.services.get(&name) {
                let lines = shown(&name, service, false);
                text.push_str(&lines.replacen(
                    &format!("{name} \r\n"),
                    &format!("{name}\r\nDISPLAY_NAME: {}\r\n", service.display),
                    1,
                ));
            }
        }
        Answer::says(0, &text, "")
    }

    fn config(&mut self, name: &str, args: &[&str]) -> Answer {
        let ["start=", word] = args else { return Answer::says(1639, "DESCRIPTION:\r\n", "") };
        let start_type = match *word {
            "auto" => StartType::Auto,
            "delayed-auto" => StartType::Delayed,
            "demand" => StartType::Manual,
            "disabled" => StartType::Disabled,
            _ => return Answer::says(1639, "DESCRIPTION:\r\n", ""),
        };
        self.note(name, Deed::SetStartType);
        let Some(service) = self.services.get_mut(name) else { return fails("OpenService", 1060) };
        match service.is_marked {
            true if start_type == StartType::Delayed => {
                Answer::says(1072, "[SC] ChangeServiceConfig2 (delayed autostart flag) FAILED 1072:\r\n", "")
            }
            true => fails("ChangeServiceConfig", 1072),
            false => {
                service.start_type = start_type;
                Answer::says(0, "[SC] ChangeServiceConfig SUCCESS\r\n", "")
            }
        }
    }

    /// `net.exe` waits for what it has begun.
    pub(super) fn net(&mut self, args: &[&str], now: Timestamp) -> Answer {
        let [verb @ ("start" | "stop"), name] = args else {
            return Answer::says(1, "", "The syntax of this command is:\r\n");
        };
        let help = |number: u32| format!("More help is available by typing NET HELPMSG {number}.\r\n\r\n");
        let Some(own) = self.name(name) else {
            return Answer::says(2, "", &format!("The service name is invalid.\r\n\r\n{}", help(2185)));
        };
        let stops = *verb == "stop";
        self.note(&own, if stops { Deed::Stop } else { Deed::Start });
        let result = if stops { self.stop(&own, now) } else { self.start(&own, now) };
        let display = self.services.get(&own).map(|s| s.display.clone()).unwrap_or_default();
        if let Err((number, took)) = result {
            let (why, number) = match number {
                1056 => (String::from("The requested service has already been started."), 2182),
                1062 => (format!("The {display} service is not started."), 3521),
                1058 => (String::from("System error 1058 has occurred."), 1058),
                _ => (format!("The {display} service could not be {verb}ed."), 3523),
            };
            return Answer::exited(2, "", &format!("{why}\r\n\r\n{}", help(number)), took);
        }
        let Some((at, then)) = self.services.get(&own).map(|s| s.rest(now)) else { return Answer::says(2, "", "") };
        let took = at.since(now).max(LOOK);
        let doing = if stops { "stopping" } else { "starting" };
        let began = format!("The {display} service is {doing}.\r\n");
        match then.is_active() == stops {
            true => Answer::exited(
                2,
                &began,
                &format!("The {display} service could not be {verb}ed.\r\n\r\n{}", help(3523)),
                took,
            ),
            false => {
                let done = if stops { "stopped" } else { "started" };
                Answer::exited(0, &format!("{began}The {display} service was {done} successfully.\r\n\r\n"), "", took)
            }
        }
    }

    pub(super) fn reg(&self, args: &[&str]) -> Answer {
        let ["query", key] = args else { return Answer::says(1, "", "ERROR: Invalid syntax.\r\n") };
        let name = key.rsplit('\\').next().and_then(|name| self.name(name));
        let Some(service) = name.and_then(|name| self.services.get(&name)) else {
            let why = "ERROR: The system was unable to find the specified registry key or value.\r\n";
            return Answer::says(1, "", why);
        };
        let (start, _) = start_words(service.start_type);
        let delayed = match service.start_type {
            StartType::Delayed => "    DelayedAutostart    REG_DWORD    0x1\r\n",
            _ => "",
        };
        let values = format!("    Type    REG_DWORD    0x10\r\n    Start    REG_DWORD    {start:#x}\r\n{delayed}");
        Answer::says(0, &format!("\r\n{key}\r\n{values}\r\n"), "")
    }
}
