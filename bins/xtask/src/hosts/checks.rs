//! What a scenario finds, printed as it goes and counted.

use std::fmt::{Debug, Display};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::stage::Tally;

/// How long something may take that is waited for: machines under load are slow, and nothing is lost by patience.
const PATIENCE: Duration = Duration::from_secs(120);

/// The checks of one scenario.
#[derive(Default)]
pub struct Checks(Tally);

impl Checks {
    /// Checks that `ok` holds; `seen` is shown when it does not.
    pub fn check(&mut self, what: &str, ok: bool, seen: impl Display) {
        if ok {
            self.0.passed += 1;
            println!("  ok      {what}");
        } else {
            self.0.failed += 1;
            println!("  FAILED  {what}: {seen}");
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
        self.0.skipped += 1;
        println!("  skipped {what}: {why}");
    }

    /// Returns the count.
    pub fn tally(&self) -> Tally {
        self.0
    }
}
