//! Custom traits: files that describe the machine, and programs that do.

use crate::executor::Executor;
use crate::system::TRAIT_FOLDERS;
use std::collections::BTreeMap;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Command, Entry, FileKind, Metadata, Op, OpOutput};
use vigo_core::time::Duration;
use vigo_core::traits::{check_custom, custom_yaml, is_custom_key};
use vigo_core::value::Value;

const FILES_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 64 << 10;
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns `custom`, and what was skipped with its reason.
pub(super) fn collect(executor: &mut Executor) -> (Value, Vec<String>) {
    collect_from(executor, TRAIT_FOLDERS)
}

fn collect_from(executor: &mut Executor, folders: &[&str]) -> (Value, Vec<String>) {
    let mut found: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    let mut skipped = Vec::new();
    for folder in folders {
        let Ok(folder) = AbsPath::parse(folder) else { continue };
        let entries = match entries(executor, &folder) {
            Ok(entries) => entries,
            Err(why) => {
                skipped.push(format!("`{folder}`: {why}"));
                continue;
            }
        };
        for entry in entries.iter().take(FILES_MAX) {
            let path = folder.join(&entry.path);
            let Some(stem) = stem(&entry.path) else {
                skipped.push(format!("`{path}`: expected a name of letters, digits, `_` and `-` before its ending"));
                continue;
            };
            if found.contains_key(stem) {
                continue;
            }
            match one(executor, &path) {
                Ok(value) => _ = found.insert(stem.into(), value),
                Err(why) => skipped.push(format!("`{path}`: {why}")),
            }
        }
        if entries.len() > FILES_MAX {
            skipped.push(format!("`{folder}`: expected at most {FILES_MAX} files, found {}", entries.len()));
        }
    }
    (Value::Map(Arc::new(found)), skipped)
}

/// Returns the files of a folder, bytewise by name; none when it is not there.
fn entries(executor: &mut Executor, folder: &AbsPath) -> Result<Vec<Entry>, String> {
    match executor.perform(&Op::stat(folder)) {
        OpOutput::Missing => return Ok(Vec::new()),
        OpOutput::Stat(meta) if meta.kind == FileKind::Dir => trusted(&meta)?,
        OpOutput::Failed(why) => return Err(why.message),
        _ => return Err("expected a directory".into()),
    }
    match executor.perform(&Op::ListDir { path: folder.clone(), deep: false, entries_max: 10_000 }) {
        OpOutput::Dir(entries) => {
            let is_backup = |name: &str| name.starts_with('.') || name.ends_with('~') || name.ends_with(".bak");
            Ok(entries.into_iter().filter(|e| e.meta.kind != FileKind::Dir && !is_backup(&e.path)).collect())
        }
        OpOutput::Failed(why) => Err(why.message),
        _ => Ok(Vec::new()),
    }
}

/// What stands here is believed as if root had said it.
fn trusted(meta: &Metadata) -> Result<(), String> {
    if meta.uid != 0 {
        return Err(format!("expected root as its owner, found user {}", meta.uid));
    }
    if meta.mode & 0o022 != 0 {
        return Err(format!("expected that nobody but root writes to it, found mode `{:04o}`", meta.mode));
    }
    Ok(())
}

/// `x.volatile.sh` → `x`: the part before the last ending says how often it is collected.
fn stem(name: &str) -> Option<&str> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = stem.strip_suffix(".volatile").or_else(|| stem.strip_suffix(".periodic")).unwrap_or(stem);
    is_custom_key(stem).then_some(stem)
}

fn one(executor: &mut Executor, path: &AbsPath) -> Result<Value, String> {
    let read = Op::ReadFile { path: path.clone(), follow: false, bytes_max: FILE_BYTES_MAX };
    let (meta, content) = match executor.perform(&read) {
        OpOutput::File { meta, content } => (meta, content),
        OpOutput::Failed(why) => return Err(why.message),
        _ => return Err("expected a regular file".into()),
    };
    trusted(&meta)?;
    let value = match path.name().rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => json(&content)?,
        Some("yaml" | "yml") => custom_yaml(&String::from_utf8_lossy(&content))?,
        _ if meta.mode & 0o111 != 0 => json(&run(executor, path)?)?,
        _ => return Err("expected `.json`, `.yaml`, or a file that can be executed".into()),
    };
    check_custom(&value)?;
    Ok(value)
}

