//! Configcrates.

use super::compliance::Claims;
use super::keys;
use super::reader::{Reader, is_extension};
use super::resource::{self, Attempts, Resource};
use super::vars::{self, Var};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Entry, Map, Node};
use crate::when::{Context, Expr};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A configcrate as written.
#[derive(Clone, Debug)]
pub struct Configcrate<'a> {
    /// How it is known: `nginx`, or `user:dan`.
    pub name: Arc<str>,
    /// The user, for a usercrate.
    pub user: Option<&'a str>,
    /// Where the name stands, or the document begins.
    pub name_node: Node<'a>,
    /// The whole document.
    pub node: Node<'a>,
    /// Names of crates that come first.
    pub depends_on: Vec<Node<'a>>,
    /// Names of crates that come after.
    pub before: Vec<Node<'a>>,
    /// The gate.
    pub when: Option<(Expr, Node<'a>)>,
    /// Its own variables.
    pub vars: Vec<Var<'a>>,
    /// Its own variables by environment.
    pub overrides: Vec<EnvironmentOverride<'a>>,
    /// What is merged into its resources.
    pub defaults: Defaults<'a>,
    /// The variable whose items stamp the crate.
    pub foreach: Option<Node<'a>>,
    /// What it claims.
    pub claims: Claims<'a>,
    /// Its resources, as written.
    pub resources: Vec<Resource<'a>>,
}

/// One environment of `environment_overrides`.
#[derive(Clone, Debug)]
pub struct EnvironmentOverride<'a> {
    /// The environment.
    pub name: &'a str,
    /// Where the name stands.
    pub key: Node<'a>,
    /// `vars`.
    pub vars: Vec<Var<'a>>,
}

/// `defaults:` of a crate.
#[derive(Clone, Debug, Default)]
pub struct Defaults<'a> {
    /// For every resource that knows the key.
    pub general: Vec<Entry<'a>>,
    /// By type; win over the general ones.
    pub by_type: Vec<(Entry<'a>, Vec<Entry<'a>>)>,
    /// `retries`, `retry_delay`, `timeout`.
    pub attempts: Attempts,
    /// `compliance`, for resources that say nothing of it.
    pub claims: Claims<'a>,
}

/// Reads one document of a library file; `stem` is the file's name without `.vgo`.
pub(super) fn read<'a>(reader: &mut Reader, node: Node<'a>, stem: &'a str, is_user: bool) -> Option<Configcrate<'a>> {
    let map = reader.map(node, "a configcrate")?;
    if let Some(e) = map.iter().find(|e| e.name == "envoys").filter(|_| map.get("resources").is_none()) {
        let message = "match blocks below the library, which holds configcrates";
        let d = Diagnostic::new(Code::Misplaced, e.key.span(), message);
        reader.report(d.help("move the file out of the folder, as `envoys.vgo` in the root"));
        reader.lose_node(node);
        return None;
    }
    let mut krate = Configcrate {
        name: "".into(),
        user: None,
        name_node: node,
        node,
        depends_on: Vec::new(),
        before: Vec::new(),
        when: None,
        vars: Vec::new(),
        overrides: Vec::new(),
        defaults: Defaults::default(),
        foreach: None,
        claims: Claims::default(),
        resources: Vec::new(),
    };
    let mut name: Option<&'a str> = None;
    let mut named: Option<Entry<'a>> = None;
    for e in map.iter() {
        match e.name {
            "name" | "configcrate" => {
                if let Some(first) = named.replace(e) {
                    let d = Diagnostic::new(Code::DuplicateName, e.key.span(), "the crate is named twice");
                    reader.report(d.label(first.key.span(), "first here").help("write `name` once"));
                }
                krate.name_node = e.value;
                name = reader.name(e.value, "a configcrate");
            }
            "depends_on" => krate.depends_on = reader.texts(e.value, e.name),
            "before" => krate.before = reader.texts(e.value, e.name),
            "when" => krate.when = reader.when(e.value, Context::Gate).map(|expr| (expr, e.value)),
            "vars" => krate.vars = vars::vars(reader, e.value, "vars"),
            "defaults" => krate.defaults = defaults(reader, e.value),
            "foreach" => krate.foreach = reader.variable(e.value, "foreach"),
            "environment_overrides" => krate.overrides = overrides(reader, e.value),
            "resources" => {
                for item in reader.list(e.value, "resources") {
                    krate.resources.extend(resource::read(reader, item));
                }
            }
            name if is_extension(name) => {}
            _ if krate.claims.take(reader, e.name, e.value) => {}
            _ => reader.unknown_key(e, &keys::CRATE),
        }
    }
    if named.is_none() {
        if super::reader::is_name(stem) {
            name = Some(stem);
        } else {
            let message = format!("the crate has no `name`, and that of its file, `{}`, is none", stem.escape_debug());
            reader.report(Diagnostic::new(Code::InvalidName, node.span(), message).help("write `name:`"));
        }
    }
    // A crate whose name is wrong is still checked; the name it gets can be written by nobody.
    let name = name.unwrap_or("?");
    krate.user = is_user.then_some(name);
    krate.name = if is_user { format!("user:{name}").into() } else { name.into() };
    Some(krate)
}

fn defaults<'a>(reader: &mut Reader, node: Node<'a>) -> Defaults<'a> {
    let mut defaults = Defaults::default();
    for e in reader.map(node, "defaults").into_iter().flat_map(Map::iter) {
        let of_type = crate::resource::find(e.name).is_some();
        match e.value.map() {
            Some(map) if of_type => {
                let entries = map.iter().filter(|e| is_default(reader, *e)).collect();
                defaults.by_type.push((e, entries));
            }
            _ if defaults.attempts.take(reader, e) => {}
            _ if e.name == "compliance" => {
                defaults.claims.take(reader, e.name, e.value);
            }
            _ if is_default(reader, e) => defaults.general.push(e),
            _ => {}
        }
    }
    defaults
}

/// Refuses the keys that only a resource itself can have.
fn is_default(reader: &mut Reader, e: Entry<'_>) -> bool {
    if e.value.is_null() {
        let d = Diagnostic::new(Code::Empty, e.key.span(), format!("default `{}` is empty", e.name));
        reader.report(d.help("write a value, or leave the default out"));
        return false;
    }
    if keys::RESOURCE.key(e.name).is_some() || e.name == "state" {
        let message = format!("`{}` cannot be a default", e.name);
        let help = match e.name {
            "retries" | "retry_delay" | "timeout" => {
                "write it into `defaults` itself, for all types, or in each resource"
            }
            _ => "write it in each resource",
        };
        reader.report(Diagnostic::new(Code::UnknownKey, e.key.span(), message).help(help));
        return false;
    }
    true
}

fn overrides<'a>(reader: &mut Reader, node: Node<'a>) -> Vec<EnvironmentOverride<'a>> {
    let mut all = Vec::new();
    for env in reader.map(node, "environment_overrides").into_iter().flat_map(Map::iter) {
        let Some(name) = reader.name(env.key, "an environment") else { continue };
        let mut one = EnvironmentOverride { name, key: env.key, vars: Vec::new() };
        for e in reader.map(env.value, env.name).into_iter().flat_map(Map::iter) {
            match e.name {
                "vars" => one.vars = vars::vars(reader, e.value, "vars"),
                _ => reader.unknown_key(e, &keys::OVERRIDE),
            }
        }
        all.push(one);
    }
    all
}
