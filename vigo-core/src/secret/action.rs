//! `{{ secret "path" }}` in templates.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;

/// Adds the paths of the secrets that the actions of `text` name.
pub(crate) fn in_template(text: &str, into: &mut BTreeSet<Arc<str>>) {
    let mut rest = text;
    while let Some((_, inside)) = rest.split_once("{{") {
        let (action, behind) = inside.split_once("}}").unwrap_or((inside, ""));
        in_action(action, into);
        rest = behind;
    }
}

fn in_action(action: &str, into: &mut BTreeSet<Arc<str>>) {
    let mut rest = action;
    while let Some(at) = rest.find("secret") {
        let word_before = rest
            .get(..at)
            .and_then(|s| s.chars().next_back())
            .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        rest = rest.get(at + "secret".len()..).unwrap_or_default();
        let argument = rest.trim_start();
        if word_before || argument.len() == rest.len() {
            continue;
        }
        let Some(quote) = argument.chars().next().filter(|c| matches!(c, '"' | '`')) else { continue };
        if let Some((path, _)) = argument.get(1..).and_then(|s| s.split_once(quote)) {
            into.insert(path.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn actions_name_secrets() {
        let mut found = BTreeSet::new();
        in_template("a {{ secret \"db/pw\" | b64enc }} secret \"no\" {{ .secret \"no\" }}{{secret `x`}}", &mut found);
        assert_eq!(found.iter().map(|s| &**s).collect::<Vec<_>>(), ["db/pw", "x"]);
    }
}
