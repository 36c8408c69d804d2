//! Keeping secrets out of what is shown.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// The texts of a run that must not be shown, each with the path of its secret.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that a part never hides the whole.
    texts: BTreeMap<(core::cmp::Reverse<usize>, Arc<str>), Arc<str>>,
}

impl Mask {
    /// Adds a text made from the secret at `path`, and each of its lines, since diffs and outputs are cut into lines.
    pub fn add(&mut self, text: &str, path: &Arc<str>) {
        for part in core::iter::once(text).chain(text.lines()) {
            let part = part.trim();
            if !part.is_empty() {
                self.texts.insert((core::cmp::Reverse(part.len()), part.into()), path.clone());
            }
        }
    }

    /// Returns `text` with every secret replaced by `«secret path»`.
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for ((_, secret), path) in &self.texts {
            if shown.contains(&**secret) {
                shown = Cow::Owned(shown.replace(&**secret, &alloc::format!("«secret {path}»")));
            }
        }
        shown
    }

    /// Returns whether something in `text` is not to be shown.
    pub fn hides(&self, text: &str) -> bool {
        self.texts.keys().any(|(_, secret)| text.contains(&**secret))
    }

    /// Masks in place.
    pub fn string(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.apply(text) {
            *text = masked;
        }
    }

    /// Returns whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} texts", self.texts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn the_longest_text_is_hidden_first_and_lines_one_by_one() {
        let mut mask = Mask::default();
        mask.add("hunter2", &"db/pw".into());
        mask.add("user:hunter2\nline-two\n", &"db/dsn".into());
        assert_eq!(mask.apply("x user:hunter2 y"), "x «secret db/dsn» y");
        assert_eq!(mask.apply("+line-two"), "+«secret db/dsn»");
        assert_eq!(mask.apply("pw=hunter2"), "pw=«secret db/pw»");
        assert!(!format!("{mask:?}").contains("hunter2"));
    }
}
