//! Which variables of a host can make a difference to what is wrong with a crate.

use crate::config::{Case, Config, Configcrate, Resource};
use crate::resource::Kind;
use crate::source::{Entry, Node, NodeKind, TreeFile};
use crate::value::Value;
use crate::when::{Expr, ReferenceKind};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The variables that a crate names: more of them than it uses, never fewer.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// By name.
    names: BTreeMap<String, Use>,
    /// What is used of variables that no text names: all may be meant.
    all: Option<Use>,
}

/// What of a variable makes a difference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Use {
    /// Whether it is there, the keys of its maps, its secrets: an agent renders the value.
    Shape,
    /// The value itself: it is part of a name, a condition, a target.
    Value,
}

impl Uses {
    /// Collects the variables of a crate and of the template files that it ships.
    pub fn of(config: &Config<'_>, krate: &Configcrate<'_>) -> Self {
        let mut uses = Self::default();
        let edges = krate.depends_on.iter().chain(&krate.before);
        let defaults = krate.defaults.by_type.iter().flat_map(|(_, entries)| entries).chain(&krate.defaults.general);
        edges.copied().chain(defaults.map(|e| e.value)).for_each(|node| uses.node(node, Use::Value));
        if let Some((expr, node)) = &krate.when {
            uses.condition(expr);
            uses.node(*node, Use::Value);
        }
        uses.stamps(krate.foreach);
        for resource in &krate.resources {
            uses.resource(config, resource);
        }
        for file in templates_of(config, krate) {
            uses.text(core::str::from_utf8(&file.bytes).unwrap_or_default(), Use::Shape);
        }
        uses
    }

    /// Takes those of another crate, too.
    pub fn join(&mut self, other: &Self) {
        for (name, what) in &other.names {
            self.take(name, *what);
        }
        self.all = self.all.max(other.all);
    }

    /// Returns what of this variable makes a difference, if anything does.
    pub fn of_variable(&self, name: &str) -> Option<Use> {
        self.names.get(name).copied().max(self.all)
    }

    fn resource(&mut self, config: &Config<'_>, resource: &Resource<'_>) {
        let decl = resource.type_name.text().and_then(|name| config.type_of(name));
        for e in resource.node.map().into_iter().flat_map(|map| map.iter()) {
            let long = decl.is_some_and(|d| d.attribute(e.name).is_some_and(|a| a.kind == Kind::LongText));
            self.node(e.value, if long { Use::Shape } else { Use::Value });
        }
        if let Some((expr, _)) = &resource.when {
            self.condition(expr);
        }
        if let Some(Case::Arms(arms)) = &resource.case {
            arms.iter().filter_map(|arm| arm.when.as_ref()).for_each(|expr| self.condition(expr));
        }
        self.stamps(resource.foreach);
    }

    fn stamps(&mut self, foreach: Option<Node<'_>>) {
        if let Some(root) = foreach.and_then(Node::text).and_then(|path| path.split('.').next()) {
            self.take(root, Use::Value);
        }
    }

    fn condition(&mut self, expr: &Expr) {
        expr.each_call(&mut |call| {
            if matches!(call.builtin.name, "var" | "var_is") && call.has_templates() {
                self.all = Some(Use::Value);
            }
        });
        for reference in expr.references() {
            if matches!(reference.kind, ReferenceKind::Variable | ReferenceKind::PlainVariable) {
                self.take(reference.name.split('.').next().unwrap_or_default(), Use::Value);
            }
        }
    }

    fn node(&mut self, node: Node<'_>, what: Use) {
        match node.kind() {
            NodeKind::Scalar(text, _) if text.contains("{{") => self.text(text, what),
            NodeKind::Scalar(..) => {}
            NodeKind::List => node.list().into_iter().flatten().for_each(|item| self.node(item, what)),
            NodeKind::Map(map) => map.iter().for_each(|e| self.node(e.value, what)),
        }
    }

    /// Takes every name that stands behind `.Vars.`; where all data are handed on as one, all of them.
    fn text(&mut self, text: &str, what: Use) {
        for (at, found) in text.match_indices(".Vars") {
            let rest = text.get(at + found.len()..).unwrap_or_default();
            match rest.strip_prefix('.').map(word) {
                Some(name) if !name.is_empty() => self.take(name, what),
                _ if !word(rest).is_empty() => {}
                _ => self.all = self.all.max(Some(what)),
            }
        }
        if what == Use::Value && text.split("{{").skip(1).any(hands_all_on) {
            self.all = Some(Use::Value);
        }
    }

    fn take(&mut self, name: &str, what: Use) {
        match self.names.get_mut(name) {
            Some(known) => *known = what.max(*known),
            None => drop(self.names.insert(name.into(), what)),
        }
    }
}

/// Returns the files below `templates/` that the attributes of a crate name: those that travel with it. Where a template
/// stands in a name they are all that it may name.
pub fn templates_of<'c>(config: &'c Config<'_>, krate: &Configcrate<'_>) -> Vec<&'c TreeFile> {
    let mut files: Vec<&TreeFile> = Vec::new();
    let mut add = |node: Node<'_>| {
        let Some(text) = node.text().filter(|text| text.starts_with("templates/")) else { return };
        match text.split_once("{{") {
            Some((start, _)) => files.extend(config.sources.templates_from(start).map(|(file, _)| file)),
            None => files.extend(config.sources.templates_named(text).map(|(file, _)| file)),
        }
    };
    for e in entries(krate) {
        add(e.value);
        e.value.list().into_iter().flatten().for_each(&mut add);
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    files
}

