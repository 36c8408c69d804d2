//! The script by which System V starts the agent, run as init runs it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use vigo_core::host::Init;
use vigo_core::host::{Host, HostFacts, Installation, Step};

struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigo-sysv-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("bin")).unwrap();
        let machine = Self(dir);
        // An agent that writes down each of its lives and ends in order when it is told to; and a clock that runs fast.
        let agent = "#!/bin/sh\necho \"$@\" >>\"$LIVES\"\ntrap 'exit 0' TERM\nwhile :; do /bin/sleep 0.02; done\n";
        for (name, text) in [("agent", agent), ("sleep", "#!/bin/sh\nexec /bin/sleep 0.05\n")] {
            let path = machine.0.join("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let at = |name: &str| machine.0.join(name).to_str().unwrap().to_owned();
        let installation = Installation {
            pid_file: at("pid"),
            log_file: at("log"),
            program: at("bin/agent"),
            state_dir: at("state"),
            is_copied: false,
            arguments: format!("run --state-dir {}", at("state")),
        };
        let programs = ["update-rc.d".into()].into();
        let facts = HostFacts { init: Init::SysV, programs, ..HostFacts::default() };
        let steps = vigo_host_linux::Linux.installer().unwrap().install(&installation, &facts).unwrap();
        let script = steps.iter().find_map(|step| match step {
            Step::Write { path, text, .. } if path.starts_with("/etc/init.d/") => Some(text),
            _ => None,
        });
        fs::write(machine.0.join("script"), script.unwrap()).unwrap();
        machine
    }

    fn script(&self, verb: &str) -> i32 {
        let path = format!("{}:{}", self.0.join("bin").display(), std::env::var("PATH").unwrap());
        let mut script = Command::new("sh");
        script.arg(self.0.join("script")).arg(verb).env("PATH", path).env("LIVES", self.0.join("lives"));
        script.output().unwrap().status.code().unwrap()
    }

    fn agent(&self) -> Option<i32> {
        fs::read_to_string(self.0.join("pid")).ok()?.trim().parse().ok()
    }

    fn lives(&self) -> usize {
        fs::read_to_string(self.0.join("lives")).unwrap_or_default().lines().count()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.script("stop");
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_starts_once_comes_back_when_killed_and_stops_for_good() {
    let machine = Machine::new("life");
    assert_eq!(machine.script("status"), 3);
    assert_eq!(machine.script("start"), 6, "the machine is not enrolled");
    fs::create_dir_all(machine.0.join("state/identity")).unwrap();
    fs::write(machine.0.join("state/identity/certificate"), "").unwrap();
    assert_eq!((machine.script("start"), machine.script("start")), (0, 0));
    assert_eq!(machine.script("status"), 0);
    soon("it lives", || machine.lives() == 1);
    let said = fs::read_to_string(machine.0.join("lives")).unwrap();
    assert_eq!(said, format!("run --state-dir {}\n", machine.0.join("state").display()));
    let killed = machine.agent().unwrap();
    let pid = rustix::process::Pid::from_raw(killed).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    soon("it comes back", || machine.lives() == 2 && machine.agent().is_some_and(|pid| pid != killed));
    assert_eq!(machine.script("restart"), 0);
    soon("it lives anew", || machine.lives() == 3);
    assert_eq!(machine.script("stop"), 0);
    assert_eq!(machine.script("status"), 3);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((machine.lives(), machine.script("status"), machine.script("stop")), (3, 3, 0));
    assert_eq!(machine.script("reload"), 2);
}
