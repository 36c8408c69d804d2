//! Asking and reading answers, in few words.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Entry, FileKind, Metadata, Op, OpOutput, Outputs, Ran, Space};
use vigo_core::time::Duration;
use vigo_core::value::Value;

/// Bytes of a file of the kernel or of a configuration that are read.
const BYTES_MAX: u64 = 4 << 20;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 50_000;

pub(super) fn read(path: &'static str) -> Op {
    read_at(AbsPath::known(path))
}

pub(super) fn read_at(path: AbsPath) -> Op {
    Op::ReadFile { path, follow: true, bytes_max: BYTES_MAX }
}

/// Returns a read of a database, which may be large.
pub(super) fn read_large(path: &'static str) -> Op {
    Op::ReadFile { path: AbsPath::known(path), follow: true, bytes_max: 64 << 20 }
}

pub(super) fn list(path: &'static str) -> Op {
    list_at(AbsPath::known(path))
}

pub(super) fn list_at(path: AbsPath) -> Op {
    Op::ListDir { path, deep: false, entries_max: ENTRIES_MAX }
}

/// Returns a look that follows links.
pub(super) fn stat(path: &'static str) -> Op {
    Op::Stat { path: AbsPath::known(path), follow: true }
}

pub(super) fn run(program: &str, args: &[&str]) -> Op {
    let command = Command::read(program, args.iter().copied()).timeout(Duration::from_secs(5));
    Op::Run(command.output_bytes_max(4 << 20))
}

/// The answers, by path and program.
#[derive(Clone, Copy)]
pub(super) struct See<'a>(pub &'a Outputs);

impl<'a> See<'a> {
    /// Returns the answer about a path.
    pub(super) fn path(self, path: &str) -> Option<&'a OpOutput> {
        let of = |op: &'a Op| match op {
            Op::ReadFile { path, .. } | Op::Stat { path, .. } | Op::ListDir { path, .. } | Op::Space { path } => {
                Some(path.as_str())
            }
            _ => None,
        };
        self.0.iter().rev().find(|(op, _)| of(op) == Some(path)).map(|(_, output)| output)
    }

    /// Returns a file's text; `None` when there is none, or none that can be read.
    pub(super) fn text(self, path: &str) -> Option<Cow<'a, str>> {
        match self.path(path)? {
            OpOutput::File { content, .. } => Some(String::from_utf8_lossy(content)),
            _ => None,
        }
    }

    /// Returns the text of a file without which the area cannot be known.
    pub(super) fn need(self, path: &str) -> Result<Cow<'a, str>, String> {
        match self.path(path) {
            Some(OpOutput::File { content, .. }) => Ok(String::from_utf8_lossy(content)),
            Some(OpOutput::Failed(why)) => Err(why.message.clone()),
            Some(OpOutput::Missing) => Err(format!("`{path}` is not there")),
            _ => Err(format!("`{path}` could not be read")),
        }
    }

    /// Returns a file's text as a value: trimmed; null when it cannot be read; `None` when it is missing or empty.
    pub(super) fn value(self, path: &str) -> Option<Value> {
        match self.path(path)? {
            OpOutput::File { content, .. } => {
                let text = String::from_utf8_lossy(content);
                let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
                (!text.is_empty()).then(|| Value::text(text))
            }
            OpOutput::Failed(_) => Some(Value::Null),
            _ => None,
        }
    }

    /// Returns a file's number; null when it cannot be read.
    pub(super) fn number(self, path: &str) -> Option<Value> {
        match self.value(path)? {
            Value::Text(t) => t.as_str().parse().ok().map(Value::Int),
            other => Some(other),
        }
    }

    pub(super) fn meta(self, path: &str) -> Option<&'a Metadata> {
        match self.path(path)? {
            OpOutput::Stat(meta) | OpOutput::File { meta, .. } => Some(meta),
            _ => None,
        }
    }

    /// Returns whether something is at a path that was looked at.
    pub(super) fn exists(self, path: &str) -> bool {
        matches!(self.path(path), Some(OpOutput::Stat(_) | OpOutput::File { .. } | OpOutput::Dir(_)))
    }

    pub(super) fn is_dir(self, path: &str) -> bool {
        self.meta(path).is_some_and(|meta| meta.kind == FileKind::Dir)
    }

    /// Returns a folder's entries; none when it is not there.
    pub(super) fn entries(self, path: &str) -> &'a [Entry] {
        match self.path(path) {
            Some(OpOutput::Dir(entries)) => entries,
            _ => &[],
        }
    }

    pub(super) fn space(self, path: &str) -> Option<Space> {
        let of = |op: &Op| matches!(op, Op::Space { path: p } if p.as_str() == path);
        self.0.iter().rev().find(|(op, _)| of(op)).and_then(|(_, output)| match output {
            OpOutput::Space(space) => Some(*space),
            _ => None,
        })
    }

    /// Returns how a program ended that was run with these first arguments.
    pub(super) fn ran(self, program: &str, args: &[&str]) -> Option<&'a Ran> {
        match self.0.ran(program, args)? {
            OpOutput::Ran(ran) => Some(ran),
            _ => None,
        }
    }

    /// Returns the output of a program that must have succeeded.
    pub(super) fn output(self, program: &str, args: &[&str]) -> Result<Cow<'a, str>, String> {
        match self.0.ran(program, args) {
            Some(OpOutput::Ran(ran)) if ran.success() => Ok(ran.out()),
            Some(OpOutput::Ran(ran)) => {
                let said = ran.err().lines().next().unwrap_or_default().chars().take(200).collect::<String>();
                Err(format!("`{program}` ended with {}: {said}", ran.exit))
            }
            Some(OpOutput::Failed(why)) => Err(why.message.clone()),
            _ => Err(format!("`{program}` was not run")),
        }
    }

    /// Returns whether an operation has been answered.
    pub(super) fn has(self, op: &Op) -> bool {
        self.0.get(op).is_some()
    }

    /// Returns those operations that have not been answered yet.
    pub(super) fn open(self, ops: Vec<Op>) -> Vec<Op> {
        ops.into_iter().filter(|op| !self.has(op)).collect()
    }
}

