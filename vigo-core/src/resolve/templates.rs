//! Names in templates, against what the resources of a class will see.

use super::attributes::Attributes;
use super::instances::{Context, CrateInstance, Instance, Instances};
use super::render::{UNDEFINED, listed, where_defined};
use super::written;
use crate::config::Case;
use crate::diagnostic::{Code, Diagnostic, Span, nearest};
use crate::resource::TypeDecl;
use crate::secret;
use crate::source::{Entry, Node, NodeKind};
use crate::template::{FIELDS, Names, Template, TemplateError, Unknown};
use crate::traits;
use crate::value::Value;
use crate::when::Expr;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use hashbrown::HashMap;

/// Templates by where they stand, parsed once for all classes of a check, as far as they can be read: what cannot is
/// reported elsewhere, and does not hide the names in the rest.
#[derive(Default)]
pub(super) struct Cache {
    parsed: HashMap<Span, Template>,
}

impl Cache {
    fn get(&mut self, at: Span, text: &str) -> &Template {
        self.parsed.entry(at).or_insert_with(|| Template::parse_readable(text))
    }
}

/// What the templates of one resource may use.
struct Seen<'s> {
    vars: &'s Value,
    item: Option<&'s Value>,
    outer: Option<&'s Value>,
    is_user: bool,
    /// No host is there to define variables.
    lenient: bool,
    no_secret: bool,
    /// Set when the last complaint was about a secret.
    secret: Cell<bool>,
    /// Names a crate that has the variable as a default of its own.
    elsewhere: &'s dyn Fn(&str) -> Option<String>,
}

/// Checks the templates of every resource that an agent will get.
pub(super) fn check(cx: &mut Context<'_, '_>, instances: &Instances<'_, '_>, cache: &mut Cache) {
    for instance in instances.all.iter().filter(|i| i.when != Expr::False) {
        let Some(krate) = instances.crates.get(instance.krate) else { continue };
        let Some(vars) = instances.scopes.get(krate.scope) else { continue };
        resource(cx, cache, krate, instance, vars);
        if cx.is_full() {
            break;
        }
    }
}

fn resource(
    cx: &mut Context<'_, '_>,
    cache: &mut Cache,
    krate: &CrateInstance<'_, '_>,
    instance: &Instance<'_, '_>,
    vars: &Value,
) {
    let config = cx.config;
    let own = &krate.krate.name;
    let elsewhere = |name: &str| {
        let found = config.crates.iter().find(|c| c.name != *own && c.vars.iter().any(|v| v.name == name))?;
        Some(String::from(&*found.name))
    };
    let mut seen = Seen {
        vars,
        item: instance.item.as_ref().or(krate.item.as_ref()).map(|i| &i.value),
        outer: krate.item.as_ref().map(|i| &i.value),
        is_user: krate.krate.user.is_some(),
        lenient: cx.layers.is_none(),
        no_secret: false,
        secret: Cell::new(false),
        elsewhere: &elsewhere,
    };
    let decl = instance.decl;
    let attributes = Attributes::of(krate.krate, instance.resource, decl);
    let mut laid: Vec<(&str, Entry<'_>)> = attributes.entries.clone();
    match &instance.resource.case {
        Some(Case::Arms(arms)) => laid.extend(arms.iter().flat_map(|a| &a.set).map(|e| (e.name, *e))),
        Some(Case::Match(on, arms)) => {
            laid.extend(arms.iter().flat_map(|a| &a.set).map(|e| (e.name, *e)));
            seen.no_secret = true;
            node(cx, cache, &seen, *on, None);
        }
        None => {}
    }
    for (name, e) in laid {
        seen.no_secret = decl.and_then(|d| d.attribute(name)).is_some_and(|a| a.no_secret);
        node(cx, cache, &seen, e.value, decl);
    }
    if decl.is_some_and(|d| written::is_rendered(&attributes, d)) {
        seen.no_secret = false;
        if let Some(path) = attributes.get("source").and_then(Node::text).filter(|p| p.starts_with("templates/")) {
            for (file, id) in config.sources.templates_named(path) {
                let (Some(id), Ok(text)) = (*id, core::str::from_utf8(&file.bytes)) else { continue };
                let whole = Span::new(id, 0, text.len() as u32);
                let errors = cache.get(whole, text).check(&seen);
                errors.iter().for_each(|e| cx.report(coded(e.diagnostic(whole), e, &seen)));
            }
        }
    }
}

fn node(cx: &mut Context<'_, '_>, cache: &mut Cache, seen: &Seen<'_>, at: Node<'_>, decl: Option<&'static TypeDecl>) {
    match at.kind() {
        NodeKind::Scalar(text, _) if text.contains("{{") => {
            seen.secret.set(false);
            let text = written::template_text(text, decl);
            let errors = cache.get(at.span(), &text).check(seen);
            for e in &errors {
                cx.report(diagnostic(at, e, seen));
            }
        }
        NodeKind::Scalar(..) => {}
        NodeKind::List => at.list().into_iter().flatten().for_each(|item| node(cx, cache, seen, item, decl)),
        NodeKind::Map(map) => map.iter().for_each(|e| node(cx, cache, seen, e.value, decl)),
    }
}

fn diagnostic(at: Node<'_>, e: &TemplateError, seen: &Seen<'_>) -> Diagnostic {
    coded(super::render::syntax_error(at, e), e, seen)
}

/// Tells what is not defined, or must not be seen, from what is no template.
fn coded(d: Diagnostic, e: &TemplateError, seen: &Seen<'_>) -> Diagnostic {
    let code = if seen.secret.get() {
        Code::SecretMisplaced
    } else if let Some(rest) = e.message.strip_prefix(UNDEFINED) {
        let name = rest.split('`').nth(1).unwrap_or_default();
        return Diagnostic { code: Code::UndefinedVariable, ..d.about(name) };
    } else {
        d.code
    };
    Diagnostic { code, ..d }
}

impl Names for Seen<'_> {
    fn look(&self, path: &[&str], optional: bool) -> Result<(), Unknown> {
        let Some((root, rest)) = path.split_first() else { return Ok(()) };
        match *root {
            "Vars" => self.variable(rest, optional),
            "Item" | "Each" => self.item(root, self.item, rest, optional),
            "Outer" => self.item(root, self.outer, rest, optional),
            "Index" if self.item.is_none() => Err(no_foreach(root)),
            "Index" => Ok(()),
            "User" if self.is_user => Ok(()),
            "User" => {
                let help = "use a variable, or make the crate one of `usercrates/`";
                Err(unknown("`.User` is there in usercrates only", Some(help.into())))
            }
            "Traits" if rest.is_empty() => Ok(()),
            "Traits" => traits::check_path(&rest.join(".")).map_err(|e| Unknown { message: e.message, help: e.help }),
            "Envoy" => match rest.first() {
                None | Some(&"Hostname" | &"ID" | &"Environment") => Ok(()),
                Some(name) => {
                    let help = nearest(name, ["Hostname", "ID", "Environment"]);
                    Err(unknown(
                        format!("`.Envoy` has no `{name}`"),
                        Some(help.map_or_else(
                            || "there is `.Envoy.Hostname`, `.Envoy.ID` and `.Envoy.Environment`".into(),
                            |n| format!("did you mean `.Envoy.{n}`?"),
                        )),
                    ))
                }
            },
            other => {
                let help = match self.vars.as_map().is_some_and(|m| m.contains_key(other)) {
                    true => Some(format!("write `.Vars.{other}`")),
                    false => nearest(other, FIELDS.iter().map(|(n, _)| *n)).map(|n| format!("did you mean `.{n}`?")),
                };
                Err(unknown(format!("there is no `.{other}`"), help))
            }
        }
    }
}

