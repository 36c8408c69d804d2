//! Reading typed things from nodes, and saying what stands there instead.

use super::keys::Place;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::limits::SUGGESTIONS_MAX;
use crate::secret;
use crate::source::{Entry, Map, Node, NodeKind, ScalarStyle};
use crate::time::Duration;
use crate::when::{Context, Expr, WhenError, WhenErrorKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashSet;

/// Keys of earlier trees and of other tools, with ours.
const OLD_WORDS: &[(&str, &str)] = &[
    ("modules", "configcrates"),
    ("include_modules", "configcrates"),
    ("nodes", "envoys"),
    ("hosts", "envoys"),
    ("exclude_modules", "exclude_configcrates"),
    ("usermodules", "usercrates"),
    ("environments", "env"),
    ("variables", "vars"),
    ("vars_files", "vars_from"),
    ("require", "depends_on"),
    ("requires", "depends_on"),
    ("after", "depends_on"),
    ("subscribe", "subscribes"),
    ("with_items", "foreach"),
    ("loop", "foreach"),
    ("onlyif", "when"),
    ("ensure", "state"),
    ("tasks", "resources"),
    ("noop", "observe_only"),
    ("module", "configcrate"),
];

/// Collects what is wrong while nodes become typed things.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub diagnostics: Vec<Diagnostic>,
    /// Words of what could not be read: a name among them may be defined there.
    pub lost: HashSet<String>,
}

impl Reader {
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Notes that `text` is not read, so that nobody is told that a name in it does not exist.
    pub fn lose(&mut self, text: &str) {
        let new: Vec<String> = words(text).filter(|word| !self.lost.contains(*word)).map(String::from).collect();
        self.lost.extend(new);
    }

    /// The same, of a node.
    pub fn lose_node(&mut self, node: Node<'_>) {
        let span = node.span();
        let text = node.file().text().get(span.start as usize..span.end as usize);
        self.lose(text.unwrap_or_default());
    }

