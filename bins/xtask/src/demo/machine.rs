//! One machine, and no server.
//!
//! Each chapter is checked: what the agent says, and what is really there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::story::{expect, say};
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Program;
use crate::workspace::root;

/// Tells it, in `place`, with the agent of `programs`.
pub fn tell(programs: &Path, place: &Path) -> Result<()> {
    let stacks = root().join("examples/stacks");
    let sandbox = |name: &str| Sandbox::new(&programs.join("vigo"), &stacks, &place.join(name));
    sandbox("machine")?.tell(&sandbox("twin")?)
}

/// A directory that stands for a machine.
struct Sandbox {
    vigo: PathBuf,
    stacks: PathBuf,
    machine: PathBuf,
    state: PathBuf,
}

/// What is below a directory: the path of each entry, with its mode and content.
type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

impl Sandbox {
    fn new(vigo: &Path, stacks: &Path, place: &Path) -> Result<Self> {
        let (machine, state) = (place.join("root"), place.join("state"));
        for dir in [&machine, &state] {
            fs::create_dir_all(dir).map_err(|e| Failure::at(dir, &e))?;
        }
        Ok(Self { vigo: vigo.to_owned(), stacks: stacks.to_owned(), machine, state })
    }

    fn tell(&self, twin: &Self) -> Result<()> {
        say("A sandbox stands for a machine", "It is empty. examples/stacks says what should be on it.");
        println!("{}", self.stacks.display());

        say("The plan", "What would change, with diffs and operations. Nothing is written.");
        let before = snapshot(&self.machine)?;
        self.show("plan", 1)?;
        let report = self.report("plan", 1)?;
        let plan = Counts::of(&report)?;
        expect("the plan finds something to change", plan.changed > 0.0)?;
        expect("a plan writes nothing", snapshot(&self.machine)? == before)?;

        say("The run", "The same, for real.");
        self.show("apply", 0)?;
        let converged = snapshot(&self.machine)?;
        for (path, (mode, content)) in converged.iter().filter(|(_, (mode, _))| mode & 0o170_000 == 0o100_000) {
            println!("  {:o} {:>6} bytes  /{}", mode & 0o7777, content.len(), path.display());
        }
        expect("files are there", !converged.is_empty())?;
        let first = twin.counts("apply", 0)?;
        expect("a twin gets exactly the changes of the plan", first.changed == plan.changed && first.failed == 0.0)?;
        expect("and looks the same", snapshot(&twin.machine)? == converged)?;

        say("The second run", "Everything is as it should be: nothing changes.");
        self.show("apply", 0)?;
        let again = self.report("apply", 0)?;
        let second = Counts::of(&again)?;
        let files = whole_files(&report, &again);
        expect("a second run changes nothing", second.changed == 0.0 && second.failed == 0.0 && second.ok > 0.0)?;
        expect("not a byte", snapshot(&self.machine)? == converged)?;
        self.show("plan", 0)?;

        say("Somebody was here", "One file is edited by hand, one is taken away.");
        let drifted = self.drift(&files)?;
        self.show("plan", 1)?;

        say("The repair", "The next run puts back what was changed, and nothing else.");
        self.show("apply", 0)?;
        expect("the machine is as it was", snapshot(&self.machine)? == converged)?;
        twin.drift(&files)?;
        let report = twin.report("apply", 0)?;
        let changed = report.list("resources").iter().filter(|r| r.text("outcome") == Some("changed"));
        let names: Vec<&str> = changed.filter_map(|r| r.text("id")).collect();
        println!("repaired: {} by {}", drifted.join(", "), names.join(", "));
        // Others may be told of it, and act, too.
        expect("each of the two was put back", names.len() >= drifted.len())?;
        expect("the twin is as it was, too", snapshot(&twin.machine)? == converged)?;
        let last = self.counts("apply", 0)?;
        expect("and stays so", last.changed == 0.0)?;
        println!("\nSo much for one machine: one tree of files, one command, nothing left to do.");
        Ok(())
    }

    /// Runs the agent for a person to read, and checks its exit code.
    fn show(&self, verb: &str, code: i32) -> Result<()> {
        let vigo = self.vigo(verb);
        println!("$ vigo {verb} --stacks examples/stacks --hostname demo --root …");
        let output = vigo.output()?;
        print!("{}{}", output.stdout, output.stderr);
        if output.code() == code {
            return Ok(());
        }
        Err(Failure::new(format!("`vigo {verb}`: expected exit {code}, seen {}", output.code())))
    }

