//! What a plan says, and whether the run then does it.

use super::rig::{Machine, outcomes};
use crate::action::{AccountKind, FailureKind, OpFailure, OpOutput};
use crate::converge::RunOutcome;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

#[test]
fn a_plan_sees_what_earlier_resources_would_do() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: d, type: directory, target_path: /srv2}
  - {name: f, type: file, target_path: /srv2/f, content: 'x'}
  - {name: hard, type: symlink, target_path: /srv2/g, to: /srv2/f, link_type: hard, depends_on: [f]}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["d changed", "f changed", "hard changed"], "{report:#?}");
    assert_eq!(report.outcome, RunOutcome::Drift);
    assert_eq!(outcomes(&m.apply(policy)), outcomes(&report), "the plan told the truth");
    assert_eq!(m.plan(policy).outcome, RunOutcome::Converged);
}

#[test]
fn a_plan_fails_what_has_no_directory_as_the_run_would() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: f, type: file, target_path: /nowhere/f, content: 'x'}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f failed"], "{report:#?}");
    assert!(report.resources[0].cause.as_ref().is_some_and(|c| c.contains("`/nowhere`")));
    assert_eq!(outcomes(&m.apply(policy)), ["f failed"]);
    m.disk.file("/nowhere", "");
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f failed"], "a file is no directory: {report:#?}");
}

#[test]
fn a_plan_does_not_believe_a_guard_behind_a_change() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    let policy = "resources:
  - {name: f, type: file, target_path: /etc/f1, content: x}
  - {name: e, type: exec, command: x, onlyif: 'test -e /etc/f1', depends_on: [f]}
";
    assert_eq!(outcomes(&m.plan(policy)), ["f changed", "e unknown c/f"]);
}

const MAKES: &str = "resources:
  - {name: e, type: exec, command: make, creates: /opt/made}
";

#[test]
fn a_look_behind_what_nobody_can_foretell_is_unknown() {
    let mut m = Machine::new();
    let policy = format!(
        "{MAKES}  - {{name: f, type: file, target_path: /etc/f, content: x, when: \"file_exists('/opt/made')\", depends_on: [e]}}
  - {{name: g, type: file, target_path: /etc/g, content: x, when: \"!dir_exists('/opt/made')\", depends_on: [e]}}
  - {{name: h, type: file, target_path: /etc/h, content: x, when: \"file_exists('/etc/passwd')\", depends_on: [e]}}
"
    );
    assert_eq!(outcomes(&m.plan(&policy)), ["e changed", "f unknown c/e", "g unknown c/e", "h changed"]);
    m.disk.file("/opt/made", "");
    assert_eq!(outcomes(&m.plan(&policy)), ["e ok", "f changed", "g changed", "h changed"]);
}

#[test]
fn a_gate_that_is_unknown_is_so_for_the_whole_crate() {
    let mut m = Machine::new();
    let policy = format!(
        "{MAKES}---
when: file_exists('/opt/made')
resources:
  - {{name: a, type: file, target_path: /etc/a, content: x, depends_on: [c/e]}}
  - {{name: b, type: file, target_path: /etc/b, content: x}}
"
    );
    assert_eq!(outcomes(&m.plan(&policy)), ["e changed", "d/a unknown c/e", "d/b unknown c/e"]);
}

#[test]
fn what_a_plan_has_not_made_is_not_a_failure() {
    let mut m = Machine::new();
    m.disk.file("/etc/from", "a\n");
    let policy = "resources:
  - {name: a, type: file, target_path: /etc/x, source: /etc/from}
  - {name: k, type: symlink, target_path: /etc/k, to: x}
  - {name: l, type: file_line, target_path: /etc/k, line: b, depends_on: [k, a]}
";
    assert_eq!(outcomes(&m.plan(policy)), ["a changed", "k changed", "l unknown c/k"]);
}

#[test]
fn what_an_unknown_change_would_trigger_is_unknown() {
    let mut m = Machine::new();
    let policy = format!(
        "{MAKES}  - {{name: f, type: file, target_path: /etc/f, content: x, when: \"file_exists('/opt/made')\", depends_on: [e], notify: [reload]}}
  - {{name: reload, type: exec, command: 'reload app', when: changed}}
"
    );
    assert_eq!(outcomes(&m.plan(&policy)), ["e changed", "f unknown c/e", "reload unknown c/f"]);
}

#[test]
fn a_plan_awaits_owners_that_do_not_exist_yet() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: f, type: file, target_path: /etc/f, content: x, owner: bob, group: '0'}
  - {name: d, type: directory, target_path: /d, group: bobs}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f changed", "d changed"], "{report:#?}");
    let shown = |i: usize| {
        let changes = &report.resources[i].changes;
        changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect::<Vec<_>>()
    };
    assert_eq!(shown(0), ["state: absent → present", "owner: absent → bob (not yet present)"]);
    assert_eq!(shown(1), ["group: 0 → bobs (not yet present)"]);
    assert_eq!(outcomes(&m.apply(policy)), ["f failed", "d failed"]);
}

#[test]
fn accounts_of_a_directory_service_are_there_for_plans_and_conditions() {
    let mut m = Machine::new();
    let said = |line: &str| OpOutput::Bytes(line.as_bytes().into());
    let silent = OpFailure { kind: FailureKind::TimedOut, message: "nobody answers".into() };
    m.disk.directory = alloc::vec![
        (AccountKind::User, "bob", said("bob:*:501:20:::\n")),
        (AccountKind::User, "carol", OpOutput::Failed(silent)),
    ];
    let policy = "resources:
  - {name: f, type: file, target_path: /etc/f, content: x, owner: bob}
  - {name: alice, type: file, target_path: /etc/a, content: x, when: \"user_exists('alice')\"}
  - {name: bob, type: file, target_path: /etc/b, content: x, when: \"user_exists('bob')\"}
  - {name: dave, type: file, target_path: /etc/d, content: x, when: \"user_exists('dave')\"}
";
    let report = m.plan(policy);
    assert_eq!(outcomes(&report), ["f changed", "alice changed", "bob changed", "dave skipped when"], "{report:#?}");
    let owner = "write /etc/f (1 bytes) mode 0644 uid 501";
    assert_eq!(report.resources[0].operations, [owner]);
    assert_eq!(outcomes(&m.apply(policy)), ["f changed", "alice changed", "bob changed", "dave skipped when"]);
    assert_eq!(outcomes(&m.apply(policy)), ["f ok", "alice ok", "bob ok", "dave skipped when"]);
    let silent = "resources:
  - {name: carol, type: file, target_path: /etc/c, content: x, when: \"user_exists('carol')\"}
";
    let report = m.apply(silent);
    let cause = report.resources[0].cause.as_deref().unwrap_or_default();
    assert_eq!(cause, "`when:` cannot be decided: nobody answers", "that is no answer of `no`");
}
