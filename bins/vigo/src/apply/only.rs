//! `--only`.

use super::ApplyError;
use vigo_core::bundle::PolicyBundle;

/// Refuses an `--only` that names nothing, with the nearest name.
pub(super) fn check(only: &[String], bundle: &PolicyBundle) -> Result<(), ApplyError> {
    for word in only {
        if !bundle.resources.iter().any(|r| r.is_named(word)) {
            let ids = bundle.resources.iter().map(|r| &*r.id);
            let names = ids.chain(bundle.crates.iter().map(|c| &*c.name));
            let help = match vigo_core::diagnostic::nearest(word, names) {
                Some(name) if !word.is_empty() => format!("did you mean `{name}`?"),
                _ => format!("name a crate, or a resource as `crate/name`; {}", crates(bundle)),
            };
            return Err(ApplyError::UnknownOnly { word: word.clone(), help });
        }
    }
    Ok(())
}

/// Says which crates there are, as far as that can be read.
fn crates(bundle: &PolicyBundle) -> String {
    const SHOWN: usize = 10;
    let names: Vec<String> = bundle.crates.iter().take(SHOWN).map(|c| format!("`{}`", c.name)).collect();
    match bundle.crates.len() {
        0 => "this host has none".into(),
        n if n > SHOWN => format!("the crates begin with {}", names.join(", ")),
        _ => format!("the crates are {}", names.join(", ")),
    }
}
