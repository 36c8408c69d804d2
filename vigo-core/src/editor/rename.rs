//! A new name, everywhere.

use super::find::{Found, Location};
use super::index::{Name, Sort};
use super::names::{Names, Symbol};
use super::workspace::Workspace;
use crate::config::{is_name, is_var_name};
use crate::resolve::wildcard;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// A stretch of a file's text that becomes another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What is replaced.
    pub location: Location,
    /// What stands there then.
    pub text: String,
}

/// Why something does not get another name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}; {help}")]
pub struct Refusal {
    /// Why not: a lowercase fragment.
    pub why: String,
    /// What to do, in the imperative.
    pub help: String,
    /// The place in the way.
    pub at: Option<Location>,
}

fn refuse(why: impl Into<String>, help: impl Into<String>, at: Option<Location>) -> Refusal {
    Refusal { why: why.into(), help: help.into(), at }
}

impl Workspace {
    /// Returns what a rename at a byte of a file would rename: where its name stands there, and the name.
    ///
    /// # Errors
    /// [`Refusal`], where nothing has a name that could be changed.
    pub fn renamed_at(&self, path: &str, at: usize) -> Result<(Range<usize>, String), Refusal> {
        let (symbol, at) = self.one_at(path, at)?;
        Ok((at, symbol.name().into()))
    }

    fn one_at(&self, path: &str, at: usize) -> Result<(Symbol, Range<usize>), Refusal> {
        let mut found = self.named_at(path, at).into_iter();
        let none = || {
            let help = "go to the name of a crate, role, environment, variable or resource";
            refuse("nothing here has a name that this tree defines", help, None)
        };
        let (symbol, range) = found.next().ok_or_else(none)?;
        if found.next().is_some() {
            return Err(refuse("this pattern stands for several names", "go to one of them, and rename that", None));
        }
        if let Symbol::File(_) = symbol {
            return Err(refuse(
                "this is the path of a file",
                "move the file, and change its path where it is named",
                None,
            ));
        }
        Ok((symbol, range))
    }

    /// Returns what changes when what is named at a byte of a file is called `new`, by file and place.
    ///
    /// # Errors
    /// [`Refusal`], where `new` is no name for it or is taken, where a place cannot be changed by itself, or where a file
    /// cannot be read, so that nobody knows what it names.
    pub fn rename(&self, path: &str, at: usize, new: &str) -> Result<Vec<Edit>, Refusal> {
        let (symbol, _) = self.one_at(path, at)?;
        if new == symbol.name() {
            return Ok(Vec::new());
        }
        check_name(&symbol, new)?;
        if let Some((path, _)) = self.indexed().find(|(_, file)| file.is_broken()) {
            let at = Location { path: path.clone(), at: 0..0 };
            let why = format!("`{path}` cannot be read, and so what it names is not known");
            return Err(refuse(why, "mend it first", Some(at)));
        }
        let found = self.named(&symbol);
        if !found.iter().any(Found::is_definition) {
            let why = format!("{} `{}` is defined nowhere in this tree", symbol.kind(), symbol.name());
            return Err(refuse(why, "change the name here, or define it", None));
        }
        self.check_free(&symbol, new)?;
        let mut edits = Vec::with_capacity(found.len());
        for place in &found {
            edits.extend(edit(&symbol, place, new)?);
        }
        edits.sort_by(|a, b| a.location.order().cmp(&b.location.order()));
        edits.dedup();
        Ok(edits)
    }

    /// Refuses a name that something else of the kind has.
    fn check_free(&self, symbol: &Symbol, new: &str) -> Result<(), Refusal> {
        let other = match symbol {
            Symbol::Crate(name) if name.starts_with("user:") => Symbol::Crate(format!("user:{new}").into()),
            Symbol::Crate(_) => Symbol::Crate(new.into()),
            Symbol::Role(_) => Symbol::Role(new.into()),
            Symbol::Environment(_) => Symbol::Environment(new.into()),
            Symbol::Variable(_, crates) => Symbol::Variable(new.into(), crates.clone()),
            Symbol::Resource(krate, _) => Symbol::Resource(krate.clone(), new.into()),
            Symbol::File(_) => return Ok(()),
        };
        let taken = match symbol {
            // A variable that hosts set is seen by every crate: a default of that name in any of them is in the way.
            Symbol::Variable(..) => self.variable_in_the_way(&other),
            _ => self.named(&other).iter().find(|f| f.is_definition()).map(Found::location),
        };
        match taken {
            None => Ok(()),
            Some(at) => {
                let why = format!("`{new}` is the name of another {}, in `{}`", symbol.kind(), at.path);
                Err(refuse(why, "choose another name", Some(at)))
            }
        }
    }

