//! A server and two envoys, each a machine: what a fleet goes through, seen from the machines themselves.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::boxes::Machine;
use super::checks::Checks;
use super::fleet::{DATA, Fleet};
use super::scenario::{Lab, Scenario};
use super::watch::{answers, drift, motd, publish, quiet, repaired, reported};
use crate::failure::{Failure, Result};

/// The story of a fleet.
pub const FLEET: Scenario =
    Scenario { name: "fleet", about: "a server and two envoys on a network", packages: &[], waits: true, run };

const POLICY: &str = "name: base
resources:
  - {name: motd, type: file, target_path: /etc/motd, content: \"{{ .Envoy.Hostname }} is of the fleet\\n\"}
  - {name: food, type: package, package: [food, foodd]}
  - {name: foodd, type: service, service: foodd, state: running, enabled: true}
  - {name: alice, type: user, username: alice, shell: /bin/bash, comment: Alice}
";

/// What a second publish adds.
const MORE: &str = "  - {name: second, type: file, target_path: /etc/second, content: \"second\\n\"}\n";

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("a fleet converges", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    let fleet = Fleet::boot(lab)?;
    let told = tell(&fleet, checks);
    if told.is_err() {
        println!("{}", fleet.logs());
    }
    told
}

fn tell(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    enrolled(fleet, checks)?;
    converged(fleet, checks)?;
    drifted(fleet, checks)?;
    revoked(fleet, checks)?;
    uninstalled(fleet, checks)
}

fn enrolled(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    let [one, two] = &fleet.envoys;
    answers(fleet, checks)?;
    let ports = fleet.server.sh("ss -Hlntu 'sport = :1530' | cut -d' ' -f1 | sort | tr '\\n' ' '")?;
    checks.same("it listens on UDP and TCP", ports.trim(), "tcp udp");
    let command = fleet.token("fleet-*")?;
    let begun = Instant::now();
    let first = one.exec(&["sh", "-c", &command])?;
    let took = begun.elapsed();
    checks.check("the line that the server printed makes a machine an envoy", first.ok(), format_args!("{first:?}"));
    println!("          in {:.1} s", took.as_secs_f64());
    checks.check("in less than 30 s", took < Duration::from_secs(30), format_args!("{took:?}"));
    checks.same("it says so", first.stdout.contains("the agent is at work"), true);
    let lives = "systemctl is-enabled vigo-envoy; systemctl is-active vigo-envoy; stat -c '%U %a' /usr/local/sbin/vigo";
    checks.same("its agent is a service", one.sh(lives)?, "enabled\nactive\nroot 755\n");
    checks.same("the server lists it", fleet.envoys("status")?, "fleet-1=no data");
    let keys = one.sh("find /var/lib/vigo -type f -perm /077 | head -5")?;
    checks.same("what it keeps is for root only", keys.trim(), "");
    turned_away(fleet, checks, &command)?;
    let enrolled = fleet.envoys("id")?;
    let again = one.exec(&["sh", "-c", &fleet.token("fleet-1")?])?;
    checks.check("the line does no harm where it was typed before", again.ok(), format_args!("{again:?}"));
    checks.same("and its agent goes on", one.sh(lives)?, "enabled\nactive\nroot 755\n");
    checks.same("as the same envoy", fleet.envoys("id")?, enrolled);
    killed(one, checks)?;
    let second = two.exec(&["sh", "-c", &with_file(two, &fleet.token("fleet-2")?)?])?;
    checks.check("a token may lie in a file", second.ok(), format_args!("{second:?}"));
    checks.same("both are of the fleet", fleet.envoys("revoked_at")?, "fleet-1=none fleet-2=none");
    Ok(())
}

/// Whoever is refused has nothing of an agent afterwards, and the server has it in its audit.
fn turned_away(fleet: &Fleet, checks: &mut Checks, used: &str) -> Result<()> {
    let [_, two] = &fleet.envoys;
    let mut refused = |what: &str, command: &str, code: i32, why: &str, audited: Option<(&str, &str)>| -> Result<()> {
        let count = || audited.map_or(Ok(0), |(action, word)| fleet.audited(action, word));
        let before = count()?;
        let output = two.exec(&["sh", "-c", command])?;
        checks.same(&format!("{what} is refused"), output.code(), code);
        checks.check("with the reason", output.stderr.contains(why), &output.stderr);
        let left =
            "ls -d /usr/local/sbin/vigo /etc/systemd/system/vigo-envoy.service /var/lib/vigo /tmp/vigo.* 2>/dev/null";
        checks.same("and leaves nothing", two.exec(&["sh", "-c", left])?.stdout.as_str(), "");
        if audited.is_some() {
            checks.soon("and is audited", &(before + 1).to_string(), || Ok(count()?.to_string()))?;
        }
        Ok(())
    };
    refused("a used token", used, 1, "used up", Some(("envoy.refuse", "used up")))?;
    let foreign = fleet.token("other-*")?;
    refused("a token for other names", &foreign, 1, "fleet-2", Some(("envoy.refuse", "other-*")))?;
    let short = fleet.token_for("fleet-2", "1s")?;
    sleep(Duration::from_secs(2));
    refused("an expired token", &short, 1, "expired", Some(("envoy.refuse", "expired")))?;
    let good = fleet.token("fleet-2")?;
    let blob = fleet.json(&["server", "agents", "list"])?;
    let blob = blob.list("agents").first().and_then(|a| a.text("sha256")).unwrap_or_default().to_owned();
    let flip = format!(
        "python3 -c \"f = open('{DATA}/blobs/{blob}', 'r+b'); f.seek(4096); b = f.read(1); f.seek(4096); \
         f.write(bytes([b[0] ^ 1]))\""
    );
    fleet.server.sh(&flip)?;
    refused("a tampered program", &good, 1, "has SHA-256", Some(("agent.damaged", "SHA-256")))?;
    fleet.server.sh(&flip)?;
    fleet.server.sh("systemctl stop vigosrv; systemd-run --quiet --unit other vigosrv --data-dir /srv/other")?;
    let answers = || Ok(fleet.cli(&["--data-dir", "/srv/other", "server", "status"])?.code().to_string());
    checks_soon(answers)?;
    // curl says it and hands nothing to the shell, which then has nothing to do.
    refused("another server's certificate", &good, 0, "pinned", None)?;
    fleet.server.sh("systemctl stop other; systemctl start vigosrv")?;
    checks_soon(|| Ok(fleet.cli(&["server", "status"])?.code().to_string()))?;
    checks.same("nobody was admitted by any of them", fleet.envoys("revoked_at")?, "fleet-1=none");
    Ok(())
}

/// Waits for a server.
fn checks_soon(answers: impl Fn() -> Result<String>) -> Result<()> {
    for _ in 0..300 {
        if answers()? == "0" {
            return Ok(());
        }
        sleep(Duration::from_millis(200));
    }
    Err(Failure::new("the server does not come up"))
}

/// Returns the line with the token in a file of the machine.
fn with_file(envoy: &Machine, command: &str) -> Result<String> {
    let (before, token) = command.split_once("VIGO_TOKEN=").unwrap_or_default();
    let token = token.trim_end_matches(" sh");
    envoy.push_file("/root/token", format!("{token}\n"), "0600")?;
    Ok(format!("{before}VIGO_TOKEN_FILE=/root/token sh"))
}

/// An agent that is killed is back, and what it had started is gone.
fn killed(envoy: &Machine, checks: &mut Checks) -> Result<()> {
    let pids = "systemctl is-active vigo-envoy; systemctl show -p MainPID --value vigo-envoy; pgrep -f '^sleep 98765'";
    let before = envoy.sh(pids)?;
    envoy.sh("kill -KILL $(systemctl show -p MainPID --value vigo-envoy)")?;
    let old: Vec<&str> = before.lines().skip(1).collect();
    let after = || {
        let now = envoy.exec(&["sh", "-c", pids])?.stdout;
        let all: Vec<&str> = now.lines().collect();
        let is_new = all.len() == 3 && all.first() == Some(&"active") && !old.iter().any(|pid| all.contains(pid));
        Ok(if is_new { "back".into() } else { format!("{now}, before: {before}") })
    };
    checks.soon("an agent that is killed is back, and its children are gone", "back", after)
}

/// The agent goes as it came.
fn uninstalled(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    let [_, two] = &fleet.envoys;
    let gone = two.exec(&["/usr/local/sbin/vigo", "uninstall", "--purge"])?;
    checks.check("the agent is taken away", gone.ok(), format_args!("{gone:?}"));
    let left = "ls -d /usr/local/sbin/vigo /etc/systemd/system/vigo-envoy.service /var/lib/vigo 2>/dev/null; \
        systemctl is-active vigo-envoy; pgrep -x vigo; true";
    checks.same("all of it", two.exec(&["sh", "-c", left])?.stdout.trim(), "inactive");
    let again = two.exec(&["sh", "-c", &fleet.token(two.name())?])?;
    checks.check("and comes again, as another envoy", again.ok(), format_args!("{again:?}"));
    Ok(())
}

fn converged(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    publish(fleet, POLICY)?;
    checks.soon("both converge", "fleet-1=converged fleet-2=converged", || fleet.envoys("status"))?;
    for envoy in &fleet.envoys {
        let name = envoy.name();
        checks.same(&format!("{name} has the file"), motd(envoy)?, of_the_fleet(envoy));
        let version = envoy.sh("dpkg-query -W -f '${db:Status-Status} ${Version}' food")?;
        checks.same(&format!("{name} has the package"), version, "installed 2.0-1");
        let state = envoy.sh("systemctl is-active foodd; systemctl is-enabled foodd")?;
        checks.same(&format!("{name} has the service"), state, "active\nenabled\n");
        let alice = envoy.sh("getent passwd alice | cut -d: -f5,7")?;
        checks.same(&format!("{name} has the user"), alice.trim(), "Alice:/bin/bash");
        checks.same(&format!("{name} reported it once"), fleet.runs(envoy)?.len(), 1);
    }
    Ok(())
}

/// What was changed by hand is put back, and the server hears of it.
fn drifted(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    let [one, two] = &fleet.envoys;
    let before = (fleet.runs(one)?.len(), fleet.runs(two)?.len());
    drift(one)?;
    repaired(checks, "a file edited by hand is put back", one)?;
    checks.same("as it was", motd(one)?, of_the_fleet(one));
    two.sh("systemctl stop foodd; userdel -r alice 2>/dev/null")?;
    let state = || two.sh("systemctl is-active foodd || true; getent passwd alice | cut -d: -f5 || true");
    checks.soon("a stopped service and a deleted user are back", "active\nAlice\n", state)?;
    reported(fleet, checks, one, before.0 + 1)?;
    checks.soon("the other one, too", "true", || Ok((fleet.runs(two)?.len() > before.1).to_string()))?;
    let newest = fleet.runs(one)?;
    let changed = newest.first().map(|run| fleet.changed(run)).transpose()?.unwrap_or_default();
    checks.same("the report names the resource", changed, ["base/motd"]);
    Ok(())
}

/// Who is thrown out is not answered any more, and keeps what it has.
fn revoked(fleet: &Fleet, checks: &mut Checks) -> Result<()> {
    let [one, two] = &fleet.envoys;
    quiet(fleet, checks)?;
    let known = fleet.runs(two)?;
    let revoked = fleet.cli(&["envoys", "revoke", two.name()])?;
    checks.check("an envoy is revoked", revoked.ok(), format_args!("{revoked:?}"));
    let told =
        "journalctl -u vigo-envoy -o cat | grep -q 'the server refuses (`revoked`)' && echo told || echo not told";
    checks.soon("its agent is told", "told", || Ok(two.sh(told)?.trim().to_owned()))?;
    publish(fleet, &format!("{POLICY}{MORE}"))?;
    let second = |envoy: &Machine| Ok(envoy.exec(&["test", "-e", "/etc/second"])?.ok().to_string());
    checks.soon("the other one gets what is published then", "true", || second(one))?;
    drift(two)?;
    repaired(checks, "a revoked one keeps to its last policy", two)?;
    checks.same("and gets no other", second(two)?.as_str(), "false");
    let again = two.exec(&["sh", "-c", &fleet.token(two.name())?])?;
    checks.same("its identity does not come back with a new token", again.code(), 1);
    checks.check("with the reason", again.stderr.contains("revoked"), &again.stderr);
    checks.same("one is left", fleet.envoys("revoked_at")?, "fleet-1=none");
    let id = known.first().map(|run| run.id).unwrap_or_default();
    let since = fleet.json(&["runs", "list"])?;
    let hostname = two.name();
    let late = since.list("runs").iter().filter(|run| run.text("hostname") == Some(hostname));
    let late = late.filter(|run| run.number("id").is_ok_and(|n| n as i64 > id)).count();
    checks.same("none of its reports was taken since", late, 0);
    Ok(())
}

fn of_the_fleet(envoy: &Machine) -> String {
    format!("{} is of the fleet\n", envoy.name())
}
