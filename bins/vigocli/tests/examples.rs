//! `examples/stacks`: it is valid, it does what its tests say, and nothing in it is untested or untold.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Runs `vigocli config` on the tree, which must be content; returns what it prints.
fn config(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    let output = command.arg("config").args(args).arg("--stacks").arg(examples().join("stacks")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{args:?}: {}\n{out}{err}", output.status);
    out
}

/// Returns the files of the library, without tests and claims: each is one crate or usercrate, named as its file.
fn crates() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                walk(&path, found);
            } else if name.ends_with(".vgo") && !name.ends_with(".test.vgo") && name != "compliance.vgo" {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&examples().join("stacks/configcrates"), &mut found);
    found
}

#[test]
fn the_examples_are_valid_without_a_warning() {
    assert_eq!(config(&["validate", "--deny-warnings"]), "The tree is valid.\n");
}

#[test]
fn the_examples_are_written_as_fmt_writes_them() {
    let said = config(&["fmt", "--check"]);
    assert!(said.ends_with(" looked at, nothing to do.\n"), "{said}");
}

#[test]
fn the_examples_do_what_their_tests_say() {
    let said = config(&["test"]);
    assert!(said.starts_with("All ") && said.ends_with(" tests passed.\n"), "{said}");
}

#[test]
fn each_example_begins_with_what_it_is_for_and_is_in_the_read_me() {
    let readme = fs::read_to_string(examples().join("README.md")).unwrap();
    let crates = crates();
    assert!(crates.len() >= 12, "{crates:?}");
    for path in crates {
        let (text, name) = (fs::read_to_string(&path).unwrap(), path.file_stem().unwrap().to_str().unwrap());
        assert!(text.starts_with("# "), "{}: expected a comment that says what it is for", path.display());
        assert!(readme.contains(&format!("`{name}`")), "examples/README.md does not name `{name}`");
    }
}

#[test]
fn each_example_for_a_machine_has_tests_of_its_own() {
    for path in crates().iter().filter(|path| !path.parent().unwrap().ends_with("sandbox")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let test = path.with_file_name(format!("{name}.test.vgo"));
        let text = fs::read_to_string(&test).unwrap_or_default();
        assert!(text.contains(&format!("{name}/")) || text.contains(&format!("{name}[")), "{}", test.display());
    }
}

#[test]
fn each_example_holds_in_a_tree_of_its_own_with_what_it_needs() {
    let vigocli = |args: &[&str], dir: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        let output = command.args(args).args(dir).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{args:?}: {}\n{out}{err}", output.status);
        out
    };
    let list = vigocli(&["--format", "json", "config", "examples", "list"], None);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let mut tried = 0;
    for example in list["examples"].as_array().unwrap() {
        let name = example["name"].as_str().unwrap();
        let files = example["files"].as_array().unwrap();
        let is_alone = files.iter().any(|f| f.as_str().unwrap().ends_with(&format!("/{name}.test.vgo")));
        if example["kind"] != "configcrate" || !is_alone {
            continue;
        }
        let dir = std::env::temp_dir().join(format!("vigocli-example-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        for needed in example["needs"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).chain([name]) {
            vigocli(&["config", "examples", "copy", needed], Some(&dir));
        }
        let test = vigocli(&["config", "test", name, "--stacks"], Some(&dir));
        assert!(test.ends_with(" passed.\n"), "{name}: {test}");
        fs::remove_dir_all(&dir).unwrap();
        tried += 1;
    }
    assert!(tried >= 12, "{tried}");
}
