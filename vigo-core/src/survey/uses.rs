//! The variables that a text uses.

use crate::template::{Names, Template, Unknown, has_template};
use alloc::collections::BTreeSet;
use alloc::string::String;
use core::cell::RefCell;

/// Returns the names of the variables that the templates in `text` use; none where it does not parse.
pub(super) fn variables(text: &str) -> BTreeSet<String> {
    if !has_template(text) {
        return BTreeSet::new();
    }
    let seen = Seen::default();
    if let Ok(template) = Template::parse(text) {
        template.check(&seen);
    }
    seen.0.into_inner()
}

/// Returns on which line of `text`, from 0, the variable is first used.
pub(super) fn line_of(text: &str, variable: &str) -> u32 {
    let at = text.find(&alloc::format!(".Vars.{variable}")).unwrap_or(0);
    text.get(..at).unwrap_or_default().bytes().filter(|&b| b == b'\n').count() as u32
}

#[derive(Default)]
struct Seen(RefCell<BTreeSet<String>>);

impl Names for Seen {
    fn look(&self, path: &[&str], _: bool) -> Result<(), Unknown> {
        if let ["Vars", name, ..] = path {
            self.0.borrow_mut().insert(String::from(*name));
        }
        Ok(())
    }
}
