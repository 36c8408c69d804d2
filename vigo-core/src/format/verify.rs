//! Writing a file anew, and the proof that it says the same.

use super::{order, print, read};
use crate::resource;
use crate::source::{Node, NodeKind, ScalarStyle, Sources, Tree, YamlFile};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use granit_parser::{Event, Parser, options};

/// Why a file stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unformatted {
    /// A part of it is no YAML.
    #[error("it is no YAML")]
    Unread,
    /// It has a construct that is not written anew.
    #[error("{0} is not formatted")]
    Construct(&'static str),
    /// What was written would not say the same.
    #[error("it would not say the same")]
    Changed,
}

/// Returns how a file of a tree is to be written. The text means the same to everybody who reads it, and has the same
/// comments; formatting it again changes nothing.
///
/// # Errors
/// [`Unformatted`], where the file is to stay as it is.
pub fn format(file: &YamlFile) -> Result<String, Unformatted> {
    if file.lost().next().is_some() {
        return Err(Unformatted::Unread);
    }
    let text = plain(file.text());
    let mut tree = read::read(&text).map_err(|construct| Unformatted::Construct(construct.0))?;
    order::arrange(&mut tree, file.path());
    let written = print::print(&tree);
    if same(file, &written) { Ok(written) } else { Err(Unformatted::Changed) }
}

/// Returns a text without a byte order mark, its lines ended by `\n`.
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

/// Returns whether a text says what the file says.
fn same(file: &YamlFile, written: &str) -> bool {
    let tree = Tree::from_texts([(&**file.path(), written)]);
    let sources = Sources::read(&tree).with_tests(&tree);
    let Some(new) = sources.policy_files().chain(sources.test_files()).next() else { return false };
    if new.lost().next().is_some() || new.documents().count() != file.documents().count() {
        return false;
    }
    file.documents().zip(new.documents()).all(|(a, b)| same_node(a, b)) && comments(file.text()) == comments(written)
}

fn same_node(a: Node<'_>, b: Node<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (NodeKind::Scalar(x, style_x), NodeKind::Scalar(y, style_y)) => {
            (x == y && class(style_x) == class(style_y)) || is_plain_type(x, y)
        }
        (NodeKind::List, NodeKind::List) => {
            let items = |node: Node<'_>| node.list().map_or(0, |items| items.len());
            let (x, y) = (a.list().into_iter().flatten(), b.list().into_iter().flatten());
            items(a) == items(b) && x.zip(y).all(|(x, y)| same_node(x, y))
        }
        (NodeKind::Map(x), NodeKind::Map(y)) => {
            let new: BTreeMap<&str, Node<'_>> = y.iter().map(|e| (e.name, e.value)).collect();
            x.len() == y.len()
                && x.iter().all(|e| {
                    let found = new.get(e.name).or_else(|| plain_keys(e.name).find_map(|name| new.get(name)));
                    found.is_some_and(|value| same_node(e.value, *value))
                })
        }
        _ => false,
    }
}

/// Returns how a scalar may be taken: bare ones as numbers, others as texts.
fn class(style: ScalarStyle) -> ScalarStyle {
    match style {
        ScalarStyle::Single | ScalarStyle::Double => ScalarStyle::Double,
        other => other,
    }
}

/// Returns whether `new` is the plain name of the type `old`.
fn is_plain_type(old: &str, new: &str) -> bool {
    old != new && resource::find(old).is_some_and(|decl| decl.name == new && decl.aliases.contains(&old))
}

/// Returns the plain names of the key `old`.
fn plain_keys(old: &str) -> impl Iterator<Item = &'static str> {
    let attributes = resource::types().iter().flat_map(|decl| decl.attributes);
    let plain = attributes.filter(move |a| a.aliases.contains(&old)).map(|a| a.name);
    plain.chain((old == "configcrate").then_some("name"))
}

/// Returns the comments of a text, sorted.
fn comments(text: &str) -> Vec<String> {
    let parser = Parser::new_from_str_with_options(text, options! { emit_comments: true });
    let mut found: Vec<String> = parser
        .filter_map(|event| match event {
            Ok((Event::Comment(text, _), _)) => Some(text.trim_end().into()),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found
}
