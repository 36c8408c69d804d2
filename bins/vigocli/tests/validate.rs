//! `config validate`, as editors, code hosts and shells see it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder of one test.
struct Stacks(PathBuf);

impl Stacks {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let dir = std::env::temp_dir().join(format!("vigocli-validate-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for (path, text) in files {
            fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            fs::write(dir.join(path), text).unwrap();
        }
        Self(dir)
    }

    /// Returns the exit status, standard output and standard error.
    fn validate(&self, args: &[&str]) -> (i32, String, String) {
        let mut vigocli = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        vigocli.args(["config", "validate", "--stacks"]).arg(&self.0).args(args).stdin(Stdio::null());
        let output = vigocli.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn json(&self, args: &[&str]) -> (i32, Value) {
        let (status, out, err) = self.validate(args);
        assert_eq!(err, "", "nothing is said twice");
        (status, serde_json::from_str(&out).unwrap())
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MOTD: &str = "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: a}\n";
const ALL: &str = "envoys:\n  - match: '*'\n    configcrates: [motd]\n";

fn broken(name: &str) -> Stacks {
    let twice = "resources:\n  - {name: a, type: file, target_path: /a, content: x}\n  - {name: a, type: directory, target_path: /b}\n";
    let files = [
        ("configcrates/motd.vgo", MOTD),
        ("configcrates/two words.vgo", twice),
        ("envoys.vgo", "envoys:\n  - match: '*'\n    configcrates: [modt]\n    vars: {a: 0644}\n"),
    ];
    Stacks::new(name, &files)
}

#[test]
fn json_says_what_is_wrong_and_where_and_nothing_else() {
    let right = Stacks::new("right", &[("configcrates/motd.vgo", MOTD), ("envoys.vgo", ALL)]);
    assert_eq!(right.json(&["--format", "json"]), (0, json!({"diagnostics": [], "errors": 0, "warnings": 0})));
    let (status, found) = broken("json").json(&["--format", "json"]);
    let label = |file, (line, column, end), text, primary| {
        json!({"file": file, "line": line, "column": column, "end_line": line, "end_column": end, "text": text,
            "primary": primary})
    };
    let at = |d: &Value| (d["code"].clone(), d["labels"].clone());
    let found_at: Vec<_> = found["diagnostics"].as_array().unwrap().iter().map(at).collect();
    let crates = "configcrates/two words.vgo";
    let expected = [
        ("E0104".into(), json!([label(crates, (1, 1, 10), "", true)])),
        (
            "E0105".into(),
            json!([label(crates, (3, 12, 13), "again here", true), label(crates, (2, 12, 13), "first here", false)]),
        ),
        ("E0103".into(), json!([label("envoys.vgo", (3, 20, 24), "not found in configcrates/", true)])),
        ("W0152".into(), json!([label("envoys.vgo", (4, 15, 19), "", true)])),
    ];
    let mut found_at = found_at;
    found_at[0].1[0]["end_line"] = 1.into();
    found_at[0].1[0]["end_column"] = 10.into();
    assert_eq!(found_at, expected, "{found:#}");
    assert_eq!((status, &found["errors"], &found["warnings"]), (1, &json!(3), &json!(1)));
    let keys: Vec<_> = found["diagnostics"][2].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["code", "severity", "message", "labels", "help"]);
    let yaml = broken("yaml").validate(&["--format", "yaml"]).1;
    assert!(yaml.contains("\nerrors: 3\nwarnings: 1\n"), "{yaml}");
}

#[test]
fn warnings_are_errors_where_that_is_wanted() {
    let doubtful = "envoys:\n  - match: '*'\n    configcrates: [motd]\n    vars: {a: 0644}\n";
    let stacks = Stacks::new("doubtful", &[("configcrates/motd.vgo", MOTD), ("envoys.vgo", doubtful)]);
    let (status, out, err) = stacks.validate(&[]);
    assert_eq!((status, &*out), (0, "The tree is valid, with 1 warning in 1 file.\n"));
    assert!(err.starts_with("warning[W0152]: "), "{err}");
    let (status, out, err) = stacks.validate(&["--deny-warnings"]);
    assert_eq!((status, &*out), (1, "The tree is not valid: 1 error in 1 file.\n"));
    assert!(err.starts_with("error[W0152]: ") && !err.contains('\u{1b}'), "{err}");
    let (status, found) = stacks.json(&["--deny-warnings", "--format", "json"]);
    assert_eq!((status, &found["errors"], &found["diagnostics"][0]["severity"]), (1, &json!(1), &json!("error")));
    assert_eq!(stacks.validate(&["--no-such-flag"]).0, 2);
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let (status, log) = broken("sarif").json(&["--format", "sarif"]);
    assert_eq!((status, &log["version"]), (1, &json!("2.1.0")));
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    let [run] = &log["runs"].as_array().unwrap()[..] else { panic!("one run: {log}") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "vigocli");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        assert!(id.len() == 5 && rule["shortDescription"]["text"].as_str().unwrap().ends_with('.'), "{rule}");
        assert!(rule["helpUri"].as_str().unwrap().ends_with(&format!("/{id}.md")), "{rule}");
        assert!(rule["fullDescription"]["text"].as_str().unwrap().len() > 20, "{rule}");
        assert!(["error", "warning"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()), "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"], "{result}");
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()), "{result}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty(), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0, "{result}");
        assert!(place["region"]["endColumn"].as_u64() > Some(0), "{result}");
    }
    let twice = &results[1];
    assert_eq!(twice["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "configcrates/two%20words.vgo");
    let first = &twice["relatedLocations"][0];
    assert_eq!(
        (&first["message"]["text"], &first["physicalLocation"]["region"]["startLine"]),
        (&json!("first here"), &json!(2))
    );
    let help = results[2]["message"]["text"].as_str().unwrap();
    assert_eq!(help, "unknown configcrate `modt`\ndid you mean `motd`?");
    let vigocli =
        Command::new(env!("CARGO_BIN_EXE_vigocli")).args(["envoys", "list", "--format", "sarif"]).output().unwrap();
    assert_eq!(vigocli.status.code(), Some(2));
}

#[test]
fn a_code_is_explained() {
    let explain = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigocli")).arg("explain").args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (status, page, _) = explain(&["E0103"]);
    assert!(status == 0 && page.starts_with("E0103: unknown-name\n\n") && page.contains("    envoys:\n"), "{page}");
    assert_eq!(explain(&["unknown-name"]).1, page);
    let (status, list, _) = explain(&["--list"]);
    assert!(status == 0 && list.starts_with("E0100  misplaced ") && list.contains("\nW0551  "), "{list}");
    let (status, out, err) = explain(&["unknown-nam"]);
    assert_eq!((status, &*out), (1, ""));
    assert_eq!(err, "error: there is no code `unknown-nam`\n  = help: did you mean `unknown-name`?\n");
    assert_eq!(explain(&[]).0, 2);
    let (_, json, _) = explain(&["E0103", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["code"], &json["severity"]), (&json!("E0103"), &json!("error")));
    let (_, _, err) = broken("explained").validate(&[]);
    assert_eq!(err.matches("vigocli explain").count(), 1, "once for all of them: {err}");
}
