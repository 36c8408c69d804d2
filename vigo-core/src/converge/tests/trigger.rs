//! Triggers: stored first, delivered once, kept until then.

use super::rig::{Machine, outcomes};
use crate::converge::RunOutcome;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const HANDLER: &str = "resources:
  - {name: conf, type: file, target_path: /etc/app.conf, content: 'x', notify: [reload]}
  - {name: reload, type: exec, command: 'reload app', when: changed}
";

#[test]
fn a_handler_runs_once_when_triggered() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    assert_eq!(outcomes(&m.plan(HANDLER)), ["conf changed", "reload changed"]);
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf changed", "reload changed"]);
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf ok", "reload skipped untriggered"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_trigger_survives_the_death_of_the_agent_and_a_failed_target() {
    let mut m = Machine::new();
    m.disk.programs = |_| (1, "no".into());
    m.dies_after = Some(1);
    assert!(m.run(HANDLER, false).is_none(), "it died right before the handler");
    assert_eq!(m.triggers.len(), 1, "the trigger was stored first");
    m.dies_after = None;
    let report = m.apply(HANDLER);
    assert_eq!(outcomes(&report), ["conf ok", "reload failed"]);
    assert_eq!(report.outcome, RunOutcome::NotConverged);
    m.disk.programs = |_| (0, String::new());
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf ok", "reload changed"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_maintenance_window_keeps_the_trigger_until_it_opens() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    let policy = HANDLER.replace("when: changed", "when: 'changed && hour_range(2,5)'");
    m.now = Timestamp::from_epoch_secs(12 * 3600);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf changed", "reload skipped when"]);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload skipped when"]);
    m.now = Timestamp::from_epoch_secs(26 * 3600);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload changed"]);
    assert_eq!(outcomes(&m.apply(&policy)), ["conf ok", "reload skipped untriggered"]);
}

#[test]
fn only_runs_what_was_chosen_and_keeps_the_rest() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    m.only = alloc::vec!["c/conf".into()];
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf changed"]);
    m.only.clear();
    assert!(outcomes(&m.apply(HANDLER)).contains(&"conf ok".to_string()));
}

#[test]
fn what_could_not_be_stored_is_stored_before_the_next_attempt() {
    let mut m = Machine::new();
    let policy = HANDLER.replace("content: 'x'", "content: 'x', retries: 1");
    m.full = 1;
    m.dies_after = Some(1);
    assert!(m.run(&policy, false).is_none(), "it died right before the handler");
    assert_eq!(m.triggers.len(), 1);
    assert_eq!(m.snapshots.len(), 1);
}

#[test]
fn nothing_is_changed_when_its_trigger_cannot_be_stored() {
    let mut m = Machine::new();
    m.full = 9;
    let report = m.apply(HANDLER);
    assert_eq!(outcomes(&report), ["conf failed", "reload skipped untriggered"], "{report:#?}");
    assert!(report.resources[0].cause.as_ref().is_some_and(|c| c.contains("no space left on device")));
    assert!(m.changed_ops.is_empty());
}

#[test]
fn a_trigger_of_a_target_that_was_left_out_is_kept_for_it() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    m.only = alloc::vec!["c/conf".into()];
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf changed"]);
    m.only.clear();
    assert_eq!(outcomes(&m.apply(HANDLER)), ["conf ok", "reload changed"]);
    assert!(m.triggers.is_empty());
}

#[test]
fn a_trigger_fires_for_the_sources_that_succeeded_and_waits_for_the_rest() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    let policy = "resources:
  - {name: a, type: file, target_path: /etc/a, content: x, notify: [reload]}
  - {name: b, type: file, target_path: /etc/b, content: x, notify: [reload]}
  - {name: reload, type: exec, command: 'reload app', when: changed}
";
    m.fails_on = Some("write /etc/b");
    assert_eq!(outcomes(&m.apply(policy)), ["a changed", "b failed", "reload changed"]);
    assert_eq!(m.triggers.iter().map(|t| (&*t.source, t.fired)).collect::<Vec<_>>(), [("c/b", false)]);
    m.disk.file("/etc/b", "x");
    assert_eq!(outcomes(&m.apply(policy)), ["a ok", "b ok", "reload changed"], "of the run in which it succeeds");
    assert!(m.triggers.is_empty());
}
