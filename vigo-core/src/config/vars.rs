//! `vars:`, `vars_from:`.

use super::reader::Reader;
use super::value;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Node, Sources};
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;

/// A variable where it is set.
#[derive(Clone, Debug)]
pub struct Var<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is set.
    pub key: Node<'a>,
    /// Its value, with secrets as markers.
    pub value: Value,
}

/// Reads the map of variables at `node`.
pub(super) fn vars<'a>(reader: &mut Reader, node: Node<'a>, what: &str) -> Vec<Var<'a>> {
    let Some(map) = reader.map(node, what) else { return Vec::new() };
    let mut vars = Vec::with_capacity(map.len());
    for e in map.iter() {
        if is_var_name(e.name) {
            vars.push(Var { name: e.name, key: e.key, value: value::value(reader, e.value) });
            continue;
        }
        let message = format!("`{}` is no name for a variable", e.name.escape_debug());
        let mut d = Diagnostic::new(Code::InvalidName, e.key.span(), message);
        let fixed = e.name.replace(['-', '.', ' '], "_");
        d = if is_var_name(&fixed) {
            d.help(format!("write `{fixed}`: `.Vars.{}` would not be read as one name", e.name))
        } else {
            d.help("use letters, digits and `_`, the first no digit")
        };
        reader.report(d);
        reader.lose(e.name);
        reader.lose(&fixed);
    }
    vars
}

/// Reads the data files that `node` names: `(file name, variables)`, in order; a later file wins.
pub(super) fn vars_from<'a>(reader: &mut Reader, sources: &'a Sources, node: Node<'a>) -> Vec<Var<'a>> {
    let mut all: Vec<Var<'a>> = Vec::new();
    for name in reader.texts(node, "vars_from") {
        let path = name.text().unwrap_or_default();
        let Some(file) = sources.data_file(path) else {
            let message = format!("file `{path}` of `vars_from` is not in the tree");
            let d = reader.near(Diagnostic::new(Code::UnknownName, name.span(), message), path, sources.others());
            reader.report(match d.help.is_empty() {
                true => d.help("name it relative to the root of the tree"),
                false => d,
            });
            continue;
        };
        let mut documents = file.documents();
        let root = documents.next();
        if let Some(more) = documents.next() {
            let message = format!("`{path}` holds several documents, a file of `vars_from` is one map");
            reader.report(Diagnostic::new(Code::Misplaced, more.span(), message).help("merge them into the first"));
        }
        if let Some(root) = root {
            all.extend(vars(reader, root, path));
        }
    }
    // Later files win: keep the last of each name, in the place of the first.
    let mut kept: Vec<Var<'a>> = Vec::with_capacity(all.len());
    let mut at: hashbrown::HashMap<&'a str, usize> = hashbrown::HashMap::with_capacity(all.len());
    for var in all {
        match at.get(var.name).and_then(|&i| kept.get_mut(i)) {
            Some(earlier) => *earlier = var,
            None => {
                at.insert(var.name, kept.len());
                kept.push(var);
            }
        }
    }
    kept
}

/// Returns whether `text` is `[A-Za-z_][A-Za-z0-9_]*`.
pub(crate) fn is_var_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
