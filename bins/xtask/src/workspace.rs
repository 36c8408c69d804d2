//! Where things are: the checkout, cargo, the target directory, directories for one run.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Result};
use crate::process::Program;

/// Returns the root of the checkout.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Returns cargo, to be run in the root of the checkout.
pub fn cargo() -> Program {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    // What `cargo run` told this program about itself is not for the next cargo to see: it would build things anew.
    let told = env::vars_os().filter(|(k, _)| k.to_str().is_some_and(|k| k.starts_with("CARGO_PKG_")));
    told.fold(Program::new(cargo).dir(root()), |program, (name, _)| program.env_remove(name))
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_MANIFEST_PATH")
}

/// Returns the target directory.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Returns whether the workspace has the package whose folder is `folder`.
pub fn has(folder: &str) -> bool {
    root().join(folder).join("Cargo.toml").is_file()
}

/// Builds the agent as it is shipped and returns its path.
pub fn build_shipped_vigo() -> Result<PathBuf> {
    cargo().args(["build", "--locked", "--package", "vigo", "--bin", "vigo", "--release"]).run()?;
    Ok(target().join("release/vigo"))
}

/// Builds agent, server, client and generator and returns where they are. Always the four: by itself each would have other features of
/// what they share, and all of that would be built again.
pub fn build() -> Result<PathBuf> {
    let packages = ["vigo", "vigosrv", "vigocli", "vigo-load"].iter().flat_map(|package| ["--package", package]);
    cargo().args(["build", "--locked", "--bins"]).args(packages).run()?;
    Ok(target().join("debug"))
}

/// A directory of this run's own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes a directory that no other run has.
    pub fn new(what: &str) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let path = env::temp_dir().join(format!("vigo-{what}-{}-{now:x}", std::process::id()));
        fs::create_dir_all(&path).map_err(|e| Failure::at(&path, &e))?;
        Ok(Self(path))
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: {} stays behind: {e}", self.0.display());
        }
    }
}

/// Returns whether this process may do anything: the installation of packages, mounts, name spaces.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|l| l.strip_prefix("Uid:"));
    uid.is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"))
}

/// Returns whether CI runs this: then nothing that root could have installed may be missing.
pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|v| !v.is_empty() && v != "false")
}

/// Returns where `program` is found, in `PATH` and where Debian keeps the administrator's programs.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(more).map(|dir| dir.join(program)).find(|file| file.is_file())
}