/// Returns a map of those fields that there are.
pub(super) fn fields<'k>(items: impl IntoIterator<Item = (&'k str, Option<Value>)>) -> Value {
    Value::map(items.into_iter().filter_map(|(key, value)| Some((key, value?))))
}

/// Returns a list of texts, sorted, each once.
pub(super) fn sorted<'t>(texts: impl IntoIterator<Item = &'t str>) -> Value {
    let mut texts: Vec<&str> = texts.into_iter().collect();
    texts.sort_unstable();
    texts.dedup();
    Value::list(texts.into_iter().map(Value::text))
}

/// Returns a list of texts as they come.
pub(super) fn listed<'t>(texts: impl IntoIterator<Item = &'t str>) -> Value {
    Value::list(texts.into_iter().map(Value::text))
}

pub(super) fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns a part of a whole in per cent, to a tenth.
pub(super) fn percent(part: u64, whole: u64) -> Value {
    if whole == 0 {
        return Value::Float(0.0);
    }
    let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    Value::Float(tenths.min(1000) as f64 / 10.0)
}

/// Returns the value of `key` in lines of `key=value`, quotes taken off.
pub(super) fn assigned<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let of = |line: &'t str| {
        let (name, value) = line.trim().split_once('=')?;
        (name.trim() == key).then(|| unquoted(value.trim()))
    };
    text.lines().rev().find_map(of)
}

pub(super) fn unquoted(text: &str) -> &str {
    let quoted = |q: char| text.strip_prefix(q)?.strip_suffix(q);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// Returns the number of kB behind `key:` in `/proc/meminfo` and its likes.
pub(super) fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Returns the text behind `key` and a colon, as in `/proc/cpuinfo`.
pub(super) fn colon<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// Returns a path, where the text is one.
pub(super) fn path(text: &str) -> Option<AbsPath> {
    AbsPath::parse(text).ok()
}

/// Returns a text as a value, unless it is empty.
pub(super) fn some(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::text(text.to_string()))
}

#[cfg(test)]
pub(super) fn answers(items: &[(&str, &str)]) -> Outputs {
    use alloc::sync::Arc;
    let mut outputs = Outputs::default();
    for (path, content) in items {
        let meta = Metadata {
            kind: FileKind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: content.len() as u64,
            mtime_ms: 0,
            dev: 1,
            ino: 1,
            nlink: 1,
            target: None,
            context: None,
        };
        match path.strip_prefix("run ") {
            // Output of a program, named with its arguments.
            Some(line) => {
                let mut words = line.split(' ');
                let command = Command::read(words.next().unwrap_or_default(), words);
                let ran = Ran {
                    exit: vigo_core::action::Exit::Code(0),
                    stdout: content.as_bytes().into(),
                    stderr: Vec::new(),
                    truncated: false,
                };
                outputs.push(Op::Run(command), Arc::new(OpOutput::Ran(ran)));
            }
            // Entries of a folder, by blanks; `name@target` is a link.
            None if path.ends_with('/') => {
                let entry = |word: &str| {
                    let (name, target) = word.split_once('@').map_or((word, None), |(n, t)| (n, Some(t)));
                    let kind = if target.is_some() { FileKind::Symlink } else { FileKind::Dir };
                    Entry { path: name.into(), meta: Metadata { kind, target: target.map(Into::into), ..meta.clone() } }
                };
                let entries = content.split_whitespace().map(entry).collect();
                let path = AbsPath::parse(path).unwrap();
                outputs.push(list_at(path), Arc::new(OpOutput::Dir(entries)));
            }
            None => {
                let path = AbsPath::parse(path).unwrap();
                outputs.push(read_at(path), Arc::new(OpOutput::File { meta, content: content.as_bytes().into() }));
            }
        }
    }
    outputs
}
