//! Programs that the operator has named in `server.yaml`: run with a bare environment, for a while, and with all that they
//! leave behind.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use vigo_driver::system_text;

/// Time between two looks whether it has ended.
const SLICE: Duration = Duration::from_millis(10);

/// Where it is looked for by its bare name, and what it finds itself.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What came of a program.
pub(crate) struct Ended {
    /// How it ended; none where it had not by its deadline, and was killed.
    pub(crate) status: Option<ExitStatus>,
    /// What it has printed, up to the most that was wanted.
    pub(crate) printed: Vec<u8>,
}

/// Runs a program: it reads `input` on its standard input, and up to `printed_max` bytes of what it prints are kept. What it
/// says on its standard error goes nowhere.
///
/// # Errors
/// A sentence: it cannot be started.
pub(crate) fn run(argv: &[String], input: Vec<u8>, printed_max: usize, deadline: Duration) -> Result<Ended, String> {
    let (program, args) = argv.split_first().ok_or("no program is named")?;
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let until = Instant::now() + deadline;
    let mut child = command.spawn().map_err(|e| format!("cannot start `{program}`: {}", system_text(e)))?;
    let read = child.stdout.take().map(|out| {
        std::thread::spawn(move || {
            let mut bytes = Vec::with_capacity(printed_max);
            // What it prints beyond that is not read.
            let done = out.take(printed_max as u64).read_to_end(&mut bytes);
            done.map(|_| bytes)
        })
    });
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read need not be told, and one that never does must not hold up its deadline.
        std::thread::spawn(move || stdin.write_all(&input));
    }
    let status = wait(&mut child, until);
    // Also what it has left behind, or its output would never end.
    end_group(&mut child);
    let printed = read.and_then(|read| read.join().ok()).and_then(Result::ok).unwrap_or_default();
    Ok(Ended { status, printed })
}

fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(SLICE),
            _ => return None,
        }
    }
}

fn end_group(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // There is none any more where all have ended.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}
