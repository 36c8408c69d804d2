//! `vigocli config schema`: every valid file of the repository validates under it, and broken ones do not.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use boon::{Compiler, Schemas};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vigo_core::config::Config;
use vigo_core::diagnostic::Severity;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};

struct Schema(Schemas, boon::SchemaIndex);

impl Schema {
    fn new(kind: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
        let output = command.args(["config", "schema"]).args(kind).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("vigo.json", schema).unwrap();
        let index = compiler.compile("vigo.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    /// Returns what is wrong with a document; nothing is fine.
    fn wrong(&self, document: &Value) -> Option<String> {
        self.0.validate(document, self.1).err().map(|why| why.to_string())
    }
}

/// Returns the documents of a file, as an editor has them.
fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    let documents = serde_yaml::Deserializer::from_str(text).map(|document| {
        let mut value = serde_yaml::Value::deserialize(document).unwrap();
        value.apply_merge().unwrap();
        serde_json::to_value(value).unwrap()
    });
    documents.collect()
}

/// Returns the kind of schema that is for a file.
fn kind(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_library = path.starts_with("configcrates/") || path.starts_with("usercrates/");
    match name {
        _ if name.ends_with(".test.vgo") => "tests",
        "compliance.vgo" if is_library => "claims",
        _ if is_library => "configcrate",
        _ if path.starts_with("roles") => "roles",
        "common.vgo" => "common",
        "environments.vgo" => "environments",
        "compliance.vgo" => "compliance",
        _ => "envoys",
    }
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// Returns every valid file of the repository with its path in its tree.
fn valid() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Vec::new();
    for dir in ["examples/stacks", "bins/vigocli/tests/reference/stacks"] {
        let (dir, mut found) = (root.join(dir), Vec::new());
        files(&dir, &mut found);
        for path in found.iter().filter(|p| p.extension().is_some_and(|e| e == "vgo")) {
            let name = path.strip_prefix(&dir).unwrap().to_string_lossy().into_owned();
            all.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    let mut pages = Vec::new();
    files(&root.join("docs/src"), &mut pages);
    // A page of diagnostics has what is wrong on purpose.
    for page in
        pages.iter().filter(|p| p.extension().is_some_and(|e| e == "md") && !p.iter().any(|c| c == "diagnostics"))
    {
        let text = fs::read_to_string(page).unwrap();
        for fence in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let first = fence.lines().next().unwrap_or_default();
            let path = first.strip_prefix("# stacks/").map(str::to_owned);
            let name = first.strip_prefix("name: ").map(|name| format!("configcrates/{name}.vgo"));
            let path = path.or(name.filter(|_| fence.contains("\nresources:")));
            all.extend(path.filter(|p| p.ends_with(".vgo")).map(|path| (path, fence.to_owned())));
        }
    }
    all
}

#[test]
fn valid_files_validate_and_by_the_schema_of_all_kinds_too() {
    let kinds = ["configcrate", "claims", "roles", "envoys", "common", "environments", "compliance", "tests"];
    let schemas = kinds.map(|kind| (kind, Schema::new(Some(kind))));
    let any = Schema::new(None);
    let valid = valid();
    assert!(valid.len() > 80, "{} files: there were more", valid.len());
    for (path, text) in valid {
        let (_, schema) = schemas.iter().find(|(name, _)| *name == kind(&path)).unwrap();
        for document in documents(&text) {
            for schema in [schema, &any] {
                let wrong = schema.wrong(&document);
                assert!(wrong.is_none(), "{path}: {}\n{text}", wrong.unwrap_or_default());
            }
        }
    }
}

#[test]
fn broken_files_do_not_validate_here_as_little_as_there() {
    let file = "type: file, target_path: /x";
    let crates = [
        "resorces: []".to_owned(),
        "name: Bad Name".to_owned(),
        "resources: {}".to_owned(),
        "vars: {app-tag: 1}".to_owned(),
        "vars: [a]".to_owned(),
        "resources: [{target_path: /x}]".to_owned(),
        "resources: [{type: fiel, target_path: /x}]".to_owned(),
        format!("resources: [{{{file}, contents: x}}]"),
        format!("resources: [{{{file}, mode: rw}}]"),
        format!("resources: [{{{file}, state: presnt}}]"),
        format!("resources: [{{{file}, follow: maybe}}]"),
        format!("resources: [{{{file}, owner: [a]}}]"),
        format!("resources: [{{{file}, owner: }}]"),
        format!("resources: [{{{file}, retries: often}}]"),
        format!("resources: [{{{file}, retry_delay: soon}}]"),
        format!("resources: [{{{file}, depends_on: {{a: b}}}}]"),
        format!("resources: [{{{file}, case: [{{when: is_virtual, sets: {{}}}}]}}]"),
        format!("resources: [{{{file}, case: [{{when: is_virtual, set: {{modes: '1'}}}}]}}]"),
        "resources: [{type: file, target_path: relative}]".to_owned(),
        "resources: [{type: service, service: a, scope: universe}]".to_owned(),
        "resources: [{type: group, group: a, gid: many}]".to_owned(),
        "environment_overrides: {production: {var: {}}}".to_owned(),
        "defaults: {file: {mod: '0640'}}".to_owned(),
    ];
    let others = [
        ("envoys.vgo", "envoys: [{roles: [a]}]"),
        ("envoys.vgo", "envoys: [{match: a, observe_only: perhaps}]"),
        ("envoys.vgo", "nodes: []"),
        ("envoys.vgo", "envoys: [{match: a, network_device: {type: x}}]"),
        ("roles.vgo", "roles: [{configcrates: [a]}]"),
        ("roles.vgo", "roles: [{name: r, case: [{whn: is_virtual}]}]"),
        ("common.vgo", "resources: []"),
        ("environments.vgo", "env: {p: {match: x}}"),
        ("compliance.vgo", "waivers: [{framework: a, control: b}]"),
        ("compliance.vgo", "waivers: [{framework: a, control: b, reason: c, until: soon}]"),
    ];
    let crates = crates.iter().map(|text| ("configcrates/a.vgo", text.as_str()));
    for (path, text) in crates.chain(others) {
        let sources = Sources::read(&Tree::from_texts([(path, text)]));
        let found = resolve::check(&Config::read(&sources));
        assert!(found.iter().any(|d| d.severity() == Severity::Error), "`config validate` takes {text}");
        let schema = Schema::new(Some(kind(path)));
        assert!(documents(text).iter().any(|d| schema.wrong(d).is_some()), "the schema takes {text}");
    }
}

#[test]
fn a_kind_that_does_not_exist_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_vigocli")).args(["config", "schema", "envoy"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && stderr.contains("envoys"), "{stderr}");
}
