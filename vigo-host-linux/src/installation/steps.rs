//! The steps, by the service manager in charge.

use super::{Step, files};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use vigo_core::host::{Init, Problem};

/// The name of the agent's service.
pub const SERVICE: &str = "vigo-envoy";

/// Where the agent's program is put when it does not lie where programs do: among those of the administrator, FHS 3.0 4.10.
pub const PROGRAM: &str = "/usr/local/sbin/vigo";

/// Where the state is, unless something else is said.
pub(super) const STATE_DIR: &str = "/var/lib/vigo";

/// Where programs lie that came with a package, or were put there by hand: they stay.
const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where the service managers have their files.
const UNIT: &str = "/etc/systemd/system/vigo-envoy.service";
const SCRIPT: &str = "/etc/init.d/vigo-envoy";
const RUNIT: &str = "/etc/sv/vigo-envoy";
const RUNIT_LINK: &str = "/etc/service/vigo-envoy";

/// How the agent is to live on a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation {
    /// Where its program is.
    pub program: String,
    /// Where its state is.
    pub state_dir: String,
    /// Where its number is, where the service manager does not know it.
    pub pid_file: String,
    /// Where it logs to, where the service manager does not take it.
    pub log_file: String,
}

impl Installation {
    /// Returns how an agent is to live that runs from `program` now, and has its state in `state_dir`.
    ///
    /// # Errors
    /// [`Problem`] for paths that would have to be quoted: every service manager does that in another way.
    pub fn new(program: &str, state_dir: &str) -> Result<Self, Problem> {
        let plain = |text: &str| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-');
            text.starts_with('/') && text.bytes().all(is_plain)
        };
        if !plain(state_dir) {
            let message = format!(
                "expected a state directory of letters, digits and `/._-`, found `{}`",
                state_dir.escape_debug()
            );
            return Err(Problem::unsupported(message).help("name another one with `--state-dir`"));
        }
        let stays = FOLDERS.iter().any(|dir| program.rsplit_once('/').is_some_and(|(folder, _)| folder == *dir));
        let program = if stays && plain(program) { program } else { PROGRAM };
        Ok(Self {
            program: program.into(),
            state_dir: state_dir.into(),
            pid_file: format!("/var/run/{SERVICE}.pid"),
            log_file: format!("/var/log/{SERVICE}.log"),
        })
    }

    /// Returns what makes it live: the program, the service, its start at boot, and its start now.
    ///
    /// # Errors
    /// [`Problem`], where no service manager is in charge that is known here.
    pub fn install(&self, init: Init, has: &dyn Fn(&str) -> bool) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::new();
        if self.program == PROGRAM {
            steps.push(Step::Program { path: PROGRAM.into() });
        }
        let write = |path: &str, mode, text| Step::Write { path: path.into(), mode, text };
        match init {
            Init::Systemd => {
                steps.push(write(UNIT, 0o644, files::unit(self)));
                steps.push(run("systemctl", &["daemon-reload"]));
                steps.push(run("systemctl", &["enable", "vigo-envoy.service"]));
                steps.push(run("systemctl", &["restart", "vigo-envoy.service"]));
            }
            Init::OpenRc => {
                steps.push(write(SCRIPT, 0o755, files::openrc(self)));
                steps.push(run("rc-update", &["add", SERVICE, "default"]));
                steps.push(run("rc-service", &[SERVICE, "restart"]));
            }
            Init::SysV => {
                steps.push(write(SCRIPT, 0o755, files::sysv(self)));
                if has("update-rc.d") {
                    steps.push(run("update-rc.d", &[SERVICE, "defaults"]));
                    steps.push(run("update-rc.d", &[SERVICE, "enable"]));
                } else if has("chkconfig") {
                    steps.push(run("chkconfig", &["--add", SERVICE]));
                    steps.push(run("chkconfig", &[SERVICE, "on"]));
                } else {
                    let message = "expected `update-rc.d` or `chkconfig` to start a service at boot, found neither";
                    return Err(Problem::unsupported(message).help(BY_HAND));
                }
                steps.push(run("sh", &[SCRIPT, "restart"]));
            }
            Init::Runit => {
                // The supervisor sees a folder only when all of it is there, and starts what it finds.
                steps.push(write(&format!("{RUNIT}/run"), 0o755, files::runit(self)));
                steps.push(Step::Link { path: RUNIT_LINK.into(), to: RUNIT.into() });
            }
            _ => {
                let message = "expected systemd, OpenRC, System V or runit in charge, found no service manager";
                return Err(Problem::unsupported(message).help(BY_HAND));
            }
        }
        Ok(steps)
    }

    /// Returns what ends the agent for now; it may not run at all.
    pub fn stop(init: Init) -> Vec<Step> {
        let ends = |step| vec![may_fail(step)];
        match init {
            Init::Systemd => ends(run("systemctl", &["stop", "vigo-envoy.service"])),
            Init::OpenRc => ends(run("rc-service", &[SERVICE, "stop"])),
            Init::SysV => ends(run("sh", &[SCRIPT, "stop"])),
            Init::Runit => ends(run("sv", &["stop", RUNIT_LINK])),
            _ => Vec::new(),
        }
    }

    /// Returns what starts an agent that was ended for now.
    pub fn start(init: Init) -> Vec<Step> {
        match init {
            Init::Systemd => vec![run("systemctl", &["start", "vigo-envoy.service"])],
            Init::OpenRc => vec![run("rc-service", &[SERVICE, "start"])],
            Init::SysV => vec![run("sh", &[SCRIPT, "start"])],
            Init::Runit => vec![run("sv", &["start", RUNIT_LINK])],
            _ => Vec::new(),
        }
    }

    /// Returns what takes all of it away again but the state: as [`Installation::install`] made it, in whatever part.
    pub fn uninstall(init: Init) -> Vec<Step> {
        let mut steps = Self::stop(init);
        let remove = |path: &str| Step::Remove { path: path.to_string() };
        match init {
            Init::Systemd => {
                steps.push(may_fail(run("systemctl", &["disable", "vigo-envoy.service"])));
                steps.push(remove(UNIT));
                steps.push(run("systemctl", &["daemon-reload"]));
            }
            Init::OpenRc => {
                steps.push(may_fail(run("rc-update", &["del", SERVICE])));
                steps.push(remove(SCRIPT));
            }
            Init::SysV => {
                // The links go with the script: update-rc.d removes none whose script is there.
                steps.push(may_fail(run("chkconfig", &["--del", SERVICE])));
                steps.push(remove(SCRIPT));
                steps.push(may_fail(run("update-rc.d", &[SERVICE, "remove"])));
            }
            Init::Runit => {
                steps.push(remove(RUNIT_LINK));
                steps.push(remove(&format!("{RUNIT}/run")));
            }
            _ => {}
        }
        steps.push(remove(PROGRAM));
        steps
    }
}

