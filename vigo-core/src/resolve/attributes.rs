//! Attributes of a resource as written: defaults merged in, other spellings resolved.

use super::render::{self, PublishData};
use crate::bundle::{Attribute, Place, Raw, Scalar, Style};
use crate::config::{Configcrate, Resource};
use crate::resource::{Datum, Field, FieldValue, Fields, TypeDecl, custom};
use crate::secret;
use crate::source::{Entry, Node, NodeKind, ScalarStyle, YamlFile};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// The attributes of one resource, its crate's defaults behind them.
#[derive(Clone, Default)]
pub(super) struct Attributes<'a> {
    pub entries: Vec<(&'a str, Entry<'a>)>,
    /// Those of them that are the crate's defaults.
    defaults: Vec<&'a str>,
}

impl<'a> Attributes<'a> {
    /// Merges the crate's defaults in: the resource wins, then those of its type.
    pub fn of(krate: &Configcrate<'a>, resource: &Resource<'a>, decl: Option<&'static TypeDecl>) -> Self {
        let own = resource.attributes.iter();
        let mut all = Self { entries: own.map(|e| (plain_name(decl, e.name), *e)).collect(), defaults: Vec::new() };
        let written = resource.type_name;
        if decl.is_some_and(|d| d.name == custom::DECL.name && written.text() != Some(d.name))
            && all.get(custom::SCRIPT).is_none()
        {
            // The script's name as the type is short for `type: custom` with `script`.
            all.entries.push((custom::SCRIPT, Entry { name: custom::SCRIPT, key: written, value: written }));
        }
        for e in defaults(krate, decl) {
            let name = plain_name(decl, e.name);
            if !all.entries.iter().any(|(n, _)| *n == name) {
                all.entries.push((name, e));
                all.defaults.push(name);
            }
        }
        all
    }

    /// Lays the attributes of an arm over these.
    pub fn lay(&mut self, decl: Option<&'static TypeDecl>, set: &[Entry<'a>]) {
        for e in set {
            let name = plain_name(decl, e.name);
            match self.entries.iter_mut().find(|(n, _)| *n == name) {
                Some(slot) => slot.1 = *e,
                None => self.entries.push((name, *e)),
            }
            self.defaults.retain(|n| *n != name);
        }
    }

    /// Leaves out the defaults that the state does not take. A state that is rendered is known to the agent only.
    #[must_use]
    pub fn settled(mut self, decl: Option<&'static TypeDecl>) -> Self {
        let Some(decl) = decl.filter(|_| !self.defaults.is_empty()) else { return self };
        let state = match self.get("state") {
            None => decl.states.first().copied(),
            Some(node) => node.text().filter(|text| !text.contains("{{")),
        };
        if let Some(state) = state {
            let Self { entries, defaults } = &mut self;
            entries.retain(|(name, _)| !defaults.contains(name) || decl.takes_in(name, state));
            defaults.retain(|name| decl.takes_in(name, state));
        }
        self
    }

    /// Returns whether the attribute is a default of the crate.
    pub fn is_default(&self, name: &str) -> bool {
        self.defaults.contains(&name)
    }

    /// Returns an attribute's value.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        self.entries.iter().find(|(n, _)| *n == name).map(|(_, e)| e.value)
    }

    /// Returns whether the resource would act whenever it runs.
    pub fn acts_always(&self, type_name: &str) -> bool {
        match type_name {
            "service" => {
                self.get("state").and_then(Node::text).is_some_and(|state| matches!(state, "restarted" | "reloaded"))
            }
            "exec" | "powershell" => !["onlyif", "unless", "creates"].iter().any(|guard| self.get(guard).is_some()),
            _ => false,
        }
    }
}

/// Returns the crate's defaults that a resource of this type takes.
pub(super) fn defaults<'s, 'a>(
    krate: &'s Configcrate<'a>,
    decl: Option<&'static TypeDecl>,
) -> impl Iterator<Item = Entry<'a>> + 's {
    let of_type = krate
        .defaults
        .by_type
        .iter()
        .filter(move |(key, _)| decl.is_some_and(|d| d.name == key.name || d.aliases.contains(&key.name)));
    let of_type = of_type.flat_map(|(_, entries)| entries.iter());
    let general = krate.defaults.general.iter().filter(move |e| takes(decl, e.name));
    of_type.chain(general).copied()
}

/// Returns whether a general default reaches resources of this type.
pub(super) fn takes(decl: Option<&'static TypeDecl>, name: &str) -> bool {
    // A mode that suits files takes the `x` from directories.
    decl.is_some_and(|d| !(d.name == "directory" && name == "mode") && attribute_of(d, name).is_some())
}

