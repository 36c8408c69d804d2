//! One stage of a test run: its heading, its outcome, its share of the count.

use std::fmt;
use std::time::{Duration, Instant};

/// Tests, counted from what the runners say.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Kept their promise.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
    /// Were left out.
    pub skipped: u64,
}

/// How a stage ended.
#[derive(PartialEq, Eq, Debug)]
pub enum Outcome {
    /// All was well.
    Passed,
    /// Something was not, and what.
    Failed(String),
    /// It could not run here, and why.
    Skipped(String),
}

/// A stage that is over.
pub struct Report {
    name: &'static str,
    outcome: Outcome,
    tally: Tally,
    took: Duration,
}

impl Tally {
    /// Adds what `line` says, if it is the closing line of a test runner: nextest, libtest, or our own.
    pub fn read(&mut self, line: &str) {
        let counts = if let Some((_, counts)) = line.split_once(" run: ").filter(|_| line.contains("Summary [")) {
            counts
        } else if let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|l| l.split_once(". ")) {
            counts
        } else if line.split(' ').nth(1) == Some("passed,") {
            line
        } else {
            return;
        };
        for part in counts.split([',', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next().and_then(|n| n.parse::<u64>().ok()), words.next()) else {
                continue;
            };
            match word {
                "passed" => self.passed += number,
                // nextest tells a test that ran out of time, or did not start, from one that failed.
                "failed" | "timed" | "exec" => self.failed += number,
                "skipped" | "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Report {
    /// Runs a stage under its heading.
    pub fn of(name: &'static str, about: &str, run: impl FnOnce(&mut Tally) -> Outcome) -> Self {
        println!("\n=== {name}: {about}");
        let start = Instant::now();
        let mut tally = Tally::default();
        let outcome = run(&mut tally);
        match &outcome {
            Outcome::Passed => {}
            // A stage without a count of its own (a build, a lint) counts once when it fails or is left out.
            Outcome::Failed(_) => tally.failed = tally.failed.max(1),
            Outcome::Skipped(_) => tally.skipped = tally.skipped.max(1),
        }
        let report = Self { name, outcome, tally, took: start.elapsed() };
        println!("--- {report}");
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, why) = match &self.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(why) => ("FAILED", why.as_str()),
            Outcome::Skipped(why) => ("skipped", why.as_str()),
        };
        write!(f, "{:<12} {word:<8} {:>7.1} s", self.name, self.took.as_secs_f64())?;
        if self.tally.passed > 0 {
            write!(f, "  {}", self.tally)?;
        }
        if why.is_empty() { Ok(()) } else { write!(f, "  {why}") }
    }
}

/// Prints the table of all stages and, last, the count alone on its line. Returns whether nothing failed.
pub fn summary(reports: &[Report]) -> bool {
    println!("\n=== summary");
    let mut all = Tally::default();
    let mut took = Duration::ZERO;
    for report in reports {
        println!("{report}");
        all.passed += report.tally.passed;
        all.failed += report.tally.failed;
        all.skipped += report.tally.skipped;
        took += report.took;
    }
    println!("{:<12} {:<8} {:>7.1} s\n\n{all}", "all", "", took.as_secs_f64());
    all.failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_the_runners_are_counted() {
        let cases = [
            ("nextest", "     Summary [   0.011s] 12 tests run: 12 passed, 0 skipped", (12, 0, 0)),
            ("nextest, one test", "     Summary [   0.011s] 1 test run: 1 passed (1 slow), 3 skipped", (1, 0, 3)),
            (
                "nextest, stopped",
                " Summary [ 1.0s] 5/9 tests run: 2 passed, 2 failed, 1 timed out, 4 skipped",
                (2, 3, 4),
            ),
            ("libtest", "test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; done", (7, 0, 1)),
            (
                "libtest, bad",
                "test result: FAILED. 6 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
                (6, 1, 0),
            ),
            ("our own", "9 passed, 1 failed, 2 skipped", (9, 1, 2)),
            ("a test's own words", "the run: 3 passed, 1 failed", (0, 0, 0)),
        ];
        for (name, line, (passed, failed, skipped)) in cases {
            let mut tally = Tally::default();
            tally.read(line);
            assert_eq!(tally, Tally { passed, failed, skipped }, "{name}");
        }
    }

    #[test]
    fn a_failure_without_a_count_counts_once() {
        let failed = Report::of("x", "y", |_| Outcome::Failed("it broke".to_owned()));
        assert_eq!(failed.tally.failed, 1);
        assert!(!summary(&[failed]));
    }
}
