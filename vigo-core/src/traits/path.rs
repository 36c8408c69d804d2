//! Whether a path names a declared trait.

use super::declared::{Area, Field, TraitKind, areas};
use crate::diagnostic::nearest;
use crate::limits::TRAIT_PATH_BYTES_MAX;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A path that no trait has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// What is wrong: lowercase, no full stop, values in backticks.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Checks the dotted path of a trait, or of a group of them (`os`). What is below `custom.` and the keys of maps are
/// free; a key may have dots in it (`packages.installed.python3.11`).
///
/// # Errors
/// Says which step is unknown, with the nearest name.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let fail = |message, help| Err(PathError { message, help });
    let shown = || path.chars().take(80).flat_map(char::escape_debug).collect::<String>();
    if path.is_empty() || path.len() > TRAIT_PATH_BYTES_MAX || path.chars().any(char::is_control) {
        return fail(format!("expected the path of a trait, found `{}`", shown()), None);
    }
    let steps: Vec<&str> = path.split('.').collect();
    if steps.iter().any(|s| s.is_empty()) && !has_free_key(&steps) {
        let help = path.starts_with('.').then(|| String::from("write it without `.Traits.`, as in `os.family`"));
        return fail(format!("expected names between the dots of `{}`", shown()), help);
    }
    let (first, rest) = steps.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
    if first == "custom" {
        return Ok(());
    }
    let Some(area) = areas().iter().find(|a| a.name == first) else {
        let names = areas().iter().map(|a| a.name).chain(["custom"]);
        let help = match first {
            "Traits" | "traits" => Some(String::from("write it without `Traits.`, as in `os.family`")),
            _ => elsewhere(first).or_else(|| nearest(first, names).map(|name| format!("did you mean `{name}`?"))),
        };
        return fail(format!("unknown trait `{}`", shown()), help);
    };
    if lookup(area, rest).is_some() {
        return Ok(());
    }
    // The first step that leads nowhere.
    let good = (0..rest.len()).rev().find(|&n| lookup(area, &rest[..n]).is_some()).unwrap_or(0);
    let wrong = rest.get(good).copied().unwrap_or("");
    let parent = steps.get(..=good).unwrap_or(&[]).join(".");
    let known = children(area, &rest[..good]);
    if known.is_empty() {
        let kind = lookup(area, &rest[..good]).map_or("value", TraitKind::word);
        return fail(format!("trait `{parent}` is {kind}, it has no `{}`", wrong.escape_debug()), None);
    }
    let help = match nearest(wrong, known.iter().copied()) {
        Some(name) => format!("did you mean `{parent}.{name}`?"),
        None if known.contains("#") => String::from("expected the index of an item, from 0"),
        None => format!("known there: {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
    };
    fail(format!("unknown trait `{}`: `{parent}` has no `{}`", shown(), wrong.escape_debug()), Some(help))
}

/// Returns the kind of the trait that a path names, if it is declared.
pub fn declared(path: &str) -> Option<TraitKind> {
    let steps: Vec<&str> = path.split('.').take(TRAIT_PATH_BYTES_MAX).collect();
    let (first, rest) = steps.split_first()?;
    lookup(areas().iter().find(|a| a.name == *first)?, rest)
}

/// Returns what a path below an area names: a field, or as a map what holds fields.
fn lookup(area: &Area, steps: &[&str]) -> Option<TraitKind> {
    let fields = || area.each_field();
    let exact = fields().find(|field| matches(pattern(field), steps)).map(|field| field.kind);
    exact.or_else(|| {
        let through = fields().any(|field| leads_through(&field, steps)) && !is_mistyped(area, steps);
        through.then_some(TraitKind::Map)
    })
}

/// Whether the last of the steps is nearly a field of what the others name: then it is that, and no part of a key.
fn is_mistyped(area: &Area, steps: &[&str]) -> bool {
    let Some((last, above)) = steps.split_last() else { return false };
    let names = children(area, above);
    !names.contains(last) && nearest(last, names.into_iter().filter(|name| !matches!(*name, "*" | "#"))).is_some()
}

fn pattern(field: &Field) -> impl Iterator<Item = &'static str> + Clone {
    field.path.split('.').filter(|s| !s.is_empty())
}

/// Whether the steps are what the pattern describes; `*` takes one step or more.
fn matches(mut pattern: impl Iterator<Item = &'static str> + Clone, steps: &[&str]) -> bool {
    match (pattern.next(), steps) {
        (None, []) => true,
        (Some("*"), [_, ..]) => (1..=steps.len()).any(|n| matches(pattern.clone(), &steps[n..])),
        (Some("#"), [index, rest @ ..]) => is_index(index) && matches(pattern, rest),
        (Some(name), [step, rest @ ..]) => name == *step && matches(pattern, rest),
        _ => false,
    }
}

