//! Things that somebody breaks by hand, and what puts them right.

use super::agent::Run;
use super::boxes::Machine;
use super::checks::Checks;
use crate::failure::Result;

/// What somebody breaks by hand: the resource that it belongs to, how it is broken, and what shows on the machine that it
/// is repaired.
pub struct Broken(pub &'static str, pub &'static str, pub &'static str, pub &'static str);

/// Breaks everything, lets `apply` run, and checks that each is repaired and reported, and that nothing is left to do.
pub fn repaired(
    machine: &Machine,
    broken: &[Broken],
    checks: &mut Checks,
    apply: impl Fn() -> Result<Run>,
) -> Result<()> {
    for Broken(id, script, probe, repaired) in broken {
        let output = machine.exec(&["sh", "-c", script])?;
        checks.check(&format!("{id} can be broken"), output.ok(), format_args!("{output:?}"));
        let seen = machine.exec(&["sh", "-c", probe])?;
        checks.check(&format!("{id} is broken"), seen.stdout.trim() != *repaired, &seen.stdout);
    }
    let run = apply()?;
    checks.same("drift is repaired", run.bad(), Vec::<String>::new());
    for Broken(id, _, probe, repaired) in broken {
        checks.same(&format!("{id} is reported"), run.outcome(id), "changed");
        let seen = machine.exec(&["sh", "-c", probe])?;
        checks.same(&format!("{id} is repaired"), seen.stdout.trim(), *repaired);
    }
    checks.same("and then there is none", apply()?.ids("changed"), Vec::<String>::new());
    Ok(())
}
