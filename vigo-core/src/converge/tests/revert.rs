//! What was there, kept and brought back.

use super::rig::{Machine, outcomes};
use alloc::format;
use alloc::string::String;

#[test]
fn what_was_there_is_kept_and_brought_back() {
    let mut m = Machine::new();
    m.disk.file("/etc/old", "before\n");
    m.disk.meta("/etc/old", |meta| (meta.mode, meta.uid) = (0o640, 1000));
    m.disk.link("/etc/l", "x");
    let policy = |extra: &str| {
        format!(
            "resources:
  - {{name: old, type: file, target_path: /etc/old, content: 'ours', mode: '0600'{extra}}}
  - {{name: new, type: file, target_path: /etc/new, content: 'ours'{extra}}}
  - {{name: l, type: symlink, target_path: /etc/l, to: y, owner: alice{extra}}}
  - {{name: m, type: symlink, target_path: /etc/m, to: y, owner: alice{extra}}}
  - {{name: line, type: file_line, target_path: /etc/passwd, line: 'x:x:7:7::/:/bin/sh'{extra}}}
  - {{name: block, type: blockinfile, target_path: /etc/passwd, block_content: 'y:x:8:8::/:/bin/sh'{extra}}}
"
        )
    };
    let revert = policy(", revert: true");
    let none = m.apply(&revert);
    assert_eq!(none.counts.failed, 6, "{none:#?}");
    assert!(
        none.resources[0].cause.as_ref().is_some_and(|c| c.contains("expected a snapshot of `/etc/old`")),
        "{none:#?}"
    );
    let passwd = m.disk.read("/etc/passwd");
    assert_eq!(m.apply(&policy("")).counts.changed, 6);
    m.disk.file("/etc/old", "by hand");
    assert_eq!(m.apply(&policy("")).counts.changed, 1);
    let plan = m.plan(&revert);
    let report = m.apply(&revert);
    let expected = ["old changed", "new changed", "l changed", "m changed", "line changed", "block ok"];
    assert_eq!(outcomes(&report), expected, "{report:#?}");
    assert_eq!(outcomes(&plan), expected);
    assert!(m.disk.node("/etc/m").is_none());
    assert_eq!(m.disk.read("/etc/old").as_deref(), Some("before\n"));
    assert_eq!(m.disk.node("/etc/old").map(|n| (n.meta.mode, n.meta.uid)), Some((0o640, 1000)));
    assert!(m.disk.node("/etc/new").is_none());
    assert_eq!(m.disk.node("/etc/l").and_then(|n| n.meta.target.clone()).as_deref(), Some("x"));
    assert_eq!(m.disk.read("/etc/passwd"), passwd);
    assert_eq!(m.apply(&revert).counts.ok, 6);
    assert!(m.snapshots.iter().all(|s| s.reverted));
    m.disk.file("/etc/old", "later");
    m.apply(&policy(""));
    m.apply(&revert);
    assert_eq!(m.disk.read("/etc/old").as_deref(), Some("later"), "a new snapshot was taken after the revert");
}

#[test]
fn a_revert_command_runs_once_for_each_text() {
    let mut m = Machine::new();
    m.disk.programs = |command| (i32::from(command.args.iter().any(|a| a.as_str().contains("fail"))), String::new());
    let policy = |command: &str| {
        format!("resources:\n  - {{name: e, type: exec, command: 'make it', creates: /x, on_revert: '{command}'}}\n")
    };
    assert_eq!(outcomes(&m.apply(&policy("fail"))), ["e failed"]);
    assert_eq!(outcomes(&m.apply(&policy("undo it"))), ["e changed"]);
    assert!(m.changed_ops[0].contains("undo it"), "{:?}", m.changed_ops);
    assert_eq!(outcomes(&m.apply(&policy("undo it"))), ["e ok"]);
    assert!(m.changed_ops.is_empty());
    assert_eq!(outcomes(&m.apply(&policy("undo it again"))), ["e changed"]);
}
