//! The story: a fleet under load, and its server and agents killed all the time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::acknowledged::Ledger;
use super::agents::{Agents, look_at_logs};
use super::api::{Answer, Api};
use super::operations::{DOOMED, Operations};
use super::random::Random;
use super::verdict::Verdict;
use crate::demo::{Fleet, Generated, Running, expect, expect_soon};
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::workspace::{Scratch, build};

/// The file of the policy that tells its version.
pub const VERSION_FILE: &str = "configcrates/guard.vgo";

const ENVOYS: &str = "envoys: [{match: '*', configcrates: [guard]}]\n";

/// Real machines.
const MACHINES: usize = 20;

/// Generated ones. Each reports each of its runs.
const GENERATED: usize = 100;

/// Kills of each kind where nothing is said.
const KILLS: u64 = 20;

/// What all agents are called to do while the server is there.
const CALL_EVERY: Duration = Duration::from_millis(150);

struct Options {
    kills: u64,
    seed: u64,
}

/// Returns the policy of a version.
pub fn version_text(version: u64) -> String {
    format!(
        "resources:\n  - {{name: version, type: file, target_path: /etc/version, content: \"{version}\\n\"}}\n  \
         - {{name: beside, type: file, target_path: /etc/beside, content: \"as the policy says\\n\", mode: '0644'}}\n"
    )
}

/// Plays it.
pub fn run(args: &[String], passed: &mut u64) -> Result<()> {
    let options = Options::read(args)?;
    let programs = build()?;
    println!("seed {}, {} kills of the server and as many of agents", options.seed, options.kills);
    let scratch = Scratch::new("crash")?;
    match play(&programs, scratch.path(), &options) {
        Ok(()) => {
            *passed += 1;
            Ok(())
        }
        Err(failure) => {
            let (place, seed, kills) = (scratch.path().display().to_string(), options.seed, options.kills);
            // What is there is worth looking at.
            std::mem::forget(scratch);
            let again = format!("cargo xtask test crash --kills {kills} --seed {seed}");
            Err(Failure::new(format!("{failure}\n  all of it is left in {place}; `{again}` does the same again")))
        }
    }
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
        let mut options = Self { kills: KILLS, seed: now };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let number = words.next().and_then(|number| number.parse().ok());
            match (&**word, number) {
                ("--kills", Some(kills)) => options.kills = kills,
                ("--seed", Some(seed)) => options.seed = seed,
                _ => return Err(Failure::new(format!("expected `--kills N` or `--seed N`, found `{word}`"))),
            }
        }
        Ok(options)
    }
}

/// The server, and those that it has to do with.
struct Site {
    fleet: Arc<Fleet>,
    api: Api,
    load: Generated,
    names: Vec<String>,
    identities: BTreeMap<String, Vec<u8>>,
    ledger: Ledger,
    doomed: Ledger,
}

