//! What all file-like types share: the common attributes, what is looked at, and how owner, mode, context and content
//! are compared and written.

use super::diff::{DIFFED_BYTES_MAX, is_binary};
use super::{Attr, Change, Diff, Fields, Footprint, Keep, Kind, Need, accounts, digest};
use crate::action::{
    AbsPath, Command, Content, Expect, FileKind, Metadata, Op, OpOutput, Outputs, Owner, Replace, Validate,
};
use crate::host::{HostFacts, Problem};
use crate::value::Text;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Inline text is at most this long: a policy is read by people.
pub(super) const INLINE_BYTES_MAX: usize = 1 << 20;

/// Edited files are at most this long: they are held in memory.
pub(super) const EDITED_BYTES_MAX: u64 = 16 << 20;

/// Links followed by name before a path counts as a loop.
const LINKS_MAX: usize = 2;

pub(super) const TARGET_PATH: Attr = Attr::new("target_path", Kind::Path, "The file.").required();
pub(super) const OWNER: Attr = Attr::new("owner", Kind::Name, "Owner, by name or number.");
pub(super) const GROUP: Attr = Attr::new("group", Kind::Name, "Group, by name or number.");
pub(super) const MODE: Attr = Attr::new(
    "mode",
    Kind::Mode,
    "Permission bits; a new file gets `0644`, an existing one is left alone unless written.",
);
pub(super) const SECONTEXT: Attr =
    Attr::new("secontext", Kind::Line, "SELinux context, or its type part; without effect where SELinux is off.")
        .no_secret();
pub(super) const BACKUP: Attr = Attr::new(
    "backup",
    Kind::Line,
    "Keeps the old file when its content changes: `true` as `<path>.<epoch>.bak`, another word as suffix.",
)
.default("false")
.no_secret();
pub(super) const VALIDATE: Attr = Attr::new(
    "validate",
    Kind::Text,
    "Shell command that must exit 0 before the new content takes the file's place; `%` is its path, `%%` a percent sign.",
)
.no_secret();
pub(super) const CREATE: Attr =
    Attr::new("create", Kind::Bool, "Makes a missing file, which is a failure otherwise.").default("false");
pub(super) const FOLLOW: Attr =
    Attr::new("follow", Kind::Bool, "Whether a link at the path is followed or replaced.").default("true");
pub(super) const MAKE_PARENTS: Attr =
    Attr::new("make_parents", Kind::Bool, "Makes missing parent directories, 0755 and root's.").default("false");
pub(super) const SHOW_DIFF: Attr =
    Attr::new("show_diff", Kind::Bool, "Whether reports show what changes in the content.").default("true");

/// The attributes of an editing type: the shared ones, then its own.
macro_rules! edit_attributes {
    ($($own:expr),* $(,)?) => {
        &[
            $crate::resource::edit::TARGET_PATH,
            $($own,)*
            $crate::resource::edit::CREATE,
            $crate::resource::edit::OWNER,
            $crate::resource::edit::GROUP,
            $crate::resource::edit::MODE,
            $crate::resource::edit::SECONTEXT,
            $crate::resource::edit::BACKUP,
            $crate::resource::edit::VALIDATE,
            $crate::resource::edit::FOLLOW,
            $crate::resource::edit::MAKE_PARENTS,
            $crate::resource::edit::SHOW_DIFF,
        ]
    };
}
pub(super) use edit_attributes;

/// The shared attributes, read.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The file.
    pub path: AbsPath,
    /// Owner by name or number.
    pub owner: Option<Arc<str>>,
    /// Group by name or number.
    pub group: Option<Arc<str>>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// SELinux context, or its type.
    pub secontext: Option<Arc<str>>,
    /// Suffix of the copy of the old file; `{epoch}` in it stands for the time.
    pub backup: Option<Arc<str>>,
    /// The operator's check of new content.
    pub validate: Option<Arc<str>>,
    /// Whether a missing file is made.
    pub create: bool,
    /// Whether a link at the path is followed.
    pub follow: bool,
    /// Whether missing parents are made.
    pub make_parents: bool,
    /// Whether reports show the content.
    pub show_diff: bool,
}

