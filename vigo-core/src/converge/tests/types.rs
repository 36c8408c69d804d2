//! What types take and tell, from the text of a policy to the report.

use super::rig::{Machine, outcomes};
use alloc::format;
use alloc::string::String;

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
