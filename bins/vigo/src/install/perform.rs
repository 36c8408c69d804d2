//! Doing the steps.

use super::InstallError;
use super::files::{environment, is_as_wanted, link, nameless, place, remove, set_mode};
use crate::executor::{find_program, system_text};
use crate::state::new_file;
use crate::system;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use vigo_core::host::Step;

/// How long a program may take: a stop waits for the operation in hand, and systemd gives it 15 minutes.
const RUN_TIME_MAX: Duration = Duration::from_secs(16 * 60);

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of what a program says that are shown.
const SAID_BYTES_MAX: u64 = 2048;

/// Does a step. Returns whether something was done.
pub(super) fn perform(step: &Step) -> Result<bool, InstallError> {
    let done = match step {
        Step::Program { path } => program(Path::new(path)),
        Step::Write { path, mode, text } => write(Path::new(path), text.as_bytes(), *mode),
        Step::Link { path, to } => link(Path::new(path), to),
        Step::Remove { path } => remove(Path::new(path)),
        Step::Run { program, args, may_fail } => match run(program, args) {
            Err(why) if !may_fail => return Err(failed(step, why)),
            ran => Ok(ran.is_ok()),
        },
    };
    done.map_err(|error| failed(step, system_text(error)))
}

fn failed(step: &Step, why: String) -> InstallError {
    InstallError::Step { step: step.to_string(), why }
}

/// Copies the running program.
fn program(path: &Path) -> io::Result<bool> {
    let mut own = Vec::new();
    system::own_program()?.read_to_end(&mut own)?;
    write(path, &own, 0o755)
}

/// Writes a file beside its place and moves it there, unless it is as it should be.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<bool> {
    let is_there = fs::symlink_metadata(path).is_ok_and(|meta| is_as_wanted(&meta, mode));
    if is_there && fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".vigo-new");
    let fresh = folder.join(name);
    remove(&fresh)?;
    let written = (|| {
        let mut file = new_file(&fresh)?;
        file.write_all(bytes)?;
        set_mode(&file, mode)?;
        file.sync_all()?;
        drop(file);
        place(&fresh, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written.map(|()| true)
}

/// Runs a program, with an environment of its own; an error is what it said.
fn run(program: &str, args: &[String]) -> Result<(), String> {
    let path = find_program(program).ok_or_else(|| format!("there is no `{program}` here"))?;
    // What it starts may live on: a file takes what is said, so that nobody waits for the end of that.
    let said = nameless().map_err(system_text)?;
    let output = || said.try_clone().map(Stdio::from).map_err(system_text);
    let mut command = Command::new(path);
    command.args(args).stdin(Stdio::null()).stdout(output()?).stderr(output()?);
    environment(&mut command);
    let mut child = command.spawn().map_err(system_text)?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(system_text)? {
            Some(status) => break status,
            None if begun.elapsed() > RUN_TIME_MAX => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {} s", RUN_TIME_MAX.as_secs()));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    let read = io::Seek::rewind(&mut &said).and_then(|()| (&said).take(SAID_BYTES_MAX).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    match read.is_ok() && !text.trim().is_empty() {
        true => Err(format!("{status}: {}", text.trim().replace('\n', "; "))),
        false => Err(status.to_string()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_step_done_twice_is_done() {
        let dir = std::env::temp_dir().join(format!("vigo-install-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let write = Step::Write { path: at("a/unit"), mode: 0o644, text: "[Unit]\n".into() };
        let steps = [
            write.clone(),
            Step::Program { path: at("b/vigo") },
            Step::Link { path: at("c/link"), to: "/nowhere".into() },
        ];
        for step in &steps {
            assert!(perform(step).unwrap(), "{step}");
            assert!(!perform(step).unwrap(), "{step}: it was done before");
        }
        assert_eq!(fs::read(at("b/vigo")).unwrap(), fs::read(std::env::current_exe().unwrap()).unwrap());
        assert_eq!(fs::metadata(at("b/vigo")).unwrap().permissions().mode() & 0o7777, 0o755);
        fs::set_permissions(at("a/unit"), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(perform(&write).unwrap(), "its mode was another one");
        fs::remove_file(at("a/unit")).unwrap();
        symlink(at("b/vigo"), at("a/unit")).unwrap();
        assert!(perform(&write).unwrap(), "a link is no file");
        assert!(fs::metadata(at("b/vigo")).unwrap().len() > 100, "what it led to is not written to");
        for name in ["a/unit", "b/vigo", "c/link"] {
            let step = Step::Remove { path: at(name) };
            assert!(perform(&step).unwrap() && !perform(&step).unwrap(), "{name}");
        }
        let names: Vec<_> = ["a", "b", "c"].iter().flat_map(|d| fs::read_dir(dir.join(d)).unwrap()).collect();
        assert!(names.is_empty(), "nothing is left beside: {names:?}");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let run = |script: &str, may_fail| {
            let args = vec!["-c".to_owned(), script.to_owned()];
            perform(&Step::Run { program: "sh", args, may_fail })
        };
        assert!(run("exit 0", false).unwrap());
        assert!(!run("exit 3", true).unwrap());
        let error = run("echo no such unit >&2; exit 5", false).unwrap_err().to_string();
        assert!(error.contains("no such unit") && error.contains("exit status: 5"), "{error}");
        let begun = Instant::now();
        assert!(run("sleep 90 & exit 0", false).unwrap());
        assert!(begun.elapsed() < Duration::from_secs(80), "what it leaves running is not waited for");
        let none = Step::Run { program: "vigo-no-such-program", args: Vec::new(), may_fail: false };
        assert!(perform(&none).unwrap_err().to_string().contains("there is no `vigo-no-such-program`"));
    }
}
