//! Roles.

use super::common::{Include, includes};
use super::keys;
use super::reader::{Reader, is_extension};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Map, Node};
use crate::when::{Context, Expr};
use alloc::vec::Vec;

/// A role: crates under one name.
#[derive(Clone, Debug)]
pub struct Role<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where the name stands.
    pub node: Node<'a>,
    /// Other roles.
    pub includes: Vec<Include<'a>>,
    /// Its crates.
    pub configcrates: Vec<Include<'a>>,
    /// More crates, by what a machine is; the first true arm.
    pub case: Vec<RoleArm<'a>>,
}

/// One arm of a role's `case`.
#[derive(Clone, Debug)]
pub struct RoleArm<'a> {
    /// The condition; `None` is `default`.
    pub when: Option<Expr>,
    /// Where the condition stands.
    pub node: Node<'a>,
    /// The crates.
    pub configcrates: Vec<Include<'a>>,
}

/// Reads a document of roles: a `roles:` list, or one role.
pub(super) fn document<'a>(reader: &mut Reader, node: Node<'a>, path: &str, roles: &mut Vec<Role<'a>>) {
    let Some(map) = reader.map(node, path) else { return };
    if map.get("roles").is_none() && map.get("name").is_some() {
        roles.extend(role(reader, node));
        return;
    }
    for e in map.iter() {
        match e.name {
            "roles" => {
                for item in reader.list(e.value, "roles") {
                    roles.extend(role(reader, item));
                }
            }
            name if is_extension(name) => {}
            _ => reader.unknown_key(e, &keys::ROLE_FILE),
        }
    }
}

fn role<'a>(reader: &mut Reader, node: Node<'a>) -> Option<Role<'a>> {
    let map = reader.map(node, "a role")?;
    let mut role = Role { name: "", node, includes: Vec::new(), configcrates: Vec::new(), case: Vec::new() };
    let mut named = false;
    for e in map.iter() {
        match e.name {
            "name" => {
                named = true;
                role.node = e.value;
                role.name = reader.name(e.value, "a role").unwrap_or_default();
            }
            "includes" => role.includes = includes(reader, e.value, "includes"),
            "configcrates" => role.configcrates = includes(reader, e.value, "configcrates"),
            "case" => role.case = case(reader, e.value),
            name if is_extension(name) => {}
            _ => reader.unknown_key(e, &keys::ROLE),
        }
    }
    if !named && Reader::misspelt(map, "name", keys::ROLE.names()).is_none() {
        let d = Diagnostic::new(Code::MissingKey, node.span(), "a role needs a `name`");
        reader.report(d.help("write `- name: webserver`"));
    }
    (!role.name.is_empty()).then_some(role)
}

fn case<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<RoleArm<'a>> {
    let items = reader.list(node, "case");
    let last = items.len().saturating_sub(1);
    let mut arms = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        let Some(map) = reader.map(item, "an arm of `case`") else { continue };
        let head = arm_head(reader, item, map, i == last, Context::RoleArm);
        let mut configcrates = Vec::new();
        for e in map.iter() {
            match e.name {
                "when" | "default" => {}
                "configcrates" => configcrates = includes(reader, e.value, "configcrates"),
                _ => reader.unknown_key(e, &keys::ROLE_ARM),
            }
        }
        if let Some((when, node)) = head {
            arms.push(RoleArm { when, node, configcrates });
        }
    }
    arms
}

/// Reads `when:` or `default: true` of an arm: the condition and where it stands.
pub(super) fn arm_head<'a>(
    reader: &mut Reader,
    arm: Node<'a>,
    map: Map<'a>,
    is_last: bool,
    context: Context,
) -> Option<(Option<Expr>, Node<'a>)> {
    match (map.get("when"), map.get("default")) {
        (Some(when), None) => Some((Some(reader.when(when, context)?), when)),
        (None, Some(default)) => {
            if reader.bool(default, "default")? {
                if !is_last {
                    let d = Diagnostic::new(Code::CaseArms, arm.span(), "`default` is not the last arm");
                    reader.report(d.help("move it to the end: the arms behind it are never reached"));
                }
                return Some((None, default));
            }
            let d = Diagnostic::new(Code::CaseArms, default.span(), "`default: false` says nothing");
            reader.report(d.help("write `default: true`, or a `when:`"));
            None
        }
        (Some(_), Some(default)) => {
            let d = Diagnostic::new(Code::CaseArms, default.span(), "an arm has `when` or `default`, not both");
            reader.report(d.help("take `default` out, and add an arm for it at the end"));
            None
        }
        (None, None) => {
            let d = Diagnostic::new(Code::MissingKey, arm.span(), "an arm needs `when:` or `default: true`");
            reader.report(d.help("write its condition, as `when: \"os_family('debian')\"`"));
            None
        }
    }
}
