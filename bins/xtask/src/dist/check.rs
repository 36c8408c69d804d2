//! `cargo xtask check-targets`: the agent's types, on every system that it is not run on here.

use super::build::{check, install};
use super::targets::{CHECKED, Target};
use crate::failure::{Failure, Result};
use crate::stage::{self, Outcome, Report, Tally};

/// Checks the targets that are named, or all, and prints how each ended.
pub fn check_targets(args: &[String]) -> Result<()> {
    let targets = chosen(args)?;
    let about = "types, with the system's own standard library";
    let reports: Vec<Report> =
        targets.into_iter().map(|target| Report::of(target.triple, about, |tally| outcome(target, tally))).collect();
    if stage::summary(&reports) { Ok(()) } else { Err(Failure::new("a target does not compile without warnings")) }
}

fn outcome(target: &Target, tally: &mut Tally) -> Outcome {
    if let Err(why) = install(target) {
        return Outcome::Skipped(why.to_string());
    }
    match check(target) {
        Ok(warnings) if warnings.is_empty() => {
            tally.passed += 1;
            Outcome::Passed
        }
        Ok(warnings) => Outcome::Failed(format!("{} warnings, see above", warnings.len())),
        Err(why) => Outcome::Failed(why.to_string()),
    }
}

fn chosen(args: &[String]) -> Result<Vec<&'static Target>> {
    if args.is_empty() {
        return Ok(CHECKED.to_vec());
    }
    let find = |name: &String| {
        CHECKED.iter().copied().find(|t| t.triple == *name).ok_or_else(|| {
            let known: Vec<&str> = CHECKED.iter().map(|t| t.triple).collect();
            Failure::new(format!("unknown target `{name}`, expected one of {}", known.join(" ")))
        })
    };
    args.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_checked_by_name_or_all() {
        assert_eq!(chosen(&[]).unwrap().len(), CHECKED.len());
        let one = chosen(&["x86_64-unknown-openbsd".to_owned()]).unwrap();
        assert_eq!(one[0].triple, "x86_64-unknown-openbsd");
        let refused = chosen(&["pdp11".to_owned()]).unwrap_err().to_string();
        assert!(refused.contains("aarch64-apple-darwin"), "{refused}");
    }
}