/// Returns the plain name of an attribute of the type, whatever its spelling.
pub(super) fn attribute_of(decl: &'static TypeDecl, name: &str) -> Option<&'static str> {
    let attribute = decl.attributes.iter().find(|a| a.name == name || a.aliases.contains(&name));
    attribute.map(|a| a.name)
}

fn plain_name<'a>(decl: Option<&'static TypeDecl>, name: &'a str) -> &'a str {
    decl.and_then(|d| attribute_of(d, name)).unwrap_or(name)
}

/// Returns the name of a resource that has none, `type:identity` as written, and whether templates in it were rendered.
pub(super) fn default_name(
    resource: &Resource<'_>,
    type_name: &str,
    decl: Option<&'static TypeDecl>,
    data: &PublishData<'_>,
) -> (String, bool) {
    let Some((identity, node)) = written_identity(resource, decl) else { return (type_name.into(), false) };
    if identity.contains("{{")
        && let Ok(text) = render::text(node, "name", data)
    {
        return (format!("{type_name}:{text}"), true);
    }
    (format!("{type_name}:{}", identity.replace(char::is_control, " ")), false)
}

/// Returns `type:identity` without rendering anything.
pub(crate) fn static_name(resource: &Resource<'_>) -> String {
    match resource.name.and_then(Node::text) {
        Some(name) => name.into(),
        None => {
            let written = resource.type_name.text().unwrap_or_default();
            let decl = crate::resource::find(written);
            let type_name = decl.map_or(written, |d| d.name);
            match written_identity(resource, decl) {
                Some((identity, _)) => format!("{type_name}:{identity}"),
                None => type_name.into(),
            }
        }
    }
}

/// Returns what a resource is about, as written, and the attribute that says so.
fn written_identity<'a>(resource: &Resource<'a>, decl: Option<&'static TypeDecl>) -> Option<(Arc<str>, Node<'a>)> {
    let decl = decl?;
    let written = |name: &str| resource.attributes.iter().find(|e| plain_name(Some(decl), e.name) == name);
    let first = decl.attributes.iter().find_map(|a| written(a.name))?;
    let text = first.value.text();
    if text.is_some_and(|t| t.contains("{{") || !secret::find(t).is_empty()) {
        return Some((text?.into(), first.value));
    }
    let items = resource.attributes.iter().map(|e| Field {
        name: plain_name(Some(decl), e.name).into(),
        value: FieldValue::Known(datum(e.value)),
        place: Place::default(),
    });
    let fields = Fields {
        decl,
        id: "".into(),
        name: "".into(),
        place: Place::default(),
        handler: false,
        items: items.collect(),
    };
    let identity = (decl.identity)(&fields).or_else(|| text.map(Arc::from))?;
    Some((identity, first.value))
}

/// Returns a written value as data, secrets as their markers.
pub(super) fn datum(node: Node<'_>) -> Datum {
    match node.kind() {
        NodeKind::Scalar(text, style) => {
            let text = match secret::mark(text) {
                Some(marked) => Text::secret(marked, secret::find(text).first().map_or("", |r| r.path)),
                None => Text::plain(text),
            };
            Datum::Scalar { text, plain: style == ScalarStyle::Plain }
        }
        NodeKind::List => Datum::List(node.list().into_iter().flatten().map(datum).collect()),
        NodeKind::Map(map) => Datum::Map(map.iter().map(|e| (e.name.into(), datum(e.value))).collect()),
    }
}

/// Makes what a bundle holds of nodes: shares texts that repeat, numbers the files.
#[derive(Default)]
pub(super) struct Lowering<'a> {
    pub files: Vec<Arc<str>>,
    file_index: HashMap<u32, u32>,
    last_file: Option<(u32, u32)>,
    names: HashMap<&'a str, Arc<str>>,
    /// Paths of the secrets in what was lowered.
    pub secrets: alloc::collections::BTreeSet<Arc<str>>,
}

impl<'a> Lowering<'a> {
    fn file(&mut self, file: &YamlFile) -> u32 {
        let id = file.id().0;
        if let Some((last, index)) = self.last_file
            && last == id
        {
            return index;
        }
        let next = self.files.len() as u32;
        let index = *self.file_index.entry(id).or_insert(next);
        if index == next {
            self.files.push(file.path().clone());
        }
        self.last_file = Some((id, index));
        index
    }

    /// Returns where `node` begins.
    pub fn place(&mut self, node: Node<'_>) -> Place {
        Place { file: self.file(node.file()), line: node.line(), column: node.column() }
    }

    /// Returns a name, shared.
    pub fn name(&mut self, name: &'a str) -> Arc<str> {
        self.names.entry(name).or_insert_with(|| name.into()).clone()
    }

    /// Returns one attribute under `name`.
    pub fn attribute(&mut self, name: &'a str, e: Entry<'a>) -> Attribute {
        Attribute { name: self.name(name), value: self.raw(e.value), place: self.place(e.key), is_default: false }
    }

    /// Returns a value.
    pub fn raw(&mut self, node: Node<'a>) -> Raw {
        match node.kind() {
            NodeKind::Scalar(text, style) => Raw::Scalar(self.scalar_of(node, text, style)),
            NodeKind::List => Raw::List(node.list().into_iter().flatten().map(|item| self.raw(item)).collect()),
            NodeKind::Map(map) => Raw::Map(map.iter().map(|e| (self.name(e.name), self.raw(e.value))).collect()),
        }
    }

    /// Returns a scalar; what is none is empty.
    pub fn scalar(&mut self, node: Node<'a>) -> Scalar {
        let (text, style) = node.scalar().unwrap_or(("", ScalarStyle::Empty));
        self.scalar_of(node, text, style)
    }

    fn scalar_of(&mut self, node: Node<'a>, text: &'a str, style: ScalarStyle) -> Scalar {
        let (line, column) = node.text_place();
        let place = Place { file: self.file(node.file()), line, column };
        let templated = text.contains("{{");
        if templated {
            secret::in_template(text, &mut self.secrets);
        }
        let text = match secret::mark(text) {
            Some(marked) => {
                self.secrets.extend(secret::find(text).iter().map(|r| Arc::from(r.path)));
                marked.into()
            }
            // Short texts repeat: states, owners, modes.
            None if text.len() <= 16 && !templated => self.name(text),
            None => Arc::from(text),
        };
        let style = match style {
            ScalarStyle::Plain | ScalarStyle::Empty => Style::Plain,
            ScalarStyle::Single | ScalarStyle::Double | ScalarStyle::Folded => Style::Quoted,
            ScalarStyle::Literal => Style::Block,
        };
        Scalar { text, style, templated, place }
    }
}
