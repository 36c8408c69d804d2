//! How the story is told.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{fleet, machine};
use crate::failure::{Failure, Result};
use crate::workspace::{Scratch, build};

/// Tells the story; anything unexpected ends it with a failure. `--keep` leaves the fleet running until Ctrl-C.
pub fn run(args: &[String]) -> Result<()> {
    let keep = match args {
        [] => false,
        [arg] if arg == "--keep" => true,
        _ => return Err(Failure::new(format!("expected nothing or `--keep`, seen `{}`", args.join(" ")))),
    };
    let scratch = Scratch::new("demo")?;
    let _sweeper = sweeper(scratch.path())?;
    let programs = build()?;
    machine::tell(&programs, &scratch.path().join("machine"))?;
    fleet::tell(&programs, &scratch.path().join("fleet"), keep)
}

/// Starts what removes `dir` when this program is ended by a signal. It waits for the end of its input, which comes
/// whichever way this program ends.
fn sweeper(dir: &Path) -> Result<Child> {
    let failed = |e| Failure::new(format!("`sh` could not be run: {e}"));
    let mut command = Command::new("sh");
    command.args(["-c", "cat; sleep 1; rm -rf \"$0\""]).arg(dir).stdin(Stdio::piped()).stdout(Stdio::null());
    command.stderr(Stdio::null()).process_group(0).spawn().map_err(failed)
}

/// Prints the head of a chapter.
pub fn say(title: &str, text: &str) {
    println!("\n── {title} ──\n{text}\n");
}

/// Checks what the story says.
pub fn expect(what: &str, holds: bool) -> Result<()> {
    if !holds {
        return Err(Failure::new(format!("the story goes wrong: expected that {what}")));
    }
    println!("✓ {what}");
    Ok(())
}

/// Waits until something holds, for a minute at most: machines under load are slow, and nothing is lost by patience.
pub fn expect_soon(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds()? {
        if Instant::now() > deadline {
            return expect(what, false);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    expect(what, true)
}