fn run(executor: &mut Executor, path: &AbsPath) -> Result<Vec<u8>, String> {
    if executor.has_image() {
        return Err("programs of an image are not run".into());
    }
    let command = Command::read(path.as_str(), [""; 0]).timeout(DEADLINE).output_bytes_max(FILE_BYTES_MAX as usize);
    match executor.perform(&Op::Run(command)) {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("expected at most {FILE_BYTES_MAX} bytes of output")),
        OpOutput::Ran(ran) if ran.success() => Ok(ran.stdout),
        OpOutput::Ran(ran) => Err(format!("expected exit 0, found {}", ran.exit)),
        OpOutput::Failed(why) => Err(why.message),
        _ => Err("it did not run".into()),
    }
}

fn json(bytes: &[u8]) -> Result<Value, String> {
    let parsed: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| format!("line {}: no JSON: {e}", e.line()))?;
    Ok(from_json(parsed))
}

/// The parser bounds the depth that this recurses to.
fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(b),
        serde_json::Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Null,
        },
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(from_json)),
        serde_json::Value::Object(map) => Value::map(map.into_iter().map(|(k, v)| (k, from_json(v)))),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::executor::ExecutorOptions;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn files_and_programs_are_read_and_errors_stay_with_their_file() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = std::env::temp_dir().join(format!("vigo-custom-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let (first, second) = (dir.join("a"), dir.join("b"));
        for folder in [&first, &second] {
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let write = |path: std::path::PathBuf, text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        write(first.join("rack.yaml"), "row: 7\nname: r7\n", 0o644);
        write(first.join("site.volatile.sh"), "#!/bin/sh\necho '{\"x\": [1, true]}'\n", 0o755);
        write(first.join("broken.json"), "{\n \"a\": }\n", 0o644);
        write(first.join("list.json"), "[1]", 0o644);
        write(first.join("open.json"), "{}", 0o666);
        write(first.join("failing.sh"), "#!/bin/sh\nexit 3\n", 0o755);
        write(first.join("note.txt"), "hello", 0o644);
        write(first.join("key.json"), "{\"a.b\": 1}", 0o644);
        write(first.join(".hidden.json"), "{\"a\": 1}", 0o644);
        write(first.join("old.json~"), "{\"a\": 1}", 0o644);
        write(second.join("rack.json"), "{\"row\": 8}", 0o644);
        write(second.join("more.json"), "{\"a\": {\"b\": null}}", 0o644);
        let mut executor = Executor::new(ExecutorOptions::default()).unwrap();
        let (seen, skipped) = collect_from(&mut executor, &[first.to_str().unwrap(), second.to_str().unwrap()]);
        let _ = fs::remove_dir_all(&dir);
        let names: Vec<_> = seen.as_map().unwrap().keys().map(|k| k.to_string()).collect();
        assert_eq!(names, ["more", "rack", "site"], "{skipped:?}");
        assert_eq!(seen.at("rack.row"), Some(&Value::Int(7)));
        assert_eq!(seen.at("site.x.1"), Some(&Value::Bool(true)));
        let expected = [
            ("broken.json", "line 2"),
            ("list.json", "expected a map"),
            ("open.json", "0666"),
            ("failing.sh", "exit 3"),
            ("note.txt", "expected `.json`"),
            ("key.json", "a.b"),
        ];
        for (name, part) in expected {
            assert!(skipped.iter().any(|s| s.contains(name) && s.contains(part)), "{name}: {skipped:?}");
        }
        assert_eq!(skipped.len(), expected.len(), "{skipped:?}");
    }

    #[test]
    fn stems_are_words() {
        let cases = [
            ("x.json", Some("x")),
            ("x.volatile.sh", Some("x")),
            ("x.periodic.yaml", Some("x")),
            ("x", Some("x")),
            ("a.b.json", None),
            ("ä.json", None),
            (".json", None),
        ];
        for (name, expected) in cases {
            assert_eq!(stem(name), expected, "{name}");
        }
    }
}
