//! The stage: may it run here, and what it builds.

use std::fs;
use std::path::Path;

use super::prefix::{SERVER, Wine};
use super::{fleet, programs, story};
use crate::dist::{self, Profile, WINDOWS};
use crate::failure::{Failure, Result};
use crate::hosts::Checks;
use crate::packages;
use crate::stage::{Outcome, Tally};
use crate::workspace::{self, is_root, which};

/// Builds the agent for Windows and tells its story there.
pub fn run(tally: &mut Tally) -> Result<Outcome> {
    if let Some(why) = unusable()? {
        return Ok(Outcome::Skipped(why));
    }
    let own = workspace::build()?;
    let program = dist::build(WINDOWS, Profile::Test)?;
    let mut seen = tell(&program, &own)?;
    if seen.failed > 0 {
        println!("once more, on a new Windows: now and then Wine starts no process, or ends one by a signal");
        seen = tell(&program, &own)?;
    }
    (tally.passed, tally.failed, tally.skipped) =
        (tally.passed + seen.passed, tally.failed + seen.failed, tally.skipped + seen.skipped);
    Ok(if seen.failed == 0 { Outcome::Passed } else { Outcome::Failed("see above".to_owned()) })
}

/// Tells the whole story of this agent, with a server of our `own`.
fn tell(program: &Path, own: &Path) -> Result<Tally> {
    let wine = Wine::new()?;
    programs::build(&wine.drive())?;
    let at = wine.drive().join("vigo.exe");
    fs::copy(program, &at).map_err(|e| Failure::at(&at, &e))?;
    let mut checks = Checks::new("wine");
    if let Err(failure) = story::tell(&wine, &mut checks).and_then(|()| fleet::tell(&wine, own, &mut checks)) {
        checks.check("the story goes on to its end", false, failure);
    }
    Ok(checks.tally())
}

/// Returns why there can be no Windows here, if so.
fn unusable() -> Result<Option<String>> {
    let mut missing = dist::missing(WINDOWS);
    if which("wine").is_none() || !Path::new(SERVER).is_file() {
        missing.extend(["wine", "wine64"]);
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let names = missing.join(", ");
    if which("apt-get").is_none() || !is_root() {
        return Ok(Some(format!("these packages are missing, and only root may install them by apt-get: {names}")));
    }
    println!("installs {names}: Windows, and what builds programs for it");
    let install = [&["install", "-q", "-y", "--no-install-recommends"], missing.as_slice()].concat();
    match packages::apt(&["update", "-q"]).and_then(|()| packages::apt(&install)) {
        Ok(()) => Ok(None),
        Err(failure) => Ok(Some(format!("these packages cannot be had here: {names}: {failure}"))),
    }
}
