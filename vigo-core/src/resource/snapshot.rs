//! What a resource was about before Vigo first changed it, and how it is brought back.

use super::edit::Edit;
use super::{Datum, Field, FieldValue, Fields, Instance, Prepare, file, symlink};
use crate::action::{AbsPath, FileKind, OpOutput};
use crate::host::Problem;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

/// A larger file is changed without a snapshot: the state directory is no backup.
pub const KEPT_BYTES_MAX: u64 = 16 << 20;

/// What a resource is about, as it was before its first change; one for each type and target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The resource type; `file` for all that is kept by its path.
    pub type_name: Arc<str>,
    /// A path; for a type without one, its identity.
    pub target: Arc<str>,
    /// What was there.
    pub kept: Kept,
    /// Whether it has been brought back: the next change takes a new one.
    pub reverted: bool,
}

/// What was there.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Its content, which may be secret.
        content: Arc<[u8]>,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// A symbolic link.
    Link {
        /// What it said.
        to: Arc<str>,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// The value of an attribute.
    Value {
        /// The attribute.
        attribute: Arc<str>,
        /// Its value.
        value: Arc<str>,
    },
}

/// How a family's snapshot is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keep {
    /// The observation shows that nothing is at this path.
    Absent(AbsPath),
    /// By reading what is at a path.
    Path {
        /// The path.
        path: AbsPath,
        /// Whether a link there is followed.
        follow: bool,
    },
    /// The observation shows it: an attribute and its value.
    Value(&'static str, Arc<str>),
}

impl core::fmt::Debug for Kept {
    /// Shows no content: an old file may hold an old secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::File { content, mode, uid, gid } => write!(f, "{} bytes, {mode:04o} {uid}:{gid}", content.len()),
            Self::Link { to, .. } => write!(f, "link to {to}"),
            Self::Value { attribute, value } => write!(f, "{attribute} {value}"),
        }
    }
}

impl Kept {
    /// Returns what a read of a path found; the error says why it cannot be kept.
    pub(crate) fn of(output: &OpOutput) -> Result<Self, String> {
        match output {
            OpOutput::Missing => Ok(Self::Absent),
            OpOutput::File { meta, content } => {
                Ok(Self::File { content: content.clone(), mode: meta.mode, uid: meta.uid, gid: meta.gid })
            }
            OpOutput::Stat(meta) => match (&meta.target, meta.kind) {
                (Some(to), FileKind::Symlink) => Ok(Self::Link { to: to.clone(), uid: meta.uid, gid: meta.gid }),
                _ => Err(super::edit::kind_shown(meta)),
            },
            OpOutput::Failed(failure) => Err(failure.message.clone()),
            _ => Err("it was not read".into()),
        }
    }
}

/// The type under which all kinds of files and links are kept: two resources of different types that edit one file have
/// one state of it to go back to.
pub(crate) const PATHS: &str = "file";

/// Returns the type and target that a snapshot of the resource is kept under.
pub(crate) fn kept_under(fields: &Fields) -> Option<(Arc<str>, Arc<str>)> {
    match fields.path("target_path") {
        Some(path) => Some((PATHS.into(), path.shared())),
        None => Some((fields.decl.name.into(), (fields.decl.identity)(fields)?)),
    }
}

/// Returns the digest of an `exec`'s command.
pub(crate) fn command_digest(fields: &Fields) -> [u8; 32] {
    let mut text = String::new();
    match fields.datum("command") {
        Some(Datum::List(items)) => {
            for item in items {
                if let Datum::Scalar { text: word, .. } = item {
                    text.push_str(word.as_str());
                }
                text.push('\0');
            }
        }
        Some(Datum::Scalar { text: line, .. }) => text.push_str(line.as_str()),
        _ => {}
    }
    super::digest::sha256(text.as_bytes())
}

/// Returns an instance that brings back what was kept of the resource that `fields` describe.
pub(crate) fn restore(kept: &Kept, fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    if let Kept::Value { attribute, value } = kept {
        let mut fields = fields.clone();
        // What had a value was there.
        fields.items.retain(|field| &*field.name != "state");
        let known = FieldValue::Known(Datum::Scalar { text: Text::plain(value.clone()), plain: true });
        match fields.items.iter_mut().find(|f| f.name == *attribute) {
            Some(field) => field.value = known,
            None => fields.items.push(Field { name: attribute.clone(), value: known, place: fields.place }),
        }
        return (fields.decl.prepare)(&fields, ctx);
    }
    let mut edit = Edit::read(fields)?;
    (edit.mode, edit.secontext, edit.validate, edit.backup) = (None, None, None, None);
    (edit.owner, edit.group) = (None, None);
    let mut own = |uid: &u32, gid: &u32| {
        edit.owner = Some(format!("{uid}").into());
        edit.group = Some(format!("{gid}").into());
    };
    match kept {
        Kept::File { content, mode, uid, gid } => {
            own(uid, gid);
            edit.mode = Some(*mode);
            // Whether a secret was in it is not known any more: its content is nobody's to see.
            edit.show_diff = false;
            Ok(file::with_content(edit, Some(content.clone())))
        }
        Kept::Link { to, uid, gid } => {
            own(uid, gid);
            Ok(symlink::with_target(edit, to.clone()))
        }
        _ => {
            edit.follow = false;
            edit.show_diff = false;
            Ok(file::with_content(edit, None))
        }
    }
}