impl Seen<'_> {
    fn variable(&self, path: &[&str], optional: bool) -> Result<(), Unknown> {
        let mut value = self.vars;
        for (i, step) in path.iter().enumerate() {
            let Value::Map(map) = value else { return Ok(()) };
            value = match map.get(*step) {
                Some(value) => value,
                None if optional || self.lenient => return Ok(()),
                None => return Err(self.undefined(path.get(..=i).unwrap_or_default(), map.keys().map(|k| &**k))),
            };
        }
        if self.no_secret && !path.is_empty() {
            let mut found = BTreeSet::new();
            secret::paths(value, &mut found);
            if let Some(path_of) = found.first() {
                self.secret.set(true);
                let message = format!(
                    "variable `{}` holds secret `{path_of}`, which cannot stand in a name or path",
                    path.join(".")
                );
                return Err(unknown(message, Some(written::NO_SECRET.into())));
            }
        }
        Ok(())
    }

    fn undefined<'k>(&self, path: &[&str], known: impl Iterator<Item = &'k str>) -> Unknown {
        let name = path.last().copied().unwrap_or_default();
        let message = format!("{UNDEFINED}`{}` is not defined", path.join("."));
        let owner = (path.len() == 1).then(|| (self.elsewhere)(name)).flatten();
        let help = match owner {
            Some(krate) => {
                Some(format!("it is a default of crate `{krate}`, which no other crate sees: set it for the host"))
            }
            None if path.len() == 1 => Some(where_defined(name, known)),
            None => one_of(path.get(..path.len() - 1).unwrap_or_default(), name, known),
        };
        unknown(message, help)
    }

    fn item(&self, root: &str, item: Option<&Value>, path: &[&str], optional: bool) -> Result<(), Unknown> {
        let Some(mut value) = item else { return Err(no_foreach(root)) };
        for step in path {
            let Value::Map(map) = value else { return Ok(()) };
            value = match map.get(*step) {
                Some(value) => value,
                None if optional => return Ok(()),
                None => {
                    let help = one_of(&[root], step, map.keys().map(|k| &**k));
                    return Err(unknown(format!("this item has no `{step}`"), help));
                }
            };
        }
        Ok(())
    }
}

/// Says which keys a map has, the nearest to `name` or all of few.
fn one_of<'k>(map: &[&str], name: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let known: Vec<&str> = known.collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => listed(&known).map(|keys| format!("`{}` has {keys}", map.join("."))),
    }
}

fn no_foreach(root: &str) -> Unknown {
    let what = if root == "Outer" { "a crate with `foreach`" } else { "a `foreach`" };
    let help =
        if root == "Outer" { "write `.Item`, or stamp the crate by `foreach`" } else { "write `foreach: <variable>`" };
    unknown(format!("`.{root}` is there in {what} only"), Some(help.into()))
}

fn unknown(message: impl Into<String>, help: Option<String>) -> Unknown {
    Unknown { message: message.into(), help }
}
