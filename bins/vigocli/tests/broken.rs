//! Trees with one mistake each, and what an operator gets to read of it.
//!
//! A case is `broken/<area>/<name>.tree`: a first line `# expect: E0103`, or `# expect: E0109 for <host>` where only a
//! host's own policy shows it, then the files of the tree, each behind a line `==> <path>`. What is said of it stands in
//! `<name>.out`; with `VIGO_UPDATE` in the environment it is written anew, to be read.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::config::Config;
use vigo_core::diagnostic::{Code, Diagnostic};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};

struct Case {
    /// `<area>/<name>`.
    name: String,
    code: String,
    host: Option<String>,
    files: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for area in fs::read_dir(folder()).unwrap() {
        for file in fs::read_dir(area.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "tree") {
                let name = path.strip_prefix(folder()).unwrap().with_extension("").to_str().unwrap().to_owned();
                all.push(case(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn case(name: String, text: &str) -> Case {
    let (first, rest) = text.split_once('\n').unwrap();
    let expected = first.strip_prefix("# expect: ").unwrap_or_else(|| panic!("{name}: no `# expect:`"));
    let (code, host) = match expected.split_once(" for ") {
        Some((code, host)) => (code, Some(host.to_owned())),
        None => (expected, None),
    };
    let mut files: Vec<(String, String)> = Vec::new();
    for line in rest.split_inclusive('\n') {
        match line.strip_prefix("==> ") {
            Some(path) => files.push((path.trim_end().to_owned(), String::new())),
            None => files.last_mut().unwrap_or_else(|| panic!("{name}: no `==> <path>`")).1.push_str(line),
        }
    }
    Case { name, code: code.to_owned(), host, files }
}

/// Hands on what is found in the tree of a case.
fn found<T>(case: &Case, then: impl FnOnce(&[Diagnostic], &Sources) -> T) -> T {
    let sources = Sources::read(&Tree::from_texts(case.files.iter().map(|(p, t)| (&**p, &**t))));
    let config = Config::read(&sources);
    let diagnostics = match &case.host {
        None => resolve::check(&config),
        Some(host) => resolve::validate(&config, host, None).err().unwrap_or_default(),
    };
    then(&diagnostics, &sources)
}

#[test]
fn what_is_said_of_each_is_what_was_read_and_found_good() {
    let update = std::env::var_os("VIGO_UPDATE").is_some();
    let cases = cases();
    assert!(cases.len() >= 150, "{} trees", cases.len());
    let mut others = String::new();
    for case in &cases {
        let said = found(case, |diagnostics, sources| {
            let json = vigo_driver::diagnostics_json(diagnostics, sources.map());
            format!("{}{}\n", vigo_driver::render(&json, false), vigo_driver::summary(&json))
        });
        let path = folder().join(format!("{}.out", case.name));
        if update {
            fs::write(&path, &said).unwrap();
        }
        let before = fs::read_to_string(&path).unwrap_or_default();
        if before != said {
            others.push_str(&format!("## {}\nbefore:\n{before}\nnow:\n{said}\n", case.name));
        }
    }
    assert!(others.is_empty(), "look at these, and run with VIGO_UPDATE=1 where they are better now\n{others}");
}

#[test]
fn each_has_the_one_mistake_that_it_says() {
    let mut wrong = String::new();
    let mut seen: Vec<String> = Vec::new();
    for case in cases() {
        let codes: Vec<String> = found(&case, |all, _| all.iter().map(|d| d.code.to_string()).collect());
        if codes != [&*case.code] {
            wrong.push_str(&format!("{}: expected {}, found {codes:?}\n", case.name, case.code));
        }
        seen.push(case.code);
    }
    for code in Code::ALL {
        if !seen.contains(&code.to_string()) {
            wrong.push_str(&format!("no tree has {code}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_says_what_to_do_or_what_is_expected() {
    let tells = |d: &Diagnostic| !d.help.is_empty() || d.message.contains("expected") || d.message.contains(" takes ");
    let mute: Vec<_> = cases().into_iter().filter(|case| found(case, |all, _| !all.iter().all(tells))).collect();
    let names: Vec<_> = mute.iter().map(|case| &case.name).collect();
    assert!(names.is_empty(), "without help: {names:#?}");
}

#[test]
fn nothing_is_left_of_what_was_a_case() {
    let names: Vec<String> = cases().into_iter().map(|c| c.name).collect();
    for area in fs::read_dir(folder()).unwrap() {
        for file in fs::read_dir(area.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(folder()).unwrap().with_extension("").to_str().unwrap().to_owned();
            assert!(names.contains(&name), "{}: there is no such tree", path.display());
        }
    }
}

/// Many mistakes in one tree: each is told once, whatever stands before it.
#[test]
fn all_mistakes_are_told_in_one_run() {
    let text = "\
==> configcrates/a.vgo
name: a
vars: {port: 80}
resources:
  - name: f
    type: file
    target_path: /etc/f
    content: |
      {{ .Vars.prt }} {{ if }} {{ .Vars.prot }} {{ end }} {{ upper( }} {{ .Vars.tropp }}
      {{ range .Vars.port | }} {{ .name }} {{ end }} {{ $x := bad }} {{ $x }} {{ .Traits.os.famly }}
---
name: b
resources: [
---
name: c
resources:
  - {name: g, type: file, target_path: /etc/g, contents: x}
==> envoys.vgo
envoys:
  - {match: web-*, configcrates: [a, c]}
  - {match: db-*, configcrates: [a, c]}
  - {match: x-*, configcrates: [d]}
";
    let case = case("all".into(), &format!("# expect: E0000\n{text}"));
    found(&case, |all, sources| {
        let told: Vec<_> = all.iter().map(|d| (d.code.to_string(), sources.map().text(d.span()).to_owned())).collect();
        let expected = [
            ("E0112", ".prt"),
            ("E0400", "}}"),
            ("E0112", ".prot"),
            ("E0400", "("),
            ("E0112", ".tropp"),
            ("E0400", "|"),
            ("E0401", "bad"),
            ("E0401", ".famly"),
            ("E0209", "["),
            ("E0501", "contents"),
            ("E0103", "d"),
        ];
        assert_eq!(told, expected.map(|(code, text)| (code.to_owned(), text.to_owned())));
        let blocks = all.iter().filter(|d| d.help.iter().any(|h| h == "this concerns 2 match blocks")).count();
        assert_eq!(blocks, 4, "names that two match blocks miss");
    });
}
