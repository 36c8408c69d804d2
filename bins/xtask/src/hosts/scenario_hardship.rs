//! A server and six envoys, each a machine, through what wears fleets down: cables pulled, power gone, a bad line, no UDP,
//! full disks, a disk of the server that went back in time, a machine that is copied.

use std::collections::BTreeSet;
use std::thread;

use super::boxes::Machine;
use super::checks::Checks;
use super::fleet::{DATA, Fleet, Told};
use super::scenario::{Lab, Scenario};
use super::watch::{
    answers, check_in, connects, drift, drift_twice, in_order, motd, once_each, publish, quiet, repaired, reported,
};
use crate::failure::{Failure, Result};
use crate::json::Json;

/// The story of a fleet in a bad week.
pub const HARDSHIP: Scenario = Scenario {
    name: "hardship",
    about: "six envoys: no network, no power, a bad line, no UDP, full disks, a disk that went back in time, a copy",
    packages: &[],
    waits: true,
    run,
};

/// Kilobytes that are free on a small disk before it is filled.
const SPARE_KB: u32 = 16 << 10;

/// How often a file is edited until the reports of it fill the room that a database has in advance.
const DRIFTS_MAX: u32 = 40;

/// How many there are.
const SIX: usize = 6;

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("a fleet outlasts hardship", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    let mut fleet = Fleet::boot(lab)?;
    let told = tell(&mut fleet, checks).and_then(|()| cloned(lab, &fleet, checks));
    if told.is_err() {
        println!("{}", fleet.logs());
    }
    told
}

fn tell(fleet: &mut Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    enrolled(fleet, checks)?;
    cut_off(fleet, checks)?;
    powered_off(fleet, checks)?;
    without_udp(fleet, checks)?;
    bad_line(fleet, checks)?;
    full_disk_of_an_agent(fleet, checks)?;
    full_disk_of_the_server(fleet, checks)?;
    back_in_time(fleet, checks)
}

fn enrolled(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    answers(fleet, checks)?;
    let lines = fleet.envoys.iter().map(|envoy| fleet.token(envoy.name())).collect::<Result<Vec<_>>>()?;
    let enrolled: Vec<_> = thread::scope(|scope| {
        let each = fleet.envoys.iter().zip(&lines);
        let all: Vec<_> = each.map(|(envoy, line)| scope.spawn(|| envoy.exec(&["sh", "-c", line]))).collect();
        all.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(Failure::new("a panic")))).collect()
    });
    for (envoy, enrolled) in fleet.envoys.iter().zip(enrolled) {
        let enrolled = enrolled?;
        checks.check(&format!("{} is an envoy", envoy.name()), enrolled.ok(), format_args!("{enrolled:?}"));
    }
    say(fleet, "first")?;
    converge(fleet, checks, "all six converge", "first")
}

/// Without a network envoys go on; what happened is delivered when it is back.
fn cut_off(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let before = quiet(fleet, checks)?;
    let reaches = |envoy: &Machine| {
        let connected = envoy.exec(&["timeout", "2", "bash", "-c", "true 2>/dev/null </dev/tcp/10.77.0.1/1530"])?;
        Ok::<_, Failure>(connected.ok())
    };
    for envoy in &fleet.envoys {
        checks.same(&format!("{} reaches the server", envoy.name()), reaches(envoy)?, true);
        fleet.network.cut(envoy)?;
        checks.same("and not without its cable", reaches(envoy)?, false);
    }
    drift_twice(fleet, checks, "without a network")?;
    for (envoy, before) in fleet.envoys.iter().zip(&before) {
        checks.same(&format!("the server has not heard of {}", envoy.name()), &fleet.runs(envoy)?, before);
    }
    for envoy in &fleet.envoys {
        fleet.network.mend(envoy)?;
    }
    once_each(fleet, checks, &before, 2)
}

/// The power of the server fails while it works.
fn powered_off(fleet: &mut Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let before = quiet(fleet, checks)?;
    fleet.server.power_off()?;
    drift_twice(fleet, checks, "without a server")?;
    fleet.server.power_on()?;
    checks.soon("the server is back by itself", "active", || {
        Ok(fleet.server.exec(&["systemctl", "is-active", "vigosrv"])?.stdout.trim().to_owned())
    })?;
    answers(fleet, checks)?;
    once_each(fleet, checks, &before, 2)
}