    /// Names the one of `known` that may have been meant, while there are few mistakes.
    pub fn near<'a>(&self, d: Diagnostic, word: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        if self.diagnostics.len() < SUGGESTIONS_MAX { d.did_you_mean(word, known) } else { d }
    }

    /// Reports that `what` (a key, or words with blanks) wants another shape than `node` has.
    pub fn shape(&mut self, node: Node<'_>, what: &str, expected: &str) {
        self.lose_node(node);
        if node.is_trap() {
            return;
        }
        let shown = if what.contains(' ') { String::from(what) } else { format!("`{what}`") };
        let message = format!("{shown} takes {expected}, found {}", node.kind_name());
        let d = Diagnostic::new(Code::Shape, node.span(), message);
        self.report(match node.kind() {
            NodeKind::Map(_) | NodeKind::Scalar(..) if expected == "a list" => d.help("begin each item with `- `"),
            NodeKind::List if expected == "a map" => d.help("write `key: value` lines, without `- `"),
            NodeKind::Scalar(..) if expected == "a map" => d.help("write `key: value` lines"),
            NodeKind::Map(_) if expected == "text or a list of texts" => d.help("write the names alone, as `[a, b]`"),
            _ if what == "when" => d.help("write one expression, as `when: \"is_container && is_virtual\"`"),
            _ => d.help("write one word or text"),
        });
    }

    /// Returns the map at `node`; nothing at all is an empty one.
    pub fn map<'a>(&mut self, node: Node<'a>, what: &str) -> Option<Map<'a>> {
        let map = node.map();
        if map.is_none() && !node.is_null() {
            self.shape(node, what, "a map");
        }
        map
    }

    /// Returns the items of the list at `node`; nothing at all is an empty one.
    pub fn list<'a>(&mut self, node: Node<'a>, what: &str) -> Vec<Node<'a>> {
        match node.list() {
            Some(items) => items.collect(),
            None => {
                if !node.is_null() {
                    self.shape(node, what, "a list");
                }
                Vec::new()
            }
        }
    }

    /// Returns the text at `node`, which must be written and not empty.
    pub fn text<'a>(&mut self, node: Node<'a>, what: &str) -> Option<&'a str> {
        match node.text() {
            Some(text) if !node.is_null() && !text.is_empty() => Some(text),
            Some(text) if text.is_empty() || node.is_null() => {
                let d = Diagnostic::new(Code::Empty, node.span(), format!("`{what}` is empty"));
                self.report(d.help("write a value, or leave the key out"));
                None
            }
            _ => {
                self.shape(node, what, "text");
                None
            }
        }
    }

    /// Returns the node that names the variable of a `foreach`. A list or map written there is told of, and stays: there
    /// is a loop, whatever it is over.
    pub fn variable<'a>(&mut self, node: Node<'a>, what: &str) -> Option<Node<'a>> {
        if matches!(node.kind(), NodeKind::Scalar(..)) {
            return self.text(node, what).map(|_| node);
        }
        let message = format!("`{what}` takes the name of a variable, found {}", node.kind_name());
        self.report(
            Diagnostic::new(Code::Shape, node.span(), message)
                .help("give it a name under `vars` of the crate, and write that name here"),
        );
        Some(node)
    }

    /// Returns the texts of a list, or the one text, at `node`; nothing at all is an empty list.
    pub fn texts<'a>(&mut self, node: Node<'a>, what: &str) -> Vec<Node<'a>> {
        match node.list() {
            Some(items) => items.filter(|&item| self.text(item, what).is_some()).collect(),
            None if node.is_null() => Vec::new(),
            None => match node.map() {
                Some(_) => {
                    self.shape(node, what, "text or a list of texts");
                    Vec::new()
                }
                None => self.text(node, what).map(|_| node).into_iter().collect(),
            },
        }
    }

    /// Returns the boolean at `node`.
    pub fn bool(&mut self, node: Node<'_>, what: &str) -> Option<bool> {
        let text = self.text(node, what)?;
        if text.eq_ignore_ascii_case("true") {
            return Some(true);
        }
        if text.eq_ignore_ascii_case("false") {
            return Some(false);
        }
        let message = format!("`{what}` takes `true` or `false`, found `{text}`");
        let mut d = Diagnostic::new(Code::BadValue, node.span(), message);
        match &*text.to_ascii_lowercase() {
            "yes" | "on" | "1" => d = d.help("write `true`"),
            "no" | "off" | "0" => d = d.help("write `false`"),
            _ => d = d.help("write `true` or `false`, or leave it out"),
        }
        self.report(d);
        None
    }

    /// Reports a key that does not exist, naming ours or the nearest.
    pub fn unknown_key(&mut self, entry: Entry<'_>, place: &Place) {
        let message = format!("unknown key `{}` in {}", entry.name, place.name);
        let d = Diagnostic::new(Code::UnknownKey, entry.key.span(), message);
        self.lose_node(entry.value);
        if let Some(ours) = our_word(entry.name).filter(|ours| place.key(ours).is_some()) {
            return self.old_word(entry, ours);
        }
        self.report(match nearest(entry.name, place.names()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => {
                let known: Vec<String> = place.names().map(|k| format!("`{k}`")).collect();
                d.help(format!("the keys there are {}", known.join(", ")))
            }
        });
    }

    /// Reports a key of another tool.
    pub fn old_word(&mut self, entry: Entry<'_>, ours: &str) {
        let message = format!("`{}` is called `{ours}` here", entry.name);
        self.report(Diagnostic::new(Code::OldWord, entry.key.span(), message).help(format!("write `{ours}`")));
    }

    /// Returns the key that was written where `key` was meant.
    pub fn misspelt<'a>(
        map: Map<'a>,
        key: &str,
        known: impl Iterator<Item = &'static str> + Clone,
    ) -> Option<Entry<'a>> {
        let is_known = |name: &str| known.clone().any(|k| k == name);
        map.iter().find(|e| !is_known(e.name) && nearest(e.name, known.clone()) == Some(key))
    }

    /// Returns the duration at `node`: `45`, `30s`, `5m`, `4h`, `1d`.
    pub fn duration(&mut self, node: Node<'_>, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        let parsed = duration(text);
        if parsed.is_none() {
            let message = format!("`{what}` takes a duration such as `45`, `30s`, `5m`, `4h` or `1d`, found `{text}`");
            self.report(Diagnostic::new(Code::BadValue, node.span(), message));
        }
        parsed
    }

    /// Returns the whole number at `node`, at most `max`.
    pub fn count(&mut self, node: Node<'_>, what: &str, max: u32) -> Option<u32> {
        let text = self.text(node, what)?;
        let parsed = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        if let Some(n) = parsed.filter(|&n| n <= max) {
            return Some(n);
        }
        let message = format!("`{what}` takes a whole number from 0 to {max}, found `{text}`");
        self.report(Diagnostic::new(Code::BadValue, node.span(), message));
        None
    }

    /// Returns the expression at `node`, which may have templates in it.
    pub fn when(&mut self, node: Node<'_>, context: Context) -> Option<Expr> {
        let text = self.text(node, "when")?;
        if let Some(found) = secret::find(text).first() {
            let span = node.part(found.start, found.end - found.start);
            let d = Diagnostic::new(Code::SecretMisplaced, span, "a secret cannot stand in `when:`");
            self.report(d.help("decide by a variable or a trait"));
            return None;
        }
        match Expr::parse(text, context) {
            Ok(expr) => Some(expr),
            Err(errors) => {
                for e in errors {
                    self.report(when_error(node, e));
                }
                None
            }
        }
    }

    /// Checks the name of a crate, role, environment or usercrate: `[a-z0-9][a-z0-9_-]{0,63}`.
    pub fn name<'a>(&mut self, node: Node<'a>, what: &str) -> Option<&'a str> {
        let text = self.text(node, what)?;
        if is_name(text) {
            return Some(text);
        }
        let shown = crate::secret::mark(text).map_or_else(|| text.into(), |m| crate::secret::shown(&m));
        let message = format!("`{}` is no name for {what}", shown.escape_debug());
        self.report(Diagnostic::new(Code::InvalidName, node.span(), message).help(match fixed_name(text) {
            Some(fixed) => format!("write `{fixed}`: names are made of a-z, 0-9, `_` and `-`"),
            None => "use a-z, 0-9, `_` and `-`, at most 64 of them, the first a letter or digit".into(),
        }));
        self.lose(text);
        None
    }
}

