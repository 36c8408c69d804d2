//! What becomes of one resource: changed, in sync, failed, tried again.

use super::rig::{Machine, outcomes};
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
fn a_further_attempt_looks_anew() {
    let mut m = Machine::new();
    m.meddles_waiting = Some(("/etc/late", "theirs\n"));
    let report = m.apply("resources: [{name: l, type: file_line, target_path: /etc/late, line: ours, retries: 1}]\n");
    assert_eq!(outcomes(&report), ["l changed"], "{report:#?}");
    assert_eq!(m.disk.read("/etc/late").as_deref(), Some("theirs\nours\n"));
}

#[test]
fn a_default_is_left_out_where_the_rendered_state_does_not_take_it() {
    let mut m = Machine::new();
    m.disk.file("/etc/old", "x");
    let policy = "vars: {s: absent}
defaults: {owner: alice}
resources:
  - {name: old, type: file, target_path: /etc/old, state: '{{ .Vars.s }}'}
  - {name: arm, type: file, target_path: /etc/arm, case: '{{ .Vars.s }}', match: {absent: {state: absent}}}
  - {name: new, type: file, target_path: /etc/new}
  - {name: bad, type: file, target_path: /etc/bad, owner: alice, state: '{{ .Vars.s }}'}
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["old changed", "arm ok", "new changed", "bad failed"], "{report:#?}");
    let cause = report.resources[3].cause.clone().unwrap_or_default();
    assert!(cause.ends_with("attribute `owner`: has no meaning with `state: absent`"), "{cause}");
    assert_eq!(m.disk.node("/etc/new").map(|n| n.meta.uid), Some(1000));
}

#[test]
fn the_place_of_a_secret_file_is_no_template() {
    let mut m = Machine::new();
    m.disk.programs = |c| match (&c.secret_file, c.args.last()) {
        (Some(file), Some(text)) if text.as_str().starts_with("import 7 ") && file.as_str() == "k=1" => {
            (i32::from(text.as_str() != "import 7 {{secret_file}} x"), String::new())
        }
        _ => (2, "not as expected".into()),
    };
    let policy = "vars: {n: 7, k: 'k=1'}
resources:
  - name: import
    type: exec
    command: 'import {{ .Vars.n }} {{secret_file}} x'
    secret_file: '{{ .Vars.k }}'
    creates: /never
";
    let report = m.apply(policy);
    assert_eq!(outcomes(&report), ["import changed"], "{report:#?}");
}

#[test]
fn the_timeout_of_a_script_holds_for_each_of_its_calls() {
    let mut m = Machine::new();
    for dir in ["/usr/local/share/vigo", "/usr/local/share/vigo/executors"] {
        m.disk.dir(dir);
    }
    m.disk.file("/usr/local/share/vigo/executors/greet.sh", "");
    m.disk.meta("/usr/local/share/vigo/executors/greet.sh", |meta| meta.mode = 0o755);
    m.disk.programs = |c| {
        let dry = c.stdin.as_ref().is_some_and(|text| text.as_str().contains("\"dry_run\":true"));
        let changed = if dry { "false" } else { "true" };
        let answer = format!("{{\"changed\":{changed},\"error\":\"{} s\"}}", c.timeout.as_secs());
        (0, answer)
    };
    let seen = |m: &mut Machine, more: &str| {
        let report = m.apply(&format!("resources:\n  - {{name: g, type: custom, script: greet{more}}}\n"));
        report.resources[0].cause.clone().unwrap_or_default()
    };
    assert_eq!(seen(&mut m, ""), "script `greet`: 300 s");
    assert_eq!(seen(&mut m, ", timeout_secs: 9"), "script `greet`: 9 s");
    assert_eq!(seen(&mut m, ", timeout: 10m"), "script `greet`: 600 s");
}

#[test]
fn a_file_that_is_a_mount_point_is_rewritten_with_a_note() {
    let mut m = Machine::new();
    m.disk.in_place = true;
    let report = m.apply("resources:\n  - {name: f, type: file, target_path: /etc/f, content: x}\n");
    assert_eq!(outcomes(&report), ["f changed"], "{report:#?}");
    assert_eq!(report.resources[0].notes, ["`/etc/f` is a mount point: it was rewritten in place"]);
}
