//! Resources as written: what can be said of each without a host.

use super::attributes::{self, Attributes};
use super::memory::{Memory, Numbered};
use super::names::{pattern_of, wildcard};
use crate::bundle::Place;
use crate::config::{Case, Config, Configcrate, Resource};
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use crate::guard;
use crate::host::{Problem, ProblemKind};
use crate::resource::exec::{SECRET_FILE, takes_secret_file};
use crate::resource::{self, Field, FieldValue, Fields, Kind, TypeDecl};
use crate::secret;
use crate::source::{Node, NodeKind, ScalarStyle};
use crate::template::Template;
use crate::when;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// Types whose first change keeps what was there, so that `revert: true` can bring it back.
const REVERTIBLE: &[&str] = &[
    "file",
    "symlink",
    "file_line",
    "blockinfile",
    "replace",
    "ini",
    "json_file",
    "yaml_file",
    "toml_file",
    "field_edit",
    "hostname",
    "timezone",
    "locale",
    "sysctl",
    "windows_env",
    "registry",
    "macos_defaults",
    "selinux",
    "selinux_boolean",
    "selinux_mode",
];
/// What to do about a secret in a name or path.
pub(super) const NO_SECRET: &str =
    "keep it where the value is written to the machine: a content, a password, an environment";
/// Types that a command of the operator's brings back.
const REVERTED_BY_COMMAND: &[&str] = &["exec", "powershell", "custom"];

/// Returns everything that is wrong or doubtful in the resources of the tree, whoever gets them.
pub(super) fn check(config: &Config<'_>, memory: &mut Memory, numbered: &Numbered) -> Vec<Diagnostic> {
    let mut checks = Checks { config, diagnostics: Vec::new(), files: HashMap::new() };
    for (index, krate) in config.crates.iter().enumerate() {
        let (number, before) = (numbered.at(index), checks.diagnostics.len());
        if memory.is_written_well(number) {
            continue;
        }
        checks.krate(krate);
        if checks.diagnostics.len() == before {
            memory.keep_written_well(number);
        }
    }
    checks.triggers();
    checks.diagnostics
}

struct Checks<'c, 'a> {
    config: &'c Config<'a>,
    diagnostics: Vec<Diagnostic>,
    /// What is wrong with the syntax of template files: each is parsed once, and told for every crate that ships it.
    files: HashMap<FileId, Vec<Diagnostic>>,
}

/// A resource as it is when one arm of its `case` is laid over it, or none.
struct Variant<'a> {
    attributes: Attributes<'a>,
    /// Where the arm stands.
    arm: Option<Node<'a>>,
}

