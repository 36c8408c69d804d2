//! Where a file's content comes from.

use super::Wanted;
use crate::action::{AbsPath, Content, Op, OpOutput, Outputs, StagedId};
use crate::bundle::Blob;
use crate::hex;
use crate::host::{Problem, ProblemKind};
use crate::resource::edit::{EDITED_BYTES_MAX, INLINE_BYTES_MAX, Seen};
use crate::resource::{Fields, Prepare, digest};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Shipped files are at most this long.
const BLOB_BYTES_MAX: usize = 64 << 20;

/// Where a file's content comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Nowhere: any content will do.
    Nothing,
    /// The policy.
    Given(Wanted),
    /// A download.
    Url {
        /// Where it is.
        url: Arc<str>,
        /// What it must be.
        sha256: [u8; 32],
    },
    /// Another file of the machine.
    Local {
        /// Where it is.
        path: AbsPath,
        /// What it must be.
        sha256: Option<[u8; 32]>,
    },
}

/// Checks the attributes that say where the content comes from.
pub(super) fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (content, source) = (fields.is_written("content"), fields.is_written("source"));
    if content && source {
        problems.push(Problem::conflict("source", "excludes `content`"));
    }
    if let Some(text) = fields.scalar("content")
        && text.len() > INLINE_BYTES_MAX
    {
        let message = format!("expected at most 1 MiB, found {} bytes", text.len());
        problems.push(Problem::bad_value("content", message).help("ship it as `source: templates/…`"));
    }
    if let Some(sha256) = fields.scalar("sha256")
        && hex::decode_array::<32>(sha256).is_none()
    {
        problems.push(Problem::bad_value("sha256", format!("expected 64 hexadecimal digits, found `{sha256}`")));
    }
    if fields.is_pending("source") {
        return problems;
    }
    let source = fields.scalar("source");
    let origin = source.map(Origin::of);
    let shipped = matches!(origin, Some(Ok(Origin::Shipped)));
    match &origin {
        Some(Err(problem)) => problems.push(problem.clone()),
        Some(Ok(Origin::Https)) if !fields.is_written("sha256") => {
            let message = "a source `https://…` needs `sha256`";
            problems.push(Problem {
                attribute: Some("source".into()),
                ..Problem::new(ProblemKind::MissingAttribute, message)
            });
        }
        Some(Ok(Origin::Https)) if fields.is_written("stream_edit") => {
            problems.push(Problem::conflict("stream_edit", "has no meaning with a source `https://…`"));
        }
        _ => {}
    }
    if fields.is_written("sha256") && (shipped || source.is_none()) {
        problems.push(Problem::conflict("sha256", "has a meaning with a source outside the policy only"));
    }
    if fields.is_written("render") && !shipped {
        problems.push(Problem::conflict("render", "has a meaning with a source `templates/…` only"));
    }
    if fields.is_written("baseindent") && !shipped && !content {
        problems.push(Problem::conflict("baseindent", "has a meaning with `content` or a source `templates/…` only"));
    }
    problems
}

enum Origin {
    Shipped,
    Https,
    Local(AbsPath),
}

impl Origin {
    fn of(source: &str) -> Result<Self, Problem> {
        let bad = || {
            let message = format!("expected `templates/…`, an absolute path or `https://…`, found `{source}`");
            Problem::bad_value("source", message)
        };
        if let Some(rest) = source.strip_prefix("https://") {
            let host = rest.split('/').next().unwrap_or_default();
            let clean = !host.is_empty() && !source.contains(|c: char| c.is_whitespace() || c.is_control());
            return if clean { Ok(Self::Https) } else { Err(bad()) };
        }
        if source.starts_with("http:") {
            return Err(bad().help("use `https://…`"));
        }
        if source.starts_with("templates/") && !source.split('/').any(|part| part == ".." || part.is_empty()) {
            return Ok(Self::Shipped);
        }
        AbsPath::parse(source).map(Self::Local).map_err(|_| bad())
    }
}

impl Source {
    /// Reads the source of known and checked fields; a shipped one is rendered.
    pub(super) fn read(fields: &Fields, ctx: &Prepare<'_>) -> Result<Self, Problem> {
        let indent = usize::try_from(fields.int("baseindent").unwrap_or(0)).unwrap_or(0);
        if let Some(text) = fields.text("content") {
            return Ok(Self::Given(Wanted::text(indented(text, indent))));
        }
        let Some(source) = fields.str("source") else { return Ok(Self::Nothing) };
        let sha256 = fields.scalar("sha256").and_then(hex::decode_array);
        match Origin::of(&source)? {
            Origin::Https => {
                let sha256 = sha256.ok_or_else(|| Problem::bad_value("sha256", "expected 64 hexadecimal digits"))?;
                Ok(Self::Url { url: source, sha256 })
            }
            Origin::Local(path) => Ok(Self::Local { path, sha256 }),
            Origin::Shipped if fields.flag("render") => {
                Ok(Self::Given(Wanted::text(indented((ctx.render)(&source)?, indent))))
            }
            Origin::Shipped => {
                let blob = blob(ctx.blobs, &source)?;
                match core::str::from_utf8(&blob.content) {
                    Ok(text) if indent > 0 => Ok(Self::Given(Wanted::text(indented(Text::plain(text), indent)))),
                    Err(_) if indent > 0 => {
                        Err(Problem::bad_value("baseindent", format!("expected text in `{source}`, found other bytes")))
                    }
                    _ => Ok(Self::Given(Wanted::bytes(blob.content.clone()))),
                }
            }
        }
    }

