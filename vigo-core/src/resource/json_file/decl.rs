//! The declaration of `json_file`.

use super::edit::{JsonFile, Spec};
use super::path::{APPEND, steps};
use super::value::{indentation, literal};
use crate::host::Problem;
use crate::resource::edit::{self, Edit, edit_attributes};
use crate::resource::{Attr, Fields, Instance, Kind, Prepare, Refresh, TypeDecl, editing};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "json_file",
    aliases: &[],
    summary: "Manages a value in a JSON file.",
    states: &["present", "absent"],
    attributes: edit_attributes![
        Attr::new(
            "key",
            Kind::Line,
            "Dotted path: `\\.` is a dot, an integer an array's index, `-` appends when no equal item is there.",
        )
        .required()
        .no_secret(),
        Attr::new("value", Kind::Any, "A JSON literal in a string, or a YAML number, boolean, list or map.")
            .required_in(PRESENT)
            .only_in(PRESENT),
        Attr::new("indent", Kind::Line, "Spaces a level, or `tab`.").default("2").no_secret(),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| Some(format!("{}: {}", fields.path("target_path")?, fields.str("key")?).into()),
    footprint: edit::footprint,
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    if let Some(key) = fields.str("key") {
        match steps(&key) {
            Err(problem) => problems.push(problem),
            Ok(steps) if fields.state() == "absent" && steps.last().is_some_and(|s| s == APPEND) => {
                problems.push(Problem::bad_value("key", "expected a place to remove, found `-`"));
            }
            Ok(_) => {}
        }
    }
    if let Some(datum) = fields.datum("value") {
        problems.extend(literal(datum).err());
    }
    if let Some(indent) = fields.str("indent") {
        problems.extend(indentation(&indent).err());
    }
    problems
}

fn prepare(fields: &Fields, _: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let written = fields.datum("value").filter(|_| fields.state() == "present");
    let spec = Spec {
        steps: steps(&fields.str("key").unwrap_or_default())?,
        key: fields.str("key").unwrap_or_default(),
        value: written.map(literal).transpose()?,
        secret: written.and_then(|datum| datum.to_value().secret_path().cloned()),
        indent: indentation(&fields.str("indent").unwrap_or_default())?,
    };
    Ok(editing::boxed::<JsonFile>(Edit::read(fields)?, spec))
}