/// Where UDP does not get through there is TCP.
fn without_udp(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let [one, two, ..] = &fleet.envoys;
    // Agents that took TCP while the server was away keep to it for an hour: a new one tries UDP first.
    one.sh("systemctl restart vigo-envoy")?;
    connects(checks, "a new agent takes UDP", one, "Quic")?;
    // Both ways: the server would keep a connection alive over which it alone is heard.
    let drop = "nft add table inet t
        for way in 'input dport' 'output sport'; do
            set -- $way
            nft add chain inet t $1 \"{ type filter hook $1 priority 0; }\"
            nft add rule inet t $1 udp $2 1530 counter drop
        done";
    let dropped = fleet.server.exec(&["sh", "-euc", drop])?;
    if !dropped.ok() {
        checks.skip("an agent falls back to TCP", &format!("nft cannot drop here: {}", dropped.stderr.trim()));
        return Ok(());
    }
    connects(checks, "an agent whose UDP is dropped goes on by TCP", one, "Tcp")?;
    two.sh("systemctl restart vigo-envoy")?;
    connects(checks, "so does one that starts then", two, "Tcp")?;
    let counted = "nft list chain inet t input | grep -c 'packets [1-9]' || true";
    checks.same("what they tried by UDP was dropped", fleet.server.sh(counted)?.trim(), "1");
    check_in(fleet, checks)?;
    let before = fleet.runs(one)?.len();
    drift(one)?;
    repaired(checks, "repairs go on", one)?;
    reported(fleet, checks, one, before + 1)?;
    fleet.server.sh("nft delete table inet t")?;
    two.sh("systemctl restart vigo-envoy")?;
    connects(checks, "a new agent takes UDP again", two, "Quic")
}

/// Three of ten packets are lost, both ways.
fn bad_line(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let loses = "nft add table inet bad
        for hook in input output; do
            nft add chain inet bad $hook \"{ type filter hook $hook priority 0; }\"
            nft add rule inet bad $hook meta l4proto '{ tcp, udp }' numgen random mod 10 lt 3 counter drop
        done";
    let before = quiet(fleet, checks)?;
    let bad = fleet.server.exec(&["sh", "-euc", loses])?;
    if !bad.ok() {
        checks.skip("a fleet goes on over a bad line", &format!("nft cannot drop here: {}", bad.stderr.trim()));
        return Ok(());
    }
    say(fleet, "over a bad line")?;
    converge(fleet, checks, "a publish arrives over a bad line", "over a bad line")?;
    fleet.envoys.iter().try_for_each(drift)?;
    for (envoy, before) in fleet.envoys.iter().zip(&before) {
        repaired(checks, &format!("{} repairs itself", envoy.name()), envoy)?;
        reported(fleet, checks, envoy, before.len() + 2)?;
    }
    let lost = "nft list chain inet bad input | grep -c 'packets [1-9]'";
    checks.same("packets were lost", fleet.server.sh(lost)?.trim(), "1");
    fleet.server.sh("nft delete table inet bad").map(|_| ())
}

/// The disk with the state of an agent gets full while it is cut off: it lives, and what happened meanwhile is repaired and
/// told, each once.
fn full_disk_of_an_agent(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let [one, ..] = &fleet.envoys;
    let [before, ..] = quiet(fleet, checks)?;
    small_disk(one, "vigo-envoy", "/var/lib/vigo")?;
    let pid = main_pid(one)?;
    fill(one, "/var/lib/vigo")?;
    let free = one.sh("df --output=avail /var/lib/vigo | tail -n 1")?;
    checks.same("the disk of an agent is full", free.trim(), "0");
    fleet.network.cut(one)?;
    let told = "journalctl -u vigo-envoy -o cat | grep -c -e 'No space left on device' -e 'did not converge' || true";
    let trouble = one.sh(told)?;
    let mut drifts = 0;
    while one.sh(told)? == trouble && drifts < DRIFTS_MAX {
        // The database has some room in advance: what was there before, and the report of it, take it.
        one.sh("yes 'edited by hand' | head -c 60000 >>/etc/motd")?;
        drifts += 1;
        checks.soon("it is repaired, or the agent says that it cannot", "true", || {
            Ok((!motd(one)?.contains("by hand") || one.sh(told)? != trouble).to_string())
        })?;
    }
    checks.check("there was no room for something", one.sh(told)? != trouble, "not a word");
    one.sh("rm /var/lib/vigo/fill")?;
    repaired(checks, "what was edited is repaired", one)?;
    fleet.network.mend(one)?;
    let told = || {
        let runs = fleet.runs(one)?;
        let changed = |runs: &[Told]| runs.iter().map(|run| run.changed).sum::<u64>();
        Ok((changed(&runs) - changed(&before)).to_string())
    };
    checks.soon("the server hears of each repair", &drifts.to_string(), told)?;
    let [after, ..] = quiet(fleet, checks)?;
    checks.same("once", told()?, drifts.to_string());
    checks.check("no report came twice, or out of turn", in_order(&after), format_args!("{after:?}"));
    checks.same("the agent has lived through it", main_pid(one)?, pid);
    Ok(())
}