/// Returns every attribute that a resource of the crate may have.
fn entries<'k, 'a>(krate: &'k Configcrate<'a>) -> impl Iterator<Item = &'k Entry<'a>> {
    let defaults = krate.defaults.by_type.iter().flat_map(|(_, entries)| entries).chain(&krate.defaults.general);
    let own = krate.resources.iter().flat_map(|resource| {
        let laid: Vec<&[Entry<'a>]> = match &resource.case {
            Some(Case::Arms(arms)) => arms.iter().map(|arm| &*arm.set).collect(),
            Some(Case::Match(_, arms)) => arms.iter().map(|arm| &*arm.set).collect(),
            None => Vec::new(),
        };
        resource.attributes.iter().chain(laid.into_iter().flatten())
    });
    defaults.chain(own)
}

/// Returns the name at the start of `text`; empty when there is none.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Returns whether a dot or `$` stands alone in an action, which begins `rest`: it may be the root of all data.
fn hands_all_on(rest: &str) -> bool {
    let action = rest.split("}}").next().unwrap_or_default();
    let mut before = ' ';
    for (at, c) in action.char_indices() {
        let after = action.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
        let names = after.is_ascii_alphanumeric() || after == '_';
        let alone = match c {
            '.' => !names && !before.is_ascii_digit(),
            '$' => !names && after != '.',
            _ => false,
        };
        if alone {
            return true;
        }
        before = c;
    }
    false
}

/// Adds what makes a difference in `value` to a key.
pub(super) fn encode(value: &Value, what: Use, out: &mut Vec<u8>) {
    let number = |out: &mut Vec<u8>, n: usize| out.extend((n as u64).to_le_bytes());
    match value {
        Value::Map(map) => {
            out.push(b'm');
            number(out, map.len());
            for (key, value) in map.iter() {
                number(out, key.len());
                out.extend(key.as_bytes());
                encode(value, what, out);
            }
        }
        Value::List(list) => {
            out.push(b'l');
            number(out, list.len());
            list.iter().for_each(|item| encode(item, what, out));
        }
        Value::Text(text) if what == Use::Value || crate::secret::is_marked(text.as_str()) => {
            out.push(b't');
            number(out, text.as_str().len());
            out.extend(text.as_str().as_bytes());
        }
        _ if what == Use::Shape => out.push(b's'),
        Value::Null => out.push(b'n'),
        Value::Bool(b) => out.extend([b'b', u8::from(*b)]),
        Value::Int(n) => {
            out.push(b'i');
            out.extend(n.to_le_bytes());
        }
        Value::Float(x) => {
            out.push(b'f');
            out.extend(x.to_bits().to_le_bytes());
        }
        Value::Text(_) => out.push(b's'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(text: &str, what: Use) -> (Vec<String>, Option<Use>) {
        let mut uses = Uses::default();
        uses.text(text, what);
        (uses.names.into_keys().collect(), uses.all)
    }

    #[test]
    fn names_are_found_wherever_they_stand_and_all_where_none_is_said() {
        let cases: &[(&str, Use, &[&str], Option<Use>)] = &[
            ("{{ .Vars.a }} {{ $.Vars.b.c | upper }}", Use::Value, &["a", "b"], None),
            ("/etc/x.d {{ .Item.name }}.conf", Use::Value, &[], None),
            ("{{ if .Vars.a }}{{ 1.5 }}{{ end }}.", Use::Value, &["a"], None),
            ("{{ range .Vars.a }}{{ . }}{{ end }}", Use::Value, &["a"], Some(Use::Value)),
            ("{{ template \"t\" $ }}", Use::Value, &[], Some(Use::Value)),
            ("{{ template \"t\" . }}{{ .Vars.a }}", Use::Shape, &["a"], None),
            ("{{ with .Vars }}{{ .a }}{{ end }}", Use::Shape, &[], Some(Use::Shape)),
            ("{{ index .Vars \"a\" }}", Use::Value, &[], Some(Use::Value)),
            ("{{ .Variant.x }}", Use::Value, &[], None),
        ];
        for (text, what, names, all) in cases {
            let (found, found_all) = uses(text, *what);
            assert_eq!((found, found_all), (names.iter().map(|n| String::from(*n)).collect(), *all), "{text}");
        }
    }

    #[test]
    fn a_shape_tells_keys_and_secrets_apart_and_no_values() {
        let shape = |value: &Value| {
            let mut out = Vec::new();
            encode(value, Use::Shape, &mut out);
            out
        };
        let map = |key: &str, value: Value| Value::map([(key, value)]);
        assert_eq!(shape(&map("a", Value::text("x"))), shape(&map("a", Value::Int(3))));
        assert_ne!(shape(&map("a", Value::text("x"))), shape(&map("b", Value::text("x"))));
        assert_ne!(shape(&map("a", Value::text("x"))), shape(&map("a", map("b", Value::Null))));
        let secret = Value::text(crate::secret::mark("secret:vigo/x").expect("a reference"));
        assert_ne!(shape(&secret), shape(&Value::text("x")));
    }
}
