//! From attributes as written to fields: templates rendered, secrets filled in.

use super::Mask;
use crate::bundle::{Attribute, BundleResource, Place, PolicyBundle, Raw, Scalar, Style};
use crate::host::{Problem, ProblemKind};
use crate::resource::exec::{SECRET_FILE, takes_secret_file};
use crate::resource::{Datum, Field, FieldValue, Fields, Kind, TypeDecl};
use crate::secret::{self, Withheld};
use crate::template::{ErrorKind, Field as Root, Scope, Template, TemplateError};
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// The secrets of a run: what was had, and why the rest was not.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) known: BTreeMap<Arc<str>, Text>,
    pub(super) denied: BTreeMap<Arc<str>, Withheld>,
    /// Whether one went into what was rendered since this was last taken.
    used: Cell<bool>,
}

impl Secrets {
    /// Takes what is there and what is not.
    pub(super) fn new(known: BTreeMap<Arc<str>, Text>, denied: BTreeMap<Arc<str>, Withheld>) -> Self {
        Self { known, denied, used: Cell::default() }
    }

    /// Returns the value with its markers filled, as far as the secrets are there: a template that uses one of the others
    /// fails.
    pub(super) fn filled(&self, value: &Value) -> Value {
        secret::fill_value(value, &|path| self.known.get(path).map(Text::as_str))
    }

    /// Returns whether a secret went into what was rendered since the last call.
    pub(super) fn take_used(&self) -> bool {
        self.used.take()
    }

    fn note(&self, path: Option<&Arc<str>>) {
        if path.is_some() {
            self.used.set(true);
        }
    }

    fn missing(&self, path: &str) -> Problem {
        Problem::new(ProblemKind::Secret, format!("secret `{path}`: {}", self.why(path)))
    }

    fn why(&self, path: &str) -> &str {
        self.denied.get(path).map_or("it was not handed over", Withheld::why)
    }
}

impl crate::template::Secrets for Secrets {
    fn secret(&self, path: &str) -> Option<Text> {
        self.known.get(path).cloned()
    }

    fn withheld(&self, path: &str) -> Option<String> {
        (!self.known.contains_key(path)).then(|| self.why(path).into())
    }
}

/// Secrets, the variables that they are filled in, and what hides them.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) scopes: &'a [Value],
    pub(super) mask: &'a RefCell<Mask>,
}

/// Renders the attributes of one resource.
pub(super) struct Renderer<'a> {
    pub(super) resource: &'a BundleResource,
    pub(super) secrets: &'a Secrets,
    pub(super) scope: Scope<'a>,
}

/// The data of one resource's scope that is not shared with others.
pub(super) struct Own {
    item: Option<Value>,
    index: Option<Value>,
    outer: Option<Value>,
    user: Option<Value>,
}

impl Own {
    /// Collects it, secrets filled in.
    pub(super) fn of(bundle: &PolicyBundle, resource: &BundleResource, secrets: &Secrets) -> Self {
        let user = bundle.crates.get(resource.krate as usize).and_then(|c| c.user.clone()).map(Value::text);
        let Some(stamp) = &resource.stamp else { return Self { item: None, index: None, outer: None, user } };
        Self {
            item: Some(secrets.filled(&stamp.item)),
            index: Some(Value::Int(stamp.index)),
            outer: stamp.outer.as_ref().map(|outer| secrets.filled(outer)),
            user,
        }
    }

    /// Lays it over the shared scope.
    pub(super) fn over<'a>(&'a self, mut scope: Scope<'a>) -> Scope<'a> {
        let fields = [
            (Root::Item, &self.item),
            (Root::Each, &self.item),
            (Root::Index, &self.index),
            (Root::Outer, &self.outer),
            (Root::User, &self.user),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                scope = scope.with(field, value);
            }
        }
        scope
    }
}