/// The disk of the server is full: envoys go on, nothing that was not stored is acknowledged, nothing gets lost.
fn full_disk_of_the_server(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    small_disk(&fleet.server, "vigosrv", DATA)?;
    answers(fleet, checks)?;
    let before = quiet(fleet, checks)?;
    fill(&fleet.server, DATA)?;
    fleet.envoys.iter().try_for_each(drift)?;
    for envoy in &fleet.envoys {
        repaired(checks, &format!("{} repairs itself while the server has no room", envoy.name()), envoy)?;
    }
    let refused = fleet.cli(&["config", "publish"])?;
    checks.check("a publish is refused", !refused.ok(), format_args!("{refused:?}"));
    let why = refused.stderr.to_lowercase();
    checks.check("with the reason", why.contains("space") || why.contains("full"), &refused.stderr);
    for (envoy, before) in fleet.envoys.iter().zip(&before) {
        checks.same(&format!("{}: nothing is acknowledged", envoy.name()), &fleet.runs(envoy)?, before);
    }
    fleet.server.sh(&format!("rm {DATA}/fill"))?;
    once_each(fleet, checks, &before, 1)?;
    say(fleet, "with room again")?;
    converge(fleet, checks, "publishes go on", "with room again")
}

/// The server's disk is put back to what it was before some publishes and reports.
fn back_in_time(fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let identities = fleet.envoys("id")?;
    fleet.server.sh(&format!("systemctl stop vigosrv; cp -a {DATA} /srv/before; systemctl start vigosrv"))?;
    answers(fleet, checks)?;
    say(fleet, "after the copy")?;
    converge(fleet, checks, "what is published later", "after the copy")?;
    fleet
        .server
        .sh(&format!("systemctl stop vigosrv; find {DATA} -mindepth 1 -delete; cp -a /srv/before/. {DATA}/"))?;
    let [one, ..] = &fleet.envoys;
    drift(one)?;
    checks.soon("they keep to what was published last", "after the copy", || motd(one))?;
    fleet.server.sh("systemctl start vigosrv")?;
    answers(fleet, checks)?;
    converge(fleet, checks, "envoys follow the server that forgot", "with room again")?;
    say(fleet, "after the way back")?;
    converge(fleet, checks, "and what it publishes now", "after the way back")?;
    checks.same("nobody has enrolled again", fleet.envoys("id")?, identities);
    Ok(())
}

/// Somebody copies the disk of a machine and starts the copy beside it.
fn cloned(lab: &Lab, fleet: &Fleet<SIX>, checks: &mut Checks) -> Result<()> {
    let [.., six] = &fleet.envoys;
    let marks = || -> Result<String> {
        let envoys = fleet.json(&["nodes", "list"])?;
        let marked = envoys.list("envoys").iter().filter(|envoy| envoy.at("cloned.at").is_some());
        let marked = marked.map(|envoy| {
            let text = |from: &Json| if let Json::Text(text) = from { text.clone() } else { String::new() };
            let from: BTreeSet<String> = envoy.list("cloned.from").iter().map(text).collect();
            let from: Vec<String> = from.into_iter().collect();
            format!("{} from {}", envoy.text("hostname").unwrap_or_default(), from.join(" and "))
        });
        Ok(marked.collect::<Vec<_>>().join(", "))
    };
    checks.same("no machine is taken for a clone before", marks()?.as_str(), "");
    let copy = lab.boot("fleet-7")?;
    fleet.network.connect(&copy, 8)?;
    let state = six.sh("tar -C /var/lib -c vigo | base64 -w 0")?;
    copy.push_file("/root/state", state, "0600")?;
    copy.sh("base64 -d /root/state | tar -C /var/lib -x; systemd-run --quiet --unit copy /usr/bin/vigo run")?;
    checks.soon("both are reported", "fleet-6 from 10.77.0.7 and 10.77.0.8", marks)?;
    checks.soon("and audited", "true", || Ok((fleet.audited("envoy.cloned", "10.77.0.8")? > 0).to_string()))
}

/// Publishes a text for all.
fn say(fleet: &Fleet<SIX>, text: &str) -> Result<()> {
    let motd = format!("{{name: motd, type: file, target_path: /etc/motd, content: '{text}'}}");
    publish(fleet, &format!("name: base\nresources:\n  - {motd}\n"))
}

/// Waits until all envoys have what was published.
fn converge(fleet: &Fleet<SIX>, checks: &mut Checks, what: &str, text: &str) -> Result<()> {
    for envoy in &fleet.envoys {
        checks.soon(&format!("{what}: {}", envoy.name()), text, || motd(envoy))?;
    }
    Ok(())
}

/// Moves a directory of a service to a disk with little room.
fn small_disk(machine: &Machine, unit: &str, dir: &str) -> Result<()> {
    let script = format!(
        "systemctl stop {unit}
        size=$(($(du -sk {dir} | cut -f1) + {SPARE_KB}))
        cp -a {dir} {dir}.big
        mount -t tmpfs -o size=${{size}}k,mode=700 tmpfs {dir}
        cp -a --sparse=always {dir}.big/. {dir}/
        rm -rf {dir}.big
        systemctl start {unit}"
    );
    machine.sh(&script).map(|_| ())
}

/// Leaves no byte free.
fn fill(machine: &Machine, dir: &str) -> Result<()> {
    machine.sh(&format!("dd if=/dev/zero of={dir}/fill bs=4k 2>/dev/null || true")).map(|_| ())
}

fn main_pid(envoy: &Machine) -> Result<String> {
    envoy.sh("systemctl show -p MainPID --value vigo-envoy")
}
