//! Asking and reading answers, in few words: for the collectors of hosts.

use crate::action::{AbsPath, Command, Entry, FileKind, Metadata, Op, OpOutput, Outputs, Ran, Space};
use crate::time::Duration;
use crate::value::Value;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of a file of the kernel or of a configuration that are read.
const BYTES_MAX: u64 = 4 << 20;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 50_000;

/// Returns a read of a file.
pub fn read(path: &'static str) -> Op {
    read_at(AbsPath::known(path))
}

/// Returns a read of a file whose path is made up.
pub fn read_at(path: AbsPath) -> Op {
    Op::ReadFile { path, follow: true, bytes_max: BYTES_MAX }
}

/// Returns a read of a database, which may be large.
pub fn read_large(path: &'static str) -> Op {
    Op::ReadFile { path: AbsPath::known(path), follow: true, bytes_max: 64 << 20 }
}

/// Returns a look at a folder's entries.
pub fn list(path: &'static str) -> Op {
    list_at(AbsPath::known(path))
}

/// Returns a look at the entries of a folder whose path is made up.
pub fn list_at(path: AbsPath) -> Op {
    Op::ListDir { path, deep: false, entries_max: ENTRIES_MAX }
}

/// Returns a look that follows links.
pub fn stat(path: &'static str) -> Op {
    Op::Stat { path: AbsPath::known(path), follow: true }
}

/// Returns a run of a program that only reads.
pub fn run(program: &str, args: &[&str]) -> Op {
    let command = Command::read(program, args.iter().copied()).timeout(Duration::from_secs(5));
    Op::Run(command.output_bytes_max(4 << 20))
}

/// The answers, by path and program.
#[derive(Clone, Copy)]
pub struct See<'a>(pub &'a Outputs);

impl<'a> See<'a> {
    /// Returns the answer about a path.
    pub fn path(self, path: &str) -> Option<&'a OpOutput> {
        let of = |op: &'a Op| match op {
            Op::ReadFile { path, .. } | Op::Stat { path, .. } | Op::ListDir { path, .. } | Op::Space { path } => {
                Some(path.as_str())
            }
            _ => None,
        };
        self.0.iter().rev().find(|(op, _)| of(op) == Some(path)).map(|(_, output)| output)
    }

    /// Returns a file's text; `None` when there is none, or none that can be read.
    pub fn text(self, path: &str) -> Option<Cow<'a, str>> {
        match self.path(path)? {
            OpOutput::File { content, .. } => Some(String::from_utf8_lossy(content)),
            _ => None,
        }
    }

    /// Returns the text of a file without which the area cannot be known.
    pub fn need(self, path: &str) -> Result<Cow<'a, str>, String> {
        match self.path(path) {
            Some(OpOutput::File { content, .. }) => Ok(String::from_utf8_lossy(content)),
            Some(OpOutput::Failed(why)) => Err(why.message.clone()),
            Some(OpOutput::Missing) => Err(format!("`{path}` is not there")),
            _ => Err(format!("`{path}` could not be read")),
        }
    }

    /// Returns a file's text as a value: trimmed; null when it cannot be read; `None` when it is missing or empty.
    pub fn value(self, path: &str) -> Option<Value> {
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
    pub fn number(self, path: &str) -> Option<Value> {
        match self.value(path)? {
            Value::Text(t) => t.as_str().parse().ok().map(Value::Int),
            other => Some(other),
        }
    }

    /// Returns what is known of a path besides its content.
    pub fn meta(self, path: &str) -> Option<&'a Metadata> {
        match self.path(path)? {
            OpOutput::Stat(meta) | OpOutput::File { meta, .. } => Some(meta),
            _ => None,
        }
    }

    /// Returns whether something is at a path that was looked at.
    pub fn exists(self, path: &str) -> bool {
        matches!(self.path(path), Some(OpOutput::Stat(_) | OpOutput::File { .. } | OpOutput::Dir(_)))
    }

    /// Returns whether a folder is at a path that was looked at.
    pub fn is_dir(self, path: &str) -> bool {
        self.meta(path).is_some_and(|meta| meta.kind == FileKind::Dir)
    }

    /// Returns a folder's entries; none when it is not there.
    pub fn entries(self, path: &str) -> &'a [Entry] {
        match self.path(path) {
            Some(OpOutput::Dir(entries)) => entries,
            _ => &[],
        }
    }

    /// Returns the space of the file system at a path.
    pub fn space(self, path: &str) -> Option<Space> {
        let of = |op: &Op| matches!(op, Op::Space { path: p } if p.as_str() == path);
        self.0.iter().rev().find(|(op, _)| of(op)).and_then(|(_, output)| match output {
            OpOutput::Space(space) => Some(*space),
            _ => None,
        })
    }

    /// Returns how a program ended that was run with these first arguments.
    pub fn ran(self, program: &str, args: &[&str]) -> Option<&'a Ran> {
        match self.0.ran(program, args)? {
            OpOutput::Ran(ran) => Some(ran),
            _ => None,
        }
    }

    /// Returns the output of a program that must have succeeded.
    pub fn output(self, program: &str, args: &[&str]) -> Result<Cow<'a, str>, String> {
        match self.0.ran(program, args) {
            Some(OpOutput::Ran(ran)) if ran.truncated => Err(format!("`{program}` said more than is kept")),
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
    pub fn has(self, op: &Op) -> bool {
        self.0.get(op).is_some()
    }

    /// Returns those operations that have not been answered yet.
    pub fn open(self, ops: Vec<Op>) -> Vec<Op> {
        ops.into_iter().filter(|op| !self.has(op)).collect()
    }
}

/// Returns a map of those fields that there are.
pub fn fields<'k>(items: impl IntoIterator<Item = (&'k str, Option<Value>)>) -> Value {
    Value::map(items.into_iter().filter_map(|(key, value)| Some((key, value?))))
}

/// Returns a list of texts, sorted, each once.
pub fn sorted<'t>(texts: impl IntoIterator<Item = &'t str>) -> Value {
    let mut texts: Vec<&str> = texts.into_iter().collect();
    texts.sort_unstable();
    texts.dedup();
    Value::list(texts.into_iter().map(Value::text))
}

/// Returns a list of texts as they come.
pub fn listed<'t>(texts: impl IntoIterator<Item = &'t str>) -> Value {
    Value::list(texts.into_iter().map(Value::text))
}

/// Returns a number as a value; one that is too large as the largest.
pub fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Returns a part of a whole in per cent, to a tenth.
pub fn percent(part: u64, whole: u64) -> Value {
    if whole == 0 {
        return Value::Float(0.0);
    }
    let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    Value::Float(tenths.min(1000) as f64 / 10.0)
}

/// Returns the value of `key` in lines of `key=value`, quotes taken off.
pub fn assigned<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let of = |line: &'t str| {
        let (name, value) = line.trim().split_once('=')?;
        (name.trim() == key).then(|| unquoted(value.trim()))
    };
    text.lines().rev().find_map(of)
}

/// Returns a text without the quotes around it.
pub fn unquoted(text: &str) -> &str {
    let quoted = |q: char| text.strip_prefix(q)?.strip_suffix(q);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// Returns the number of kB behind `key:` in `/proc/meminfo` and its likes.
pub fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Returns the text behind `key` and a colon, as in `/proc/cpuinfo`.
pub fn colon<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// Returns a path, where the text is one.
pub fn path(text: &str) -> Option<AbsPath> {
    AbsPath::parse(text).ok()
}

/// Returns a text as a value, unless it is empty.
pub fn some(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::text(text.to_string()))
}