impl Edit {
    /// Returns a file of root's, whose folder is made with it.
    pub(super) fn of_root(path: AbsPath, show_diff: bool) -> Self {
        Self {
            path,
            owner: Some("root".into()),
            group: Some("root".into()),
            mode: None,
            secontext: None,
            backup: None,
            validate: None,
            create: true,
            follow: false,
            make_parents: true,
            show_diff,
        }
    }

    /// Reads the shared attributes of known and checked fields.
    pub(super) fn read(fields: &Fields) -> Result<Self, Problem> {
        let path = fields.path("target_path").ok_or_else(|| Problem::bad_value("target_path", "expected a path"))?;
        Ok(Self {
            path,
            owner: fields.str("owner"),
            group: fields.str("group"),
            mode: fields.mode("mode"),
            secontext: fields.str("secontext"),
            backup: fields.scalar("backup").and_then(backup_suffix),
            validate: fields.str("validate"),
            create: fields.flag("create"),
            follow: fields.flag("follow"),
            make_parents: fields.flag("make_parents"),
            show_diff: fields.flag("show_diff"),
        })
    }

    /// Says what of it the machine's system lacks.
    pub(super) fn supported(&self, type_name: &str, facts: &HostFacts) -> Result<(), Problem> {
        let written =
            [("mode", self.mode.is_some()), ("group", self.group.is_some()), ("secontext", self.secontext.is_some())];
        supported(type_name, &written, facts)
    }

    /// Returns the reads beside the one of the file itself.
    pub(super) fn probe(&self, facts: &HostFacts) -> Vec<Op> {
        accounts::probe_for(self.owner.as_deref(), self.group.as_deref(), facts)
    }

    /// Makes the answers into what is there. `Err(Ok(ops))` asks for more.
    pub(super) fn look(&self, outputs: &Outputs, facts: &HostFacts) -> Result<Seen, Looking> {
        let mut seen = Seen::at(&self.path, outputs).map_err(Looking::Unknown)?;
        let (user, group) = (self.owner.as_deref(), self.group.as_deref());
        let owner = |user, group| accounts::owner(outputs, user, group).map_err(Looking::Unknown);
        seen.owner = owner(user, group)?;
        if seen.owner.is_err() && facts.planning {
            // Something that no plan foresees may make the account.
            let (uid, gid) = (owner(user, None)?, owner(None, group)?);
            seen.absent_owner = user.filter(|_| uid.is_err()).map(Arc::from);
            seen.absent_group = group.filter(|_| gid.is_err()).map(Arc::from);
            seen.owner = Ok(Owner { uid: uid.unwrap_or_default().uid, gid: gid.unwrap_or_default().gid });
        }
        let Some(meta) = &seen.meta else { return Ok(seen) };
        if let Ok(owner) = seen.owner {
            let differs = |wanted: Option<u32>, is: u32| wanted.is_some_and(|id| id != is);
            seen.user_shown = differs(owner.uid, meta.uid).then(|| accounts::user_shown(outputs, meta.uid));
            seen.group_shown = differs(owner.gid, meta.gid).then(|| accounts::group_shown(outputs, meta.gid));
        }
        let by_name =
            self.mode.is_some_and(|mode| mode != meta.mode) || self.context_for(meta).is_ok_and(|c| c.is_some());
        if self.follow && by_name {
            seen.real = real_path(&self.path, meta, outputs)?;
        }
        Ok(seen)
    }

    /// Compares owner, group, mode and context with those of a file that is there.
    pub(super) fn compare_metadata(&self, seen: &Seen, meta: &Metadata) -> Result<MetadataDrift, Problem> {
        let owner = seen.owner.clone().map_err(Problem::failed)?;
        let mut drift = MetadataDrift::default();
        let shown = |name: &Option<Arc<str>>| name.as_deref().unwrap_or_default().to_string();
        if let Some(before) = &seen.user_shown {
            drift.changes.push(Change::new("owner", before.clone(), shown(&self.owner)));
            drift.owner.uid = owner.uid;
        }
        if let Some(before) = &seen.group_shown {
            drift.changes.push(Change::new("group", before.clone(), shown(&self.group)));
            drift.owner.gid = owner.gid;
        }
        if let Some(mode) = self.mode.filter(|&mode| mode != meta.mode) {
            drift.changes.push(Change::mode(meta.mode, mode));
            drift.mode = Some(mode);
        }
        if let Some(context) = self.context_for(meta)? {
            drift.changes.push(Change::new("secontext", meta.context.as_deref().unwrap_or_default(), &*context));
            drift.context = Some(context);
        }
        Ok(drift)
    }

