//! Where a name is defined, and where it is used.

use super::index::{Mark, Name, Sort};
use super::names::{Meaning, Names, Symbol};
use super::workspace::{File, Workspace};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// A stretch of a file's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// The file.
    pub path: Arc<str>,
    /// The bytes.
    pub at: Range<usize>,
}

impl Location {
    /// Returns what places are sorted by.
    pub(super) fn order(&self) -> (&str, usize, usize) {
        (&self.path, self.at.start, self.at.end)
    }
}

/// A place at which a symbol is named.
pub(super) struct Found<'w> {
    pub path: &'w Arc<str>,
    pub file: &'w File,
    pub mark: &'w Mark,
    /// The bytes of the name alone, in the text that the names are of.
    pub at: Range<u32>,
    pub by_pattern: bool,
}

impl Found<'_> {
    pub fn location(&self) -> Location {
        Location { path: self.path.clone(), at: self.file.now(&self.at) }
    }

    pub fn is_definition(&self) -> bool {
        self.mark.sort == Sort::Definition
    }
}

/// Returns where a meaning's part of a mark stands.
fn part(mark: &Mark, meaning: &Meaning) -> Range<u32> {
    if !mark.exact {
        return mark.at.clone();
    }
    mark.at.start + meaning.part.start as u32..mark.at.start + meaning.part.end as u32
}

impl Workspace {
    /// Returns what is named at a byte of a file: a pattern names many things.
    pub fn symbols_at(&self, path: &str, at: usize) -> Vec<Symbol> {
        self.named_at(path, at).into_iter().map(|(symbol, _)| symbol).collect()
    }

    /// Returns what is named at a byte of a file, and where the name stands.
    pub(super) fn named_at(&self, path: &str, at: usize) -> Vec<(Symbol, Range<usize>)> {
        let Some(file) = self.file(path) else { return Vec::new() };
        let Some(earlier) = file.earlier(at) else { return Vec::new() };
        let names = Names::new(self);
        for mark in file.index().marks_at(earlier) {
            let meanings = names.meanings(path, file.index(), mark).into_iter();
            let here = meanings.map(|m| (part(mark, &m), m.symbol));
            let here: Vec<(Range<u32>, Symbol)> =
                here.filter(|(at, _)| at.start <= earlier && earlier <= at.end).collect();
            // Where two names meet, the one that begins there is meant.
            let start = here.iter().map(|(at, _)| at.start).max();
            let here = here.into_iter().filter(|(at, _)| Some(at.start) == start);
            let found: Vec<_> = here.map(|(at, symbol)| (symbol, file.now(&at))).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Returns every place at which a symbol is named, by file and place.
    pub(super) fn named(&self, symbol: &Symbol) -> Vec<Found<'_>> {
        let names = Names::new(self);
        let mut found = Vec::new();
        for (path, file) in self.indexed() {
            for mark in &file.index().marks {
                if !may_name(&mark.name, symbol) {
                    continue;
                }
                let meanings = names.meanings(path, file.index(), mark);
                if let Some(meaning) = meanings.iter().find(|m| m.symbol.is(symbol)) {
                    let at = part(mark, meaning);
                    found.push(Found { path, file, mark, at, by_pattern: meaning.by_pattern });
                }
            }
        }
        found
    }

    /// Returns where what is named at a byte of a file is defined: a variable wherever it is set.
    pub fn definitions(&self, path: &str, at: usize) -> Vec<Location> {
        let mut all = Vec::new();
        for symbol in self.symbols_at(path, at) {
            if let Symbol::File(name) = &symbol {
                let file = self.paths().find(|p| super::names::is_at_or_below(p, name));
                all.extend(file.map(|p| Location { path: p.clone(), at: 0..0 }));
                continue;
            }
            all.extend(self.named(&symbol).iter().filter(|f| f.is_definition()).map(Found::location));
        }
        tidy(all)
    }

    /// Returns where what is named at a byte of a file is named, its definitions only if asked for.
    pub fn references(&self, path: &str, at: usize, with_definitions: bool) -> Vec<Location> {
        let symbols = self.symbols_at(path, at);
        let found = symbols.iter().flat_map(|symbol| self.named(symbol));
        tidy(found.filter(|f| with_definitions || !f.is_definition()).map(|f| f.location()).collect())
    }

    /// Returns where the symbol at a byte of a file is named in that file.
    pub fn highlights(&self, path: &str, at: usize) -> Vec<Location> {
        self.references(path, at, true).into_iter().filter(|l| *l.path == *path).collect()
    }
}

/// Returns whether a name can mean a symbol, without looking anything up.
fn may_name(name: &Name, symbol: &Symbol) -> bool {
    match (name, symbol) {
        (Name::Crate(a), Symbol::Crate(b))
        | (Name::Role(a), Symbol::Role(b))
        | (Name::Environment(a), Symbol::Environment(b))
        | (Name::File(a), Symbol::File(b))
        | (Name::Resource(a), Symbol::Resource(_, b))
        | (Name::Variable(a), Symbol::Variable(b, _)) => a == b,
        (Name::Reference(_), Symbol::Crate(_) | Symbol::Resource(..)) | (Name::CrateReference(_), Symbol::Crate(_)) => {
            true
        }
        _ => false,
    }
}

fn tidy(mut all: Vec<Location>) -> Vec<Location> {
    all.sort_by(|a, b| a.order().cmp(&b.order()));
    all.dedup();
    all
}
