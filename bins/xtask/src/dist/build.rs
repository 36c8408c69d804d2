//! Builds the agent for another system: with Debian's compiler, which has the source of the standard library beside it.

use std::fs;
use std::path::{Path, PathBuf};

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
    let (program, package) = of.linker.needs();
    missing.extend(package.filter(|_| which(&program).is_none()));
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
    let (flags, folder) = profile.cargo();
    let verb = if of.linker == Linker::Zig { "zigbuild" } else { "build" };
    let dir = target().join("cross");
    let cargo = match of.linker {
        Linker::Mingw(_) => Program::new(CARGO),
        Linker::Zig => Program::new(zig().join("bin/cargo-zigbuild")),
    };
    let cargo = cargo.dir(root()).arg(verb).args(["--locked", "--package", "vigo", "--bin", "vigo"]).args(flags);
    let cargo = cargo.args(["-Zbuild-std=std,panic_unwind", "--target", of.triple, "--target-dir"]).arg(&dir);
    // With this, Debian's stable compiler takes the flag before.
    let cargo = cargo.env("CARGO", CARGO).env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    let underscored = of.triple.replace('-', "_");
    let cargo = match of.linker {
        Linker::Mingw(prefix) => cargo
            .env(format!("CC_{underscored}"), format!("{prefix}-gcc"))
            .env(format!("AR_{underscored}"), format!("{prefix}-ar"))
            .env(format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()), format!("{prefix}-gcc")),
        Linker::Zig => {
            let path = std::env::var("PATH").unwrap_or_default();
            let cargo = cargo.env("PATH", format!("{}:{path}", zig().join("bin").display()));
            // Rust's own start files are not those that zig brings.
            if of.triple.ends_with("musl") { cargo.env("RUSTFLAGS", "-Clink-self-contained=no") } else { cargo }
        }
    };
    cargo.run()?;
    let program = dir.join(of.triple).join(folder).join(of.program);
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::new(format!("cargo has built no `{}`", program.display())))
}

fn is_debians(program: &Path) -> bool {
    program.is_file()
}

/// Returns where the source of Debian's standard library is.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/src").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("library/std")).find(|library| library.is_dir())
}
