//! What the programs have said last, for whom a scenario has failed.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of each log that are shown.
const LINES: usize = 12;

/// Prints the end of every log in `place`, which goes with the scenario.
pub fn show(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut logs: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    for log in logs {
        let text = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        println!("\n── the end of {} ──", log.file_name().unwrap_or_default().to_string_lossy());
        lines.iter().skip(lines.len().saturating_sub(LINES)).for_each(|line| println!("{line}"));
    }
}
