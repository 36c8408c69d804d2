//! Without their secrets, resources are proved to be as they were left.

use super::rig::{Machine, outcomes};
use crate::action::{FileKind, Metadata};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

/// What happens to a machine meanwhile.
type Mishap = fn(&mut Machine);

const POLICY: &str = "vars: {dsn: 'pg://u:secret:db/pw'}
resources:
  - {name: whole, type: file, target_path: /etc/whole, content: 'pw=secret:db/pw'}
  - {name: made, type: file, target_path: /etc/made, content: '{{ .Vars.dsn | b64enc }} on {{ .Traits.os.family }}'}
  - {name: line, type: file_line, target_path: /etc/conf, line: 'password secret:db/pw', create: true}
  - {name: block, type: blockinfile, target_path: /etc/conf, block_content: 'dsn {{ .Vars.dsn }}'}
  - {name: after, type: file, target_path: /etc/after, content: x, depends_on: [whole]}
";

fn converged() -> Machine {
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.apply(POLICY);
    // Of a file that several edit, the last edit is seen in the next run.
    m.apply(POLICY);
    m
}

/// Returns the causes of what was skipped.
fn causes(report: &crate::converge::RunReport) -> String {
    report.resources.iter().filter_map(|r| r.cause.clone()).collect::<alloc::vec::Vec<_>>().join("\n")
}

fn gone(m: &mut Machine) {
    (m.offline, m.secrets) = (true, alloc::vec![]);
}

#[test]
fn what_is_unchanged_is_ok_and_what_depends_on_it_runs() {
    let mut m = converged();
    gone(&mut m);
    m.disk.file("/etc/after", "drifted");
    for report in [m.plan(POLICY), m.apply(POLICY)] {
        assert_eq!(outcomes(&report), ["whole ok", "made ok", "line ok", "block ok", "after changed"], "{report:#?}");
        assert!(report.resources[0].notes[0].contains("not at hand"), "{report:#?}");
    }
    assert_eq!(m.disk.read("/etc/whole").as_deref(), Some("pw=hunter2-secret"));
}

#[test]
fn what_has_drifted_is_skipped_and_the_rest_goes_on() {
    let mut m = converged();
    gone(&mut m);
    m.disk.file("/etc/whole", "pw=hunter2-secrex");
    m.disk.file("/etc/after", "drifted");
    let report = m.apply(POLICY);
    let expected = ["whole skipped secret", "made ok", "line ok", "block ok", "after skipped dependency"];
    assert_eq!(outcomes(&report), expected);
    let why = "secret `db/pw`: no server answers; it is not as it was left when the secret was last there";
    assert!(causes(&report).contains(why), "{}", causes(&report));
    assert!(!format!("{report:?}").contains("hunter2"), "{report:?}");
    assert_eq!(m.disk.read("/etc/whole").as_deref(), Some("pw=hunter2-secrex"));
    (m.offline, m.secrets) = (false, alloc::vec![("db/pw", "hunter2-secret")]);
    assert_eq!(outcomes(&m.apply(POLICY))[0], "whole changed");
    assert_eq!(m.disk.read("/etc/whole").as_deref(), Some("pw=hunter2-secret"));
}

#[test]
fn mode_owner_and_absence_are_drift_too() {
    let changes: [(&str, Mishap); 3] = [
        ("mode", |m| m.disk.meta("/etc/whole", |meta| meta.mode = 0o644)),
        ("a link", |m| m.disk.link("/etc/whole", "/etc/made")),
        ("a line more in an edited file, which may be right", |m| {
            let text = m.disk.read("/etc/conf").unwrap_or_default();
            m.disk.file("/etc/conf", &format!("{text}\nmore\n"));
        }),
    ];
    for (name, change) in changes {
        let mut m = converged();
        gone(&mut m);
        change(&mut m);
        let skipped = outcomes(&m.apply(POLICY)).iter().filter(|o| o.ends_with("skipped secret")).count();
        assert!(skipped > 0, "{name}");
    }
}

#[test]
fn another_wish_epoch_key_or_refusal_proves_nothing() {
    let cases: [(&str, &str, Mishap, &str); 6] = [
        ("a text beside it", "pw=secret", |_| {}, "what is wanted is another"),
        ("a rotation that was heard of", "", |m| m.secrets_epoch = 2, "what is wanted is another"),
        ("proofs of another machine", "", |m| m.proofs[0].wanted[0] ^= 1, "what is wanted is another"),
        ("none", "", |m| m.proofs.clear(), "no server answers"),
        ("a secret that was taken away", "", |m| m.offline = false, "not in the test"),
        ("another mode", "content: 'pw=", |_| {}, "what is wanted is another"),
    ];
    for (name, part, change, why) in cases {
        let mut m = converged();
        gone(&mut m);
        change(&mut m);
        let policy = match part {
            "" => POLICY.to_string(),
            "pw=secret" => POLICY.replacen(part, "pwd=secret", 1),
            part => POLICY.replacen(part, &format!("mode: '0640', {part}"), 1),
        };
        let report = m.apply(&policy);
        assert_eq!(outcomes(&report)[0], "whole skipped secret", "{name}");
        assert!(causes(&report).lines().next().unwrap_or_default().contains(why), "{name}: {}", causes(&report));
    }
}

