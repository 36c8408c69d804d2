//! The outside of the stage: may it run here, and the way in.

use std::env;
use std::fs;

use super::scenario::SCENARIOS;
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::stage::{Outcome, Tally};
use crate::workspace::{Scratch, build, has, is_root, which};

/// The verb under which this program calls itself inside.
pub const INSIDE: &str = "hosts-inside";

/// The way into fresh name spaces. `setpriv` ends everything when this program is killed, `--kill-child` when `unshare`
/// is.
const WAY_IN: &[&str] = &[
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Runs the scenarios named in `names`, or all, and counts their checks.
pub fn run(names: &[String], tally: &mut Tally) -> Result<Outcome> {
    if let Some(unknown) = names.iter().find(|n| !SCENARIOS.iter().any(|s| s.name == **n)) {
        let known: Vec<&str> = SCENARIOS.iter().map(|s| s.name).collect();
        return Err(Failure::new(format!("no scenario `{unknown}`, expected one of {}", known.join(" "))));
    }
    if let Some(why) = unusable()? {
        return Ok(Outcome::Skipped(why));
    }
    let vigo = if has("bins/vigo") { Some(build()?.join("vigo")) } else { None };
    let work = Scratch::new("hosts")?;
    let me = env::current_exe().map_err(|e| Failure::new(format!("where is this program: {e}")))?;
    let inside = Program::new("setpriv").args(WAY_IN).arg(me).arg(INSIDE).arg(work.path());
    let inside = match vigo {
        Some(path) => inside.arg(path),
        None => inside.arg(""),
    };
    let ok = inside.args(names).watch(|line| tally.read(line))?;
    Ok(if ok { Outcome::Passed } else { Outcome::Failed("see above".to_owned()) })
}

/// Returns why no machine can be booted here, if so.
fn unusable() -> Result<Option<String>> {
    if !is_root() {
        return Ok(Some("machines in containers need root".to_owned()));
    }
    for program in ["setpriv", "unshare", "nsenter", "ip", "systemd-nspawn", "apt-get"] {
        if which(program).is_none() {
            return Ok(Some(format!("there is no `{program}` here")));
        }
    }
    if !fs::read_to_string("/proc/filesystems").is_ok_and(|f| f.contains("overlay")) {
        // Where overlays are a module, this loads it; where modules cannot be loaded, the trial says so.
        let _ = Program::new("modprobe").arg("overlay").output();
    }
    let work = Scratch::new("trial")?;
    let trial = "set -e; mount -t tmpfs tmpfs \"$0\"; cd \"$0\"; mkdir up wk root
        mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=wk root; test -d root/usr; ip netns list >/dev/null";
    let trial = Program::new("setpriv").args(WAY_IN).args(["sh", "-c", trial]).arg(work.path()).output()?;
    if trial.ok() {
        return Ok(None);
    }
    let said = trial.stderr.lines().next().unwrap_or("no word about why").to_owned();
    Ok(Some(format!("name spaces or overlays are not to be had here: {said}")))
}
