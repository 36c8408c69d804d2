//! Lists the examples that the program carries: every file below `examples/`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let missing = |name: &str| io::Error::other(format!("{name} is not set"));
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?);
    let examples = root.join("../../examples");
    println!("cargo::rerun-if-changed={}", examples.display());
    let mut files = Vec::new();
    walk(&examples, "", &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for (relative, path) in &files {
        let line = writeln!(list, "    ({relative:?}, include_bytes!({:?})),", fs::canonicalize(path)?);
        line.map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(out.join("examples.rs"), list)
}

/// Collects the files below a folder, names with a dot before them left out.
fn walk(dir: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dir.display());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        match entry.file_type()? {
            kind if kind.is_dir() => walk(&entry.path(), &relative, files)?,
            kind if kind.is_file() => files.push((relative, entry.path())),
            _ => {}
        }
    }
    Ok(())
}
