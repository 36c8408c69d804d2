//! The agent as a service of rc.d, rc(8), rc.subr(8), under daemon(8).

use crate::places::PLACES;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Installation, Installer, Places, Problem, Step};

const SCRIPT: &str = "/usr/local/etc/rc.d/vigo_envoy";
const NAME: &str = "vigo_envoy";

/// rc.d.
pub struct RcScript;

impl Installer for RcScript {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, _: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        steps.push(Step::write(SCRIPT, 0o755, script(told)));
        steps.push(Step::run("sysrc", &["vigo_envoy_enable=YES"]));
        steps.push(Step::run("service", &[NAME, "restart"]));
        Ok(steps)
    }

    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("service", &[NAME, "onestop"]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("service", &[NAME, "onestart"])]
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        steps.push(Step::run("sysrc", &["-x", "vigo_envoy_enable"]).may_fail());
        steps.push(Step::remove(SCRIPT));
        steps.push(Step::remove(PLACES.program));
        steps
    }
}

/// `daemon` starts the agent again ten seconds after it ended, and hands on the signal that ends both; the number in the
/// file is that of `daemon`. The agent finishes the operation in hand: rc.subr waits for it.
fn script(told: &Installation) -> String {
    let Installation { program, arguments, state_dir, pid_file, log_file, .. } = told;
    format!(
        "#!/bin/sh
#
# PROVIDE: {NAME}
# REQUIRE: NETWORKING SERVERS
# KEYWORD: shutdown

. /etc/rc.subr

name={NAME}
desc=\"Vigo agent\"
rcvar={NAME}_enable

load_rc_config $name
: ${{{NAME}_enable:=NO}}

required_files={state_dir}/identity/certificate
pidfile={pid_file}
command=/usr/sbin/daemon
command_args=\"-c -R 10 -P $pidfile -o {log_file} {program} {arguments}\"

run_rc_command \"$1\"
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
    fn the_variable_is_the_one_that_the_script_names() {
        let steps = RcScript.install(&Installation::new(&PLACES, "", "/srv/state").unwrap(), &HostFacts::default());
        let steps = steps.unwrap();
        let Some(Step::Write { text, .. }) = steps.get(1) else { panic!("{steps:?}") };
        assert!(text.contains("rcvar=vigo_envoy_enable\n") && text.contains("${vigo_envoy_enable:=NO}"), "{text}");
        assert!(text.contains("/usr/local/sbin/vigo run --state-dir /srv/state\""), "{text}");
        assert_eq!(format!("{}", steps[2]), "sysrc vigo_envoy_enable=YES");
    }
}
