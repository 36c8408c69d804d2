//! The declaration of `directory`.

use super::glob::Globs;
use super::{Directory, Native, Want, tree};
use crate::guard;
use crate::host::Problem;
use crate::resource::edit::{self, Edit};
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "directory",
    aliases: &[],
    summary: "Manages one directory, or a shipped tree.",
    states: &["present", "absent"],
    attributes: &[
        Attr { doc: "The directory; missing parents are made.", ..edit::TARGET_PATH },
        edit::OWNER.only_in(PRESENT),
        edit::GROUP.only_in(PRESENT),
        Attr {
            doc: "Permission bits; a new directory gets `0755`, an existing one is left alone unless written.",
            ..edit::MODE.only_in(PRESENT)
        },
        edit::SECONTEXT.only_in(PRESENT),
        Attr::new("recurse", Kind::Bool, "Owner, group and mode hold for the whole tree, links not followed.")
            .default("false")
            .only_in(PRESENT),
        Attr::new(
            "file_mode",
            Kind::Mode,
            "Mode of files below, with `recurse` or `source`; else `mode`, with `x` only where a file has some already.",
        )
        .only_in(PRESENT),
        Attr::new("source", Kind::Line, "A shipped directory, `templates/…`, whose files are put below.")
            .only_in(PRESENT)
            .no_secret(),
        Attr::new("render", Kind::Bool, "Whether shipped files are rendered, or copied as they are.")
            .default("true")
            .only_in(PRESENT),
        Attr::new("purge", Kind::Bool, "With `source`: removes what is not shipped.").default("false").only_in(PRESENT),
        Attr::new("ignore", Kind::List, "With `purge`: globs of what is kept; one without `/` is for names at any depth.")
            .only_in(PRESENT)
            .no_secret(),
        edit::SHOW_DIFF.only_in(PRESENT),
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
    let Some(path) = fields.path("target_path") else { return f };
    let present = fields.state() == "present";
    if !present || fields.flag("recurse") || fields.flag("purge") {
        f.trees.push(path.clone());
    }
    if present {
        f.makes.push(Need::Dir(path));
    }
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    let source = fields.is_written("source");
    let mut without = |attribute: &str, needed: &str, there: bool| {
        if fields.is_written(attribute) && !there {
            problems.push(Problem::conflict(attribute, format!("has a meaning with {needed} only")));
        }
    };
    without("file_mode", "`recurse` or `source`", source || fields.is_written("recurse"));
    without("render", "`source`", source);
    without("purge", "`source`", source);
    without("ignore", "`purge`", fields.is_written("purge"));
    if let Some(source) = fields.str("source")
        && (!source.starts_with("templates/") || source.split('/').any(|part| part == ".."))
    {
        problems.push(Problem::bad_value("source", format!("expected `templates/…`, found `{source}`")));
    }
    if let Some(path) = fields.path("target_path") {
        let refused = guard::check_removal(&path).err().filter(|_| fields.state() == "absent" || fields.flag("purge"));
        problems.extend(refused.map(|problem| Problem { attribute: Some("target_path".into()), ..problem }));
    }
    problems
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let edit = Edit::read(fields)?;
    let present = fields.state() == "present";
    let shipped = if present { tree::read(fields, &edit, ctx)? } else { None };
    let want = Want {
        edit,
        present,
        recurse: fields.flag("recurse"),
        file_mode: fields.mode("file_mode"),
        shipped,
        purge: fields.flag("purge"),
        ignore: Globs::new(&fields.words("ignore").unwrap_or_default())?,
    };
    Ok(Managed::<Directory>::boxed(want, &Native))
}