fn play(programs: &Path, place: &Path, options: &Options) -> Result<()> {
    let (mut site, server) = Site::new(programs, place)?;
    let Options { kills, seed } = *options;
    let mut random = Random::new(seed);
    let stacks = site.fleet.data().join("stacks");
    let mut people = Operations::begin(site.api.clone(), stacks, random.below(u64::MAX));
    let pace = Arc::new(AtomicU64::new(0));
    let (fleet, names) = (Arc::clone(&site.fleet), site.names.clone());
    let agents = Agents::begin(fleet, names, kills, Arc::clone(&pace), random.below(u64::MAX));
    let mut verdict = Verdict::new(site.api.clone(), site.fleet.data());
    let began = Instant::now();
    let mut server = server;
    for kill in 1..=kills {
        server.kill();
        drop(server);
        pace.store(kill, Ordering::Relaxed);
        people.look()?;
        agents.look()?;
        // Where it is killed while it starts, the one after has to make good what both have left.
        server = site.fleet.begin_to_serve()?;
        if random.below(3) == 0 {
            thread::sleep(Duration::from_millis(random.between(20, 500)));
        } else {
            site.api.wait(|| server.is_alive())?;
            // Nobody does anything meanwhile, but for machines.
            let mut known = people.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            let Site { ledger, doomed, .. } = &mut site;
            verdict.look(&mut known, &mut [ledger, doomed])?;
            drop(known);
            let later = if random.below(8) == 0 { random.between(500, 3000) } else { random.between(20, 500) };
            site.work(Duration::from_millis(later));
        }
        if kill % 25 == 0 || kill == kills {
            let known = people.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            println!(
                "{kill:>5} kills of the server, {:>4} of agents, {:>6.1} s: looked {} times; {} reports acknowledged, {} \
                 publishes, {} tokens and {} that are dead, {} revoked; {} questions cut off",
                agents.kills.load(Ordering::Relaxed),
                began.elapsed().as_secs_f64(),
                verdict.looks,
                site.ledger.reports.len(),
                known.publishes.len(),
                known.tokens.len(),
                known.dead_tokens.len(),
                known.revoked.len(),
                known.cut_off,
            );
        }
    }
    server.kill();
    drop(server);
    let server = site.serve()?;
    while agents.kills.load(Ordering::Relaxed) < kills {
        agents.look()?;
        thread::sleep(Duration::from_millis(100));
    }
    site.end(server, people, agents, &mut verdict)
}

