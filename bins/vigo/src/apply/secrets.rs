//! The secrets file of a local run.

use super::ApplyError;
use crate::executor::system_text;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use vigo_core::agent::SecretAnswers;
use vigo_core::diagnostic::Code;
use vigo_core::secret::{SecretValue, Withheld};
use vigo_core::source::{NodeKind, ScalarStyle, Sources, Tree, TreeFile};

/// A secrets file is a page, not a database.
const BYTES_MAX: u64 = 1 << 20;

/// Where the secrets of a run come from.
#[derive(Default)]
pub enum Secrets<'a> {
    /// Nowhere: no file was given.
    #[default]
    None,
    /// A file.
    File {
        /// What is in it, by path.
        values: BTreeMap<Arc<str>, SecretValue>,
        /// Its name.
        name: String,
    },
    /// A server.
    Server(Box<dyn Fn(Vec<Arc<str>>) -> SecretAnswers + 'a>),
}

impl<'a, F: Fn(Vec<Arc<str>>) -> SecretAnswers + 'a> From<F> for Secrets<'a> {
    fn from(ask: F) -> Self {
        Self::Server(Box::new(ask))
    }
}

impl Secrets<'_> {
    /// Returns secrets, each with its value or why there is none.
    pub fn get(&self, paths: Vec<Arc<str>>) -> SecretAnswers {
        let one = |path: Arc<str>| {
            let value = match self {
                Self::File { values, name } => {
                    values.get(&path).cloned().ok_or_else(|| Withheld::Refused(format!("`{name}` does not have it")))
                }
                _ => Err(Withheld::Refused("no `--secrets-file` was given".into())),
            };
            (path, value)
        };
        match self {
            Self::Server(ask) => ask(paths),
            _ => paths.into_iter().map(one).collect(),
        }
    }
}

/// Reads a secrets file: a YAML map from path to value.
///
/// # Errors
/// [`ApplyError::Secrets`], when others can read it or it is no such map. No error shows a value.
pub(super) fn read(path: Option<&Path>) -> Result<Secrets<'static>, ApplyError> {
    let Some(path) = path else { return Ok(Secrets::default()) };
    let bad = |why: String, help: &str| ApplyError::Secrets { path: path.into(), why, help: help.into() };
    let failed = |e| bad(system_text(e), "name a file that is there and that you may read");
    let file = open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(bad("it is no regular file".into(), "name a file"));
    }
    if let Some(why) = others_read(&meta) {
        return Err(bad(why, &format!("run `chmod 600 {}`", path.display())));
    }
    if meta.len() > BYTES_MAX {
        return Err(bad(format!("it has {} bytes, expected at most {BYTES_MAX}", meta.len()), "make it smaller"));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    let shape = "write one `path: value` a line, such as `db/password: …`";
    let tree = Tree { files: vec![TreeFile { path: "secrets.vgo".into(), bytes: bytes.into(), executable: false }] };
    let sources = Sources::read(&tree);
    if let Some(d) = sources.diagnostics().first() {
        // The message may quote the text: only its place is shown.
        let at = sources.map().position(d.span().file, d.span().start);
        let what = if d.code == Code::DuplicateKey { "it has this path a second time" } else { "it is not valid YAML" };
        return Err(bad(format!("line {}, column {}: {what}", at.line, at.column), shape));
    }
    let mut values = BTreeMap::new();
    for document in sources.policy_files().flat_map(|f| f.documents()) {
        let Some(map) = document.map() else { return Err(bad("it is no map".into(), shape)) };
        for entry in map.iter() {
            let NodeKind::Scalar(text, style) = entry.value.kind() else {
                return Err(bad(format!("line {}: the value is no text", entry.value.line()), shape));
            };
            if style == ScalarStyle::Empty {
                let help = "write the value behind the colon, or `\"\"` for an empty one";
                return Err(bad(format!("line {}: there is no value", entry.value.line()), help));
            }
            values.insert(Arc::from(entry.name), SecretValue::new(text.to_string()));
        }
    }
    Ok(Secrets::File { values, name: path.display().to_string() })
}

/// Opens a file; nothing waits for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// Says that others can read a file, if they can.
#[cfg(unix)]
fn others_read(meta: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let mode = meta.mode() & 0o7777;
    (mode & 0o077 != 0).then(|| format!("its mode is {mode:04o}, expected 0600"))
}

/// Nothing is said where there are no modes: what a folder hands on is its administrator's affair.
#[cfg(windows)]
fn others_read(_: &std::fs::Metadata) -> Option<String> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_a_private_map_of_texts_is_taken_and_no_error_shows_a_value() {
        let cases: [(&str, &str, u32, Result<&str, &str>); 12] = [
            ("one", "db/pw: hunter2\n", 0o600, Ok("hunter2")),
            ("read only", "db/pw: hunter2\n", 0o400, Ok("hunter2")),
            ("a block", "db/pw: |\n  hunter2\nx: 1\n", 0o600, Ok("hunter2\n")),
            ("empty, and says so", "db/pw: \"\"\n", 0o600, Ok("")),
            ("for all", "db/pw: hunter2\n", 0o644, Err("its mode is 0644, expected 0600")),
            ("for the group", "db/pw: hunter2\n", 0o640, Err("its mode is 0640")),
            ("no value", "db/pw:\n", 0o600, Err("line 1: there is no value")),
            ("a list", "a: b\ndb/pw: [hunter2]\n", 0o600, Err("line 2: the value is no text")),
            ("a text", "hunter2\n", 0o600, Err("it is no map")),
            ("twice", "db/pw: hunter2\ndb/pw: hunter3\n", 0o600, Err("line 2, column 1: it has this path a second")),
            ("open", "db/pw: 'hunter2\n", 0o600, Err("it is not valid YAML")),
            ("an unknown alias", "db/pw: *hunter2\n", 0o600, Err("it is not valid YAML")),
        ];
        let path = std::env::temp_dir().join(format!("vigo-secrets-{}", std::process::id()));
        for (name, text, mode, expected) in cases {
            let _ = fs::remove_file(&path);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match (read(Some(&path)), expected) {
                (Ok(secrets), Ok(value)) => {
                    assert_eq!(secrets.get(vec!["db/pw".into()])[0].1, Ok(SecretValue::new(value.into())), "{name}");
                }
                (Err(error), Err(part)) => {
                    let text = format!("{error} {}", error.help().unwrap());
                    assert!(text.contains(part) && !text.contains("hunter"), "{name}: {text}");
                }
                (seen, _) => panic!("{name}: {:?}", seen.map(|_| ())),
            }
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let pipe = std::env::temp_dir().join(format!("vigo-secrets-pipe-{}", std::process::id()));
        let _ = fs::remove_file(&pipe);
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in [&*pipe, Path::new("/dev/null"), &std::env::temp_dir()] {
            let error = read(Some(path)).err().unwrap().to_string();
            assert!(error.contains("no regular file"), "{error}");
        }
        fs::remove_file(&pipe).unwrap();
    }
}
