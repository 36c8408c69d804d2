//! Machines whose first process is not systemd: their services are converged, and the agent is one of them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::agent::{Run, vigo};
use super::boxes::Machine;
use super::checks::Checks;
use super::drift::{Broken, repaired};
use super::first::First;
use super::init_kinds::{self, InitKind};
use super::scenario::{Lab, Scenario};
use crate::failure::{Failure, Result};
use crate::json::Json;

/// OpenRC, System V and runit, each on a machine.
pub const INITS: Scenario = Scenario {
    name: "inits",
    about: "services of OpenRC, System V and runit",
    packages: &[&["sysvinit-core", "openrc"], &["sysvinit-core"], &["runit-init", "runit"]],
    waits: true,
    run,
};

/// Where the policy is on the machine.
const POLICY: &str = "/srv/policy";

const SERVER_YAML: &str = "server:\n  advertise: ['127.0.0.1:1530']\ncheckin:\n  interval: 2s\n";

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("services of other inits converge", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    checks.apart(init_kinds::INITS, |kind, checks| {
        let layer = lab.layer(&format!("{}-layer", kind.name), kind.packages, &First::Init.furnish())?;
        let mut machine = lab.boot_on(&layer, kind.name, First::Init)?;
        machine.push_file("/root/secrets.yaml", "{}\n", "0600")?;
        let manager = format!("init.manager = {}", kind.manager);
        checks.same("it is in charge", machine.sh("vigo traits init.manager")?.trim(), &*manager);
        service(kind, &machine, checks)?;
        failures(kind, &machine, checks)?;
        agent(kind, &mut machine, checks)
    });
    Ok(())
}

/// Makes a crate the policy of the machine.
fn publish(machine: &Machine, resources: &str) -> Result<()> {
    machine.push_file(&format!("{POLICY}/envoys.vgo"), "envoys: [{match: '*', configcrates: [base]}]\n", "0644")?;
    let text = format!("name: base\nresources:\n{}\n", resources.trim_matches('\n'));
    machine.push_file(&format!("{POLICY}/configcrates/base.vgo"), text, "0644")
}

/// A service of our own comes, is broken by hand, is told of a change, and goes.
fn service(kind: &InitKind, machine: &Machine, checks: &mut Checks) -> Result<()> {
    let apply = || vigo(machine, "apply", POLICY, &[]);
    let files = kind.files.trim_end();
    let on = format!(
        "{files}\n  - {{name: conf, type: file, target_path: /etc/porridge.conf, content: \"taste = plain\\n\", \
         notify: [service]}}\n  - {{name: service, type: service, service: porridge, enabled: true, depends_on: [script]}}"
    );
    publish(machine, &on)?;
    let plan = vigo(machine, "plan", POLICY, &[])?;
    let run = apply()?;
    checks.same("a service comes", run.bad(), Vec::<String>::new());
    foretold(&plan, &run, checks);
    checks.same("it runs and is started at boot", state(kind, machine)?, kind.on);
    checks.same("a second run changes nothing", apply()?.ids("changed"), Vec::<String>::new());
    for Broken(id, script, probe, expected) in kind.broken {
        repaired(machine, &[Broken(id, script, probe, expected)], checks, apply)?;
    }
    let before = machine.sh(kind.pid)?;
    machine.sh("echo taste = salt >/etc/porridge.conf")?;
    let run = apply()?;
    checks.same("a change is repaired", run.ids("changed"), ["base/conf", "base/service"]);
    checks.check("and restarts the service", machine.sh(kind.pid)? != before, before);
    checks.same("which runs", state(kind, machine)?, kind.on);
    publish(machine, "  - {name: service, type: service, service: porridge, state: stopped, enabled: false}")?;
    let plan = vigo(machine, "plan", POLICY, &[])?;
    let run = apply()?;
    checks.same("it goes", run.bad(), Vec::<String>::new());
    foretold(&plan, &run, checks);
    checks.same("it neither runs nor is started at boot", state(kind, machine)?, kind.off);
    checks.same("and stays so", apply()?.ids("changed"), Vec::<String>::new());
    Ok(())
}

