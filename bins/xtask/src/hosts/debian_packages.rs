//! Packages of the distribution: fetched once, while there is a network, so that machines can install them without one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::process::Program;

/// Where they are inside every machine.
const PLACE: &str = "/srv/vigo-test/debian";

/// Fetches `names` and what they need beyond what is installed below `root`, by `apt` in there.
pub fn fetch(root: &Path, names: &[&str], apt: impl Fn(&[&str]) -> Result<String>) -> Result<()> {
    let partial = place(root).join("partial");
    fs::create_dir_all(&partial).map_err(|e| Failure::at(&partial, &e))?;
    let archives = format!("Dir::Cache::archives={PLACE}");
    let install = ["-o", &archives, "install", "--download-only", "--allow-remove-essential"];
    if apt(&[&install[..], names].concat()).is_err() {
        // The lists may be missing, or name versions that are no more.
        apt(&["update"])?;
        apt(&[&install[..], names].concat())?;
    }
    Ok(())
}

/// Makes the index of all that was fetched, and lets apt below `root` know of it.
pub fn announce(root: &Path) -> Result<()> {
    let place = place(root);
    let mut index = String::new();
    let entries = fs::read_dir(&place).map_err(|e| Failure::at(&place, &e))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for deb in files.iter().filter(|path| path.extension().is_some_and(|e| e == "deb")) {
        index.push_str(&paragraph(deb)?);
    }
    let path = place.join("Packages");
    fs::write(&path, index).map_err(|e| Failure::at(&path, &e))?;
    let path = root.join("etc/apt/sources.list.d/vigo-test-debian.list");
    fs::write(&path, format!("deb [trusted=yes] file:{PLACE} ./\n")).map_err(|e| Failure::at(&path, &e))
}

fn place(root: &Path) -> PathBuf {
    root.join(PLACE.trim_start_matches('/'))
}

/// Returns what an index says of a package: what the package says of itself, and where it is.
pub fn paragraph(deb: &Path) -> Result<String> {
    let control = Program::new("dpkg-deb").arg("--field").arg(deb).text()?;
    let size = fs::metadata(deb).map_err(|e| Failure::at(deb, &e))?.len();
    let sum = Program::new("sha256sum").arg(deb).text()?;
    let sum = sum.split_whitespace().next().unwrap_or_default();
    let file = deb.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{}\nFilename: ./{file}\nSize: {size}\nSHA256: {sum}\n\n", control.trim_end()))
}
