//! Secrets: filled in, and shown nowhere.

use super::rig::{Machine, outcomes};
use alloc::format;

#[test]
fn a_secret_that_is_not_to_be_had_is_not_the_absence_of_a_value() {
    let mut m = Machine::new();
    m.secrets = alloc::vec![("have", "hunter2-secret")];
    let policy = "vars: {dsn: 'pg://u:secret:have@secret:db/dsn', list: ['secret:have', 'secret:db/dsn'], map: {k: 'secret:db/dsn'}}
resources:
  - {name: plain, type: file, target_path: /etc/1, content: '{{ .Vars.dsn }}'}
  - {name: default, type: file, target_path: /etc/2, content: '{{ .Vars.dsn | default 5 }}'}
  - {name: if, type: file, target_path: /etc/3, content: '{{ if eq .Vars.dsn \"x\" }}a{{ else }}b{{ end }}'}
  - {name: made, type: file, target_path: /etc/4, content: '{{ .Vars.dsn | upper | b64enc }}'}
  - {name: index, type: file, target_path: /etc/5, content: '{{ index .Vars.list 1 }}'}
  - {name: range, type: file, target_path: /etc/6, content: '{{ range .Vars.list }}{{ . }}{{ end }}'}
  - {name: whole, type: file, target_path: /etc/7, content: '{{ toJson .Vars.map }}'}
  - {name: path, type: file, target_path: '/etc/{{ .Vars.map.k }}', content: x}
  - {name: own, type: file, target_path: /etc/8, content: '{{ secret \"db/dsn\" }}'}
  - {name: other, type: file, target_path: /etc/9, content: '{{ index .Vars.list 0 }}'}
";
    for report in [m.plan(policy), m.apply(policy)] {
        for r in &report.resources {
            let (word, cause) = (r.outcome.word(), r.cause.clone().unwrap_or_default());
            match &*r.id {
                "c/other" => assert_eq!(word, "changed", "{}: {cause}", r.id),
                _ => assert!(
                    word == "skipped" && cause.ends_with("secret `db/dsn`: not in the test"),
                    "{}: {cause}",
                    r.id
                ),
            }
        }
    }
    assert_eq!(m.disk.read("/etc/9").as_deref(), Some("hunter2-secret"));
}

#[test]
fn secrets_are_filled_in_and_shown_nowhere() {
    let mut m = Machine::new();
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.disk.file("/etc/s", "old\n");
    let policy = "vars: {dsn: 'pg://u:secret:db/pw'}
resources:
  - {name: s, type: file, target_path: /etc/s, content: \"pw={{ .Vars.dsn }} b={{ .Vars.dsn | b64enc }}\\n\"}
  - {name: missing, type: file, target_path: /etc/m, content: 'secret:db/other'}
";
    for report in [m.plan(policy), m.apply(policy)] {
        let shown = format!("{report:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("cGc6Ly91Omh1bnRlcjI"), "what a function made of it: {shown}");
        assert_eq!(outcomes(&report), ["s changed", "missing skipped secret"], "{report:#?}");
    }
    assert!(m.disk.read("/etc/s").unwrap_or_default().starts_with("pw=pg://u:hunter2-secret b="));
}

#[test]
fn no_value_is_kept_of_what_was_there() {
    let mut m = Machine::new();
    let policy = "vars: {pw: 'secret:db/pw'}
resources:
  - {name: s, type: file, target_path: /etc/s, content: 'pw=secret:db/pw'}
  - {name: v, type: file, target_path: /etc/v, content: '{{ .Vars.pw | upper }}'}
  - {name: plain, type: file, target_path: /etc/p, content: 'new'}
";
    m.disk.file("/etc/p", "old");
    m.disk.file("/etc/v", "what was before");
    m.secrets = alloc::vec![("db/pw", "hunter2-secret")];
    m.apply(policy);
    // The value of the run before is in the files, and nobody knows it any more.
    m.secrets = alloc::vec![("db/pw", "another-secret")];
    m.apply(policy);
    // Nor where another resource changes what has the value of now.
    m.apply(
        "vars: {pw: 'secret:db/pw'}\nresources:\n  - {name: line, type: file_line, target_path: /etc/s, line: more}\n",
    );
    assert_eq!(m.disk.read("/etc/s").as_deref(), Some("pw=another-secret\nmore"));
    let kept: alloc::vec::Vec<_> = m.snapshots.iter().map(|s| (&*s.target, content(&s.kept))).collect();
    assert!(kept.contains(&("/etc/p", "old".into())), "{kept:?}");
    assert!(!kept.iter().any(|(_, c)| c.to_lowercase().contains("secret")), "{kept:?}");
}

fn content(kept: &crate::resource::Kept) -> alloc::string::String {
    match kept {
        crate::resource::Kept::File { content, .. } => alloc::string::String::from_utf8_lossy(content).into_owned(),
        _ => "".into(),
    }
}
