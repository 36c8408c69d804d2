//! `compliance.vgo`: claims in the library, waivers in the host tree.

use super::keys;
use super::reader::{Reader, is_extension};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Map, Node};
use alloc::format;
use alloc::vec::Vec;

/// What a crate, or every crate below a folder, claims to fulfil.
#[derive(Clone, Debug, Default)]
pub struct Claims<'a> {
    /// `compliance`: framework and control.
    pub controls: Vec<(&'a str, &'a str)>,
    /// `provides`: capabilities.
    pub provides: Vec<&'a str>,
    /// `bundle`: frameworks.
    pub bundle: Vec<&'a str>,
}

/// An accepted gap.
#[derive(Clone, Debug)]
pub struct Waiver<'a> {
    /// The framework.
    pub framework: &'a str,
    /// The control.
    pub control: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The last day, `YYYY-MM-DD`.
    pub until: Option<&'a str>,
    /// Who answers for it.
    pub owner: Option<&'a str>,
    /// Where it stands.
    pub node: Node<'a>,
}

impl<'a> Claims<'a> {
    /// Takes the value of `compliance`, `provides` or `bundle`.
    pub(super) fn take(&mut self, reader: &mut Reader, name: &str, node: Node<'a>) -> bool {
        match name {
            "compliance" => {
                for e in reader.map(node, "compliance").into_iter().flat_map(Map::iter) {
                    for control in reader.texts(e.value, e.name) {
                        self.controls.push((e.name, control.text().unwrap_or_default()));
                    }
                }
            }
            "provides" => self.provides.extend(reader.texts(node, name).iter().filter_map(|n| n.text())),
            "bundle" => self.bundle.extend(reader.texts(node, name).iter().filter_map(|n| n.text())),
            _ => return false,
        }
        true
    }
}

pub(super) fn claims<'a>(reader: &mut Reader, node: Node<'a>, path: &str) -> Claims<'a> {
    let mut claims = Claims::default();
    for e in reader.map(node, path).into_iter().flat_map(Map::iter) {
        if !is_extension(e.name) && !claims.take(reader, e.name, e.value) {
            reader.unknown_key(e, &keys::CLAIMS);
        }
    }
    claims
}

pub(super) fn waivers<'a>(reader: &mut Reader, node: Node<'a>, path: &str) -> Vec<Waiver<'a>> {
    let mut waivers = Vec::new();
    for e in reader.map(node, path).into_iter().flat_map(Map::iter) {
        match e.name {
            "waivers" => {
                for item in reader.list(e.value, "waivers") {
                    waivers.extend(waiver(reader, item));
                }
            }
            name if is_extension(name) => {}
            _ => reader.unknown_key(e, &keys::WAIVERS_FILE),
        }
    }
    waivers
}

fn waiver<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Waiver<'a>> {
    let map = reader.map(node, "a waiver")?;
    let mut texts = [None; 5];
    for e in map.iter() {
        match keys::WAIVER.names().position(|k| k == e.name).and_then(|i| texts.get_mut(i)) {
            Some(slot) => *slot = reader.text(e.value, e.name),
            None => reader.unknown_key(e, &keys::WAIVER),
        }
    }
    let [framework, control, reason, until, owner] = texts;
    let missing: Vec<&str> = [framework, control, reason]
        .iter()
        .zip(keys::WAIVER.names())
        .filter(|(t, _)| t.is_none())
        .map(|(_, k)| k)
        .collect();
    let (Some(framework), Some(control), Some(reason)) = (framework, control, reason) else {
        let absent: Vec<&str> = missing.into_iter().filter(|k| map.get(k).is_none()).collect();
        if !absent.is_empty() {
            let message = format!("a waiver needs `{}`", absent.join("`, `"));
            let help = format!("write `{}: <text>`", absent.first().copied().unwrap_or_default());
            reader.report(Diagnostic::new(Code::MissingKey, node.span(), message).help(help));
        }
        return None;
    };
    if let (Some(day), Some(at)) = (until, map.get("until"))
        && !is_date(day)
    {
        let message = format!("`until` takes a date, found `{day}`");
        reader.report(Diagnostic::new(Code::BadValue, at.span(), message).help("write it as `2026-12-31`"));
    }
    Some(Waiver { framework, control, reason, until, owner, node })
}

fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() == 10
        && b.iter().enumerate().all(|(i, c)| if matches!(i, 4 | 7) { *c == b'-' } else { c.is_ascii_digit() })
        && text.get(5..7).is_some_and(|m| ("01"..="12").contains(&m))
        && text.get(8..).is_some_and(|d| ("01"..="31").contains(&d))
}
