//! Asking without a server: its program answers from the data directory, under the same lock.

use crate::error::CliError;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What comes of asking without a server.
pub(crate) enum Offline {
    /// The status and the body of an answer.
    Answer(u16, Value),
    /// There is no server's data.
    Nothing,
    /// A server has it, which does not listen yet, or no more; and what to say of that.
    Served(CliError),
}

/// What `vigosrv` exits with where a server has the data directory.
const SERVED: i32 = 75;

/// Has `vigosrv` answer one request on a data directory whose server does not run. How far a backup is goes to `told`.
pub(crate) fn ask(
    dir: &Path,
    method: &str,
    path: &str,
    body: Option<&Value>,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Offline, CliError> {
    // The second: a restore that was interrupted there.
    if !dir.join("tls").join("keyset").exists() && !dir.join("restore-journal").exists() {
        return Ok(Offline::Nothing);
    }
    let failed = |why: String| CliError::Offline { why };
    let program = program();
    let mut command = Command::new(&program);
    command.args(["offline", "--progress"]).arg("--data-dir").arg(dir).args(["--log-level", "error"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = |e| failed(format!("start `{}`: {}", program.display(), vigo_driver::system_text(e)));
    let mut child = command.spawn().map_err(started)?;
    let request = json!({ "method": method, "path": path, "body": body }).to_string();
    // Where it has ended already, it says why.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(request.as_bytes()));
    let mut stderr = child.stderr.take();
    // Neither of the two pipes may fill while the other is read.
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.iter_mut().try_for_each(|stderr| stderr.read_to_end(&mut said).map(drop)).map(|()| said)
    });
    let mut last = None;
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|e| failed(vigo_driver::system_text(e)))?;
        let value: Value = serde_json::from_str(&line).map_err(|e| CliError::Garbled { why: e.to_string() })?;
        match (value["done"].as_u64(), value["total"].as_u64()) {
            (Some(done), Some(total)) => told(done, total),
            _ => last = Some(value),
        }
    }
    let status = child.wait().map_err(|e| failed(vigo_driver::system_text(e)))?;
    if !status.success() {
        let said = said.join().ok().and_then(Result::ok).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let why = failed(said.trim().trim_start_matches("error: ").to_owned());
        return if status.code() == Some(SERVED) { Ok(Offline::Served(why)) } else { Err(why) };
    }
    let answer = last.ok_or_else(|| CliError::Garbled { why: "it has ended without an answer".into() })?;
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or_else(|| CliError::Garbled { why: "it has no status".into() })?;
    // Whom it does not concern it does not disturb: programs read standard output.
    let _ = writeln!(std::io::stderr(), "note: vigosrv does not run; this was answered from `{}`", dir.display());
    Ok(Offline::Answer(status, answer["body"].clone()))
}

/// Has `vigosrv` work on backups, which needs no server. Lines that tell how far it is go to `told`; what it answers is
/// returned.
pub(crate) fn work(args: &[OsString], told: &mut dyn FnMut(u64, u64)) -> Result<Value, CliError> {
    let program = program();
    let failed = |why: String| CliError::Program { program: program.display().to_string(), why };
    let mut command = Command::new(&program);
    command.args(["--log-level", "error"]).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|e| failed(vigo_driver::system_text(e)))?;
    let mut last = None;
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|e| failed(vigo_driver::system_text(e)))?;
        let value: Value = serde_json::from_str(&line).map_err(|e| CliError::Garbled { why: e.to_string() })?;
        match (value["done"].as_u64(), value["total"].as_u64()) {
            (Some(done), Some(total)) => told(done, total),
            _ => last = Some(value),
        }
    }
    let status = child.wait().map_err(|e| failed(vigo_driver::system_text(e)))?;
    let mut last = last.ok_or_else(|| failed(format!("it has ended without an answer: {status}")))?;
    match (last["answer"].take(), last["problem"].take()) {
        (Value::Null, Value::Null) => Err(CliError::Garbled { why: "it is neither an answer nor a problem".into() }),
        (Value::Null, problem) => {
            // What the disk or the program does not do is not the backup's fault.
            let status = match problem["code"].as_str() {
                Some("store" | "internal") => 500,
                _ => 422,
            };
            Err(CliError::Problem { status, problem })
        }
        (answer, _) => Ok(answer),
    }
}

/// Returns the server's program: the one beside this, or else the one that is found by its name.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("vigosrv")));
    beside.filter(|path| path.exists()).unwrap_or_else(|| "vigosrv".into())
}
