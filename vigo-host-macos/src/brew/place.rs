//! Where Homebrew is, and as whom it runs: it refuses to run as root, so it runs as the owner of its prefix.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use vigo_core::action::{Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Problem, ProblemKind, RunsAs};
use vigo_core::resource::package::{LOCKED_HELP, blocked};

/// The prefixes: Apple silicon, Intel, and that of Linux which some carry along.
const PROGRAMS: [&str; 3] = ["/opt/homebrew/bin/brew", "/usr/local/bin/brew", "/home/linuxbrew/.linuxbrew/bin/brew"];

/// Asks where it is and whose it is: one line for each of the programs that is there.
pub(crate) fn look() -> Op {
    Op::Run(Command::read("/usr/bin/stat", ["-L", "-f", "%u %Su %N"].into_iter().chain(PROGRAMS)))
}

/// Finds it; `None` when there is no Homebrew.
///
/// # Errors
/// A fragment, when something could not be read, or it belongs to root.
pub(crate) fn find(outputs: &Outputs) -> Result<Option<Arc<RunsAs>>, String> {
    let op = look();
    let ran = ran(outputs.get(&op).ok_or_else(|| format!("`{op}` was not run"))?, &op)?;
    let (out, err) = (ran.out(), ran.err());
    for program in PROGRAMS {
        let line = out.lines().find_map(|l| l.strip_suffix(program)?.strip_suffix(' '));
        let Some((uid, user)) = line.and_then(|l| l.split_once(' ')) else {
            let is_missing = |l: &str| l.contains(program) && l.contains("No such file or directory");
            match err.lines().any(is_missing) {
                true => continue,
                false => return Err(format!("expected `{program}` or its absence of `stat`, found `{}`", err.trim())),
            }
        };
        if uid == "0" {
            return Err(format!("`{program}` belongs to root, and Homebrew refuses to run as root"));
        }
        let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
        // Where a number has no name it stands there itself.
        if user.is_empty() || user.starts_with('-') || user == uid || !user.chars().all(plain) {
            return Err(format!("the owner of `{program}`, uid `{uid}`, has no name"));
        }
        return Ok(Some(Arc::new(RunsAs { program: program.into(), user: user.into() })));
    }
    Ok(None)
}

/// Takes an answer.
///
/// # Errors
/// A fragment, when there is none, or not all of it.
pub(super) fn ran<'a>(output: &'a OpOutput, op: &Op) -> Result<&'a Ran, String> {
    match output {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("`{op}` printed more than was expected")),
        OpOutput::Ran(ran) => Ok(ran),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected an answer of `{op}`, found {other:?}")),
    }
}

/// Returns a call of Homebrew as its owner. It would fetch its index before most things if it were let.
pub(super) fn brew(by: &RunsAs, command: Command) -> Command {
    let quiet = ["HOMEBREW_NO_AUTO_UPDATE", "HOMEBREW_NO_ANALYTICS", "HOMEBREW_NO_ENV_HINTS", "NONINTERACTIVE"];
    let command = Command { program: by.program.clone(), user: Some(by.user.clone()), ..command };
    quiet.iter().fold(command, |command, name| command.env(name, "1"))
}

/// Returns that there is no Homebrew.
pub(super) fn nowhere() -> Problem {
    let prefixes = "`/opt/homebrew`, `/usr/local` or `/home/linuxbrew/.linuxbrew`";
    Problem::failed(format!("expected Homebrew in {prefixes}, found none"))
        .help("install Homebrew first; it must belong to an account other than root")
}

/// Says what a failed call means.
pub(super) fn classify(ran: &Ran) -> Option<Problem> {
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    let err = ran.err();
    let line = err.lines().find_map(|l| l.strip_prefix("Error: ")).or_else(|| {
        // The first line of a warning about the account says what to do about it.
        err.lines().find(|l| l.contains("Running Homebrew as root"))
    })?;
    let problem = Problem::new(ProblemKind::Failed, line.trim());
    let unknown = ["No available formula", "No Cask with this name", "is unavailable", "No formulae or casks found"];
    Some(match unknown.iter().any(|text| line.contains(text)) {
        true => problem.help("check the name, add its tap by `repository`, or write `manager: brew_cask` for a cask"),
        false => problem,
    })
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("has already locked", LOCKED_HELP),
    ("is already in progress", LOCKED_HELP),
    ("process has already locked", LOCKED_HELP),
    ("Could not resolve host", "check the machine's name service and network"),
    ("Failed to connect", "check the machine's network"),
    ("Failed to download", "check the machine's network"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];
