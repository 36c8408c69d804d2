//! The inside of the stage: the base is prepared once, then each scenario runs with machines of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use super::apt_repository::AptRepository;
use super::base::Base;
use super::checks::Checks;
use super::scenario::{Lab, SCENARIOS, Scenario};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::stage::Tally;

/// Runs the scenarios: work directory, agent (may be empty), names (none for all).
pub fn run_inside(args: &[String]) -> ExitCode {
    let [work, vigo, names @ ..] = args else { return ExitCode::from(2) };
    let vigo = Some(PathBuf::from(vigo)).filter(|path| path.is_file());
    let mut tally = Tally::default();
    let wanted: Vec<&Scenario> =
        SCENARIOS.iter().filter(|s| names.is_empty() || names.iter().any(|n| n == s.name)).collect();
    match prepare(Path::new(work), vigo, &wanted) {
        Ok(lab) => {
            let (waiting, working): (Vec<&Scenario>, Vec<&Scenario>) = wanted.iter().partition(|s| s.waits);
            let told = thread::scope(|scope| {
                let beside = scope.spawn(|| tell(&lab, &waiting));
                let mut told = tell(&lab, &working);
                told.extend(beside.join().unwrap_or_else(|_| vec![Tally { failed: 1, ..Tally::default() }]));
                told
            });
            for one in told {
                tally.passed += one.passed;
                tally.failed += one.failed;
                tally.skipped += one.skipped;
            }
        }
        Err(failure) => {
            eprintln!("the machines could not be prepared: {failure}");
            tally.failed += 1;
        }
    }
    println!("\n{tally}");
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs scenarios one after the other, and returns what each found.
fn tell(lab: &Lab, scenarios: &[&Scenario]) -> Vec<Tally> {
    let one = |scenario: &&Scenario| {
        println!("\nscenario {}: {}", scenario.name, scenario.about);
        let start = Instant::now();
        let mut checks = Checks::new(scenario.name);
        if let Err(failure) = (scenario.run)(lab, &mut checks) {
            checks.check("the scenario goes on to its end", false, failure);
        }
        println!("scenario {}: {:.1} s", scenario.name, start.elapsed().as_secs_f64());
        checks.tally()
    };
    scenarios.iter().map(one).collect()
}

fn prepare(work: &Path, vigo: Option<PathBuf>, wanted: &[&Scenario]) -> Result<Lab> {
    // An overlay's upper layer must not lie on the file system of its lower one, which is `/`.
    Program::new("mount").args(["-t", "tmpfs", "-o", "size=4G,mode=0755", "tmpfs"]).arg(work).text()?;
    // Names of networks are kept in /run: of our own, other runs are not to see them.
    fs::create_dir_all("/run/netns").map_err(|e| Failure::at(Path::new("/run/netns"), &e))?;
    Program::new("mount").args(["-t", "tmpfs", "tmpfs", "/run/netns"]).text()?;
    enough_inotify()?;
    let start = Instant::now();
    let programs: Vec<PathBuf> = match &vigo {
        Some(vigo) => ["vigo", "vigosrv", "vigocli"].iter().map(|name| vigo.with_file_name(name)).collect(),
        None => Vec::new(),
    };
    let packages: Vec<&[&str]> = wanted.iter().flat_map(|s| s.packages).copied().collect();
    let base = Base::prepare(work, &AptRepository::food(), &programs, &packages)?;
    println!("base: {:.1} s", start.elapsed().as_secs_f64());
    Ok(Lab::new(base, vigo))
}

/// Lets many machines watch files: each takes several of the kernel's 128 instances.
fn enough_inotify() -> Result<()> {
    let path = Path::new("/proc/sys/fs/inotify/max_user_instances");
    let now = fs::read_to_string(path).map_err(|e| Failure::at(path, &e))?;
    if now.trim().parse::<u64>().is_ok_and(|n| n >= 8192) {
        return Ok(());
    }
    fs::write(path, "8192").map_err(|e| Failure::at(path, &e))
}