/// Returns our word for a key of an older tree or of another tool.
pub(super) fn our_word(word: &str) -> Option<&'static str> {
    OLD_WORDS.iter().find(|(old, _)| *old == word).map(|(_, ours)| *ours)
}

/// Returns the diagnostic of a mistake in the expression at `node`.
pub(crate) fn when_error(node: Node<'_>, e: WhenError) -> Diagnostic {
    let code = match e.kind {
        WhenErrorKind::Syntax => Code::When,
        WhenErrorKind::Name => Code::UnknownCondition,
        WhenErrorKind::Argument => Code::ConditionArgument,
        WhenErrorKind::Place => Code::ConditionPlace,
    };
    let d = Diagnostic::new(code, node.part(e.at, e.len), e.message);
    match e.help {
        Some(help) => d.help(help),
        None => d,
    }
}

/// Returns the name that was meant, where that is plain.
fn fixed_name(text: &str) -> Option<String> {
    let fixed = text.trim().to_ascii_lowercase().replace([' ', '.'], "-");
    (secret::mark(text).is_none() && is_name(&fixed)).then_some(fixed)
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.as_bytes().last()? {
        b's' => (text.get(..text.len() - 1)?, 1),
        b'm' => (text.get(..text.len() - 1)?, 60),
        b'h' => (text.get(..text.len() - 1)?, 3600),
        b'd' => (text.get(..text.len() - 1)?, 86_400),
        _ => (text, 1),
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u32>().ok().map(|n| Duration::from_secs(u64::from(n) * unit))
}

/// Returns whether `text` is `[a-z0-9][a-z0-9_-]{0,63}`.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
}

/// Returns the words of a text that may be names.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).filter(|word| !word.is_empty())
}

/// Returns whether a top-level key is a home for anchors.
pub(crate) fn is_extension(name: &str) -> bool {
    name.starts_with("x-")
}

/// Returns whether the scalar is a bare word.
pub(super) fn is_bare(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Plain)
}