impl<'a> Checks<'_, 'a> {
    fn report(&mut self, d: Diagnostic) {
        self.diagnostics.push(d);
    }

    fn krate(&mut self, krate: &Configcrate<'a>) {
        for r in &krate.resources {
            let written = r.type_name.text().unwrap_or_default();
            // The type of a rendered `type:` is known when it is rendered.
            let decl = if written.contains("{{") { None } else { self.config.type_of(written) };
            for variant in variants(krate, r, decl) {
                if let Some(decl) = decl {
                    self.variant(krate, r, decl, &variant);
                }
                for (_, e) in &variant.attributes.entries {
                    self.templates(e.value, decl);
                }
            }
            if let Some(Case::Match(on, _)) = &r.case {
                self.selector(*on);
            }
            self.revert(r, decl);
        }
        self.defaults(krate);
    }

    fn variant(&mut self, krate: &Configcrate<'a>, r: &Resource<'a>, decl: &'static TypeDecl, variant: &Variant<'a>) {
        let whole = variant.arm.map_or(r.node, |arm| arm).span();
        let handler = is_handler(r) || (!r.subscribes.is_empty() && variant.attributes.acts_always(decl.name));
        let (fields, spans) = fields(krate, r, decl, &variant.attributes, handler, whole, literal);
        for problem in resource::check(&fields) {
            self.report(diagnostic(problem, &spans));
        }
        for (name, e) in &variant.attributes.entries {
            let Some(attr) = decl.attribute(name) else { continue };
            if attr.no_secret
                && let Some(found) = first_secret(e.value)
            {
                let message = format!("attribute `{name}` is part of a name or path, where no secret can stand");
                self.report(Diagnostic::new(Code::SecretMisplaced, found, message).help(NO_SECRET));
            }
            if attr.kind == Kind::LongText && e.value.scalar().is_some_and(|(_, style)| style == ScalarStyle::Folded) {
                let message = format!("`>` joins the lines of `{name}`");
                self.report(
                    Diagnostic::new(Code::FoldedContent, e.value.span(), message).help("write `|` to keep them"),
                );
            }
            if matches!(*name, "source" | "stream_edit") {
                self.shipped(e.value, &variant.attributes, decl);
            }
        }
        let guarded = guard::check_footprint(&(decl.footprint)(&fields));
        if let Err(problem) = guarded {
            self.report(diagnostic(problem, &spans));
        }
    }

    /// Checks the syntax of every template in an attribute.
    fn templates(&mut self, node: Node<'a>, decl: Option<&'static TypeDecl>) {
        match node.kind() {
            NodeKind::Scalar(text, _) if text.contains("{{") => {
                for e in Template::parse_all(&template_text(text, decl)) {
                    self.report(super::render::syntax_error(node, &e));
                }
            }
            NodeKind::Scalar(..) => {}
            NodeKind::List => node.list().into_iter().flatten().for_each(|item| self.templates(item, decl)),
            NodeKind::Map(map) => map.iter().for_each(|e| self.templates(e.value, decl)),
        }
    }

    fn selector(&mut self, on: Node<'a>) {
        if let Some(span) = first_secret(on) {
            let d = Diagnostic::new(Code::SecretMisplaced, span, "a secret cannot stand in `case`");
            self.report(d.help("decide by a variable or a trait"));
        }
        self.templates(on, None);
    }

    /// Checks the files below `templates/` that an attribute names.
    fn shipped(&mut self, node: Node<'a>, attributes: &Attributes<'a>, decl: &'static TypeDecl) {
        if let Some(items) = node.list() {
            return items.for_each(|item| self.shipped(item, attributes, decl));
        }
        let Some(path) = node.text().filter(|p| p.starts_with("templates/") && !p.contains("{{")) else { return };
        let sources = self.config.sources;
        let named: Vec<_> = sources.templates_named(path).collect();
        if named.is_empty() {
            let d = Diagnostic::new(Code::UnknownName, node.span(), format!("there is no `{path}` in the tree"));
            self.report(d.did_you_mean(path, sources.templates().iter().map(|(f, _)| &*f.path)));
            return;
        }
        if !is_rendered(attributes, decl) || attributes.get("source").is_none_or(|n| n.span() != node.span()) {
            return;
        }
        for (file, id) in named {
            let Some(id) = *id else {
                let message = format!("`{}` is not UTF-8, and is to be rendered", file.path);
                self.report(
                    Diagnostic::new(Code::BadValue, node.span(), message)
                        .help("write `render: false` to ship it as it is"),
                );
                continue;
            };
            let wrong = self.files.entry(id).or_insert_with(|| {
                let text = core::str::from_utf8(&file.bytes).unwrap_or_default();
                let whole = Span::new(id, 0, text.len() as u32);
                Template::parse_all(text).iter().map(|e| e.diagnostic(whole)).collect()
            });
            self.diagnostics.extend_from_slice(wrong);
        }
    }

    fn revert(&mut self, r: &Resource<'a>, decl: Option<&'static TypeDecl>) {
        let Some(decl) = decl else { return };
        let by_command = REVERTED_BY_COMMAND.contains(&decl.name);
        let d = match (r.revert, r.on_revert) {
            (true, _) if by_command => {
                Diagnostic::new(Code::BadValue, r.node.span(), format!("type `{}` has nothing to revert to", decl.name))
                    .help("write `on_revert: <command>`")
            }
            (true, _) if !REVERTIBLE.contains(&decl.name) => Diagnostic::new(
                Code::BadValue,
                r.node.span(),
                format!("type `{}` keeps nothing to revert to", decl.name),
            )
            .help("remove what it left behind by `state: absent`"),
            (_, Some(e)) if !by_command => {
                let message = format!("type `{}` does not take `on_revert`", decl.name);
                Diagnostic::new(Code::BadValue, e.key.span(), message)
                    .help("write `revert: true` where the type keeps a snapshot")
            }
            _ => return,
        };
        self.report(d);
    }

    /// Refuses defaults that reach no resource of the crate.
    fn defaults(&mut self, krate: &Configcrate<'a>) {
        let decls: Vec<&'static TypeDecl> =
            krate.resources.iter().filter_map(|r| self.config.type_of(r.type_name.text()?)).collect();
        if krate.resources.iter().any(|r| r.type_name.text().is_none_or(|t| t.contains("{{"))) {
            return;
        }
        for e in &krate.defaults.general {
            if !decls.iter().any(|d| attributes::takes(Some(d), e.name)) {
                let d = Diagnostic::new(
                    Code::UnusedDefault,
                    e.key.span(),
                    format!("no resource of crate `{}` takes the default `{}`", krate.name, e.name),
                );
                let known = decls.iter().flat_map(|d| d.attributes).map(|a| a.name);
                self.report(match d.did_you_mean(e.name, known) {
                    d if d.help.is_empty() => d.help("take it out, or write it into a crate whose resources have it"),
                    d => d,
                });
            }
        }
        for (key, entries) in &krate.defaults.by_type {
            let Some(decl) = resource::find(key.name) else { continue };
            if !decls.iter().any(|d| d.name == decl.name) {
                let message = format!("crate `{}` has no resource of type `{}`", krate.name, key.name);
                let d = Diagnostic::new(Code::UnusedDefault, key.key.span(), message);
                self.report(d.help("take it out, or write it into a crate that has one"));
            }
            for e in entries {
                if attributes::attribute_of(decl, e.name).is_none() {
                    let message = format!("type `{}` has no attribute `{}`", decl.name, e.name);
                    let d = Diagnostic::new(Code::UnknownAttribute, e.key.span(), message);
                    let names = decl.attributes.iter().map(|a| a.name);
                    self.report(match d.did_you_mean(e.name, names.clone()) {
                        d if d.help.is_empty() => {
                            let all: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                            d.help(format!("`{}` takes {}", decl.name, all.join(", ")))
                        }
                        d => d,
                    });
                }
            }
        }
    }

    /// Refuses handlers that nothing in the tree can trigger.
    fn triggers(&mut self) {
        let mut exact: HashSet<(Arc<str>, &str)> = HashSet::new();
        let mut wide: HashSet<(Arc<str>, Cow<'a, str>)> = HashSet::new();
        for krate in &self.config.crates {
            for text in krate.resources.iter().flat_map(|r| &r.notify).filter_map(|n| n.text()) {
                if text.contains("{{") {
                    wide.insert((krate.name.clone(), Cow::Owned(pattern_of(text))));
                } else if text.contains(['*', '[']) {
                    wide.insert((krate.name.clone(), Cow::Borrowed(text)));
                } else if let Some((other, name)) = text.split_once('/') {
                    exact.insert((other.into(), name));
                }
                exact.insert((krate.name.clone(), text));
            }
        }
        let whole: HashSet<&str> = exact.iter().map(|(_, text)| *text).collect();
        for krate in &self.config.crates {
            for r in krate.resources.iter().filter(|r| is_handler(r) && r.subscribes.is_empty()) {
                let name = attributes::static_name(r);
                let pattern = pattern_of(&name);
                let matches = |text: &str, name: &str| {
                    let base = text.split_once('[').map_or(text, |(base, _)| base);
                    wildcard(text, name) || wildcard(base, name) || wildcard(name, base)
                };
                let triggered = exact.contains(&(krate.name.clone(), &*name))
                    || whole.contains(&*krate.name)
                    || wide.iter().any(|(from, text)| {
                        (*from == krate.name && matches(text, &pattern))
                            || matches(text, &krate.name)
                            || text
                                .split_once('/')
                                .is_some_and(|(k, n)| matches(k, &krate.name) && matches(n, &pattern))
                    })
                    || (name.contains("{{")
                        && exact.iter().any(|(from, t)| *from == krate.name && matches(t, &pattern)));
                if !triggered {
                    let node = r.when.as_ref().map_or(r.node, |(_, node)| *node);
                    let d = Diagnostic::new(
                        Code::Untriggerable,
                        node.span(),
                        format!("nothing in the tree notifies `{}/{name}`", krate.name),
                    )
                    .about(&*name);
                    self.report(
                        d.help(format!("write `notify: [{name}]` in what it reacts to, or `subscribes:` here")),
                    );
                }
            }
        }
    }
}