    /// Returns the full context that the file should have and has not.
    fn context_for(&self, meta: &Metadata) -> Result<Option<Arc<str>>, Problem> {
        let (Some(wanted), Some(is)) = (&self.secontext, &meta.context) else { return Ok(None) };
        if wanted.contains(':') {
            return Ok((wanted != is).then(|| wanted.clone()));
        }
        let mut parts: Vec<&str> = is.splitn(4, ':').collect();
        match parts.get_mut(2) {
            None => Err(Problem::failed(format!("expected an SELinux context at `{}`, found `{is}`", self.path))),
            Some(part) if **part == **wanted => Ok(None),
            Some(part) => {
                *part = wanted;
                Ok(Some(parts.join(":").into()))
            }
        }
    }

    /// Returns the operation that writes `content` in place of what was seen.
    pub(super) fn replace(&self, seen: &Seen, content: Content) -> Op {
        let old_file = seen.meta.as_ref().filter(|m| m.kind == FileKind::File);
        let created = if content.secret_path().is_some() { 0o600 } else { 0o644 };
        let context = old_file.and_then(|meta| self.context_for(meta).ok().flatten());
        Op::ReplaceFile(Replace {
            path: self.path.clone(),
            content,
            mode: self.mode.or_else(|| old_file.is_none().then_some(created)),
            owner: *seen.owner.as_ref().unwrap_or(&Owner::default()),
            context,
            expect: match (&seen.meta, seen.sha256) {
                (None, _) => Expect::Missing,
                (Some(_), Some(sha256)) => Expect::Digest(sha256),
                (Some(_), None) => Expect::Anything,
            },
            validate: self.validate.as_deref().map(|text| Validate { command: shell(&self.path, text) }),
            backup: self.backup.clone().filter(|_| old_file.is_some()),
            follow: self.follow,
            parents: self.make_parents,
        })
    }

    /// Returns a remark when others may read a file that holds a secret.
    pub(super) fn secret_note(&self, seen: &Seen, secret: Option<&Arc<str>>) -> Option<String> {
        let path = secret?;
        let file = seen.meta.as_ref().filter(|m| m.kind == FileKind::File);
        let mode = self.mode.or_else(|| file.map(|m| m.mode))?;
        (mode & 0o004 != 0).then(|| format!("mode {mode:04o} lets others read «secret {path}»"))
    }
}

/// Returns the command of the shell of the system that has such paths.
fn shell(path: &AbsPath, text: &str) -> Command {
    match path.is_windows() {
        true => Command::change("C:\\Windows\\System32\\cmd.exe", ["/C", text]),
        false => Command::change("/bin/sh", ["-c", text]),
    }
}

/// Says which of the written attributes mean nothing on Windows.
pub(super) fn supported(type_name: &str, written: &[(&str, bool)], facts: &HostFacts) -> Result<(), Problem> {
    match written.iter().find(|(_, written)| *written && &*facts.family == "windows") {
        None => Ok(()),
        Some((attribute, _)) => Err(Problem::unsupported(format!(
            "attribute `{attribute}` of type `{type_name}` is not supported on {}",
            facts.system()
        ))),
    }
}

/// Returns what an editing type or `file` manages and needs.
pub(super) fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint { paths: fields.path("target_path").into_iter().collect(), ..Footprint::default() };
    f.needs.extend(fields.str("owner").map(Need::User));
    f.needs.extend(fields.str("group").map(Need::Group));
    f.commands.extend(fields.str("validate"));
    f
}

