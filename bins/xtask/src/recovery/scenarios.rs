//! What is lost, and how it comes back.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::litestream;
use super::logs;
use super::loss;
use super::master_key::master_key;
use super::site::{Began, Site};
use super::table::{self, Row};
use crate::demo::expect_soon;
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{Scratch, build};

/// Machines of each scenario.
const MACHINES: usize = 20;

/// Generated machines beside them.
const GENERATED: usize = 1000;

/// So much may be lost, by a volume that is put back, without being noticed.
const UNNOTICED: Duration = Duration::from_secs(75);

struct Scenario {
    /// For the command line.
    word: &'static str,
    /// For the table.
    name: &'static str,
    /// It is played only where it is asked for.
    is_slow: bool,
    /// There are generated machines, too.
    is_large: bool,
    run: fn(&mut Site, &'static str) -> Result<Row>,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        word: "whole",
        name: "the whole server, from an archive, at another address",
        is_slow: false,
        is_large: true,
        run: whole,
    },
    Scenario {
        word: "database",
        name: "the database alone, from an archive",
        is_slow: false,
        is_large: true,
        run: database,
    },
    Scenario {
        word: "master-key",
        name: "the whole server, from an archive, but for the master key of its secrets",
        is_slow: false,
        is_large: true,
        run: master_key,
    },
    Scenario {
        word: "rotation",
        name: "the whole server, from an archive of before its keys were rotated and a machine enrolled",
        is_slow: true,
        is_large: false,
        run: loss::rotation,
    },
    Scenario {
        word: "loss-with-kit",
        name: "everything but the recovery kit",
        is_slow: false,
        is_large: false,
        run: loss::with_kit,
    },
    Scenario {
        word: "loss-without-kit",
        name: "everything: each machine is told by hand",
        is_slow: true,
        is_large: false,
        run: loss::without_kit,
    },
    Scenario {
        word: "litestream",
        name: "the database, from a replica of Litestream's in files",
        is_slow: false,
        is_large: false,
        run: litestream::in_files,
    },
    Scenario {
        word: "litestream-s3",
        name: "the database, from a replica of Litestream's in an object store",
        is_slow: true,
        is_large: false,
        run: litestream::in_store,
    },
    Scenario {
        word: "snapshot",
        name: "what was done since a snapshot of the volume, which somebody put back",
        is_slow: true,
        is_large: true,
        run: snapshot,
    },
];

/// Plays the scenarios that `args` name, or all, but for the slow ones where it is `quick`; with `--write` the table goes into
/// the guide.
pub fn run(args: &[String], quick: bool, passed: &mut u64) -> Result<()> {
    let (flags, words): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with("--"));
    let is_known = |word: &&String| SCENARIOS.iter().any(|scenario| scenario.word == *word);
    if let Some(bad) = words.iter().find(|word| !is_known(word)).or(flags.iter().find(|flag| **flag != "--write")) {
        let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.word).collect();
        return Err(Failure::new(format!("expected `--write` or some of {}, found `{bad}`", known.join(" "))));
    }
    let chosen = |scenario: &&Scenario| match &words[..] {
        [] => !(quick && scenario.is_slow),
        words => words.iter().any(|word| *word == scenario.word),
    };
    let programs = build()?;
    let mut rows = Vec::new();
    for scenario in SCENARIOS.iter().filter(chosen) {
        println!("\n── {} ──", scenario.name);
        if let Some(why) = litestream::missing(scenario.word) {
            println!("skipped: {why}");
            continue;
        }
        let scratch = Scratch::new("recovery")?;
        let row = play(scenario, &programs, scratch.path()).inspect_err(|_| logs::show(scratch.path()))?;
        rows.push(row);
        *passed += 1;
    }
    let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    table::show(&rows, &names, MACHINES, GENERATED, flags.iter().any(|flag| *flag == "--write"))
}

fn play(scenario: &Scenario, programs: &Path, place: &Path) -> Result<Row> {
    let mut site = Site::new(programs, place, MACHINES, if scenario.is_large { GENERATED } else { 0 })?;
    let mut row = (scenario.run)(&mut site, scenario.name)?;
    site.end(&mut row)?;
    Ok(row)
}

/// The machine of the server is gone. The next one was announced; the archive lies elsewhere.
fn whole(site: &mut Site, name: &'static str) -> Result<Row> {
    let next = site.fleet.elsewhere("server-2", "127.0.0.2")?;
    site.fleet.configure(&[site.fleet.address(), next.address()])?;
    site.reload();
    site.expect_told(&next.address())?;
    let (archive, saved) = site.back_up()?;
    site.publish("2")?;
    site.expect_version("2")?;
    site.lose_server();
    let lost = saved.elapsed();
    fs::remove_dir_all(site.fleet.data()).map_err(|e| Failure::at(&site.fleet.data(), &e))?;
    thread::sleep(Duration::from_secs(3));
    let began = Began::now()?;
    let root = site.root_fingerprint().to_owned();
    let target = next.data();
    site.fleet = next;
    let (archive, target) = (text(&archive), text(&target));
    let restore = ["backup", "restore", &archive, "--target", &target, "--expect-root", &root];
    print!("{}", site.fleet.cli(&restore).text()?);
    site.fleet.configure(&[site.fleet.address()])?;
    let row = site.come_back(name, &began, lost)?;
    // The older policy is the server's word again.
    site.expect_version("1")?;
    site.publish("3")?;
    site.expect_version("3")?;
    Ok(row)
}

/// The database is gone; all else stands.
fn database(site: &mut Site, name: &'static str) -> Result<Row> {
    let (archive, saved) = site.back_up()?;
    site.publish("2")?;
    site.expect_version("2")?;
    site.lose_server();
    let lost = saved.elapsed();
    for file in ["vigo.db", "vigo.db-wal", "vigo.db-shm"] {
        // The last two are there while a server runs.
        let _ = fs::remove_file(site.fleet.data().join("db").join(file));
    }
    let began = Began::now()?;
    let root = site.root_fingerprint().to_owned();
    let restore = ["backup", "restore", &text(&archive), "--db-only", "--force", "--expect-root", &root];
    print!("{}", site.fleet.cli(&restore).text()?);
    let row = site.come_back(name, &began, lost)?;
    site.publish("3")?;
    site.expect_version("3")?;
    Ok(row)
}

/// Somebody brings back the volume of hours ago, and nobody tells the server.
fn snapshot(site: &mut Site, name: &'static str) -> Result<Row> {
    site.lose_server();
    let copy = site.fleet.data().with_extension("snapshot");
    let (data, copied) = (text(&site.fleet.data()), text(&copy));
    Program::new("cp").args(["-a", &data, &copied]).text()?;
    let saved = Instant::now();
    site.server = Some(site.fleet.serve()?);
    // Agents' word counts only for what is a minute younger than the newest row.
    thread::sleep(UNNOTICED);
    site.publish("2")?;
    site.expect_version("2")?;
    site.lose_server();
    let lost = saved.elapsed();
    let began = Began::now()?;
    fs::remove_dir_all(&data).and_then(|()| fs::rename(&copied, &data)).map_err(|e| Failure::at(&copy, &e))?;
    let row = site.come_back(name, &began, lost)?;
    site.expect_version("1")?;
    expect_soon("the server knows that it went back", || site.went_back())?;
    site.publish("3")?;
    site.expect_version("3")?;
    Ok(row)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
