//! The steps, by the service manager in charge.

use super::files;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{BY_HAND, HostFacts, Init, Installation, Installer, Places, Problem, SERVICE, Step};

/// Where a Linux machine has what belongs to the agent; its program among those of the administrator, FHS 3.0 4.10.
const PLACES: Places = Places {
    program: "/usr/local/sbin/vigo",
    folders: &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
    state_dir: "/var/lib/vigo",
    pid_file: "/var/run/vigo-envoy.pid",
    log_file: "/var/log/vigo-envoy.log",
    separator: '/',
};

/// Where the service managers have their files.
const UNIT: &str = "/etc/systemd/system/vigo-envoy.service";
const SCRIPT: &str = "/etc/init.d/vigo-envoy";
const RUNIT: &str = "/etc/sv/vigo-envoy";
const RUNIT_LINK: &str = "/etc/service/vigo-envoy";

/// systemd, OpenRC, System V, runit.
pub struct Services;

impl Installer for Services {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn install(&self, told: &Installation, facts: &HostFacts) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::from_iter(told.program_step());
        match facts.init {
            Init::Systemd => {
                steps.push(Step::write(UNIT, 0o644, files::unit(told)));
                steps.push(Step::run("systemctl", &["daemon-reload"]));
                steps.push(Step::run("systemctl", &["enable", "vigo-envoy.service"]));
                steps.push(Step::run("systemctl", &["restart", "vigo-envoy.service"]));
            }
            Init::OpenRc => {
                steps.push(Step::write(SCRIPT, 0o755, files::openrc(told)));
                steps.push(Step::run("rc-update", &["add", SERVICE, "default"]));
                steps.push(Step::run("rc-service", &[SERVICE, "restart"]));
            }
            Init::SysV => {
                steps.push(Step::write(SCRIPT, 0o755, files::sysv(told)));
                if facts.has("update-rc.d") {
                    steps.push(Step::run("update-rc.d", &[SERVICE, "defaults"]));
                    steps.push(Step::run("update-rc.d", &[SERVICE, "enable"]));
                } else if facts.has("chkconfig") {
                    steps.push(Step::run("chkconfig", &["--add", SERVICE]));
                    steps.push(Step::run("chkconfig", &[SERVICE, "on"]));
                } else {
                    let message = "expected `update-rc.d` or `chkconfig` to start a service at boot, found neither";
                    return Err(Problem::unsupported(message).help(BY_HAND));
                }
                steps.push(Step::run("sh", &[SCRIPT, "restart"]));
            }
            Init::Runit => {
                // The supervisor sees a folder only when all of it is there, and starts what it finds.
                steps.push(Step::write(&format!("{RUNIT}/run"), 0o755, files::runit(told)));
                steps.push(Step::Link { path: RUNIT_LINK.into(), to: RUNIT.into() });
            }
            _ => {
                let message = "expected systemd, OpenRC, System V or runit in charge, found no service manager";
                return Err(Problem::unsupported(message).help(BY_HAND));
            }
        }
        Ok(steps)
    }

    fn stop(&self, facts: &HostFacts) -> Vec<Step> {
        let ends = |program, args| vec![Step::run(program, args).may_fail()];
        match facts.init {
            Init::Systemd => ends("systemctl", &["stop", "vigo-envoy.service"]),
            Init::OpenRc => ends("rc-service", &[SERVICE, "stop"]),
            Init::SysV => ends("sh", &[SCRIPT, "stop"]),
            Init::Runit => ends("sv", &["stop", RUNIT_LINK]),
            _ => Vec::new(),
        }
    }

    fn start(&self, facts: &HostFacts) -> Vec<Step> {
        match facts.init {
            Init::Systemd => vec![Step::run("systemctl", &["start", "vigo-envoy.service"])],
            Init::OpenRc => vec![Step::run("rc-service", &[SERVICE, "start"])],
            Init::SysV => vec![Step::run("sh", &[SCRIPT, "start"])],
            Init::Runit => vec![Step::run("sv", &["start", RUNIT_LINK])],
            _ => Vec::new(),
        }
    }

    fn uninstall(&self, facts: &HostFacts) -> Vec<Step> {
        let mut steps = self.stop(facts);
        match facts.init {
            Init::Systemd => {
                steps.push(Step::run("systemctl", &["disable", "vigo-envoy.service"]).may_fail());
                steps.push(Step::remove(UNIT));
                steps.push(Step::run("systemctl", &["daemon-reload"]));
            }
            Init::OpenRc => {
                steps.push(Step::run("rc-update", &["del", SERVICE]).may_fail());
                steps.push(Step::remove(SCRIPT));
            }
            Init::SysV => {
                // The links go with the script: update-rc.d removes none whose script is there.
                steps.push(Step::run("chkconfig", &["--del", SERVICE]).may_fail());
                steps.push(Step::remove(SCRIPT));
                steps.push(Step::run("update-rc.d", &[SERVICE, "remove"]).may_fail());
            }
            Init::Runit => {
                steps.push(Step::remove(RUNIT_LINK));
                // Its supervisor would go on for some seconds, in a folder that is gone.
                steps.push(Step::run("sv", &["shutdown", RUNIT]).may_fail());
                steps.push(Step::remove(&format!("{RUNIT}/run")));
                steps.push(Step::run("rm", &["-r", "-f", RUNIT]).may_fail());
            }
            _ => {}
        }
        steps.push(Step::remove(PLACES.program));
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use vigo_core::host::installer_faults;

    fn facts(init: Init, programs: &[&str]) -> HostFacts {
        HostFacts { init, programs: programs.iter().map(|name| (*name).into()).collect(), ..HostFacts::default() }
    }

    fn installed(program: &str, init: Init, programs: &[&str]) -> Result<Vec<Step>, Problem> {
        Services.install(&Installation::new(&PLACES, program, "/srv/state").unwrap(), &facts(init, programs))
    }

    #[test]
    fn what_is_written_is_guarded_and_removed() {
        for init in [Init::Systemd, Init::OpenRc, Init::SysV, Init::Runit] {
            assert_eq!(installer_faults(&Services, &facts(init, &["update-rc.d"])), [""; 0], "{init:?}");
        }
    }

    #[test]
    fn systemd_is_told_of_the_unit_before_it_is_started() {
        let steps = installed("/tmp/vigo.x/vigo", Init::Systemd, &[]).unwrap();
        let shown: Vec<String> = steps.iter().map(|step| format!("{step}")).collect();
        assert_eq!(shown[0], "install /usr/local/sbin/vigo mode 0755");
        assert!(shown[1].starts_with("write /etc/systemd/system/vigo-envoy.service (") && shown[1].ends_with("0644"));
        let calls = ["daemon-reload", "enable vigo-envoy.service", "restart vigo-envoy.service"];
        assert_eq!(shown[2..], calls.map(|call| format!("systemctl {call}")));
    }

    #[test]
    fn the_unit_starts_the_program_where_it_lies() {
        for program in ["/usr/bin/vigo", PLACES.program] {
            let unit = files::unit(&Installation::new(&PLACES, program, "/srv/state").unwrap());
            assert!(unit.contains(&format!("\nExecStart={program} run --state-dir /srv/state\n")), "{unit}");
            assert!(unit.contains("\nConditionPathExists=/srv/state/identity/certificate\n"), "{unit}");
        }
    }

    #[test]
    fn the_supervisor_of_runit_ends_before_its_folder_goes() {
        let shown: Vec<String> =
            Services.uninstall(&facts(Init::Runit, &[])).iter().map(|step| format!("{step}")).collect();
        let at = |what: &str| shown.iter().position(|step| step.contains(what)).unwrap();
        let order = ["sv stop", "remove /etc/service/vigo-envoy", "sv shutdown", "rm -r -f /etc/sv/vigo-envoy"];
        assert!(order.map(at).is_sorted(), "{shown:?}");
    }

    #[test]
    fn without_a_service_manager_nothing_is_begun() {
        for init in [Init::None, Init::Launchd] {
            let problem = installed("", init, &["chkconfig"]).unwrap_err();
            assert!(problem.help.is_some_and(|help| help.contains("--no-service")), "{init:?}");
        }
        assert!(installed("", Init::SysV, &[]).is_err(), "nothing starts it at boot");
        assert!(installed("", Init::SysV, &["chkconfig"]).is_ok());
    }
}