/// Returns whether the resource says `changed`.
fn is_handler(r: &Resource<'_>) -> bool {
    r.when.as_ref().is_some_and(|(expr, _)| when::split_changed(expr).0)
}

/// Returns the resource under each arm of its `case`, and as written where no arm may be true.
fn variants<'a>(krate: &Configcrate<'a>, r: &Resource<'a>, decl: Option<&'static TypeDecl>) -> Vec<Variant<'a>> {
    let arms: Vec<(Node<'a>, bool, &[crate::source::Entry<'a>])> = match &r.case {
        None => Vec::new(),
        Some(Case::Arms(arms)) => arms.iter().map(|a| (a.node, a.when.is_none(), &*a.set)).collect(),
        Some(Case::Match(_, arms)) => arms.iter().map(|a| (a.node, a.word.is_none(), &*a.set)).collect(),
    };
    let mut all = Vec::with_capacity(arms.len() + 1);
    if !arms.iter().any(|(_, is_default, _)| *is_default) {
        all.push(Variant { attributes: Attributes::of(krate, r, decl).settled(decl), arm: None });
    }
    for (node, _, set) in arms {
        let mut attributes = Attributes::of(krate, r, decl);
        attributes.lay(decl, set);
        all.push(Variant { attributes: attributes.settled(decl), arm: Some(node) });
    }
    all
}

