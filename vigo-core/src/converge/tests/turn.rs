//! What becomes of one resource: changed, in sync, failed, tried again.

use super::rig::{Machine, outcomes};
use crate::action::FailureKind;
use crate::converge::SkipCause;
use crate::time::Duration;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

#[test]
fn a_first_run_changes_a_second_does_not_and_drift_is_repaired() {
    let mut m = Machine::new();
    let policy = "vars: {port: 80}
resources:
  - {name: b, type: file, target_path: /etc/b/c.conf, content: 'listen {{ .Vars.port }}'}
  - {name: a, type: directory, target_path: /etc/b, mode: '0750'}
  - {name: l, type: symlink, target_path: /etc/l, to: b/c.conf}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a changed", "b changed", "l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/b/c.conf").unwrap_or_default(), "listen 80");
    assert_eq!(outcomes(&m.apply(policy)), ["a ok", "b ok", "l ok"]);
    assert!(m.changed_ops.is_empty());
    m.disk.file("/etc/b/c.conf", "by hand");
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a ok", "b changed", "l ok"]);
    assert!(report.resources[1].diff.as_ref().is_some_and(|d| d.contains("-by hand") && d.contains("+listen 80")));
}

#[test]
fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    let mut m = Machine::new();
    m.disk.programs =
        |c| if c.args.iter().any(|a| a.as_str() == "bad") { (3, "broken".into()) } else { (0, String::new()) };
    let policy = "resources:
  - {name: bad, type: exec, command: bad, creates: /never}
  - {name: needs, type: file, target_path: /etc/n, content: x, depends_on: [bad]}
  - {name: far, type: file, target_path: /etc/far, content: x, depends_on: [needs]}
  - {name: free, type: file, target_path: /etc/free, content: x}
";
    let report = m.apply(policy);
    let expected = ["bad failed", "needs skipped dependency", "far skipped dependency", "free changed"];
    assert_eq!(outcomes(&report), expected, "{report:#?}");
    assert!(report.resources[1].cause.as_ref().is_some_and(|c| c.contains("c/bad")));
}

#[test]
fn a_template_error_skips_that_resource_with_its_place() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: t, type: file, target_path: /etc/t, content: '{{ index .Vars \"nosuch\" }}'}
  - {name: ok, type: file, target_path: /etc/ok, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["t skipped error", "ok changed"], "{report:#?}");
    let cause = report.resources[0].cause.clone().unwrap_or_default();
    assert!(cause.starts_with("configcrates/c.vgo:3:"), "{cause}");
}

#[test]
fn a_template_error_is_where_the_text_stands() {
    // The later lines of a text in quotes, or of a folded one, are not lines of the file.
    let cases = [
        ("one line", "'ü {{ index .Vars \"no\" }}'", "6:20"),
        ("a block", "|\n      a\n      é {{ index .Vars \"no\" }}", "8:12"),
        ("a newline by an escape", "\"a\\nb {{ index .Vars `no` }}\"", "6:15"),
        ("a folded block", ">\n      a\n\n      {{ index .Vars \"no\" }}", "7:7"),
    ];
    for (name, content, place) in cases {
        let policy = format!(
            "resources:\n  - name: t\n    type: file\n    target_path: /etc/t\n    content: {content}\nvars: {{}}\n"
        );
        let report = Machine::new().apply(&policy);
        let cause = report.resources[0].cause.clone().unwrap_or_default();
        assert!(cause.starts_with(&format!("configcrates/c.vgo:{place}: ")), "{name}: {cause}");
    }
}

#[test]
fn attempts_are_repeated_and_waits_are_virtual() {
    let mut m = Machine::new();
    m.disk.programs = |_| (1, "no".into());
    let policy = "resources:
  - {name: x, type: exec, command: x, creates: /never, retries: 2, retry_delay: 1h}
";
    let before = m.now;
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["x failed"]);
    assert_eq!(m.changed_ops.len(), 3);
    assert!(m.now.since(before) >= Duration::from_secs(7200), "two delays passed");
}

#[test]
fn a_panic_fails_its_resource_alone() {
    let mut m = Machine::new();
    m.disk.programs = |_| (0, String::new());
    m.panics_on = Some("boom");
    let policy = "resources:
  - {name: p, type: exec, command: boom, creates: /never}
  - {name: after, type: file, target_path: /etc/after, content: x, depends_on: [p]}
  - {name: free, type: file, target_path: /etc/free, content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["p failed", "after skipped dependency", "free changed"], "{report:#?}");
    assert!(report.resources[0].cause.as_ref().is_some_and(|c| c.contains("internal error")));
}

#[test]
fn a_guarded_path_is_refused_before_anything_is_done() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: g, type: file, target_path: '{{ \"/etc/vigo\" }}/x', content: x}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["g failed"], "{report:#?}");
    assert!(m.changed_ops.is_empty());
}

#[test]
fn skipped_causes_tell_good_from_bad() {
    assert!(!SkipCause::When.is_bad() && !SkipCause::Untriggered.is_bad());
    assert!(SkipCause::Dependency.is_bad() && SkipCause::Cancelled.is_bad());
}

#[test]
fn a_file_that_changed_meanwhile_is_looked_at_once_more() {
    let mut m = Machine::new();
    let policy = "resources: [{name: l, type: file_line, target_path: /etc/f, line: ours}]\n";
    m.disk.file("/etc/f", "a\n");
    m.meddles = Some(("/etc/f", "theirs\n"));
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/f").as_deref(), Some("theirs\nours\n"));
}

