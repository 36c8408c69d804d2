//! What a scenario finds, printed as it goes and counted.

use std::fmt::{Debug, Display};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::stage::Tally;

/// How long something may take that is waited for: machines under load are slow, and nothing is lost by patience.
const PATIENCE: Duration = Duration::from_secs(120);

/// The checks of one scenario, or of one machine in it.
pub struct Checks {
    name: String,
    tally: Tally,
}

impl Checks {
    /// Returns no checks yet, of what is called `name`: others may print at the same time.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tally: Tally::default() }
    }

    /// Tells a part of the story for each of `parts`, at the same time, with checks of its own.
    pub fn apart<T: Sync>(&mut self, parts: &[(&str, T)], tell: impl Fn(&T, &mut Self) -> Result<()> + Sync) {
        let told: Vec<Option<Tally>> = thread::scope(|scope| {
            let one = |(name, part)| {
                let mut checks = Self::new(name);
                if let Err(failure) = tell(part, &mut checks) {
                    checks.check("the story goes on to its end", false, failure);
                }
                checks.tally
            };
            let all: Vec<_> = parts.iter().map(|(name, part)| scope.spawn(move || one((name, part)))).collect();
            all.into_iter().map(|one| one.join().ok()).collect()
        });
        for one in told {
            let one = one.unwrap_or(Tally { failed: 1, ..Tally::default() });
            self.tally.passed += one.passed;
            self.tally.failed += one.failed;
            self.tally.skipped += one.skipped;
        }
    }

    /// Checks that `ok` holds; `seen` is shown when it does not.
    pub fn check(&mut self, what: &str, ok: bool, seen: impl Display) {
        if ok {
            self.tally.passed += 1;
            println!("  ok      {}: {what}", self.name);
        } else {
            self.tally.failed += 1;
            println!("  FAILED  {}: {what}: {seen}", self.name);
        }
    }

    /// Checks that two values are the same.
    pub fn same<T: PartialEq<U> + Debug, U: Debug>(&mut self, what: &str, seen: T, expected: U) {
        let ok = seen == expected;
        self.check(what, ok, format_args!("expected {expected:?}, seen {seen:?}"));
    }

    /// Waits until a text is `expected`. What does not come is an error: it makes no sense to go on.
    pub fn soon(&mut self, what: &str, expected: &str, mut seen: impl FnMut() -> Result<String>) -> Result<()> {
        let start = Instant::now();
        loop {
            let now = seen()?;
            if now == expected {
                self.check(what, true, "");
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                let within = PATIENCE.as_secs();
                return Err(Failure::new(format!("{what}: expected {expected:?} within {within} s, seen {now:?}")));
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// Leaves a check out.
    pub fn skip(&mut self, what: &str, why: &str) {
        self.tally.skipped += 1;
        println!("  skipped {}: {what}: {why}", self.name);
    }

    /// Returns the count.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}