impl Renderer<'_> {
    /// Returns the fields of the resource; those of long texts stay pending unless `long`.
    pub(super) fn fields(
        &self,
        decl: &'static TypeDecl,
        attributes: &[&Attribute],
        long: bool,
        mask: &mut Mask,
    ) -> Result<Fields, Problem> {
        let id = self.resource.id.clone();
        let name = id.split_once('/').map_or(&*id, |(_, name)| name);
        let mut fields = Fields {
            decl,
            name: name.into(),
            id: id.clone(),
            place: self.resource.place,
            handler: self.resource.handler,
            items: Vec::with_capacity(attributes.len()),
        };
        for attribute in attributes {
            let kind = decl.attribute(&attribute.name).map_or(Kind::Text, |a| a.kind);
            let value = if kind == Kind::LongText && !long && is_open(&attribute.value) {
                Some(FieldValue::Pending)
            } else {
                self.datum(&attribute.value, kind, mask)?.map(FieldValue::Known)
            };
            if let Some(value) = value {
                let place = first_place(&attribute.value).unwrap_or(attribute.place);
                fields.items.push(Field { name: attribute.name.clone(), value, place });
            }
        }
        Ok(fields)
    }

    /// Renders a scalar of the policy outside an attribute: the word of a selector.
    pub(super) fn scalar(&self, scalar: &Scalar, mask: &mut Mask) -> Result<Text, Problem> {
        match self.datum(&Raw::Scalar(scalar.clone()), Kind::Text, mask)? {
            Some(Datum::Scalar { text, .. }) => Ok(text),
            _ => Ok(Text::default()),
        }
    }

    /// Renders a text that stands in no attribute: a shipped template file.
    ///
    /// # Errors
    /// [`Problem`], with the place in that file.
    pub(super) fn file(&self, path: &str, text: &str, mask: &mut Mask) -> Result<Text, Problem> {
        let failed = |e: TemplateError| self.file_error(path, &e);
        let marked = secret::mark(text);
        let template = Template::parse(marked.as_deref().unwrap_or(text)).map_err(failed)?;
        let rendered = template.render(&self.scope).map_err(failed)?;
        for (secret, path) in rendered.secret_texts() {
            mask.add(secret, path);
        }
        let text = self.fill(rendered.text, mask)?;
        self.secrets.note(text.secret_path());
        Ok(text)
    }

    fn datum(&self, raw: &Raw, kind: Kind, mask: &mut Mask) -> Result<Option<Datum>, Problem> {
        match raw {
            Raw::Scalar(scalar) => self.scalar_datum(scalar, kind, mask),
            Raw::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    match self.datum(item, Kind::Text, mask)? {
                        Some(Datum::Scalar { text, .. })
                            if text.as_str().is_empty() && kind != Kind::Command && is_templated(item) => {}
                        Some(datum) => list.push(datum),
                        None => {}
                    }
                }
                Ok(Some(Datum::List(list)))
            }
            Raw::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if let Some(datum) = self.datum(value, Kind::Any, mask)? {
                        map.push((key.clone(), datum));
                    }
                }
                Ok(Some(Datum::Map(map)))
            }
        }
    }

    fn scalar_datum(&self, scalar: &Scalar, kind: Kind, mask: &mut Mask) -> Result<Option<Datum>, Problem> {
        let plain = scalar.style == Style::Plain;
        if !scalar.templated {
            let text = self.fill(Text::plain(scalar.text.clone()), mask)?;
            self.secrets.note(text.secret_path());
            return Ok(Some(Datum::Scalar { plain: plain && text.secret_path().is_none(), text }));
        }
        let failed = |error: TemplateError| self.error(scalar, &error);
        let template = Template::parse(self.set_aside(&scalar.text)).map_err(failed)?;
        let takes_text =
            matches!(kind, Kind::Text | Kind::LongText | Kind::Line | Kind::Name | Kind::Path | Kind::Regex);
        if !takes_text && template.is_single_action() {
            let value = template.render_value(&self.scope).map_err(failed)?;
            mask_value(&value, mask);
            self.secrets.note(value.secret_path());
            let datum = Datum::from_value(&value);
            let empty = matches!(&datum, Datum::Scalar { text, .. } if text.as_str().is_empty());
            return Ok(Some(datum).filter(|_| !empty || kind == Kind::Any));
        }
        let rendered = template.render(&self.scope).map_err(failed)?;
        for (secret, path) in rendered.secret_texts() {
            mask.add(secret, path);
        }
        let text = self.fill(rendered.text, mask)?;
        self.secrets.note(text.secret_path());
        let keeps_empty = matches!(kind, Kind::Text | Kind::LongText);
        if text.as_str().is_empty() && !keeps_empty {
            return Ok(None);
        }
        Ok(Some(Datum::Scalar { text, plain: false }))
    }

    /// Returns the text with what an `exec` writes for the path of its secret file as what yields just that.
    fn set_aside(&self, text: &Arc<str>) -> Arc<str> {
        if !takes_secret_file(&self.resource.type_name) || !text.contains(SECRET_FILE) {
            return text.clone();
        }
        text.replace(SECRET_FILE, &format!("{{{{`{SECRET_FILE}`}}}}")).into()
    }

    fn fill(&self, text: Text, mask: &mut Mask) -> Result<Text, Problem> {
        if !secret::is_marked(text.as_str()) {
            return Ok(text);
        }
        let filled = secret::fill(text.as_str(), &|path| self.secrets.known.get(path).map(Text::as_str))
            .map_err(|e| self.secrets.missing(&e.path))?
            .tainted_by(text.secret_path());
        if let Some(path) = filled.secret_path()
            && filled.as_str().len() < 512
        {
            // A whole value of which the secret is a part, such as a connection string, is hidden whole.
            mask.add(filled.as_str(), path);
        }
        Ok(filled)
    }

    fn error(&self, scalar: &Scalar, error: &TemplateError) -> Problem {
        // The later lines of what is quoted or folded are not those of the file: the beginning is what is known.
        let place = match scalar.style {
            Style::Plain | Style::Quoted if error.line > 1 => scalar.place,
            _ => Place {
                file: scalar.place.file,
                line: scalar.place.line + error.line.saturating_sub(1),
                column: scalar.place.column + error.column.saturating_sub(1),
            },
        };
        problem(error, error.message.clone()).at(place)
    }

    /// Returns the problem of a shipped template that failed.
    fn file_error(&self, path: &str, error: &TemplateError) -> Problem {
        let message = format!("{path}:{}:{}: {}", error.line, error.column, error.message);
        problem(error, message).at(self.resource.place)
    }

    /// Returns `file:line:column` of a place.
    pub(super) fn shown(bundle: &PolicyBundle, place: Place) -> String {
        let file = bundle.files.get(place.file as usize).map_or("?", |f| &**f);
        [file, &place.line.to_string(), &place.column.to_string()].join(":")
    }
}

fn problem(error: &TemplateError, message: String) -> Problem {
    let kind = if error.kind == ErrorKind::Secret { ProblemKind::Secret } else { ProblemKind::Evaluation };
    Problem { help: error.help.clone(), ..Problem::new(kind, message) }
}

fn mask_value(value: &Value, mask: &mut Mask) {
    match value {
        Value::Text(t) => {
            if let Some(path) = t.secret_path() {
                mask.add(t.as_str(), path);
            }
        }
        Value::List(items) => items.iter().for_each(|v| mask_value(v, mask)),
        Value::Map(map) => map.values().for_each(|v| mask_value(v, mask)),
        _ => {}
    }
}

/// Returns whether the text is not what it will be.
fn is_open(raw: &Raw) -> bool {
    matches!(raw, Raw::Scalar(s) if s.templated || secret::is_marked(&s.text))
}

fn is_templated(raw: &Raw) -> bool {
    matches!(raw, Raw::Scalar(s) if s.templated)
}

fn first_place(raw: &Raw) -> Option<Place> {
    match raw {
        Raw::Scalar(s) => Some(s.place),
        Raw::List(items) => items.iter().find_map(first_place),
        Raw::Map(entries) => entries.iter().find_map(|(_, v)| first_place(v)),
    }
}