#[test]
fn a_quiet_run_keeps_nothing_anew_and_what_left_the_policy_is_forgotten() {
    let mut m = converged();
    let ids = |m: &Machine| m.proofs.iter().map(|p| p.id.to_string()).collect::<alloc::vec::Vec<_>>();
    assert_eq!(ids(&m), ["c/whole", "c/made", "c/block", "c/line"]);
    let settled = m.proofs.clone();
    m.full = 9;
    m.apply(POLICY);
    assert_eq!((m.full, &m.proofs), (9, &settled), "nothing is written");
    m.full = 0;
    m.apply("resources:\n  - {name: whole, type: file, target_path: /etc/whole, content: 'pw=secret:db/pw'}\n");
    assert_eq!(ids(&m), ["c/whole"]);
}

#[test]
fn a_guard_without_a_secret_is_asked_and_one_with_a_secret_is_not() {
    let policy = "resources:
  - {name: made, type: exec, command: [touch, /made], stdin: 'secret:db/pw', creates: /made}
  - {name: always, type: exec, command: [touch, /always], stdin: 'secret:db/pw', creates: /never}
  - {name: login, type: exec, command: [touch, /x], unless: 'login secret:db/pw'}
";
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.disk.programs = |c| (i32::from(c.stdin.is_none()), String::new());
    m.apply(policy);
    m.disk.file("/made", "");
    m.apply(policy);
    gone(&mut m);
    let report = m.apply(policy);
    assert_eq!(outcomes(&report)[0], "made ok", "{report:#?}");
    assert_eq!(outcomes(&report)[1..], ["always skipped secret", "login skipped secret"], "{report:#?}");
}

#[test]
fn a_handler_that_nothing_triggered_needs_no_secret_and_one_that_is_triggered_does() {
    let policy = "resources:
  - {name: conf, type: file, target_path: /etc/conf, content: v1, notify: [reload]}
  - {name: reload, type: exec, command: [reload], stdin: 'secret:db/pw', when: changed}
";
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.disk.programs = |_| (0, String::new());
    m.apply(policy);
    gone(&mut m);
    assert_eq!(outcomes(&m.apply(policy)), ["conf ok", "reload skipped untriggered"]);
    let report = m.apply(&policy.replace("v1", "v2"));
    assert_eq!(outcomes(&report), ["conf changed", "reload skipped secret"]);
    (m.offline, m.secrets) = (false, alloc::vec![("db/pw", "hunter2-secret")]);
    assert_eq!(outcomes(&m.apply(&policy.replace("v1", "v2")))[1], "reload changed", "the trigger was kept");
}

#[test]
fn the_order_is_the_same_without_secrets() {
    let policy = "resources:
  - {name: inside, type: file, target_path: /srv/app/conf, content: 'pw=secret:db/pw'}
  - {name: dir, type: directory, target_path: /srv/app}
";
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    assert_eq!(outcomes(&m.apply(policy)), ["dir changed", "inside changed"]);
    gone(&mut m);
    assert_eq!(outcomes(&m.apply(policy)), ["dir ok", "inside ok"]);
}

#[test]
fn times_and_inodes_of_a_file_are_no_drift() {
    let meta = Metadata {
        kind: FileKind::File,
        mode: 0o600,
        uid: 0,
        gid: 0,
        size: 1,
        mtime_ms: 1,
        dev: 1,
        ino: 1,
        nlink: 1,
        target: None,
        context: None,
    };
    let shown = |meta: &Metadata| format!("{:?}", meta.lasting());
    let touched = Metadata { mtime_ms: 2, ino: 2, dev: 2, nlink: 2, size: 2, ..meta.clone() };
    assert_eq!(shown(&touched), shown(&meta));
    for other in [
        Metadata { mode: 0o644, ..meta.clone() },
        Metadata { uid: 1, ..meta.clone() },
        Metadata { gid: 1, ..meta.clone() },
        Metadata { target: Some(Arc::from("x")), ..meta.clone() },
        Metadata { context: Some(Arc::from("x")), ..meta.clone() },
    ] {
        assert_ne!(shown(&other), shown(&meta));
    }
}
