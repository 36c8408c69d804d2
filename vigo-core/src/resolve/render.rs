//! What is rendered at publish: names, types, edge keys and the templates in `when:`.

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::secret;
use crate::source::Node;
use crate::template::{ErrorKind, Field, NoSecrets, Scope, Template, TemplateError};
use crate::value::Value;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The data that a template sees at publish.
pub(super) struct PublishData<'d> {
    /// `.Vars`.
    pub vars: &'d Value,
    /// `.Item` and `.Each`.
    pub item: Option<&'d Value>,
    /// `.Index`.
    pub index: i64,
    /// `.Outer`.
    pub outer: Option<&'d Value>,
    /// `.User`.
    pub user: Option<&'d str>,
}

/// How the message begins that a variable is not defined.
pub(super) const UNDEFINED: &str = "variable ";

/// Names that are listed where none is near.
const LISTED_MAX: usize = 8;

/// Returns what to write instead of a variable that is not defined, among those that are.
pub(super) fn where_defined<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let place = "define it in `vars` of the crate, of a `common.vgo`, of the environment or of the match block";
    match listed(&known) {
        Some(names) => format!("{place}; there is {names}"),
        None => place.into(),
    }
}

/// Returns the names, if they are few.
pub(super) fn listed(names: &[&str]) -> Option<String> {
    let quoted = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    (1..=LISTED_MAX).contains(&names.len()).then(|| quoted().join(", "))
}

/// Returns the name of the variable that the template in `text` misses, if that is what is wrong.
fn undefined<'t>(text: &'t str, e: &TemplateError) -> Option<&'t str> {
    let name = text.get(e.offset..e.offset + e.len)?.strip_prefix('.')?;
    let of_vars = text.get(..e.offset)?.ends_with(".Vars") && e.kind == ErrorKind::Value;
    (of_vars && e.message.starts_with("map has no entry")).then_some(name)
}

/// Returns the text of `node`, rendered where it has a template.
pub(super) fn text<'a>(node: Node<'a>, what: &str, data: &PublishData<'_>) -> Result<Cow<'a, str>, Diagnostic> {
    let written = node.text().unwrap_or_default();
    if let Some(found) = secret::find(written).first() {
        let span = node.part(found.start, found.end - found.start);
        return Err(misplaced(span, what));
    }
    if !written.contains("{{") {
        return Ok(Cow::Borrowed(written));
    }
    let rendered = data.render(written).map_err(|e| match undefined(written, &e) {
        Some(name) => {
            let message = format!("{UNDEFINED}`{name}` is not defined");
            let known = data.vars.as_map().into_iter().flat_map(|m| m.keys()).map(|k| &**k);
            let span = node.part(e.offset, e.len);
            Diagnostic::new(Code::UndefinedVariable, span, message).about(name).help(where_defined(name, known))
        }
        None => error(node, &e),
    })?;
    if secret::is_marked(&rendered) {
        return Err(misplaced(node.span(), what));
    }
    Ok(Cow::Owned(rendered))
}

/// Returns what the single template `source` yields, for a condition.
pub(super) fn template_value(source: &str, data: &PublishData<'_>) -> Result<Value, String> {
    let told = |e: TemplateError| match undefined(source, &e) {
        Some(name) => format!("{UNDEFINED}`{name}` is not defined"),
        None => e.message,
    };
    let template = Template::parse(source).map_err(told)?;
    let value = data.with(|scope| template.render_value(scope)).map_err(told)?;
    let mut secrets = alloc::collections::BTreeSet::new();
    secret::paths(&value, &mut secrets);
    match secrets.first() {
        Some(path) => Err(format!("a secret cannot stand in `when`: `{path}`")),
        None => Ok(value),
    }
}

impl PublishData<'_> {
    fn render(&self, text: &str) -> Result<String, TemplateError> {
        let template = Template::parse(text)?;
        self.with(|scope| template.render(scope)).map(|r| r.text.as_str().to_string())
    }

    fn with<T>(&self, f: impl FnOnce(&Scope<'_>) -> T) -> T {
        let index = Value::Int(self.index);
        let user = self.user.map(Value::from);
        let mut scope = Scope::new(&NoSecrets).with(Field::Vars, self.vars);
        if let Some(item) = self.item {
            scope = scope.with(Field::Item, item).with(Field::Each, item).with(Field::Index, &index);
        }
        if let Some(outer) = self.outer {
            scope = scope.with(Field::Outer, outer);
        }
        if let Some(user) = &user {
            scope = scope.with(Field::User, user);
        }
        f(&scope)
    }
}

/// Returns the diagnostic of a template that stands in the text of `node`.
pub(super) fn syntax_error(node: Node<'_>, e: &TemplateError) -> Diagnostic {
    let d = Diagnostic::new(e.code(), node.part(e.offset, e.len), e.message.clone());
    match &e.help {
        Some(help) => d.help(help.clone()),
        None => d,
    }
}

/// The same, of what is rendered at publish.
fn error(node: Node<'_>, e: &TemplateError) -> Diagnostic {
    let d = syntax_error(node, e);
    match e.kind {
        ErrorKind::Name => d.help("at publish there are `.Vars`, `.User`, `.Item`, `.Each`, `.Index`, `.Outer`"),
        ErrorKind::Value => match node.text().unwrap_or_default().get(e.offset..e.offset + e.len) {
            Some(field @ (".Traits" | ".Envoy")) => {
                let message = format!("`{field}` is not known where names are made");
                let d = Diagnostic::new(Code::TemplateName, node.part(e.offset, e.len), message);
                d.help("at publish there are `.Vars`, `.User`, `.Item`, `.Each`, `.Index`, `.Outer`")
            }
            _ => Diagnostic { code: Code::UndefinedVariable, ..d },
        },
        _ => d,
    }
}

fn misplaced(span: crate::diagnostic::Span, what: &str) -> Diagnostic {
    let d = Diagnostic::new(Code::SecretMisplaced, span, format!("a secret cannot stand in `{what}`"));
    d.help(super::written::NO_SECRET)
}