/// Whether the steps lead to something above the field.
fn leads_through(field: &Field, steps: &[&str]) -> bool {
    let all: Vec<&'static str> = pattern(field).collect();
    (0..all.len()).any(|n| matches(all[..n].iter().copied(), steps))
}

/// Returns the names that may come next behind the first steps of a trait's path, sorted; `*` is the key of a map, `#`
/// the index of a list.
pub fn children_of(steps: &[&str]) -> Vec<&'static str> {
    let Some((first, rest)) = steps.split_first() else {
        let mut names: Vec<&'static str> = areas().iter().map(|a| a.name).chain(["custom"]).collect();
        names.sort_unstable();
        return names;
    };
    let area = areas().iter().find(|a| a.name == *first);
    area.map(|area| children(area, rest).into_iter().filter(|n| !n.is_empty()).collect()).unwrap_or_default()
}

/// Returns the names that may stand behind these steps.
fn children(area: &Area, steps: &[&str]) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for field in area.each_field() {
        let all: Vec<&'static str> = pattern(&field).collect();
        names.extend((0..all.len()).filter(|&n| matches(all[..n].iter().copied(), steps)).map(|n| all[n]));
    }
    names
}

/// Looks for a field of that name in other areas: `family` is `os.family`.
fn elsewhere(word: &str) -> Option<String> {
    areas()
        .iter()
        .find(|a| a.each_field().any(|f| f.path == word))
        .map(|a| format!("did you mean `{}.{word}`?", a.name))
}

/// Whether the path goes through the keys of a map, which may have any text.
fn has_free_key(steps: &[&str]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return false };
    let area = areas().iter().find(|a| a.name == *first);
    area.is_some_and(|a| lookup(a, rest).is_some() && a.each_field().any(|f| f.path.contains('*')))
}

fn is_index(step: &str) -> bool {
    !step.is_empty() && step.len() <= 6 && step.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_paths_pass_and_others_name_the_nearest() {
        let cases = [
            ("a field", "os.family", None),
            ("a group", "os", None),
            ("an index", "network.ip_addresses.0", None),
            ("a list of maps", "repositories.3.url", None),
            ("a map key", "interfaces.eth0.mtu", None),
            ("a map key with dots", "packages.installed.python3.11", None),
            ("a map key with dots before a field", "filesystem./var/lib.d.used_pct", None),
            ("a whole map", "accounts.users", None),
            ("an entry of a map", "accounts.users.root", None),
            ("free", "custom.rack.anything.at.all", None),
            ("a typo in the area", "oss.family", Some("did you mean `os`?")),
            ("a typo in the field", "os.famly", Some("did you mean `os.family`?")),
            ("a typo behind a key", "interfaces.eth0.mtuu", Some("did you mean `interfaces.eth0.mtu`?")),
            ("a key of an entry with dots", "interfaces.eth0.100", None),
            ("a field of an entry with dots", "interfaces.eth0.100.mtu", None),
            ("the area forgotten", "is_container", Some("did you mean `virtualization.is_container`?")),
            ("below a scalar", "os.family.x", Some("is text, it has no `x`")),
            ("no index", "network.ip_addresses.first", Some("expected the index")),
            ("as in a template", ".Traits.os.family", Some("without `.Traits.`")),
            ("empty", "", Some("expected the path")),
            ("dots only", "..", Some("between the dots")),
            ("a dot too many", "os..family", Some("between the dots")),
        ];
        for (name, path, error) in cases {
            match (check_path(path), error) {
                (Ok(()), None) => {}
                (Err(e), Some(text)) => {
                    let all = format!("{} / {}", e.message, e.help.unwrap_or_default());
                    assert!(all.contains(text), "{name}: {all}");
                }
                (got, wanted) => panic!("{name}: {got:?}, expected {wanted:?}"),
            }
        }
    }

    #[test]
    fn kinds_are_known() {
        let cases = [
            ("os.family", Some(TraitKind::Text)),
            ("ports.listening", Some(TraitKind::List)),
            ("ports.listening.0", Some(TraitKind::Int)),
            ("os", Some(TraitKind::Map)),
            ("services.sshd.run", Some(TraitKind::Text)),
            ("custom.x", None),
        ];
        for (path, kind) in cases {
            assert_eq!(declared(path), kind, "{path}");
        }
    }
}
