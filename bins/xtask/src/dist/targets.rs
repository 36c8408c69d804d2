//! What can be linked from a Debian machine, one line a target.

use std::path::PathBuf;

use crate::failure::Result;
use crate::process::Program;
use crate::workspace::{target, which};

/// A system that the agent is built for.
#[derive(Debug)]
pub struct Target {
    /// Rust's name for it.
    pub triple: &'static str,
    /// What links it.
    pub linker: Linker,
    /// What the program is called there.
    pub program: &'static str,
}

/// What compiles C for a target, and links.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linker {
    /// Debian's mingw-w64, and its name for the target.
    Mingw(&'static str),
    /// Zig, from Python's packages, by `cargo-zigbuild`.
    Zig,
}

/// Windows on PCs.
pub const WINDOWS: &Target =
    &Target { triple: "x86_64-pc-windows-gnu", linker: Linker::Mingw("x86_64-w64-mingw32"), program: "vigo.exe" };

/// All targets, in the order in which they are built.
pub const TARGETS: &[&Target] = &[
    WINDOWS,
    &Target { triple: "aarch64-unknown-linux-musl", linker: Linker::Zig, program: "vigo" },
    &Target { triple: "x86_64-unknown-linux-musl", linker: Linker::Zig, program: "vigo" },
];

impl Linker {
    /// Returns the program and the Debian package without which nothing can be linked.
    pub fn needs(self) -> (String, Option<&'static str>) {
        match self {
            Self::Mingw(prefix) => (format!("{prefix}-gcc"), Some("gcc-mingw-w64-x86-64-posix")),
            Self::Zig => (zig().join("bin/cargo-zigbuild").display().to_string(), None),
        }
    }

    /// Fetches what no Debian package has.
    pub fn fetch(self) -> Result<()> {
        if self == Self::Zig && which(&self.needs().0).is_none() {
            Program::new("python3").args(["-m", "venv"]).arg(zig()).text()?;
            let pip = Program::new(zig().join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check"]);
            pip.args(["ziglang", "cargo-zigbuild"]).text()?;
        }
        Ok(())
    }
}

/// Returns where Zig is put.
pub fn zig() -> PathBuf {
    target().join("zig")
}