/// Checks the shared attributes beyond their kinds.
pub(super) fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(command) = fields.scalar("validate")
        && !names_file(command)
    {
        let problem = Problem::bad_value("validate", "expected `%`, which stands for the new file's path");
        problems.push(problem.help("write the command as `visudo -cf %`"));
    }
    if let Some(suffix) = fields.scalar("backup").and_then(backup_suffix)
        && (suffix.is_empty() || suffix.contains('/'))
    {
        problems.push(Problem::bad_value("backup", format!("expected `true`, `false` or a suffix, found `{suffix}`")));
    }
    if let Some(context) = fields.scalar("secontext") {
        let part = |c: char| c.is_ascii_alphanumeric() || "_-.,".contains(c);
        let parts = context.split(':').count();
        if parts == 2 || context.is_empty() || context.contains(|c| !part(c) && c != ':') {
            let message = format!("expected `user:role:type:level` or a type such as `etc_t`, found `{context}`");
            problems.push(Problem::bad_value("secontext", message));
        }
    }
    problems
}

/// Returns whether a validate command holds a `%` that is not doubled.
fn names_file(command: &str) -> bool {
    command.replace("%%", "").contains('%')
}

fn backup_suffix(written: &str) -> Option<Arc<str>> {
    match () {
        () if written.eq_ignore_ascii_case("false") => None,
        () if written.eq_ignore_ascii_case("true") => Some(".{epoch}.bak".into()),
        () => Some(written.into()),
    }
}

/// Why there is no observation yet.
pub(super) enum Looking {
    /// It could not be made.
    Unknown(String),
    /// More must be read.
    Ask(Vec<Op>),
}

/// What is at a path.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its metadata; `None` is nothing.
    pub meta: Option<Metadata>,
    /// Digest of the content, where it was looked at.
    pub sha256: Option<[u8; 32]>,
    /// The content, where it was read.
    pub content: Option<Arc<[u8]>>,
    /// The wanted owner, as numbers.
    pub owner: Result<Owner, String>,
    /// The owner's name, when it is not the wanted one.
    pub user_shown: Option<String>,
    /// The group's name, when it is not the wanted one.
    pub group_shown: Option<String>,
    /// In a plan: the wanted user, who does not exist yet.
    pub absent_owner: Option<Arc<str>>,
    /// In a plan: the wanted group, which does not exist yet.
    pub absent_group: Option<Arc<str>>,
    /// Where the path's links lead, for operations that do not follow them.
    pub real: AbsPath,
}

impl Seen {
    /// Joins the answers about `path`. A later failure to read what was hashed is no failure: it costs the diff only.
    pub(super) fn at(path: &AbsPath, outputs: &Outputs) -> Result<Self, String> {
        let mut seen = Self {
            meta: None,
            sha256: None,
            content: None,
            owner: Ok(Owner::default()),
            user_shown: None,
            group_shown: None,
            absent_owner: None,
            absent_group: None,
            real: path.clone(),
        };
        let mut known = false;
        for (op, output) in outputs.iter() {
            let of_path = match op {
                Op::ReadFile { path: p, .. } | Op::HashFile { path: p, .. } => p == path,
                Op::Stat { path: p, .. } => p == path && !known,
                _ => false,
            };
            if !of_path {
                continue;
            }
            match output {
                OpOutput::Hash { meta, sha256 } => (seen.meta, seen.sha256) = (Some(meta.clone()), Some(*sha256)),
                OpOutput::File { meta, content } => {
                    seen.content = Some(content.clone());
                    if !known {
                        (seen.meta, seen.sha256) = (Some(meta.clone()), Some(digest::sha256(content)));
                    }
                }
                OpOutput::Stat(meta) => seen.meta = Some(meta.clone()),
                OpOutput::Missing => {}
                OpOutput::Failed(_) if known => {}
                OpOutput::Failed(failure) => return Err(failure.message.clone()),
                other => return Err(format!("expected what is at `{path}`, found {}", kind_of(other))),
            }
            known = true;
        }
        if known { Ok(seen) } else { Err(format!("`{path}` was not looked at")) }
    }

    /// Returns what is there, as [`crate::host::Family::evidence`].
    pub(super) fn evidence(&self) -> String {
        let awaited = (&self.absent_owner, &self.absent_group);
        let meta = self.meta.as_ref().map(Metadata::lasting);
        format!("{:?}", (&self.real, meta, &self.sha256, &self.owner, awaited))
    }

