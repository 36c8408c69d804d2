//! Runs that are ended before their end.

use super::rig::{Machine, outcomes};
use crate::converge::RunOutcome;

#[test]
fn a_cancelled_run_finishes_the_operation_in_hand() {
    let mut m = Machine::new();
    m.cancelled_after = Some(0);
    let policy = "resources:
  - {name: a, type: file, target_path: /etc/a1, content: x}
  - {name: b, type: file, target_path: /etc/b1, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a changed", "b skipped cancelled"]);
    assert_eq!(report.outcome, RunOutcome::NotConverged);
    assert_eq!(m.disk.read("/etc/a1").unwrap_or_default(), "x");
}

const TWO: &str = "resources:
  - {name: a, type: file, target_path: /etc/a1, owner: alice, mode: '0600'}
  - {name: b, type: file, target_path: /etc/b1, content: x}
";

#[test]
fn what_was_only_looked_at_is_not_run() {
    let mut m = Machine::new();
    m.cancelled_on = Some("/etc/a1");
    let report = m.apply(TWO);
    assert_eq!(outcomes(&report), ["a skipped cancelled", "b skipped cancelled"], "{report:#?}");
    assert!(m.changed_ops.is_empty());
}

#[test]
fn a_resource_that_was_half_changed_has_failed() {
    let mut m = Machine::new();
    m.disk.file("/etc/a1", "");
    m.disk.meta("/etc/a1", |meta| meta.mode = 0o666);
    m.cancelled_on = Some("chown /etc/a1");
    let report = m.apply(TWO);
    assert_eq!(outcomes(&report), ["a failed", "b skipped cancelled"], "{report:#?}");
    assert_eq!(m.changed_ops.len(), 1);
    assert_eq!(report.resources[0].operations.len(), 1, "{report:#?}");
}

#[test]
fn there_is_no_further_attempt_and_the_last_failure_is_told() {
    let mut m = Machine::new();
    m.disk.programs = |_| (1, "no".into());
    m.cancelled_on = Some("attempt 2");
    let report =
        m.apply("resources: [{name: x, type: exec, command: x, creates: /never, retries: 2, retry_delay: 1h}]\n");
    assert_eq!(outcomes(&report), ["x failed"]);
    assert_eq!(m.changed_ops.len(), 1);
    let x = &report.resources[0];
    assert!(x.cause.as_ref().is_some_and(|c| c.contains("cancelled before attempt 2")), "{x:#?}");
    assert!(x.notes.iter().any(|n| n.contains("exited 1")), "{x:#?}");
}
