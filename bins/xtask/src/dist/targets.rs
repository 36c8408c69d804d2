//! What can be built from a Debian machine, one line a target.

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
    /// Debian's musl, for this machine's own processor.
    Musl,
    /// Zig, from Python's packages, by `cargo-zigbuild`.
    Zigbuild,
    /// Zig by itself, and its name for the target.
    Zig(&'static str),
}

const fn unix(triple: &'static str, linker: Linker) -> Target {
    Target { triple, linker, program: "vigo" }
}

/// Windows on PCs.
pub const WINDOWS: &Target =
    &Target { triple: "x86_64-pc-windows-gnu", linker: Linker::Mingw("x86_64-w64-mingw32"), program: "vigo.exe" };

const FREEBSD: &Target = &unix("x86_64-unknown-freebsd", Linker::Zigbuild);
const NETBSD: &Target = &unix("x86_64-unknown-netbsd", Linker::Zig("x86_64-netbsd-none"));
const OPENBSD: &Target = &unix("x86_64-unknown-openbsd", Linker::Zigbuild);
const MAC: &Target = &unix("aarch64-apple-darwin", Linker::Zigbuild);
const OLD_MAC: &Target = &unix("x86_64-apple-darwin", Linker::Zigbuild);
/// No libc of illumos is to be had here: ring's C is compiled for another system, and nothing is linked.
const ILLUMOS: &Target = &unix("x86_64-unknown-illumos", Linker::Zig("x86_64-linux-musl"));

/// All that are linked, in the order in which they are built.
pub const LINKED: &[&Target] = &[
    &unix("x86_64-unknown-linux-musl", Linker::Musl),
    &unix("aarch64-unknown-linux-musl", Linker::Zigbuild),
    WINDOWS,
    FREEBSD,
    NETBSD,
    MAC,
];

/// All whose types are checked: what no stage of the tests builds and runs.
pub const CHECKED: &[&Target] = &[FREEBSD, OPENBSD, NETBSD, ILLUMOS, MAC, OLD_MAC];

/// Where Debian's package has the unwinder that musl lacks.
pub const UNWINDER: &str = "/usr/lib/llvm-14/lib";

impl Linker {
    /// Returns the programs and files without which nothing can be linked, each with its Debian package.
    pub fn needs(self) -> Vec<(String, &'static str)> {
        match self {
            Self::Mingw(prefix) => vec![(format!("{prefix}-gcc"), "gcc-mingw-w64-x86-64-posix")],
            Self::Musl => {
                let unwinder = format!("{UNWINDER}/libunwind.a");
                vec![("musl-gcc".into(), "musl-tools"), (unwinder, "libunwind-14-dev"), ("file".into(), "file")]
            }
            Self::Zigbuild | Self::Zig(_) => Vec::new(),
        }
    }

    /// Fetches what no Debian package has.
    pub fn fetch(self) -> Result<()> {
        let is_zig = matches!(self, Self::Zigbuild | Self::Zig(_));
        if is_zig && which(&zig().join("bin/cargo-zigbuild").to_string_lossy()).is_none() {
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
