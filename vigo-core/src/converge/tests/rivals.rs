//! Two resources for one thing.

use super::rig::{Machine, outcomes};
use alloc::format;

/// Each: the conditions of two resources that disagree, and the outcomes.
#[test]
fn of_two_that_run_the_later_fails() {
    let cases = [
        ("conditions of traits", "os_family('debian')", "os_family('linux')", ["a changed", "b failed"]),
        ("one of them false", "os_family('redhat')", "os_family('linux')", ["a skipped when", "b changed"]),
        ("looks that say yes", "!file_exists('/none')", "!dir_exists('/none')", ["a changed", "b failed"]),
        ("a look that says no", "file_exists('/none')", "!dir_exists('/none')", ["a skipped when", "b changed"]),
    ];
    let pairs = [
        ("file, target_path: /etc/x, content: a", "file, target_path: '/etc/{{ .Vars.x }}', content: b"),
        ("file, target_path: /etc/x, content: a", "directory, target_path: '/etc/{{ upper .Vars.x | lower }}'"),
        ("file, target_path: /etc/x, content: a", "file_line, target_path: /etc/x, line: b, create: true"),
    ];
    for (a, b) in pairs {
        for (name, first, second, expected) in cases {
            let policy = format!(
                "vars: {{x: x}}\nresources:\n  - {{name: a, type: {a}, when: \"{first}\"}}\n  - {{name: b, type: {b}, \
                 when: \"{second}\"}}\n"
            );
            let mut m = Machine::new();
            let report = m.apply(&policy);
            assert_eq!(outcomes(&report), expected, "{name}, {b}: {report:#?}");
        }
    }
}