    /// Returns where a variable of that name is set or used which the renamed one would be mistaken for.
    fn variable_in_the_way(&self, other: &Symbol) -> Option<Location> {
        let Symbol::Variable(name, crates) = other else { return None };
        let names = Names::new(self);
        for (path, file) in self.indexed() {
            for mark in file.index().marks.iter().filter(|m| matches!(&m.name, Name::Variable(n) if n == name)) {
                let of_crates = match names.meanings(path, file.index(), mark).pop().map(|m| m.symbol) {
                    Some(Symbol::Variable(_, of_crates)) => of_crates,
                    _ => continue,
                };
                let meets = match (crates, &of_crates) {
                    (Some(a), Some(b)) => !a.is_disjoint(b),
                    _ => true,
                };
                if meets {
                    return Some(Location { path: path.clone(), at: file.now(&mark.at) });
                }
            }
        }
        None
    }
}

fn check_name(symbol: &Symbol, new: &str) -> Result<(), Refusal> {
    let shown = new.escape_debug();
    match symbol {
        Symbol::Variable(..) if !is_var_name(new) => Err(refuse(
            format!("`{shown}` is no name for a variable"),
            "use letters, digits and `_`, the first no digit",
            None,
        )),
        Symbol::Crate(_) | Symbol::Role(_) | Symbol::Environment(_) if !is_name(new) => Err(refuse(
            format!("`{shown}` is no name for a {}", symbol.kind()),
            "use a-z, 0-9, `_` and `-`, at most 64 of them, the first a letter or digit",
            None,
        )),
        Symbol::Resource(_, old) if old.contains("{{") => {
            Err(refuse("the name of this resource is a template", "change it where it is written", None))
        }
        Symbol::Resource(..) if !is_plain(new) => Err(refuse(
            format!("`{shown}` cannot be written as the name of a resource"),
            "use letters, digits, `_`, `-`, `.`, `/` and `@`, the first a letter",
            None,
        )),
        _ => Ok(()),
    }
}

/// Returns whether a text is a name that needs no quotes wherever it may stand.
fn is_plain(text: &str) -> bool {
    let word = matches!(&*text.to_ascii_lowercase(), "true" | "false" | "null");
    let first = text.chars().next().is_some_and(char::is_alphabetic);
    first && !word && text.len() <= 256 && text.chars().all(|c| c.is_alphanumeric() || "_-./@".contains(c))
}

/// Returns the edit of one place.
fn edit(symbol: &Symbol, place: &Found<'_>, new: &str) -> Result<Option<Edit>, Refusal> {
    let location = place.location();
    if place.by_pattern {
        // A pattern that goes on to match stays as it is.
        let pattern = match &place.mark.name {
            Name::Reference(text) | Name::CrateReference(text) => text,
            _ => return Ok(None),
        };
        let name = match symbol {
            Symbol::Resource(..) => pattern.split_once('/').map_or(&**pattern, |(_, name)| name),
            _ => pattern.split_once('/').map_or(&**pattern, |(krate, _)| krate),
        };
        if wildcard(name, new) || wildcard(pattern, new) {
            return Ok(None);
        }
        let why = format!("the pattern `{pattern}` in `{}` would not stand for `{new}` any more", location.path);
        return Err(refuse(why, "change the pattern first", Some(location)));
    }
    if place.mark.exact {
        return Ok(Some(Edit { location, text: new.into() }));
    }
    if place.mark.sort == Sort::Definition && place.at.is_empty() {
        return implied(symbol, place, location, new).map(Some);
    }
    let why = format!("in `{}` the name is written with quotes or escapes that only you can change", location.path);
    Err(refuse(why, "write the name there plainly first", Some(location)))
}

/// Writes a name where there was none: that of the file, or of what the resource is about.
fn implied(symbol: &Symbol, place: &Found<'_>, location: Location, new: &str) -> Result<Edit, Refusal> {
    let text = place.file.text();
    let here = text.get(location.at.start..).unwrap_or_default();
    let line = text.get(..location.at.start).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    let before = text.get(line..location.at.start).unwrap_or_default();
    let indent: String = before.chars().map(|c| if c == '-' { ' ' } else { c }).collect();
    let is_block = before.chars().all(|c| matches!(c, ' ' | '-')) && !here.starts_with(['{', '[', '&', '"', '\'']);
    match symbol {
        Symbol::Crate(_) if is_block => Ok(Edit { location, text: format!("name: {new}\n{indent}") }),
        Symbol::Resource(..) => {
            // The mark stands at the value of `type`: the name goes before that key.
            let key = before.rfind("type").map(|at| line + at);
            let lead = before.get(..key.map_or(0, |k| k - line)).unwrap_or_default();
            let in_block = lead.chars().all(|c| matches!(c, ' ' | '-'));
            let Some(key) = key else {
                let why = format!("in `{}` the resource has no name of its own", location.path);
                return Err(refuse(why, "write its `name:` first", Some(location)));
            };
            let indent: String = lead.chars().map(|c| if c == '-' { ' ' } else { c }).collect();
            let text = if in_block { format!("name: {new}\n{indent}") } else { format!("name: {new}, ") };
            Ok(Edit { location: Location { at: key..key, ..location }, text })
        }
        _ => {
            let why = format!("in `{}` the name is that of the file", location.path);
            Err(refuse(why, "write its `name:` first", Some(location)))
        }
    }
}
