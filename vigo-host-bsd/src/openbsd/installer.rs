//! The agent as a service of rc.d(8), rc.subr(8).

use crate::places::PLACES;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Installation, Installer, Places, Problem, Step};

const SCRIPT: &str = "/etc/rc.d/vigo_envoy";
const NAME: &str = "vigo_envoy";

/// rc.d.
pub struct RcScript;

impl Installer for RcScript {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, _: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        steps.push(Step::write(SCRIPT, 0o555, script(told)));
        steps.push(Step::run("rcctl", &["enable", NAME]));
        steps.push(Step::run("rcctl", &["restart", NAME]));
        Ok(steps)
    }

    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("rcctl", &["stop", NAME]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("rcctl", &["-f", "start", NAME])]
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        steps.push(Step::run("rcctl", &["disable", NAME]).may_fail());
        steps.push(Step::remove(SCRIPT));
        steps.push(Step::remove(PLACES.program));
        steps
    }
}

/// The agent stays in the foreground: rc.subr puts it behind. Nothing there starts again what has ended. A quarter of an
/// hour is for the operation in hand, and not for one that does not start at boot.
fn script(told: &Installation) -> String {
    let Installation { program, arguments, state_dir, .. } = told;
    format!(
        "#!/bin/ksh
#
# Vigo agent

daemon=\"{program}\"
daemon_flags=\"{arguments}\"
daemon_logger=daemon.info
[ \"$1\" = stop ] && daemon_timeout=900

. /etc/rc.d/rc.subr

rc_bg=YES
rc_reload=NO

rc_pre() {{
	[ -e {state_dir}/identity/certificate ]
}}

rc_cmd $1
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::host::installer_faults;

    #[test]
    fn what_is_written_is_guarded_and_removed() {
        assert_eq!(installer_faults(&RcScript, &HostFacts::default()), [""; 0]);
    }

    #[test]
    fn the_script_has_its_flags_itself() {
        let steps = RcScript.install(&Installation::new(&PLACES, "", PLACES.state_dir).unwrap(), &HostFacts::default());
        let steps = steps.unwrap();
        let Some(Step::Write { text, .. }) = steps.get(1) else { panic!("{steps:?}") };
        assert!(text.contains("daemon=\"/usr/local/sbin/vigo\"\ndaemon_flags=\"run\"\n"), "{text}");
        assert!(text.find("daemon_flags").unwrap() < text.find(". /etc/rc.d/rc.subr").unwrap(), "rc.subr(8)");
    }
}
