//! The agent itself as a service of the machine: what is written and called so that it lives there, and so that it is gone.
//!
//! It is no resource of a policy: what a policy may do to Vigo is guarded.

use super::{HostFacts, Problem, Step};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The name of the agent's service on every system.
pub const SERVICE: &str = "vigo-envoy";

/// What to do where nothing is known that would start the agent.
pub const BY_HAND: &str = "enrol with `--no-service`, and have `vigo run` started at boot by what there is";

/// Where a system has what belongs to the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places {
    /// Where the program is put when it does not lie where programs do.
    pub program: &'static str,
    /// Where programs lie that came with a package, or were put there by hand: they stay.
    pub folders: &'static [&'static str],
    /// Where the state is, unless something else is said.
    pub state_dir: &'static str,
    /// Where the agent's number is, where the service manager does not know it.
    pub pid_file: &'static str,
    /// Where the agent logs to, where the service manager does not take it.
    pub log_file: &'static str,
    /// What separates the names in a path.
    pub separator: char,
}

/// How the agent is to live on a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation {
    /// Where its program is.
    pub program: String,
    /// Whether the program has to be put there first.
    pub is_copied: bool,
    /// Where its state is.
    pub state_dir: String,
    /// What the program is called with.
    pub arguments: String,
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
    pub fn new(places: &Places, program: &str, state_dir: &str) -> Result<Self, Problem> {
        let plain = |text: &str| {
            let rest = match places.separator {
                '\\' => text.get(2..).filter(|_| text.as_bytes().get(1) == Some(&b':')),
                _ => Some(text),
            };
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') || c == places.separator;
            rest.is_some_and(|rest| rest.starts_with(places.separator) && rest.chars().all(is_plain))
        };
        if !plain(state_dir) {
            let message = format!(
                "expected a state directory of letters, digits and `{}._-`, found `{}`",
                places.separator,
                state_dir.escape_debug()
            );
            return Err(Problem::unsupported(message).help("name another one with `--state-dir`"));
        }
        let folder = program.rsplit_once(places.separator).map(|(folder, _)| folder);
        let stays =
            plain(program) && (folder.is_some_and(|f| places.folders.contains(&f)) || program == places.program);
        Ok(Self {
            program: if stays { program.into() } else { places.program.into() },
            is_copied: !stays || program == places.program,
            state_dir: state_dir.into(),
            arguments: match state_dir == places.state_dir {
                true => "run".into(),
                false => format!("run --state-dir {state_dir}"),
            },
            pid_file: places.pid_file.into(),
            log_file: places.log_file.into(),
        })
    }

    /// Returns the first step: the program in its place, unless it lies where programs do.
    pub fn program_step(&self) -> Option<Step> {
        self.is_copied.then(|| Step::Program { path: self.program.clone() })
    }
}

/// How a system takes the agent in as a service: tables of steps, one after the other.
pub trait Installer: Sync {
    /// Returns where the agent's own things are.
    fn places(&self) -> &'static Places;

    /// Returns what makes the agent live: the program, the service, its start at boot, and its start now.
    ///
    /// # Errors
    /// [`Problem`], where no service manager is in charge that is known here.
    fn install(&self, told: &Installation, facts: &HostFacts) -> Result<Vec<Step>, Problem>;

    /// Returns what ends the agent for now; it may not run at all.
    fn stop(&self, facts: &HostFacts) -> Vec<Step>;

    /// Returns what starts an agent that was ended for now.
    fn start(&self, facts: &HostFacts) -> Vec<Step>;

    /// Returns what takes all of it away again but the state: as [`Installer::install`] made it, in whatever part.
    fn uninstall(&self, facts: &HostFacts) -> Vec<Step>;
}

/// Returns what is wrong with an installer's steps: what it writes and does not remove, and its own things that a policy
/// may touch; for the tests of hosts.
pub fn installer_faults(installer: &dyn Installer, facts: &HostFacts) -> Vec<String> {
    let places = installer.places();
    let installed = Installation::new(places, "", places.state_dir).and_then(|told| installer.install(&told, facts));
    let steps = match installed {
        Ok(steps) => steps,
        Err(problem) => return alloc::vec![problem.message],
    };
    let removed = installer.uninstall(facts);
    let mut faults = Vec::new();
    for step in &steps {
        let (Step::Program { path } | Step::Write { path, .. } | Step::Link { path, .. }) = step else { continue };
        if !removed.contains(&Step::Remove { path: path.clone() }) {
            faults.push(format!("`{path}` is written and not removed"));
        }
        let guarded = crate::action::AbsPath::parse(path).is_ok_and(|path| crate::guard::check_write(&path).is_err());
        if !guarded && !matches!(step, Step::Link { .. }) {
            faults.push(format!("`{path}` is written and not guarded"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIX: Places = Places {
        program: "/usr/local/sbin/vigo",
        folders: &["/usr/local/sbin", "/usr/bin"],
        state_dir: "/var/lib/vigo",
        pid_file: "/var/run/vigo-envoy.pid",
        log_file: "/var/log/vigo-envoy.log",
        separator: '/',
    };
    const WINDOWS: Places = Places {
        program: r"C:\Program Files\Vigo\vigo.exe",
        folders: &[],
        state_dir: r"C:\ProgramData\Vigo",
        pid_file: "",
        log_file: r"C:\ProgramData\Vigo\vigo.log",
        separator: '\\',
    };

    #[test]
    fn a_program_that_lies_where_programs_do_stays_there() {
        for (program, expected) in [
            ("/usr/bin/vigo", "/usr/bin/vigo"),
            ("/usr/local/sbin/vigo", UNIX.program),
            ("/tmp/x/vigo", UNIX.program),
            ("/usr/bin/x/vigo", UNIX.program),
            ("/usr/bin/vigo (deleted)", UNIX.program),
        ] {
            let told = Installation::new(&UNIX, program, "/srv/state").unwrap();
            assert_eq!(told.program, expected, "{program}");
            assert_eq!(told.program_step().is_some(), expected == UNIX.program, "{program}");
            assert_eq!(told.arguments, "run --state-dir /srv/state");
        }
        assert_eq!(Installation::new(&UNIX, "", UNIX.state_dir).unwrap().arguments, "run");
    }

    #[test]
    fn paths_that_would_have_to_be_quoted_are_refused() {
        for bad in ["state", "/a b", "/a%b", "/a\nExecStartPre=/x", "/a;b", r"C:\state"] {
            assert!(Installation::new(&UNIX, "/usr/bin/vigo", bad).is_err(), "{bad}");
        }
        for bad in ["/state", "state", r"C:state", r"C:\a b", r"C:\a&b", r"\\x\y", "C:"] {
            assert!(Installation::new(&WINDOWS, "", bad).is_err(), "{bad}");
        }
        assert_eq!(Installation::new(&WINDOWS, "", r"D:\vigo").unwrap().arguments, r"run --state-dir D:\vigo");
    }
}
