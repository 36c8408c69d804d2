//! The declaration of `file`.

use super::source::{self, Source};
use super::{File, Native, Want, Wanted, stream};
use crate::action::AbsPath;
use crate::host::Problem;
use crate::resource::edit::{self, Edit};
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "file",
    aliases: &["template"],
    summary: "Manages one file: content, owner, mode.",
    states: &["present", "absent"],
    attributes: &[
        edit::TARGET_PATH,
        Attr::new("content", Kind::LongText, "The content, rendered; empty text is an empty file.").only_in(PRESENT),
        Attr::new("source", Kind::Line, "A shipped `templates/…`, a path on the envoy, or `https://…`.")
            .only_in(PRESENT)
            .no_secret(),
        Attr::new("render", Kind::Bool, "Whether a shipped source is rendered, or copied as it is.")
            .default("true")
            .only_in(PRESENT),
        Attr::new("sha256", Kind::Line, "The source's digest; required for `https://…`.").only_in(PRESENT).no_secret(),
        Attr::new("baseindent", Kind::Integer(0, 256), "Spaces put before each line that is not empty.")
            .default("0")
            .only_in(PRESENT),
        Attr::new("stream_edit", Kind::List, "Scripts that the content passes through, in order, 30 s each.")
            .only_in(PRESENT)
            .no_secret(),
        edit::OWNER.only_in(PRESENT),
        edit::GROUP.only_in(PRESENT),
        edit::MODE.only_in(PRESENT),
        edit::SECONTEXT.only_in(PRESENT),
        edit::BACKUP.only_in(PRESENT),
        edit::VALIDATE.only_in(PRESENT),
        edit::FOLLOW.default("false").only_in(PRESENT),
        edit::MAKE_PARENTS.only_in(PRESENT),
        edit::SHOW_DIFF,
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.path("target_path").map(|p| p.shared()),
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = edit::footprint(fields);
    f.commands.extend(fields.words("stream_edit").into_iter().flatten());
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    problems.extend(source::check(fields));
    problems.extend(stream::check(fields));
    problems
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let edit = Edit::read(fields)?;
    let present = fields.state() == "present";
    let source = if present { Source::read(fields, ctx)? } else { Source::Nothing };
    let scripts = if present { stream::read(fields, ctx)? } else { Vec::new() };
    Ok(Managed::<File>::boxed(Want { edit, present, source, scripts }, &Native))
}

/// Checks `content` and `source` of another type that writes a file of its own.
pub(in crate::resource) fn check_source(fields: &Fields) -> Vec<Problem> {
    source::check(fields)
}

/// Returns what is wanted of a file of root's at `path` whose content is in `content` or `source`; its folder is made.
pub(in crate::resource) fn want_at(fields: &Fields, ctx: &Prepare<'_>, path: AbsPath) -> Result<Want, Problem> {
    let present = fields.state() == "present";
    let source = if present { Source::read(fields, ctx)? } else { Source::Nothing };
    let mut want = Want { edit: Edit::of_root(path, fields.flag("show_diff")), present, source, scripts: Vec::new() };
    let secret = matches!(&want.source, Source::Given(w) if w.content.secret_path().is_some());
    want.edit.mode = Some(if secret { 0o600 } else { 0o644 });
    Ok(want)
}

/// Returns an instance that wants these bytes at the path; `None` wants nothing there.
pub(in crate::resource) fn with_content(edit: Edit, content: Option<Arc<[u8]>>) -> Box<dyn Instance> {
    let present = content.is_some();
    let source = content.map_or(Source::Nothing, |bytes| Source::Given(Wanted::bytes(bytes)));
    Managed::<File>::boxed(Want { edit, present, source, scripts: Vec::new() }, &Native)
}
