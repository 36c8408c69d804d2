//! What a scenario finds, printed as it goes and counted.

use std::fmt::{Debug, Display};

use crate::stage::Tally;

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
