//! One Debian machine: its first process, its network its own, its files an overlay.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::first::First;
use crate::failure::{Failure, Result};
use crate::process::{Output, Program, signal};

/// A running machine; it ends, and all that it left with it, when the value is dropped.
pub struct Machine {
    name: String,
    dir: PathBuf,
    first: First,
    /// What stands outside and waits for its end.
    outside: Option<Child>,
    leader: u32,
}

/// No command of a test takes longer, unless it says so.
const EXEC_LIMIT: Duration = Duration::from_secs(120);

/// Two boots in a row that take longer are a defect.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

impl Machine {
    /// Boots a machine with its files at `root`, the place where a layer of its own is mounted. `name` is its host name: at
    /// most 12 characters, a network's name is made of it.
    pub fn boot(root: &Path, name: &str, first: First) -> Result<Self> {
        let dir = root.parent().unwrap_or(root).to_owned();
        // From here on Drop cleans up.
        let mut machine = Self { name: name.to_owned(), dir, first, outside: None, leader: 0 };
        for (path, text) in [("etc/machine-id", String::new()), ("etc/hostname", format!("{name}\n"))] {
            let path = root.join(path);
            fs::write(&path, text).map_err(|e| Failure::at(&path, &e))?;
        }
        Program::new("ip").args(["netns", "add", name]).text()?;
        Program::new("ip").args(["-n", name, "link", "set", "lo", "up"]).text()?;
        machine.power_on()?;
        Ok(machine)
    }

    /// Takes the power away: all that runs is gone at once. Its files and its network stay.
    pub fn power_off(&mut self) -> Result<()> {
        let Some(mut outside) = self.outside.take() else { return Ok(()) };
        signal("KILL", i64::from(self.leader));
        self.leader = 0;
        outside.wait().map(|_| ()).map_err(|e| Failure::new(format!("a machine's end could not be waited for: {e}")))
    }