/// What cannot be is told, and never taken for done.
fn failures(kind: &InitKind, machine: &Machine, checks: &mut Checks) -> Result<()> {
    let bad = kind.bad.trim_end();
    let all = format!(
        "{bad}\n  - {{name: service, type: service, service: bad, enabled: true, depends_on: [script]}}
  - {{name: missing, type: service, service: nosuch}}
  - {{name: gone, type: service, service: nosuch-either, state: stopped}}"
    );
    publish(machine, &all)?;
    let run = vigo(machine, "apply", POLICY, &[])?;
    let told: Vec<String> = run.bad().into_iter().map(|bad| bad.chars().take(100).collect()).collect();
    let cause = run.resources.get("base/service").map_or("", |r| &r.cause);
    checks.check(
        "a service that does not come up has failed",
        cause.contains(kind.bad_cause),
        format_args!("{told:?}"),
    );
    let missing = "base/missing failed: service `nosuch` does not exist".to_owned();
    checks.check("so has one that is not there", told.contains(&missing), format_args!("{told:?}"));
    checks.same("unless it is to be stopped", run.outcome("base/gone"), "ok");
    publish(machine, "  - {name: masked, type: service, service: porridge, masked: true, state: unmanaged}")?;
    let plan = vigo(machine, "plan", POLICY, &[])?.bad();
    let refused = plan.iter().all(|why| why.contains("attribute `masked` of type `service` is not supported by"));
    checks.check("what only systemd can is refused by the plan", refused && plan.len() == 1, format_args!("{plan:?}"));
    Ok(())
}

/// The agent becomes a service here, outlives its death and that of the machine, and goes.
fn agent(kind: &InitKind, machine: &mut Machine, checks: &mut Checks) -> Result<()> {
    machine.push_file("/srv/vigo/server.yaml", SERVER_YAML, "0644")?;
    machine.sh("setsid vigosrv --data-dir /srv/vigo </dev/null >/var/log/vigosrv.log 2>&1 &")?;
    checks.soon("a server answers", "0", || Ok(machine.exec(&["vigocli", "server", "status"])?.code().to_string()))?;
    let token = machine.exec(&["vigocli", "tokens", "create", "--match", "*", "--ttl", "1h", "--format", "json"])?;
    let line = Json::parse(&token.stdout)?.text("command").unwrap_or_default().to_owned();
    // A fresh machine has no agent.
    machine.sh("rm /usr/bin/vigo")?;
    let enrolled = machine.exec(&["sh", "-c", &line])?;
    let at_work = enrolled.ok() && enrolled.stdout.contains("the agent is at work");
    checks.check("the agent is installed", at_work, format_args!("{enrolled:?}"));
    let agent =
        |machine: &Machine| -> Result<String> { Ok(machine.exec(&["sh", "-c", kind.agent])?.stdout.trim().to_owned()) };
    checks.same("as a service", agent(machine)?, kind.agent_lives);
    let first = pid(machine)?;
    machine.sh(&format!("kill -KILL {first}"))?;
    let second = other_pid(machine, &first)?;
    checks.check("it comes back when it is killed", !second.is_empty(), &first);
    machine.sh(kind.agent_restart)?;
    let third = other_pid(machine, &second)?;
    checks.check("it can be restarted", !third.is_empty(), &second);
    checks.same("and is a service still", agent(machine)?, kind.agent_lives);
    machine.power_off()?;
    machine.power_on()?;
    checks.soon("it is there after a boot", kind.agent_lives, || agent(machine))?;
    checks.check("and lives", !other_pid(machine, "")?.is_empty(), "no process");
    checks.same("what was disabled is not", state(kind, machine)?, kind.off);
    let removed = machine.exec(&["/usr/local/sbin/vigo", "uninstall", "--purge"])?;
    checks.check("it goes", removed.ok(), format_args!("{removed:?}"));
    let left = "pgrep -af '^(/usr/local/sbin/vigo|runsv vigo|supervise-daemon vigo)'
        find /etc /usr/local /var/lib/vigo /run -name '*vigo-envoy*' -o -path /usr/local/sbin/vigo";
    checks.same("and leaves nothing but its log", machine.exec(&["sh", "-c", left])?.stdout.trim(), "");
    Ok(())
}

/// Checks that what a plan said is what then happened.
fn foretold(plan: &Run, run: &Run, checks: &mut Checks) {
    for (id, planned) in &plan.resources {
        let done = run.resources.get(id).map_or(&[][..], |done| &done.changes);
        checks.same(&format!("{id}: each change was foretold"), done, &planned.changes[..]);
    }
}

fn state(kind: &InitKind, machine: &Machine) -> Result<String> {
    Ok(machine.exec(&["sh", "-c", kind.state])?.stdout.trim().to_owned())
}

/// Returns the agent's process; empty for none.
fn pid(machine: &Machine) -> Result<String> {
    Ok(machine.exec(&["pgrep", "-f", "^/usr/local/sbin/vigo run"])?.stdout.trim().to_owned())
}

/// Waits until the agent is another process than `old`, and lives a little.
fn other_pid(machine: &Machine, old: &str) -> Result<String> {
    let start = Instant::now();
    let mut seen = String::new();
    while start.elapsed() < Duration::from_secs(60) {
        let now = pid(machine)?;
        if !now.is_empty() && now != old && now == seen {
            return Ok(now);
        }
        seen = now;
        sleep(Duration::from_millis(500));
    }
    Err(Failure::new(format!("the agent does not come back: it was `{old}`, and is `{seen}`")))
}