/// Makes fields of attributes; the places in them are indices into the spans that come with them, the last of which is
/// that of the whole resource.
pub(super) fn fields<'a>(
    krate: &Configcrate<'_>,
    r: &Resource<'_>,
    decl: &'static TypeDecl,
    attributes: &Attributes<'a>,
    handler: bool,
    whole: Span,
    mut value: impl FnMut(Node<'a>) -> FieldValue,
) -> (Fields, Vec<Span>) {
    let name: Arc<str> = attributes::static_name(r).into();
    let mut spans = Vec::with_capacity(attributes.entries.len() + 1);
    let place = |i: usize| Place { file: 0, line: i as u32, column: 0 };
    let items = attributes.entries.iter().enumerate().map(|(i, (name, e))| {
        let attr = decl.attribute(name);
        // What is wrong with a key is shown at the key.
        spans.push(if attr.is_some() || *name == "state" { e.value.span() } else { e.key.span() });
        Field { name: (*name).into(), value: value(e.value), place: place(i) }
    });
    let items: Vec<Field> = items.collect();
    spans.push(whole);
    let fields = Fields {
        decl,
        id: format!("{}/{name}", krate.name).into(),
        name,
        place: place(spans.len() - 1),
        handler,
        items,
    };
    (fields, spans)
}

/// Returns a literal value; what is rendered, or filled in, is pending.
fn literal(node: Node<'_>) -> FieldValue {
    if has_template(node) || first_secret(node).is_some() {
        return FieldValue::Pending;
    }
    FieldValue::Known(attributes::datum(node))
}

pub(super) fn has_template(node: Node<'_>) -> bool {
    any_text(node, &|_, text| text.contains("{{").then(|| node.span())).is_some()
}

/// Returns where the first reference to a secret stands.
pub(super) fn first_secret(node: Node<'_>) -> Option<Span> {
    any_text(node, &|n, text| secret::find(text).first().map(|r| n.part(r.start, r.end - r.start)))
}

fn any_text(node: Node<'_>, found: &dyn Fn(Node<'_>, &str) -> Option<Span>) -> Option<Span> {
    match node.kind() {
        NodeKind::Scalar(text, _) => found(node, text),
        NodeKind::List => node.list().into_iter().flatten().find_map(|item| any_text(item, found)),
        NodeKind::Map(map) => map.iter().find_map(|e| any_text(e.value, found)),
    }
}

/// Returns whether a `templates/…` source of the resource is rendered.
pub(super) fn is_rendered(attributes: &Attributes<'_>, decl: &TypeDecl) -> bool {
    let off = attributes.get("render").and_then(Node::text).is_some_and(|t| t.eq_ignore_ascii_case("false"));
    matches!(decl.name, "file" | "directory") && !off
}

/// Returns the text of an attribute as the template engine gets it: in commands `{{secret_file}}` is no template.
pub(super) fn template_text<'t>(text: &'t str, decl: Option<&'static TypeDecl>) -> Cow<'t, str> {
    if decl.is_some_and(|d| takes_secret_file(d.name)) && text.contains(SECRET_FILE) {
        let blank: String = core::iter::repeat_n(' ', SECRET_FILE.len()).collect();
        return Cow::Owned(text.replace(SECRET_FILE, &blank));
    }
    Cow::Borrowed(text)
}

/// Returns the diagnostic of a problem whose place is an index into `spans`.
pub(super) fn diagnostic(problem: Problem, spans: &[Span]) -> Diagnostic {
    let span = problem.place.and_then(|p| spans.get(p.line as usize)).or(spans.last()).copied().unwrap_or(Span::NONE);
    let code = match problem.kind {
        ProblemKind::MissingAttribute => Code::MissingAttribute,
        ProblemKind::UnknownAttribute => Code::UnknownAttribute,
        ProblemKind::ConflictingAttributes => Code::ConflictingAttributes,
        ProblemKind::NotIdempotent => Code::NotIdempotent,
        ProblemKind::Guarded => Code::Guarded,
        _ => Code::BadValue,
    };
    let message = match &problem.attribute {
        Some(attribute) => format!("`{attribute}`: {}", problem.message),
        None => problem.message,
    };
    let d = Diagnostic::new(code, span, secret::shown(&message));
    match problem.help {
        Some(help) => d.help(help),
        None if code == Code::ConflictingAttributes && message.contains(": excludes ") => d.help("keep one of the two"),
        None if code == Code::ConflictingAttributes => d.help("take it out, or write what it needs"),
        None => d,
    }
}
