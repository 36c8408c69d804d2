//! What `brew info --json=v2 --installed` says.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::Ran;
use vigo_core::resource::json_file::Json;

/// Which of Homebrew's two kinds of package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A formula.
    Formula,
    /// A cask.
    Cask,
}

/// An installed package.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Keg {
    /// All names that it goes by.
    pub(super) names: Vec<String>,
    /// The version that is in use.
    pub(super) version: String,
    /// The version on offer, where another one is.
    pub(super) newer: Option<String>,
    /// Whether it is pinned.
    pub(super) pinned: bool,
}

/// Reads the packages of one kind.
///
/// # Errors
/// A fragment, when the text is not what is expected of Homebrew.
pub(super) fn kegs(ran: &Ran, kind: Kind) -> Result<Vec<Keg>, String> {
    if !ran.success() {
        return Err(format!("`brew info` ended with {}: {}", ran.exit, ran.err().trim()));
    }
    let out = ran.out();
    // Warnings may stand before it.
    let text = out.find('{').map_or("", |at| &out[at..]);
    let all = Json::parse(text).map_err(|e| format!("the answer of `brew info` is no JSON: {}", e.message))?;
    let key = match kind {
        Kind::Formula => "formulae",
        Kind::Cask => "casks",
    };
    let Some(Json::List(list)) = all.get(key) else {
        return Err(format!("expected the list `{key}` of `brew info`, found none"));
    };
    let keg = |one: &Json| match kind {
        Kind::Formula => formula(one),
        Kind::Cask => cask(one),
    };
    list.iter().map(|one| keg(one).ok_or_else(|| format!("an entry of `{key}` has no name or version"))).collect()
}

fn text(value: Option<&Json>) -> Option<String> {
    value?.as_text().map(|t| t.into_owned())
}

fn is_true(value: Option<&Json>) -> bool {
    matches!(value, Some(Json::Word(word)) if **word == *"true")
}

fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::List(list)) => list.iter().filter_map(|t| text(Some(t))).collect(),
        _ => Vec::new(),
    }
}

fn formula(one: &Json) -> Option<Keg> {
    let mut names = alloc::vec![text(one.get("name"))?];
    names.extend(text(one.get("full_name")));
    ["aliases", "oldnames"].iter().for_each(|key| names.extend(texts(one.get(key))));
    let Some(Json::List(installed)) = one.get("installed") else { return None };
    let linked = text(one.get("linked_keg"));
    let last = || text(installed.last()?.get("version"));
    let version = linked.or_else(last)?;
    let stable = one.get("versions").and_then(|v| text(v.get("stable")));
    let revision = match one.get("revision") {
        Some(Json::Word(word)) if **word != *"0" => format!("_{word}"),
        _ => String::new(),
    };
    let newer = is_true(one.get("outdated")).then(|| stable.map_or_else(|| "newer".into(), |v| v + &revision));
    Some(Keg { names, version, newer, pinned: is_true(one.get("pinned")) })
}

fn cask(one: &Json) -> Option<Keg> {
    let mut names = alloc::vec![text(one.get("token"))?];
    names.extend(text(one.get("full_token")));
    names.extend(texts(one.get("old_tokens")));
    let version = text(one.get("installed"))?;
    let newer = is_true(one.get("outdated")).then(|| text(one.get("version")).unwrap_or_else(|| "newer".to_string()));
    Some(Keg { names, version, newer, pinned: false })
}
