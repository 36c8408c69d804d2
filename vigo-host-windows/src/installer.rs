//! The agent itself as a service of the machine, by `sc.exe`.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Init, Installation, Installer, Places, Problem, SERVICE, Step};

/// The service control manager as the agent's own.
pub struct ServiceManager;

/// What is done when the agent ends of itself: it is started again after 5, 30 and then each 60 seconds, and a day without
/// that is a new beginning, sc.exe failure.
const RESTARTS: &str = "restart/5000/restart/30000/restart/60000";
const DAY_SECS: &str = "86400";

static PLACES: Places = Places {
    program: "C:\\Program Files\\Vigo\\vigo.exe",
    folders: &[],
    state_dir: "C:\\ProgramData\\Vigo",
    pid_file: "",
    log_file: "C:\\ProgramData\\Vigo\\vigo.log",
    separator: '\\',
};

impl Installer for ServiceManager {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, facts: &HostFacts) -> Result<Vec<Step>, Problem> {
        if facts.init != Init::Scm {
            let message = "expected the service control manager in charge, found no service manager";
            return Err(Problem::unsupported(message));
        }
        let line = line(told);
        // Each setting and its value are two arguments.
        let settings = ["binPath=", &line, "start=", "auto", "DisplayName=", "Vigo envoy"];
        let with = |verb| Step::run("sc.exe", &[&[verb, SERVICE], &settings[..]].concat());
        let mut steps: Vec<Step> = told.program_step().into_iter().collect();
        steps.extend([
            // One of the two fails: the service is there, or it is not. The query says whether one is now.
            with("create").may_fail(),
            with("config").may_fail(),
            Step::run("sc.exe", &["query", SERVICE]),
            Step::run("sc.exe", &["description", SERVICE, "Keeps this machine as its fleet's policy declares it."])
                .may_fail(),
            Step::run("sc.exe", &["failure", SERVICE, "reset=", DAY_SECS, "actions=", RESTARTS]).may_fail(),
        ]);
        steps.extend(self.start(facts));
        Ok(steps)
    }

    /// `net.exe` waits until it has ended.
    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("net.exe", &["stop", SERVICE]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("sc.exe", &["start", SERVICE])]
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        steps.push(Step::run("sc.exe", &["delete", SERVICE]).may_fail());
        steps.push(Step::remove(PLACES.program));
        steps
    }
}

/// Returns the line by which the service is started. The program's path has a blank.
fn line(told: &Installation) -> String {
    format!("\"{}\" {} --service", told.program, told.arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::host::installer_faults;

    fn facts() -> HostFacts {
        HostFacts { init: Init::Scm, ..HostFacts::default() }
    }

    fn steps(state_dir: &str) -> Vec<Step> {
        let told = Installation::new(&PLACES, "Z:\\vigo.exe", state_dir).unwrap();
        ServiceManager.install(&told, &facts()).unwrap()
    }

    #[test]
    fn what_is_installed_is_guarded_and_removed() {
        assert_eq!(installer_faults(&ServiceManager, &facts()), [""; 0]);
        let told = Installation::new(&PLACES, "", PLACES.state_dir).unwrap();
        assert!(ServiceManager.install(&told, &HostFacts::default()).is_err(), "nobody would start it");
    }

    #[test]
    fn the_program_is_quoted_and_each_setting_is_two_arguments() {
        let settings = |state_dir| match &steps(state_dir)[1] {
            Step::Run { args, .. } => args[2..6].to_vec(),
            other => panic!("{other}"),
        };
        let own = "\"C:\\Program Files\\Vigo\\vigo.exe\" run";
        assert_eq!(settings("C:\\ProgramData\\Vigo"), ["binPath=", &format!("{own} --service"), "start=", "auto"]);
        assert_eq!(settings("D:\\a")[1], format!("{own} --state-dir D:\\a --service"));
    }

    #[test]
    fn a_service_that_is_not_there_after_all_is_no_installation() {
        let steps = steps(PLACES.state_dir);
        let query = steps.iter().position(|s| *s == Step::run("sc.exe", &["query", SERVICE]));
        let start = steps.iter().position(|s| *s == Step::run("sc.exe", &["start", SERVICE]));
        assert!(query.is_some() && query < start);
    }
}
