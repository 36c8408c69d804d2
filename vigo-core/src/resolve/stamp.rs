//! `foreach`: the items of a variable, each with its label.

use super::render::where_defined;
use crate::config::is_var_name;
use crate::diagnostic::{Code, Diagnostic};
use crate::secret;
use crate::source::Node;
use crate::value::Value;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One item of a `foreach`.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What stands in `name[label]`.
    pub label: Arc<str>,
    /// `.Item`; of a map `{key, value}`.
    pub value: Value,
    /// `.Index`.
    pub index: i64,
}

/// Returns the items of the list or map that `node` names; `outer` is the item of the crate's own `foreach`.
pub(super) fn items(node: Node<'_>, vars: &Value, outer: Option<&Value>) -> Result<Vec<Item>, Diagnostic> {
    // What is no text has been told of.
    let Some(path) = node.text() else { return Ok(Vec::new()) };
    if let Some(found) = secret::find(path).first() {
        let span = node.part(found.start, found.end - found.start);
        let d = Diagnostic::new(Code::SecretMisplaced, span, "a secret cannot stand in `foreach`");
        return Err(d.help("write the name of a variable; its items may hold secrets"));
    }
    let root = path.split('.').next().unwrap_or_default();
    if !path.split('.').all(|part| is_var_name(part) || part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty()) {
        let d = Diagnostic::new(Code::Foreach, node.span(), format!("`{path}` is no path of a variable"));
        return Err(d.help("write the bare name: `foreach: sites` or `foreach: nginx.sites`"));
    }
    let (start, rest) = match (root, outer) {
        ("Item", Some(item)) => (Some(item), path.strip_prefix("Item").unwrap_or_default().trim_start_matches('.')),
        _ => (
            vars.as_map().and_then(|m| m.get(root)),
            path.get(root.len()..).unwrap_or_default().trim_start_matches('.'),
        ),
    };
    let Some(start) = start else {
        let names = vars.as_map().into_iter().flat_map(|m| m.keys()).map(|k| &**k);
        let d = Diagnostic::new(Code::UndefinedVariable, node.span(), format!("variable `{root}` is not defined"));
        return Err(d.about(root).help(where_defined(root, names)));
    };
    let found = if rest.is_empty() { Some(start) } else { start.at(rest) };
    let items = match found {
        Some(Value::List(list)) => list.iter().enumerate().map(|(i, v)| from_list(i, v)).collect(),
        Some(Value::Map(map)) => map.iter().enumerate().map(|(i, (k, v))| from_map(i, k, v)).collect::<Vec<_>>(),
        other => {
            let kind = match other.map(Value::kind) {
                None => "not there".into(),
                Some(kind @ ("null" | "text")) => kind.into(),
                Some(kind @ "integer") => format!("an {kind}"),
                Some(kind) => format!("a {kind}"),
            };
            let d =
                Diagnostic::new(Code::Foreach, node.span(), format!("`{path}` is {kind}, expected a list or a map"));
            return Err(d.help(format!("write the items into it, as `{path}: [a, b]`")));
        }
    };
    check_labels(node, path, &items)?;
    Ok(items)
}

fn from_list(index: usize, value: &Value) -> Item {
    let label = scalar(value).or_else(|| scalar(value.as_map()?.get("name")?));
    Item { label: label.unwrap_or_else(|| index.to_string().into()), value: value.clone(), index: index as i64 }
}

fn from_map(index: usize, key: &Arc<str>, value: &Value) -> Item {
    let value = Value::map([("key", Value::text(key.clone())), ("value", value.clone())]);
    Item { label: key.clone(), value, index: index as i64 }
}

fn scalar(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Text(t) => Some(t.shared()),
        Value::Int(n) => Some(n.to_string().into()),
        Value::Float(x) => Some(x.to_string().into()),
        Value::Bool(b) => Some(b.to_string().into()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn check_labels(node: Node<'_>, path: &str, items: &[Item]) -> Result<(), Diagnostic> {
    let error = |code, message| {
        let help = "give each item a name of its own: the item itself, its `name`, or its key";
        Err(Diagnostic::new(code, node.span(), message).help(help))
    };
    let mut seen: hashbrown::HashSet<&str> = hashbrown::HashSet::with_capacity(items.len());
    for item in items {
        if secret::is_marked(&item.label) {
            return error(Code::SecretMisplaced, format!("an item of `{path}` is a secret, and would name a resource"));
        }
        if item.label.is_empty() || item.label.chars().any(|c| matches!(c, '*' | '[' | ']') || c.is_control()) {
            return error(
                Code::Foreach,
                format!("an item of `{path}` gives the label `{}`, which no name can hold", item.label.escape_debug()),
            );
        }
        if !seen.insert(&item.label) {
            return error(
                Code::Foreach,
                format!("two items of `{path}` have the label `{}`", item.label.escape_debug()),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_scalar_the_name_or_the_index() {
        let named = Value::map([("name", Value::text("a")), ("port", Value::Int(1))]);
        let cases = [
            ("text", from_list(3, &Value::text("x")), "x"),
            ("number", from_list(3, &Value::Int(80)), "80"),
            ("named map", from_list(3, &named), "a"),
            ("list", from_list(3, &Value::list([])), "3"),
            ("map entry", from_map(3, &"k".into(), &named), "k"),
        ];
        for (name, item, label) in cases {
            assert_eq!(&*item.label, label, "{name}");
        }
    }
}