    /// Runs the agent for a program to read, and returns its counts.
    fn counts(&self, verb: &str, code: i32) -> Result<Counts> {
        Counts::of(&self.report(verb, code)?)
    }

    fn report(&self, verb: &str, code: i32) -> Result<Json> {
        let output = self.vigo(verb).args(["--format", "json"]).output()?;
        if output.code() != code {
            let (seen, said) = (output.code(), format!("{}{}", output.stdout, output.stderr));
            return Err(Failure::new(format!(
                "`vigo {verb} --format json`: expected exit {code}, seen {seen}: {said}"
            )));
        }
        Json::parse(&output.stdout)
    }

    fn vigo(&self, verb: &str) -> Program {
        let vigo = Program::new(&self.vigo).arg(verb).arg("--stacks").arg(&self.stacks);
        vigo.arg("--root").arg(&self.machine).args(["--hostname", "demo", "--state-dir"]).arg(&self.state)
    }

    /// Edits one managed file and removes another; returns which.
    fn drift(&self, files: &[String]) -> Result<Vec<String>> {
        let [edited, .., removed] = files else {
            return Err(Failure::new("expected two files that the example manages as a whole"));
        };
        let path = self.machine.join(edited.trim_start_matches('/'));
        let mut text = fs::read(&path).map_err(|e| Failure::at(&path, &e))?;
        text.extend(b"# edited by hand\n");
        fs::write(&path, text).map_err(|e| Failure::at(&path, &e))?;
        let path = self.machine.join(removed.trim_start_matches('/'));
        fs::remove_file(&path).map_err(|e| Failure::at(&path, &e))?;
        println!("edited: {edited}, removed: {removed}");
        Ok(vec![edited.clone(), removed.clone()])
    }
}

/// Returns the files whose whole content one resource declares, by their diffs in the plan for an empty machine; `again`
/// says which of them are looked after in every run, not only when something else has changed.
fn whole_files(plan: &Json, again: &Json) -> Vec<String> {
    let kept =
        |id: &str| again.list("resources").iter().any(|r| r.text("id") == Some(id) && r.text("outcome") == Some("ok"));
    let files = plan.list("resources").iter().filter(|r| r.text("type") == Some("file"));
    let files = files.filter(|r| r.text("id").is_some_and(kept));
    let path = |r: &Json| r.text("diff")?.lines().find_map(|l| l.strip_prefix("+++ ")).map(str::to_owned);
    files.filter_map(path).collect()
}

/// The counts of a report, as JSON has them.
struct Counts {
    ok: f64,
    changed: f64,
    failed: f64,
}

impl Counts {
    fn of(report: &Json) -> Result<Self> {
        let count = |name: &str| report.number(&format!("counts.{name}"));
        // A plan counts what it would change.
        let changed = count("changed")? + count("would_change").unwrap_or(0.0);
        Ok(Self { ok: count("ok")?, changed, failed: count("failed")? + count("blocked")? })
    }
}

fn snapshot(dir: &Path) -> Result<Snapshot> {
    fn walk(dir: &Path, prefix: &Path, into: &mut Snapshot) -> std::io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (path, name) = (entry.path(), prefix.join(entry.file_name()));
            let meta = fs::symlink_metadata(&path)?;
            let content = if meta.is_dir() {
                walk(&path, &name, into)?;
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path)?.into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path)?
            };
            into.insert(name, (meta.permissions().mode(), content));
        }
        Ok(())
    }
    let mut all = Snapshot::new();
    walk(dir, Path::new(""), &mut all).map_err(|e| Failure::at(dir, &e))?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Scratch;

    #[test]
    fn a_snapshot_sees_content_mode_and_what_is_gone() {
        let scratch = Scratch::new("snapshot").unwrap();
        let file = scratch.path().join("etc/a");
        fs::create_dir_all(scratch.path().join("etc")).unwrap();
        fs::write(&file, "one").unwrap();
        let first = snapshot(scratch.path()).unwrap();
        assert_eq!(first, snapshot(scratch.path()).unwrap());
        fs::write(&file, "two").unwrap();
        assert_ne!(first, snapshot(scratch.path()).unwrap());
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_ne!(first, snapshot(scratch.path()).unwrap());
        fs::remove_file(&file).unwrap();
        assert_ne!(first, snapshot(scratch.path()).unwrap());
    }
}
