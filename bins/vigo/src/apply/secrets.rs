//! The secrets file of a local run.

use super::ApplyError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use vigo_core::source::{NodeKind, Sources, Tree, TreeFile};

/// A secrets file is a page, not a database.
const BYTES_MAX: u64 = 1 << 20;

/// Secrets by path.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<Arc<str>, String>,
    file: Option<String>,
}

impl Secrets {
    /// Returns a secret, or why there is none.
    pub fn get(&self, path: &str) -> Result<String, String> {
        match (self.values.get(path), &self.file) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(file)) => Err(format!("`{file}` does not have it")),
            (None, None) => Err("no `--secrets-file` was given".into()),
        }
    }
}

/// Reads a secrets file: a YAML map from path to value.
///
/// # Errors
/// [`ApplyError::Secrets`], when others can read it or it is no such map. No error shows a value.
pub(super) fn read(path: Option<&Path>) -> Result<Secrets, ApplyError> {
    let Some(path) = path else { return Ok(Secrets::default()) };
    let bad = |why: String, help: &str| ApplyError::Secrets { path: path.into(), why, help: help.into() };
    let mut file = File::open(path).map_err(|e| bad(e.to_string(), "name a file that is there"))?;
    let meta = file.metadata().map_err(|e| bad(e.to_string(), "name a file that can be read"))?;
    if !meta.is_file() {
        return Err(bad("it is no regular file".into(), "name a file"));
    }
    if meta.mode() & 0o077 != 0 {
        let why = format!("its mode is {:04o}, expected 0600", meta.mode() & 0o7777);
        return Err(bad(why, &format!("run `chmod 600 {}`", path.display())));
    }
    if meta.len() > BYTES_MAX {
        return Err(bad(format!("it has {} bytes, expected at most {BYTES_MAX}", meta.len()), "make it smaller"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|e| bad(e.to_string(), "name a file that can be read"))?;
    let shape = "write one `path: value` a line, such as `db/password: …`";
    let tree = Tree { files: vec![TreeFile { path: "secrets.vgo".into(), bytes: bytes.into(), executable: false }] };
    let sources = Sources::read(&tree);
    if let Some(d) = sources.diagnostics().first() {
        // The message may quote the text: only its place is shown.
        let at = sources.map().position(d.span().file, d.span().start);
        return Err(bad(format!("line {}, column {}: it is not valid YAML", at.line, at.column), shape));
    }
    let mut values = BTreeMap::new();
    for document in sources.policy_files().flat_map(|f| f.documents()) {
        let Some(map) = document.map() else { return Err(bad("it is no map".into(), shape)) };
        for entry in map.iter() {
            let NodeKind::Scalar(text, _) = entry.value.kind() else {
                return Err(bad(format!("line {}: the value is no text", entry.value.line()), shape));
            };
            values.insert(Arc::from(entry.name), text.to_string());
        }
    }
    Ok(Secrets { values, file: Some(path.display().to_string()) })
}