const BY_HAND: &str = "enrol with `--no-service`, and have `vigo run` started at boot by what there is";

fn run(program: &'static str, args: &[&str]) -> Step {
    Step::Run { program, args: args.iter().map(|arg| arg.to_string()).collect(), may_fail: false }
}

fn may_fail(step: Step) -> Step {
    match step {
        Step::Run { program, args, .. } => Step::Run { program, args, may_fail: true },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::AbsPath;
    use vigo_core::guard;

    const ALL: [Init; 4] = [Init::Systemd, Init::OpenRc, Init::SysV, Init::Runit];

    fn installation() -> Installation {
        Installation::new("/tmp/vigo.x/vigo", STATE_DIR).unwrap()
    }

    fn shown(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| format!("{step}")).collect()
    }

    #[test]
    fn what_is_installed_is_what_policies_must_not_touch() {
        assert!(guard::check_service(SERVICE).is_err());
        for init in ALL {
            let steps = installation().install(init, &|_| true).unwrap();
            for step in steps {
                let (Step::Program { path } | Step::Write { path, .. }) = &step else { continue };
                // runit's folder is no path of the guard's; its service is.
                let guarded = guard::check_write(&AbsPath::parse(path).unwrap()).is_err();
                assert!(guarded || init == Init::Runit, "{init:?}: {path}");
            }
        }
    }

    #[test]
    fn what_is_written_is_removed() {
        for init in ALL {
            let removed = Installation::uninstall(init);
            for step in installation().install(init, &|_| true).unwrap() {
                let (Step::Program { path } | Step::Write { path, .. } | Step::Link { path, .. }) = step else {
                    continue;
                };
                assert!(removed.contains(&Step::Remove { path: path.clone() }), "{init:?}: {path}");
            }
        }
    }

    #[test]
    fn systemd_is_told_of_the_unit_before_it_is_started() {
        let steps = shown(&installation().install(Init::Systemd, &|_| false).unwrap());
        assert_eq!(steps[0], "install /usr/local/sbin/vigo mode 0755");
        assert!(steps[1].starts_with("write /etc/systemd/system/vigo-envoy.service (") && steps[1].ends_with("0644"));
        let calls = ["daemon-reload", "enable vigo-envoy.service", "restart vigo-envoy.service"];
        assert_eq!(steps[2..], calls.map(|call| format!("systemctl {call}")));
    }

    #[test]
    fn a_program_that_lies_where_programs_do_stays_there() {
        for (program, expected) in [
            ("/usr/bin/vigo", "/usr/bin/vigo"),
            ("/usr/local/bin/vigo", "/usr/local/bin/vigo"),
            ("/tmp/x/vigo", PROGRAM),
            ("/usr/bin/x/vigo", PROGRAM),
            ("/usr/bin/vigo (deleted)", PROGRAM),
        ] {
            let installation = Installation::new(program, "/srv/state").unwrap();
            assert_eq!(installation.program, expected, "{program}");
            let steps = installation.install(Init::Systemd, &|_| true).unwrap();
            let copied = steps.iter().any(|step| matches!(step, Step::Program { .. }));
            assert_eq!(copied, expected == PROGRAM, "{program}");
            let unit = files::unit(&installation);
            assert!(unit.contains(&format!("\nExecStart={expected} run --state-dir /srv/state\n")), "{unit}");
            assert!(unit.contains("\nConditionPathExists=/srv/state/identity/certificate\n"), "{unit}");
        }
        for bad in ["state", "/a b", "/a%b", "/a\nExecStartPre=/x", "/a;b"] {
            assert!(Installation::new("/usr/bin/vigo", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_a_service_manager_nothing_is_begun() {
        for init in [Init::None, Init::Launchd] {
            let problem = installation().install(init, &|_| true).unwrap_err();
            assert!(problem.help.is_some_and(|help| help.contains("--no-service")), "{init:?}");
        }
        assert!(installation().install(Init::SysV, &|_| false).is_err(), "nothing starts it at boot");
        assert!(installation().install(Init::SysV, &|name| name == "chkconfig").is_ok());
    }
}
