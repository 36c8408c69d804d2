//! What both stories of a fleet do to its machines, and what they wait for.

use std::collections::BTreeMap;

use super::boxes::Machine;
use super::checks::Checks;
use super::fleet::{DATA, Fleet, Told};
use crate::failure::{Failure, Result};

const ENVOYS: &str = "envoys: [{match: 'fleet-*', configcrates: [base]}]\n";

/// Publishes what all envoys are to have.
pub fn publish<const N: usize>(fleet: &Fleet<N>, policy: &str) -> Result<()> {
    fleet.server.push_file(&format!("{DATA}/stacks/envoys.vgo"), ENVOYS, "0644")?;
    fleet.server.push_file(&format!("{DATA}/stacks/configcrates/base.vgo"), policy, "0644")?;
    fleet.json(&["config", "publish"]).map(|_| ())
}

/// Waits until the server answers.
pub fn answers<const N: usize>(fleet: &Fleet<N>, checks: &mut Checks) -> Result<()> {
    checks.soon("the server answers", "0", || Ok(fleet.cli(&["server", "status"])?.code().to_string()))
}

/// Edits a file by hand that is managed.
pub fn drift(envoy: &Machine) -> Result<()> {
    envoy.sh("echo edited by hand >>/etc/motd").map(|_| ())
}

/// Returns that file.
pub fn motd(envoy: &Machine) -> Result<String> {
    envoy.read_file("/etc/motd")
}

/// Waits until it is put back.
pub fn repaired(checks: &mut Checks, what: &str, envoy: &Machine) -> Result<()> {
    checks.soon(what, "false", || Ok(motd(envoy)?.contains("by hand").to_string()))
}

/// Somebody edits a file on all machines, and again when it is put back.
pub fn drift_twice<const N: usize>(fleet: &Fleet<N>, checks: &mut Checks, when: &str) -> Result<()> {
    for time in ["once", "twice"] {
        fleet.envoys.iter().try_for_each(drift)?;
        for envoy in &fleet.envoys {
            repaired(checks, &format!("{} repairs itself {when}, {time}", envoy.name()), envoy)?;
        }
    }
    Ok(())
}

/// Waits until the server has so many reports of an envoy.
pub fn reported<const N: usize>(fleet: &Fleet<N>, checks: &mut Checks, envoy: &Machine, count: usize) -> Result<()> {
    let what = format!("the server has the reports of {}", envoy.name());
    let seen = || {
        let runs = fleet.runs(envoy)?;
        Ok(if runs.len() == count { count.to_string() } else { format!("{}: {runs:?}", runs.len()) })
    };
    checks.soon(&what, &count.to_string(), seen)
}

/// Waits until all envoys have checked in.
pub fn check_in<const N: usize>(fleet: &Fleet<N>, checks: &mut Checks) -> Result<()> {
    let seen = || -> Result<BTreeMap<String, String>> {
        let envoys = fleet.envoys("last_seen")?;
        Ok(envoys.split(' ').filter_map(|e| e.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    };
    let before = seen()?;
    checks.soon("all check in", "", || {
        let now = seen()?;
        let same = before.iter().filter(|(name, at)| now.get(*name) == Some(at)).map(|(name, _)| name.as_str());
        Ok(same.collect::<Vec<_>>().join(" "))
    })
}

/// Waits until no report is on its way, and returns those that the server has.
pub fn quiet<const N: usize>(fleet: &Fleet<N>, checks: &mut Checks) -> Result<[Vec<Told>; N]> {
    // What was in hand at the first is told at the second.
    check_in(fleet, checks)?;
    check_in(fleet, checks)?;
    checks.soon("no report waits", "", || {
        let queued = fleet.envoys("queued")?;
        Ok(queued.split(' ').filter(|one| !one.ends_with("=0")).collect::<Vec<_>>().join(" "))
    })?;
    let runs = fleet.envoys.iter().map(|envoy| fleet.runs(envoy)).collect::<Result<Vec<_>>>()?;
    runs.try_into().map_err(|_| Failure::new("expected the runs of each envoy"))
}

/// Waits until each envoy has delivered `more` reports, and checks that no more come, each once and in their order.
pub fn once_each<const N: usize>(
    fleet: &Fleet<N>,
    checks: &mut Checks,
    before: &[Vec<Told>; N],
    more: usize,
) -> Result<()> {
    for (envoy, before) in fleet.envoys.iter().zip(before) {
        reported(fleet, checks, envoy, before.len() + more)?;
    }
    let after = quiet(fleet, checks)?;
    for ((envoy, before), after) in fleet.envoys.iter().zip(before).zip(&after) {
        let name = envoy.name();
        checks.same(&format!("each report of {name} was taken once"), after.len(), before.len() + more);
        checks.check("in their order", in_order(after), format_args!("{after:?}"));
        let converged = after.iter().take(more).all(|run| run.outcome == "converged");
        checks.check("as runs that converged", converged, format_args!("{after:?}"));
    }
    Ok(())
}

/// Returns whether runs, the newest first, are of one database, each once and in their order.
pub fn in_order(runs: &[Told]) -> bool {
    runs.windows(2).all(|w| w[0].origin.0 == w[1].origin.0 && w[0].origin.1 > w[1].origin.1)
}

/// Waits until the last connection that the agent now running has made is by this transport.
pub fn connects(checks: &mut Checks, what: &str, envoy: &Machine, transport: &str) -> Result<()> {
    let said = "journalctl -u vigo-envoy -o cat _PID=$(systemctl show -p MainPID --value vigo-envoy) |
        sed -n 's/.*connected to 10.77.0.1:1530 by \\([A-Za-z]*\\).*/\\1/p' | tail -n 1";
    checks.soon(what, transport, || Ok(envoy.sh(said)?.trim().to_owned()))
}