    /// Returns how to keep what is there.
    pub(super) fn keep(&self, path: &AbsPath, follow: bool) -> Keep {
        match self.meta {
            None => Keep::Absent(path.clone()),
            Some(_) => Keep::Path { path: path.clone(), follow },
        }
    }

    /// Returns the changes of owner and group to what does not exist yet.
    pub(super) fn awaited(&self) -> impl Iterator<Item = Change> {
        let ids = self.meta.as_ref().map(|m| (m.uid, m.gid));
        let change = |field: &'static str, name: &Option<Arc<str>>, id: Option<u32>| {
            let before = id.map_or_else(|| "absent".to_string(), |id| id.to_string());
            name.as_ref().map(|name| Change::new(field, before, format!("{name} (not yet present)")))
        };
        let owner = change("owner", &self.absent_owner, ids.map(|i| i.0));
        owner.into_iter().chain(change("group", &self.absent_group, ids.map(|i| i.1)))
    }

    /// Returns the digest for a change: of the content, or that there is none.
    pub(super) fn digest_shown(&self) -> String {
        self.sha256.as_ref().map_or_else(|| "absent".into(), digest::short)
    }

    /// Returns the old side of a diff; `None` when there was no file, or it was not read.
    pub(super) fn side(&self) -> super::diff::Side {
        use super::diff::Side;
        match (&self.content, self.sha256, &self.meta) {
            (Some(content), _, _) => Side::Bytes(content.clone()),
            (None, Some(sha256), meta) => Side::Digest { size: meta.as_ref().map(|m| m.size), sha256 },
            (None, None, _) => Side::Absent,
        }
    }

    /// Returns whether the old content is worth reading for a diff.
    pub(super) fn is_diffable(&self) -> bool {
        let meta = self.meta.as_ref().filter(|m| m.kind == FileKind::File);
        self.content.is_none() && meta.is_some_and(|m| m.size <= DIFFED_BYTES_MAX as u64)
    }
}

/// Returns whether a new content is worth a line-by-line diff.
pub(super) fn is_diffable(content: &Content) -> bool {
    content.secret_path().is_none() && content.bytes().is_some_and(|b| b.len() <= DIFFED_BYTES_MAX && !is_binary(b))
}

/// What differs in owner, mode and context, and what they should be.
#[derive(Clone, Debug, Default)]
pub(super) struct MetadataDrift {
    pub changes: Vec<Change>,
    pub owner: Owner,
    pub mode: Option<u32>,
    pub context: Option<Arc<str>>,
}

/// What is done to a file.
#[derive(Clone, Debug)]
pub enum FileAction {
    /// Writes the content, with owner, mode and context.
    Write,
    /// Sets owner and group.
    SetOwner(Owner),
    /// Sets permission bits.
    SetMode(u32),
    /// Sets the SELinux context.
    SetContext(Arc<str>),
    /// Removes the file or link.
    Remove,
}

impl MetadataDrift {
    /// Returns what sets right the metadata of a file whose content is right, `mode` being what it should be in the end.
    pub(super) fn actions(&self, mode: Option<u32>) -> Vec<FileAction> {
        let mut actions = Vec::new();
        let owner = (self.owner != Owner::default()).then_some(self.owner);
        actions.extend(owner.map(FileAction::SetOwner));
        // A change of owner clears set-user-ID and set-group-ID (chown(2)).
        let again = mode.filter(|mode| owner.is_some() && mode & 0o6000 != 0);
        actions.extend(self.mode.or(again).map(FileAction::SetMode));
        actions.extend(self.context.clone().map(FileAction::SetContext));
        actions
    }
}

impl fmt::Display for FileAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "write file",
            Self::SetOwner(_) => "set owner",
            Self::SetMode(_) => "set mode",
            Self::SetContext(_) => "set context",
            Self::Remove => "remove file",
        })
    }
}