    /// Boots it, with the files that it has.
    pub fn power_on(&mut self) -> Result<()> {
        let (start, name, root) = (Instant::now(), self.name.clone(), self.dir.join("root"));
        let log = self.dir.join("console.log");
        let log = File::create(&log).map_err(|e| Failure::at(&log, &e))?;
        let outside = self.first.boot(&name, &root).spawn(Some(log))?;
        let parent = outside.id();
        self.outside = Some(outside);
        let state = loop {
            if start.elapsed() > BOOT_LIMIT {
                return Err(self.boot_failure("did not boot in time"));
            }
            if let Some(Ok(Some(status))) = self.outside.as_mut().map(Child::try_wait) {
                return Err(self.boot_failure(&format!("ended with {status}")));
            }
            if self.leader == 0 {
                self.leader = first_process(parent).unwrap_or_default();
            } else if let Some(state) = self.first.is_up(self)? {
                break state;
            }
            sleep(Duration::from_millis(50));
        };
        println!("  machine {name}: {state} after {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Returns its host name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a program with root's rights and an almost empty environment; whatever its exit code, that is an answer.
    pub fn exec(&self, argv: &[&str]) -> Result<Output> {
        self.enter(argv).timeout(EXEC_LIMIT).output()
    }

    /// Like [`Machine::exec`], with something to read and a limit of its own.
    pub fn exec_with(&self, argv: &[&str], stdin: impl Into<Vec<u8>>, limit: Duration) -> Result<Output> {
        self.enter(argv).stdin(stdin).timeout(limit).output()
    }

    /// Runs a shell script that must succeed, and returns what it printed.
    pub fn sh(&self, script: &str) -> Result<String> {
        self.enter(&["sh", "-euc", script]).timeout(EXEC_LIMIT).text()
    }

    /// Starts a program and returns it; [`Machine::kill`] ends it and everything in its process group.
    pub fn spawn(&self, argv: &[&str]) -> Result<Child> {
        self.enter(argv).spawn(None)
    }

    /// Ends what [`Machine::spawn`] started, with `SIGKILL`, children included.
    pub fn kill(&self, mut child: Child) -> Result<()> {
        signal("KILL", -i64::from(child.id()));
        child.wait().map(|_| ()).map_err(|e| Failure::new(format!("a killed program could not be waited for: {e}")))
    }

    /// Writes a file, its folder too.
    pub fn push_file(&self, path: &str, content: impl Into<Vec<u8>>, mode: &str) -> Result<()> {
        let script =
            "mkdir -p \"$(dirname \"$1\")\"; cat >\"$1.new\"; chmod \"$2\" \"$1.new\"; mv -f \"$1.new\" \"$1\"";
        let output = self.exec_with(&["sh", "-euc", script, "sh", path, mode], content, EXEC_LIMIT)?;
        if output.ok() { Ok(()) } else { Err(Failure::new(format!("writing `{path}`: {}", output.stderr))) }
    }

    /// Copies a file or a tree of files from here.
    pub fn push(&self, from: &Path, to: &str) -> Result<()> {
        let meta = fs::metadata(from).map_err(|e| Failure::at(from, &e))?;
        if meta.is_dir() {
            let entries = fs::read_dir(from).map_err(|e| Failure::at(from, &e))?;
            for entry in entries {
                let path = entry.map_err(|e| Failure::at(from, &e))?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.push(&path, &format!("{to}/{name}"))?;
            }
            return Ok(());
        }
        let content = fs::read(from).map_err(|e| Failure::at(from, &e))?;
        self.push_file(to, content, &format!("{:o}", meta.permissions().mode() & 0o7777))
    }

    /// Reads a text file.
    pub fn read_file(&self, path: &str) -> Result<String> {
        self.enter(&["cat", "--", path]).timeout(EXEC_LIMIT).text()
    }

    /// Returns `owner:group mode type` of a path as `stat` says it, such as `root:root 644 regular file`.
    pub fn stat(&self, path: &str) -> Result<String> {
        let said = self.enter(&["stat", "-c", "%U:%G %a %F", "--", path]).timeout(EXEC_LIMIT).text()?;
        Ok(said.trim().to_owned())
    }

    fn enter(&self, argv: &[&str]) -> Program {
        let enter = Program::new("nsenter").args(["-t", &self.leader.to_string(), "-a", "-r", "-w", "--", "env", "-i"]);
        enter.args(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C"]).args(argv)
    }

    fn boot_failure(&self, what: &str) -> Failure {
        let log = fs::read(self.dir.join("console.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        Failure::new(format!("machine `{}` {what}; the end of its console:\n{}", self.name, last.join("\n")))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut outside) = self.outside.take() {
            // The first process goes on when only nspawn is killed, and its end takes all others with it.
            let leader = if self.leader == 0 { first_process(outside.id()).unwrap_or_default() } else { self.leader };
            signal("KILL", i64::from(outside.id()));
            if leader != 0 {
                signal("KILL", i64::from(leader));
            }
            let _ = outside.wait();
        }
        let root = self.dir.join("root");
        let umount = Program::new("umount").arg("--lazy").arg(&root).output();
        let netns = Program::new("ip").args(["netns", "del", &self.name]).output();
        for (what, done) in [("its files", umount), ("its network", netns)] {
            if !done.is_ok_and(|o| o.ok()) {
                eprintln!("machine {}: {what} could not be taken away", self.name);
            }
        }
        if let Err(e) = fs::remove_dir_all(&self.dir) {
            eprintln!("machine {}: {} stays until the end: {e}", self.name, self.dir.display());
        }
    }
}

/// Returns the child of `parent` that is the first process of a process name space inside ours.
fn first_process(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()).find(|id| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|l| l.strip_prefix("NSpid:")).unwrap_or_default();
        ids.split_whitespace().count() > 1 && ids.split_whitespace().last() == Some("1")
    })
}
