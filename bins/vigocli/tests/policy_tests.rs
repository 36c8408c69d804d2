//! `vigocli config test`: the program itself on a folder.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TESTS: &str = "tests:
  - name: holds & <stays>
    hostname: a
    expect: {resources: {motd/motd: {content: hello}}, snapshot: true}
  - name: does not
    hostname: a
    expect: {resources: {motd/motd: {content: bye}}, variables: {x: 1}}
";

struct Stacks(PathBuf);

impl Stacks {
    fn new(name: &str, test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigocli-config-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("configcrates")).unwrap();
        let motd = "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: hello}\n";
        fs::write(dir.join("configcrates/motd.vgo"), motd).unwrap();
        fs::write(dir.join("envoys.vgo"), "envoys:\n  - {match: a, configcrates: [motd]}\n").unwrap();
        fs::write(dir.join("a.test.vgo"), test).unwrap();
        Self(dir)
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        let Output { status, stdout, stderr } =
            command.args(["config", "test", "--stacks"]).arg(&self.0).args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn what_does_not_hold_is_told_and_the_rest_is_counted() {
    let stacks = Stacks::new("told", TESTS);
    let (status, stdout, stderr) = stacks.run(&["--update", "does not"]);
    let expected = "FAILED a.test.vgo: does not
  a.test.vgo:7: resource `motd/motd`: `content`: expected `bye`, found `hello`
  a.test.vgo:7: variable `x`: expected `1`, found it is not defined
1 test failed.
";
    assert_eq!((status, &*stdout, &*stderr), (1, expected, ""));
    assert_eq!(stacks.run(&["nothing"]).0, 1);
}

#[test]
fn snapshots_are_written_when_asked_for() {
    let stacks = Stacks::new("snapshots", TESTS);
    let (status, stdout, _) = stacks.run(&["holds"]);
    assert!(status == 1 && stdout.contains("write it with `--update`"), "{stdout}");
    assert!(!stacks.path("a.test.vgo.snap").exists());
    let (status, stdout, _) = stacks.run(&["holds", "--update"]);
    assert_eq!((status, &*stdout), (0, "Wrote a.test.vgo.snap.\n1 test passed.\n"));
    let text = read(&stacks.path("a.test.vgo.snap"));
    assert!(text.ends_with("motd/motd (file)\n  content: hello\n  target_path: /etc/motd\n"), "{text}");
    assert_eq!(stacks.run(&["holds"]).0, 0);
    fs::write(stacks.path("a.test.vgo.snap"), text.replace("hello", "bye")).unwrap();
    let (status, stdout, _) = stacks.run(&["holds"]);
    assert!(status == 1 && stdout.contains("expected line 4 `  content: bye`"), "{stdout}");
}

#[test]
fn programs_get_json_and_ci_systems_xml() {
    let stacks = Stacks::new("programs", TESTS);
    let junit = stacks.path("out.xml");
    let (status, stdout, _) = stacks.run(&["--update", "--format", "json", "--junit", junit.to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &json["passed"], &json["failed"]), (1, &1.into(), &1.into()));
    let failure = &json["tests"][1]["failures"][0];
    assert_eq!((&failure["line"], &failure["expected"]), (&7.into(), &"`bye`".into()));
    let text = read(&junit);
    let xml = roxmltree::Document::parse(&text).unwrap();
    let suites = xml.root_element();
    assert_eq!((suites.attribute("tests"), suites.attribute("failures")), (Some("2"), Some("1")));
    let cases: Vec<_> = xml.descendants().filter(|n| n.has_tag_name("testcase")).collect();
    let names: Vec<_> = cases.iter().filter_map(|n| n.attribute("name")).collect();
    assert_eq!(names, ["holds & <stays>", "does not"]);
    let failures: Vec<_> = xml.descendants().filter(|n| n.has_tag_name("failure")).collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].parent(), Some(cases[1]));
    assert_eq!(failures[0].text().unwrap().lines().count(), 2);
}

#[test]
fn a_tree_or_test_that_is_wrong_is_not_run() {
    let stacks = Stacks::new("wrong", "tests: [{name: t, hostnme: a, expect: {configcrates: motd}}]");
    let (status, stdout, stderr) = stacks.run(&[]);
    assert_eq!((status, &*stdout), (1, "The tests cannot be read: 1 error in 1 file. No test was run.\n"));
    assert!(stderr.contains("did you mean `hostname`?"), "{stderr}");
    let stacks = Stacks::new("wrong-tree", "tests: []");
    assert_eq!(stacks.run(&[]), (0, "There are no tests: a file of tests is named `*.test.vgo`.\n".into(), "".into()));
    fs::write(stacks.path("envoys.vgo"), "envoys:\n  - {match: a, roles: [no]}\n").unwrap();
    let (status, stdout, _) = stacks.run(&[]);
    assert_eq!((status, &*stdout), (1, "The tree is not valid: 1 error in 1 file. No test was run.\n"));
}
