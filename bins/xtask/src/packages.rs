//! The Debian packages that the stages need beyond Rust and a linker.

use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{is_root, which};

/// A program, the package that has it, and the verbs or stages that want it.
struct Package {
    program: &'static str,
    package: &'static str,
    wanted_by: &'static [&'static str],
    why: &'static str,
}

const fn package(
    program: &'static str,
    package: &'static str,
    wanted_by: &'static [&'static str],
    why: &'static str,
) -> Package {
    Package { program, package, wanted_by, why }
}

const PACKAGES: &[Package] = &[
    package("g++", "g++", &["fuzz"], "builds libFuzzer"),
    package("git", "git", &["test"], "the resource type `git` is tested with it"),
    package("go", "golang-go", &["test"], "templates are compared with Go's own text/template"),
    package("age", "age", &["age"], "encrypted backups are compared with it"),
    package("visudo", "sudo", &["test"], "sudoers fragments are checked with it"),
    package("ip", "iproute2", &["hosts"], "networks of the machines in containers"),
    package("nsenter", "util-linux", &["hosts"], "runs commands in the machines"),
    package("systemd-nspawn", "systemd-container", &["hosts"], "boots the machines"),
    package("time", "time", &["bench"], "peak memory"),
    package("strace", "strace", &["bench"], "counts system calls"),
    package("cf-agent", "cfengine3", &["bench"], "a tool to compare with"),
    package("pyvenv", "python3-venv", &["bench"], "installs the tools to compare with that are Python"),
    package("puppet", "puppet", &["bench-all"], "a tool to compare with"),
];

/// Installs what `wanted_by` needs and is not here, if it may. Returns the programs that stay missing, each with what
/// it is for and why it was not installed.
pub fn install(wanted_by: &[&str]) -> Result<Vec<String>> {
    let wanted = PACKAGES.iter().filter(|p| p.wanted_by.iter().any(|w| wanted_by.contains(w)));
    let missing: Vec<&Package> = wanted.filter(|p| !is_here(p)).collect();
    if missing.is_empty() {
        println!("every Debian package is here");
        return Ok(Vec::new());
    }
    let names: Vec<&str> = missing.iter().map(|p| p.package).collect();
    let refused = if which("apt-get").is_none() {
        Some("there is no apt-get")
    } else if !is_root() {
        Some("only root may install packages")
    } else {
        None
    };
    if let Some(why) = refused {
        let line = |p: &&Package| format!("`{}` of the package `{}` ({}): {why}", p.program, p.package, p.why);
        return Ok(missing.iter().map(line).collect());
    }
    for p in &missing {
        println!("installs {}: {}", p.package, p.why);
    }
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], names.as_slice()].concat())?;
    match missing.iter().find(|p| !is_here(p)) {
        Some(p) => Err(Failure::new(format!("the package `{}` has no program `{}`", p.package, p.program))),
        None => Ok(Vec::new()),
    }
}

fn is_here(package: &Package) -> bool {
    match package.program {
        // Debian's python3 without its venv package makes environments without pip.
        "pyvenv" => Program::new("python3").args(["-c", "import ensurepip"]).output().is_ok_and(|o| o.ok()),
        program => which(program).is_some(),
    }
}

/// Runs apt-get quietly; its words are shown when it fails.
pub fn apt(args: &[&str]) -> Result<()> {
    let apt = Program::new("apt-get").args(["-o", "DPkg::Lock::Timeout=120"]).args(args);
    apt.env("DEBIAN_FRONTEND", "noninteractive").text().map(|_| ())
}
