//! Builds the agent for another system: with Debian's compiler, which has the source of the standard library beside it.

use std::fs;
use std::path::{Path, PathBuf};

use super::linker;
use super::targets::{Linker, Target, zig};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{root, target, which};

/// Debian's compiler and cargo. rustup's have the standard library of this machine's system alone.
const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";

/// The packages that have them, and the library's source.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// How a program is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// For tests: quickly.
    Test,
    /// As it is shipped.
    Shipped,
}

impl Profile {
    /// Returns the arguments for cargo, and the folder of what comes of them.
    fn cargo(self) -> (&'static [&'static str], &'static str) {
        match self {
            // Little is computed in a test, and much compiled.
            Self::Test => {
                (&["--config", "profile.dev.package.\"*\".opt-level=0", "--config", "profile.dev.debug=false"], "debug")
            }
            Self::Shipped => (&["--release"], "release"),
        }
    }
}

/// Returns the Debian packages that a target needs and that are not here.
pub fn missing(of: &Target) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if !is_debians(Path::new(RUSTC)) || !is_debians(Path::new(CARGO)) || library().is_none() {
        missing.extend(PACKAGES);
    }
    missing
        .extend(of.linker.needs().iter().filter(|(program, _)| which(program).is_none()).map(|(_, package)| package));
    missing
}

/// Installs the Debian packages that a target needs, and what is no Debian package.
pub fn install(of: &Target) -> Result<()> {
    let packages = missing(of);
    if !packages.is_empty() {
        crate::packages::apt(&["update", "-q"])?;
        let all = [&["install", "-q", "-y", "--no-install-recommends"], packages.as_slice()].concat();
        crate::packages::apt(&all)?;
    }
    of.linker.fetch()
}

/// Builds the agent and returns where its program is.
pub fn build(of: &Target, profile: Profile) -> Result<PathBuf> {
    let (_, folder) = profile.cargo();
    cargo(of, profile, "build")?.args(["--bin", "vigo"]).run()?;
    let program = dir().join(of.triple).join(folder).join(of.program);
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::new(format!("cargo has built no `{}`", program.display())))
}

/// Checks the agent's types against the target's own standard library, and returns what the compiler warns of in our
/// packages: it shows nothing of others.
pub fn check(of: &Target) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let cargo = cargo(of, Profile::Test, "check")?;
    let shown = cargo.shown();
    let ok = cargo.watch(|line| {
        if line.starts_with("warning: ") && !line.contains(" generated ") {
            warnings.push(line.to_owned());
        }
    })?;
    if ok { Ok(warnings) } else { Err(Failure::new(format!("`{shown}` failed, see above"))) }
}

/// Returns cargo for a target.
fn cargo(of: &Target, profile: Profile, verb: &str) -> Result<Program> {
    let (flags, _) = profile.cargo();
    let cargo = match of.linker {
        Linker::Zigbuild => {
            let verb = if verb == "build" { "zigbuild" } else { verb };
            let path = std::env::var("PATH").unwrap_or_default();
            let path = format!("{}:{path}", zig().join("bin").display());
            Program::new(zig().join("bin/cargo-zigbuild")).env("PATH", path).arg(verb)
        }
        _ => Program::new(CARGO).arg(verb),
    };
    let cargo = cargo.dir(root()).args(["--locked", "--package", "vigo"]).args(flags);
    let cargo = cargo.args(["-Zbuild-std=std,panic_unwind", "--target", of.triple, "--target-dir"]).arg(dir());
    // With this, Debian's stable compiler takes the flag before.
    let cargo = cargo.env("CARGO", CARGO).env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    let cargo = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].iter().fold(cargo, |cargo, name| cargo.env_remove(name));
    let underscored = of.triple.replace('-', "_");
    let tools = |cargo: Program, cc: &Path, ar: &str, linker: &Path| {
        cargo
            .env(format!("CC_{underscored}"), cc)
            .env(format!("AR_{underscored}"), ar)
            .env(format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()), linker)
    };
    Ok(match of.linker {
        Linker::Mingw(prefix) => {
            let gcc = PathBuf::from(format!("{prefix}-gcc"));
            tools(cargo, &gcc, &format!("{prefix}-ar"), &gcc)
        }
        Linker::Musl => {
            let (ld, flags) = linker::musl()?;
            tools(cargo, Path::new("musl-gcc"), "ar", &ld).env("RUSTFLAGS", flags)
        }
        Linker::Zig(name) => {
            let cc = linker::zig_cc(name)?;
            tools(cargo, &cc, "ar", &cc)
        }
        // Rust's own start files are not those that zig brings.
        Linker::Zigbuild if of.triple.ends_with("musl") => cargo.env("RUSTFLAGS", "-Clink-self-contained=no"),
        // Debian has no program of Rust's that would strip a Mac's: the linker does.
        Linker::Zigbuild if of.triple.ends_with("darwin") => {
            let cargo = cargo.env("CARGO_PROFILE_DEV_STRIP", "none").env("CARGO_PROFILE_RELEASE_STRIP", "none");
            if profile == Profile::Shipped { cargo.env("RUSTFLAGS", "-Clink-arg=-s") } else { cargo }
        }
        Linker::Zigbuild => cargo,
    })
}

fn dir() -> PathBuf {
    target().join("cross")
}

fn is_debians(program: &Path) -> bool {
    program.is_file()
}

/// Returns where the source of Debian's standard library is.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/src").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("library/std")).find(|library| library.is_dir())
}
