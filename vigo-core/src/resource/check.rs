//! The checks that every type shares, from its declaration.

use super::{Datum, FieldValue, Fields, Kind, kind};
use crate::diagnostic::nearest;
use crate::host::{Problem, ProblemKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Words of other tools, and ours. `state`, `depends_on` and the other common keys are not attributes, but are suggested.
const FOREIGN: &[(&str, &str)] = &[
    ("ensure", "state"),
    ("path", "target_path"),
    ("dest", "target_path"),
    ("src", "source"),
    ("pkg", "package"),
    ("require", "depends_on"),
    ("append", "groups_exact: false"),
];

/// States of other tools, and ours.
const FOREIGN_STATES: &[(&str, &str)] = &[
    ("started", "running"),
    ("installed", "present"),
    ("latest", "present"),
    ("created", "present"),
    ("file", "present"),
    ("directory", "present"),
    ("link", "present"),
    ("mounted", "present"),
    ("removed", "absent"),
    ("purged", "absent"),
    ("uninstalled", "absent"),
    ("deleted", "absent"),
];

/// Keys that every resource may have; they are no attributes and never get here.
const COMMON: &[&str] = &["state", "when", "depends_on", "before", "notify", "subscribes", "retries", "timeout"];

/// Returns all that is wrong with the attributes of a resource. Pending ones are passed over, so that the same check
/// serves what is literal at validate and all of it after rendering.
pub fn check(fields: &Fields) -> Vec<Problem> {
    let decl = fields.decl;
    let mut problems = Vec::new();
    let mut state = fields.state();
    if let Some(field) = fields.get("state") {
        if super::custom::is_open(decl) {
            state = "";
        } else if decl.states.is_empty() {
            let message = format!("type `{}` has no `state`", decl.name);
            problems.push(Problem::new(ProblemKind::UnknownAttribute, message).at(field.place));
        } else if matches!(field.value, FieldValue::Pending) {
            state = "";
        } else if !decl.states.contains(&state) {
            let words: Vec<String> = decl.states.iter().map(|s| format!("`{s}`")).collect();
            let mut problem =
                Problem::bad_value("state", format!("expected {}, found `{state}`", words.join(", "))).at(field.place);
            let foreign = FOREIGN_STATES.iter().find(|(theirs, ours)| *theirs == state && decl.states.contains(ours));
            if let Some((_, ours)) = foreign {
                problem = problem.help(format!("write `{ours}`"));
            } else if let Some(near) = nearest(state, decl.states.iter().copied()) {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            problems.push(problem);
            state = "";
        }
    }
    for field in &fields.items {
        if &*field.name == "state" {
            continue;
        }
        let Some(attr) = decl.attribute(&field.name) else {
            if super::custom::is_open(decl) {
                continue;
            }
            problems.push(unknown(fields, &field.name).at(field.place));
            continue;
        };
        if !state.is_empty() && !attr.takes_in(state) {
            let message = format!("has no meaning with `state: {state}`");
            let help = "take it out, or write the `state` that it belongs to";
            problems.push(Problem::conflict(attr.name, message).help(help).at(field.place));
        }
        let FieldValue::Known(datum) = &field.value else { continue };
        if attr.no_secret
            && let Some(path) = datum.secret_path()
        {
            let message = format!("expected no secret in a name or path, found «secret {path}»");
            problems.push(Problem::bad_value(attr.name, message).at(field.place));
        } else if let Err(expected) = attr.kind.check(datum) {
            let message = match datum.secret_path() {
                Some(path) => format!("the value of «secret {path}» does not fit: expected another kind of value"),
                None => expected,
            };
            let problem = Problem::bad_value(attr.name, message).at(field.place);
            let meant = match (attr.kind, datum) {
                (Kind::Bool, Datum::Scalar { text, .. }) => kind::meant_bool(text.as_str()),
                _ => None,
            };
            problems.push(match meant {
                Some(word) => problem.help(format!("write `{word}`")),
                None => problem,
            });
        }
    }
    // What was meant by a misspelt one is not missing too.
    let meant = |name: &str| {
        let help = format!("did you mean `{name}`?");
        problems.iter().any(|p| p.help.as_ref() == Some(&help))
    };
    let missing: Vec<String> = decl
        .attributes
        .iter()
        .filter(|a| a.required.contains(&"*") || (!state.is_empty() && a.required.contains(&state)))
        .filter(|a| !fields.is_written(a.name) && !meant(a.name))
        .map(|a| format!("`{}`", a.name))
        .collect();
    if !missing.is_empty() {
        let message = format!("type `{}` needs {}", decl.name, missing.join(", "));
        let help = format!("write {} among its attributes", missing.join(" and "));
        problems.push(Problem::new(ProblemKind::MissingAttribute, message).help(help).at(fields.place));
    }
    if problems.is_empty() {
        problems.extend((decl.check)(fields).into_iter().map(|p| {
            let place = p.attribute.as_deref().map_or(fields.place, |a| fields.place(a));
            p.at(place)
        }));
    }
    problems
}

fn unknown(fields: &Fields, name: &str) -> Problem {
    let decl = fields.decl;
    let message = format!("type `{}` has no attribute `{name}`", decl.name);
    let problem = Problem::new(ProblemKind::UnknownAttribute, message);
    let known = |word: &str| decl.attribute(word).is_some() || COMMON.contains(&word);
    if let Some((_, ours)) =
        FOREIGN.iter().find(|(theirs, ours)| *theirs == name && known(ours.split(':').next().unwrap_or(ours)))
    {
        return problem.help(format!("write `{ours}`"));
    }
    let names = decl.attributes.iter().map(|a| a.name).chain(COMMON.iter().copied());
    match nearest(name, names) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => {
            let all: Vec<String> = decl.attributes.iter().map(|a| format!("`{}`", a.name)).collect();
            problem.help(format!("`{}` takes {}", decl.name, all.join(", ")))
        }
    }
}
