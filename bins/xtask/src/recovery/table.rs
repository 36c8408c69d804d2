//! What the scenarios took, as a table.

use std::fs;
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::workspace::root;

/// What one scenario took.
pub struct Row {
    /// What was lost, and how it came back.
    pub name: &'static str,
    /// From the start of the way back, its commands included, to the first check-in that was answered.
    pub first: Duration,
    /// … to the last envoy's.
    pub all: Duration,
    /// The same of the generated machines, where there are any.
    pub generated: Option<(Duration, Duration)>,
    /// Seconds of what had been acknowledged that did not come back; [`Duration::MAX`] for all that ever was.
    pub lost: Duration,
    /// How often a machine was broken meanwhile and made whole.
    pub repairs: usize,
    /// The longest time that one was broken.
    pub longest: Duration,
}

const HEAD: &str = "| lost, and restored | first check-in answered | whole fleet back | of the generated machines the first | \
    all of them | data lost | machines repaired meanwhile | the slowest repair |\n|---|---|---|---|---|---|---|---|\n";

/// Prints the table and, with `keep`, writes it into the guide: those of `names`, all scenarios there are, that were not played
/// keep the lines that they have there.
pub fn show(rows: &[Row], names: &[&str], machines: usize, generated: usize, keep: bool) -> Result<()> {
    let table: String = rows.iter().map(line).collect();
    print!("\n{HEAD}{table}");
    if !keep {
        return Ok(());
    }
    let page = root().join("docs/src/recovery-times.md");
    let table = merged(names, &table, &fs::read_to_string(&page).unwrap_or_default());
    let text = format!(
        "# How long it takes\n\nWritten by `cargo xtask test recovery --write`: {machines} agents with an interval of two \
         seconds, in some scenarios {generated} [generated machines](load.md) beside them, and their server, all on one machine \
         with two processors. Each time counts from the start of the way back, its commands included.\n\n{HEAD}{table}"
    );
    fs::write(&page, text).map_err(|e| Failure::at(&page, &e))
}

fn line(row: &Row) -> String {
    let seconds = |span: Duration| match span {
        Duration::MAX => "all".into(),
        span => format!("{:.1} s", span.as_secs_f64()),
    };
    let [first, all, lost, longest] = [row.first, row.all, row.lost, row.longest].map(seconds);
    let generated = row.generated.map(|(first, all)| [first, all].map(seconds)).unwrap_or_default();
    let [of_generated, all_generated] = generated;
    let (name, repairs) = (row.name, row.repairs);
    format!("| {name} | {first} | {all} | {of_generated} | {all_generated} | {lost} | {repairs} | {longest} |\n")
}

/// Returns the lines of a table, in the order of `names`, each the new one or else the one that `page` has.
fn merged(names: &[&str], new: &str, page: &str) -> String {
    let of = |table: &str, name: &str| {
        let head = format!("| {name} | ");
        table.lines().find(|line| line.starts_with(&head)).map(|line| format!("{line}\n"))
    };
    names.iter().filter_map(|name| of(new, name).or_else(|| of(page, name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_played_keeps_its_line() {
        let page = "# How\n\n| lost | x |\n|---|---|\n| b | 1 |\n| gone | 2 |\n| a | 3 |\n";
        assert_eq!(merged(&["a", "b", "c"], "| b | 4 |\n", page), "| a | 3 |\n| b | 4 |\n");
    }
}