    /// Returns the reads that the wanted content needs.
    pub(super) fn probe(&self, as_text: bool) -> Option<Op> {
        match self {
            Self::Local { path, .. } => Some(local(path, as_text)),
            _ => None,
        }
    }

    /// Returns the wanted content.
    pub(super) fn wanted(&self, outputs: &Outputs) -> Result<Option<Wanted>, Problem> {
        match self {
            Self::Nothing => Ok(None),
            Self::Given(wanted) => Ok(Some(wanted.clone())),
            Self::Url { sha256, .. } => Ok(Some(Wanted { content: Content::Staged(staged(sha256)), sha256: *sha256 })),
            Self::Local { path, sha256: expected } => match outputs.get(&local(path, false)) {
                Some(OpOutput::Hash { sha256, .. }) => {
                    verified(path, sha256, expected.as_ref())?;
                    Ok(Some(Wanted { content: Content::Copy { from: path.clone(), sha256: *sha256 }, sha256: *sha256 }))
                }
                other => Err(not_a_source(path, other)),
            },
        }
    }

    /// Returns the content that scripts start from.
    pub(super) fn text(&self, seen: &Seen, outputs: &Outputs) -> Result<Text, Problem> {
        let bytes: &[u8] = match self {
            Self::Nothing => seen.content.as_deref().unwrap_or_default(),
            Self::Given(Wanted { content: Content::Text(text), .. }) => return Ok(text.clone()),
            Self::Given(wanted) => wanted.content.bytes().unwrap_or_default(),
            Self::Local { path, sha256: expected } => match outputs.get(&local(path, true)) {
                Some(OpOutput::File { content, .. }) => {
                    verified(path, &digest::sha256(content), expected.as_ref())?;
                    content
                }
                other => return Err(not_a_source(path, other)),
            },
            Self::Url { .. } => &[],
        };
        match core::str::from_utf8(bytes) {
            Ok(text) => Ok(Text::plain(text)),
            Err(_) => Err(Problem::bad_value("stream_edit", "expected UTF-8 text to edit, found other bytes")),
        }
    }
}

/// Returns the name of the staged file of a content: the same for the same content.
fn staged(sha256: &[u8; 32]) -> StagedId {
    let [a, b, c, d, ..] = *sha256;
    StagedId(u32::from_be_bytes([a, b, c, d]))
}

fn local(path: &AbsPath, as_text: bool) -> Op {
    match as_text {
        true => Op::ReadFile { path: path.clone(), follow: true, bytes_max: EDITED_BYTES_MAX },
        false => Op::HashFile { path: path.clone(), follow: true },
    }
}

fn verified(path: &AbsPath, sha256: &[u8; 32], expected: Option<&[u8; 32]>) -> Result<(), Problem> {
    match expected {
        Some(expected) if expected != sha256 => Err(Problem::failed(format!(
            "expected SHA-256 `{}` of `{path}`, found `{}`",
            hex::encode(expected),
            hex::encode(sha256)
        ))),
        _ => Ok(()),
    }
}

fn not_a_source(path: &AbsPath, found: Option<&OpOutput>) -> Problem {
    Problem::failed(match found {
        Some(OpOutput::Missing) => format!("expected a file at source `{path}`, found nothing"),
        Some(OpOutput::Stat(meta)) => {
            format!("expected a file at source `{path}`, found {}", crate::resource::edit::kind_shown(meta))
        }
        Some(OpOutput::Failed(failure)) => failure.message.clone(),
        _ => format!("source `{path}` was not read"),
    })
}

impl Wanted {
    /// Returns text as a content.
    pub(in crate::resource) fn text(text: Text) -> Self {
        let sha256 = digest::sha256(text.as_str().as_bytes());
        Self { content: Content::Text(text), sha256 }
    }

    /// Returns bytes as a content.
    pub(in crate::resource) fn bytes(bytes: Arc<[u8]>) -> Self {
        let sha256 = digest::sha256(&bytes);
        Self { content: Content::Bytes(bytes), sha256 }
    }
}

/// Returns a shipped file as a content: rendered, or as it is.
pub(in crate::resource) fn render_blob(blob: &Blob, render: bool, ctx: &Prepare<'_>) -> Result<Wanted, Problem> {
    match render {
        true => Ok(Wanted::text((ctx.render)(&blob.path)?)),
        false => sized(blob).map(|blob| Wanted::bytes(blob.content.clone())),
    }
}

/// Returns the shipped file of this path.
pub(super) fn blob<'a>(blobs: &'a [Blob], path: &str) -> Result<&'a Blob, Problem> {
    match blobs.iter().find(|blob| &*blob.path == path) {
        Some(blob) => sized(blob),
        None => Err(Problem::bad_value("source", format!("expected a shipped file, found no `{path}`"))),
    }
}

fn sized(blob: &Blob) -> Result<&Blob, Problem> {
    match blob.content.len() {
        len if len > BLOB_BYTES_MAX => {
            Err(Problem::bad_value("source", format!("expected at most 64 MiB in `{}`, found {len} bytes", blob.path)))
        }
        _ => Ok(blob),
    }
}

/// Puts `indent` spaces before each line that is not empty.
fn indented(text: Text, indent: usize) -> Text {
    if indent == 0 {
        return text;
    }
    let spaces = " ".repeat(indent);
    let mut out = String::with_capacity(text.as_str().len());
    for line in text.as_str().split_inclusive('\n') {
        if !line.trim_end_matches(['\n', '\r']).is_empty() {
            out.push_str(&spaces);
        }
        out.push_str(line);
    }
    Text::plain(out).tainted_by(text.secret_path())
}