impl Site {
    fn new(programs: &Path, place: &Path) -> Result<(Self, Running)> {
        let fleet = Arc::new(Fleet::new(programs, place)?);
        let api = Api::new(fleet.data().join("run/admin.sock"));
        let stacks = fleet.data().join("stacks");
        for (name, text) in [(VERSION_FILE, version_text(1)), ("envoys.vgo", ENVOYS.to_owned())] {
            let path = stacks.join(name);
            let folder = path.parent().unwrap_or(&stacks);
            fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|e| Failure::at(&path, &e))?;
        }
        let server = fleet.serve()?;
        let status = fleet.json(&["server", "status"])?;
        let names: Vec<String> = (1..=MACHINES).map(|n| format!("machine-{n}")).collect();
        let uses = (MACHINES + GENERATED + DOOMED).to_string();
        let token = fleet.json(&["tokens", "create", "--match", "*", "--uses", &uses])?;
        let token = token.text("token").unwrap_or_default().to_owned();
        fleet.cli(&["config", "publish"]).text()?;
        let mut identities = BTreeMap::new();
        for name in &names {
            let etc = fleet.root(name).join("etc");
            fs::create_dir_all(&etc).map_err(|e| Failure::at(&etc, &e))?;
            fleet.bootstrap(name, &token, &status)?.text()?;
            identities.insert(name.clone(), identity(&fleet, name)?);
        }
        let all = |generated: &Generated, machines: usize| {
            let line = generated.last_line();
            Ok(line.is_ok_and(|line| line.number("since_mark.answered").is_ok_and(|n| n == machines as f64)))
        };
        let mut doomed = fleet.generate("doomed", DOOMED, "poll", &token, &status)?;
        expect_soon("those to be thrown out are there", || all(&doomed, DOOMED))?;
        doomed.running.terminate();
        let load = fleet.generate("load", GENERATED, "report", &token, &status)?;
        expect_soon("all generated machines are there", || all(&load, GENERATED))?;
        let (ledger, doomed) = (Ledger::new(load.ledger.clone()), Ledger::new(doomed.ledger));
        Ok((Self { fleet, api, load, names, identities, ledger, doomed }, server))
    }

    /// Starts the server and waits until it answers.
    fn serve(&self) -> Result<Running> {
        let mut server = self.fleet.begin_to_serve()?;
        self.api.wait(|| server.is_alive())?;
        Ok(server)
    }

    /// Lets the fleet work for a while, in a hurry.
    fn work(&self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.load.running.signal("USR2");
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(CALL_EVERY));
        }
    }

    /// Lets everything come to rest, and looks at it.
    fn end(mut self, mut server: Running, people: Operations, agents: Agents, verdict: &mut Verdict) -> Result<()> {
        let known = Arc::clone(&people.acknowledged);
        people.end()?;
        let version = match self.api.ask("POST", "/publish", "") {
            Answer::Done(answer) => answer.number("id")? as u64,
            other => return Err(Failure::new(format!("the last publish: {other:?}"))),
        };
        let text = fs::read_to_string(self.fleet.data().join("stacks").join(VERSION_FILE)).unwrap_or_default();
        let last = text.split('"').nth(1).unwrap_or_default().trim_end_matches("\\n").to_owned();
        if let Ok(number) = last.parse() {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.publishes.push((version, number));
        }
        expect_soon("all real machines have the last policy", || {
            let has = |name: &String| {
                let file = self.fleet.root(name).join("etc/version");
                fs::read_to_string(file).is_ok_and(|text| text.trim() == last)
            };
            Ok(self.names.iter().all(has))
        })?;
        let generated_sent = || {
            let line = self.load.last_line()?;
            Ok::<_, Failure>((line.number("reports_made")?, line.number("reports_taken")?))
        };
        expect_soon("no generated machine has an old report left", || {
            self.load.running.signal("USR2");
            let (made, taken) = generated_sent()?;
            Ok(made - taken <= GENERATED as f64)
        })?;
        expect_soon("no real machine has a report left", || {
            let envoys = self.api.get("/envoys")?;
            let is_real = |envoy: &&Json| envoy.text("hostname").is_some_and(|name| name.starts_with("machine-"));
            Ok(envoys.list("envoys").iter().filter(is_real).all(|e| e.number("queued").is_ok_and(|n| n == 0.0)))
        })?;
        agents.end()?;
        self.load.running.terminate();
        let line = self.load.last_line()?;
        let is = |path: &str, number: usize| line.number(path).is_ok_and(|found| found == number as f64);
        let whole = is("enrolments", GENERATED) && is("converging", GENERATED) && is("not_believed", 0);
        if !whole || !is("reports_lost", 0) || !is("ledger_failures", 0) {
            return Err(Failure::new(format!("expected that no generated machine lost anything, seen {line:?}")));
        }
        for name in &self.names {
            if self.identities.get(name) != Some(&identity(&self.fleet, name)?) {
                return expect(&format!("{name} has not enrolled again"), false);
            }
        }
        expect("nobody has enrolled again", true)?;
        look_at_logs(&self.fleet, &self.names)?;
        expect("no agent has lost its database", true)?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let Self { ledger, doomed, .. } = &mut self;
        verdict.look_again(&mut known, &mut [ledger, doomed])?;
        server.kill();
        drop(server);
        let _server = self.serve()?;
        let Self { ledger, doomed, .. } = &mut self;
        verdict.look_again(&mut known, &mut [ledger, doomed])?;
        let log = fs::read_to_string(self.fleet.log("server")).unwrap_or_default();
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            return Err(Failure::new(format!("the server says: {line}")));
        }
        let (acknowledged, there) = (self.ledger.reports.len(), verdict.reports());
        expect(&format!("all {acknowledged} acknowledged reports are among the {there}, each once"), true)
    }
}

fn identity(fleet: &Fleet, name: &str) -> Result<Vec<u8>> {
    let path = fleet.state(name).join("identity/key");
    fs::read(&path).map_err(|e| Failure::at(&path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let read = |words: &[&str]| Options::read(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        let options = read(&["--kills", "500", "--seed", "7"]).unwrap();
        assert_eq!((options.kills, options.seed), (500, 7));
        assert_eq!(read(&[]).unwrap().kills, KILLS);
        for bad in [&["--kills"][..], &["--kills", "many"], &["500"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