impl FileAction {
    /// Returns the operation of an action on metadata; `None` for the others.
    pub(super) fn metadata_op(&self, path: &AbsPath) -> Option<Op> {
        let path = path.clone();
        match self {
            Self::SetOwner(owner) => Some(Op::SetOwner { path, owner: *owner, follow: false }),
            Self::SetMode(mode) => Some(Op::SetMode { path, mode: *mode }),
            Self::SetContext(context) => Some(Op::SetContext { path, context: context.clone() }),
            Self::Write | Self::Remove => None,
        }
    }
}

/// Returns the diff of a new content, where it is to be shown.
pub(super) fn diff(edit: &Edit, seen: &Seen, after: impl Into<super::diff::Side>) -> Option<Diff> {
    edit.show_diff.then(|| Diff::new(edit.path.shared(), seen.side(), after))
}

/// Returns what is at a path, for messages.
pub(super) fn kind_shown(meta: &Metadata) -> String {
    match (meta.kind, &meta.target) {
        (FileKind::Symlink, Some(to)) => format!("link to {to}"),
        (FileKind::Symlink, None) => "a link".into(),
        (FileKind::File, _) => "a file".into(),
        (FileKind::Dir, _) => "a directory".into(),
        (FileKind::Other, _) => "a special file".into(),
    }
}

/// Returns the new side of a diff, and the size of a content where it is known.
pub(super) fn content_side(content: &Content, sha256: [u8; 32]) -> super::diff::Side {
    use super::diff::Side;
    match content {
        Content::Bytes(bytes) => Side::Bytes(bytes.clone()),
        Content::Text(text) => Side::Text(text.clone()),
        Content::Staged(_) | Content::Copy { .. } => Side::Digest { size: None, sha256 },
    }
}

/// Returns the change of a content: digests, or that it differs where a secret is in it.
pub(super) fn content_change(before: String, after: &[u8; 32], secret: Option<&Arc<str>>) -> Change {
    match secret {
        None => Change::new("content", before, digest::short(after)),
        Some(path) => Change::masked("content", &Text::plain(before), &Text::secret("", path.clone())),
    }
}

fn kind_of(output: &OpOutput) -> &'static str {
    match output {
        OpOutput::Ran(_) => "a command's output",
        OpOutput::File { .. } | OpOutput::Hash { .. } => "a file",
        OpOutput::Stat(_) => "metadata",
        OpOutput::Dir(_) => "a listing",
        OpOutput::Bytes(_) => "a download",
        OpOutput::Space(_) => "the space of a file system",
        OpOutput::Missing => "nothing",
        OpOutput::Done | OpOutput::DoneInPlace => "a change",
        OpOutput::Failed(_) => "a failure",
    }
}

/// Follows links at the last component of a path, as far as they have been looked at, to the file that was observed
/// through them.
fn real_path(path: &AbsPath, observed: &Metadata, outputs: &Outputs) -> Result<AbsPath, Looking> {
    let mut at = path.clone();
    for _ in 0..=LINKS_MAX {
        let op = Op::stat(&at);
        match outputs.get(&op) {
            None => return Err(Looking::Ask(alloc::vec![op])),
            Some(OpOutput::Stat(Metadata { kind: FileKind::Symlink, target: Some(target), .. })) => {
                let next = match (target.starts_with('/'), at.parent()) {
                    (false, Some(parent)) => resolved(&parent, target),
                    _ => AbsPath::parse(target).ok(),
                };
                at =
                    next.ok_or_else(|| Looking::Unknown(format!("`{at}` is a link to `{target}`, which is no path")))?;
            }
            Some(OpOutput::Stat(meta)) if (meta.dev, meta.ino) == (observed.dev, observed.ino) => return Ok(at),
            Some(_) => return Err(Looking::Unknown(format!("`{path}` was replaced while it was looked at"))),
        }
    }
    Err(Looking::Unknown(format!("`{path}` leads over more than {LINKS_MAX} links")))
}

/// Returns a link's relative target from its directory, by text: where a component is a link itself this may name
/// another file, which the caller notices.
fn resolved(dir: &AbsPath, target: &str) -> Option<AbsPath> {
    let (mut dir, mut rest) = (dir.clone(), target);
    while let Some(up) = rest.strip_prefix("../") {
        (dir, rest) = (dir.parent()?, up.trim_start_matches('/'));
    }
    AbsPath::parse(dir.join(rest).as_str()).ok()
}
