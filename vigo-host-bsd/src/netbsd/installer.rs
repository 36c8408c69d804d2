//! The agent as a service of rc.d, rc(8), rc.subr(8).

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{HostFacts, Installation, Installer, Places, Problem, Step};

/// As elsewhere, and where pkgsrc has programs.
const PLACES: Places = Places {
    folders: &["/usr/local/sbin", "/usr/local/bin", "/usr/pkg/sbin", "/usr/pkg/bin", "/usr/sbin", "/usr/bin"],
    ..crate::places::PLACES
};

const SCRIPT: &str = "/etc/rc.d/vigo_envoy";
const NAME: &str = "vigo_envoy";

/// What rc.subr(8) reads besides `/etc/rc.conf`: a file of our own, so that nobody else's is edited.
const VARIABLES: &str = "/etc/rc.conf.d/vigo_envoy";

/// rc.d.
pub struct RcScript;

impl Installer for RcScript {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, _: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        steps.push(Step::write(SCRIPT, 0o755, script(told)));
        steps.push(Step::write(VARIABLES, 0o644, format!("{NAME}=YES\n")));
        steps.push(Step::run("sh", &[SCRIPT, "restart"]));
        Ok(steps)
    }

    fn stop(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("sh", &[SCRIPT, "onestop"]).may_fail()]
    }

    fn start(&self, _: &HostFacts) -> Vec<Step> {
        vec![Step::run("sh", &[SCRIPT, "onestart"])]
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        steps.extend([SCRIPT, VARIABLES, PLACES.program].map(Step::remove));
        steps
    }
}

/// The agent stays in the foreground, so the script puts it behind and keeps its number. Nothing there starts again what
/// has ended. rc.subr waits until it has finished the operation in hand.
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
rcvar=$name
command={program}
pidfile={pid_file}
required_files={state_dir}/identity/certificate
start_cmd=vigo_envoy_start

vigo_envoy_start() {{
    echo \"Starting ${{name}}.\"
    (umask 022; cd /; exec \"$command\" {arguments} </dev/null >>{log_file} 2>&1) &
    echo $! >\"$pidfile\"
}}

load_rc_config $name
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
    fn rc_conf_itself_is_left_alone() {
        let told = Installation::new(&PLACES, "/usr/pkg/sbin/vigo", "/srv/state").unwrap();
        let steps = RcScript.install(&told, &HostFacts::default()).unwrap();
        let written: Vec<&str> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Write { path, .. } => Some(&**path),
                _ => None,
            })
            .collect();
        assert_eq!(written, [SCRIPT, VARIABLES], "the program stays where its package put it");
        let Some(Step::Write { text, .. }) = steps.first() else { panic!("{steps:?}") };
        assert!(text.contains("exec \"$command\" run --state-dir /srv/state </dev/null"), "{text}");
    }
}