#[test]
fn a_mistake_of_the_policy_is_not_tried_again() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: a, type: file, target_path: /etc/debian, content: x}
  - {name: b, type: file, target_path: '/etc/{{ .Traits.os.family }}', content: y, retries: 1}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["a changed", "b failed"], "{report:#?}");
    assert!(report.resources[1].cause.as_ref().is_some_and(|c| c.contains("with other wishes")));
    assert_eq!(m.disk.read("/etc/debian").as_deref(), Some("x"));
}

#[test]
fn a_report_shows_what_all_attempts_changed() {
    let mut m = Machine::new();
    m.disk.file("/etc/f", "x");
    m.disk.meta("/etc/f", |meta| (meta.mode, meta.uid) = (0o666, 7));
    m.fails_on = Some("chmod");
    let report =
        m.apply("resources: [{name: f, type: file, target_path: /etc/f, owner: alice, mode: '0600', retries: 1}]\n");
    assert_eq!(outcomes(&report), ["f changed"], "{report:#?}");
    let fields: Vec<&str> = report.resources[0].changes.iter().map(|c| &*c.field).collect();
    assert_eq!(fields, ["owner", "mode"]);
    assert_eq!(report.resources[0].operations.len(), 3, "{report:#?}");
}

#[test]
fn a_name_that_is_one_on_another_system_alone_is_unsupported() {
    let policy = "resources:
  - {name: u, type: user_windows, username: bob}
  - {name: not-here, type: cron_windows, cron: j, command: x, minute: 1, when: \"os_family('windows')\"}
  - {type: package_windows, package: git}
";
    for report in [Machine::new().apply(policy), Machine::new().plan(policy)] {
        assert_eq!(outcomes(&report), ["u failed", "not-here skipped when", "package:git failed"], "{report:#?}");
        let cause = report.resources[0].cause.clone().unwrap_or_default();
        assert!(cause.ends_with("type `user_windows` is not supported on test"), "{cause}");
    }
}

#[test]
fn a_further_attempt_looks_anew() {
    let mut m = Machine::new();
    m.meddles_waiting = Some(("/etc/late", "theirs\n"));
    let report = m.apply("resources: [{name: l, type: file_line, target_path: /etc/late, line: ours, retries: 1}]\n");
    assert_eq!(outcomes(&report), ["l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/late").as_deref(), Some("theirs\nours\n"));
}

#[test]
fn a_condition_on_the_name_is_decided_by_that_of_the_run() {
    let mut m = Machine::new();
    let policy = "resources:
  - {name: own, type: file, target_path: /etc/own, content: x, when: \"hostname_match('[h]')\"}
  - {name: other, type: file, target_path: /etc/other, content: x, when: \"hostname_match('web-*')\"}
  - name: arms
    type: file
    target_path: /etc/arms
    content: x
    case: [{when: \"hostname_match('web-*')\", set: {content: web}}, {when: \"!hostname_match('db-*')\", set: {content: rest}}]
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["own changed", "other skipped when", "arms changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/arms").unwrap_or_default(), "rest");
}

#[test]
fn what_lies_in_a_directory_that_was_not_made_is_skipped() {
    let policy = "resources:
  - {name: d, type: directory, target_path: /etc/d}
  - {name: f, type: file, target_path: /etc/d/sub/f, content: x, retries: 3}
  - {name: l, type: file, target_path: /etc/d/l, content: x}
  - {name: own, type: file, target_path: /etc/d/own, content: x, make_parents: true}
  - {name: after, type: file, target_path: /etc/after, content: x, depends_on: [f]}
  - {name: other, type: file, target_path: /etc/missing/other, content: x}
";
    for (kind, word) in [(FailureKind::NoSpace, "blocked"), (FailureKind::Other, "failed")] {
        let mut m = Machine::new();
        (m.fails_on, m.fails_as) = (Some("mkdir /etc/d "), kind);
        let report = m.apply(policy);
        let expected = [
            format!("d {word}"),
            "f skipped dependency".into(),
            "l skipped dependency".into(),
            "own changed".into(),
            "after skipped dependency".into(),
            "other failed".into(),
        ];
        assert_eq!(outcomes(&report), expected, "{report:#?}");
        let was = if word == "failed" { "failed" } else { "was blocked" };
        let cause = format!("`c/d`, which makes its directory, {was}");
        assert_eq!(report.resources[1].cause.as_deref(), Some(&*cause));
        let again = m.apply(policy);
        assert_eq!(outcomes(&again)[2], "l changed", "{again:#?}");
    }
    // With the directory there, what is missing in it is its own mistake.
    let mut m = Machine::new();
    let report = m.apply(policy);
    assert_eq!(outcomes(&report)[..3], ["d changed", "f failed", "l changed"], "{report:#?}");
    // It is the missing directory that counts, not that something about it went wrong.
    let mut m = Machine::new();
    (m.fails_on, m.fails_as) = (Some("chmod 0700 /etc/d"), FailureKind::Other);
    m.disk.dir("/etc/d");
    let report = m.apply(
        "resources:
  - {name: d, type: directory, target_path: /etc/d, mode: '0700'}
  - {name: f, type: file, target_path: /etc/d/f, content: x}
",
    );
    assert_eq!(outcomes(&report), ["d failed", "f changed"], "{report:#?}");
}
