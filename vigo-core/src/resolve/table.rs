//! From a name to its class, without asking ten thousand blocks one after another.

use crate::glob::{Glob, GlobError};
use crate::limits::{CLASS_TABLE_BYTES_MAX, CLASSES_MAX};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use thiserror::Error;

/// The globs of all match blocks, in the order in which they are asked. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ClassTable {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// By class.
    globs: Vec<Vec<Glob>>,
    /// The first class of each name that a glob without wildcards stands for.
    names: BTreeMap<Box<str>, u32>,
    /// Globs by the text that their names begin with, and by the one that they end with: each stands under the longer of
    /// the two, and so under `""` where it has neither.
    heads: Ends,
    tails: Ends,
}

/// A glob: its class, and its number in it.
type Place = (u32, u32);

/// Globs by a text at one end of their names, those of one text in order.
#[derive(Debug, Default)]
struct Ends {
    by_text: BTreeMap<Box<str>, Vec<Place>>,
    /// The lengths of the texts.
    lengths: Vec<usize>,
}

/// Why bytes are no table.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ClassTableError {
    /// They are of another version of the format, or something else altogether.
    #[error("expected a first line `{HEAD}`")]
    Format,
    /// There are more than any tree has.
    #[error("expected at most {CLASS_TABLE_BYTES_MAX} bytes and {CLASSES_MAX} classes")]
    TooLarge,
    /// The last line does not end.
    #[error("the table is cut off")]
    Cut,
    /// A line is none of globs.
    #[error("line {line}: {error}")]
    Glob {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        error: GlobError,
    },
}

/// The first line: what it is, and the version of the format.
const HEAD: &str = "vigo classes 1";

impl ClassTable {
    /// Returns a table of the globs of each class; the first class with one that matches wins.
    pub fn new(globs: Vec<Vec<Glob>>) -> Self {
        let (mut names, mut heads, mut tails) = (BTreeMap::new(), Ends::default(), Ends::default());
        for (class, own) in (0u32..).zip(&globs) {
            for (number, glob) in (0u32..).zip(own) {
                let (head, tail) = glob.ends();
                if let Some(name) = glob.literal() {
                    names.entry(name.into()).or_insert(class);
                } else if head.len() >= tail.len() {
                    heads.add(head, (class, number));
                } else {
                    tails.add(tail, (class, number));
                }
            }
        }
        heads.measure();
        tails.measure();
        Self { inner: Arc::new(Inner { globs, names, heads, tails }) }
    }

    /// Returns how many classes there are.
    pub fn len(&self) -> usize {
        self.inner.globs.len()
    }

    /// Returns whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.inner.globs.is_empty()
    }

    /// Returns the class of a name; `None` where no glob matches it.
    pub fn class_of(&self, hostname: &str) -> Option<usize> {
        let name = hostname.to_ascii_lowercase();
        let Inner { globs, names, heads, tails } = &*self.inner;
        let mut first = names.get(&*name).copied().unwrap_or(u32::MAX);
        let mut better = |places: &[Place]| {
            for &(class, number) in places.iter().take_while(|(class, _)| *class < first) {
                let glob = globs.get(class as usize).and_then(|own| own.get(number as usize));
                if glob.is_some_and(|glob| glob.matches(&name)) {
                    first = class;
                    return;
                }
            }
        };
        heads.each(&name, |len| 0..len, &mut better);
        tails.each(&name, |len| name.len() - len..name.len(), &mut better);
        (first != u32::MAX).then_some(first as usize)
    }

    /// Returns the form in which it is kept: a first line with the version, then a line of globs for each class.
    pub fn encode(&self) -> String {
        let mut out = String::from(HEAD);
        for own in &self.inner.globs {
            out.push('\n');
            // No glob has a blank in it.
            for (number, glob) in own.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { " " });
                out.push_str(glob.as_str());
            }
        }
        out.push('\n');
        out
    }

    /// Reads what [`ClassTable::encode`] returned.
    ///
    /// # Errors
    /// [`ClassTableError`].
    pub fn decode(text: &str) -> Result<Self, ClassTableError> {
        if text.len() > CLASS_TABLE_BYTES_MAX {
            return Err(ClassTableError::TooLarge);
        }
        let (head, rest) = text.split_once('\n').ok_or(ClassTableError::Format)?;
        if head != HEAD {
            return Err(ClassTableError::Format);
        }
        if !rest.is_empty() && !rest.ends_with('\n') {
            return Err(ClassTableError::Cut);
        }
        let mut globs = Vec::new();
        for (number, line) in rest.lines().enumerate() {
            if number >= CLASSES_MAX {
                return Err(ClassTableError::TooLarge);
            }
            let own = line.split_ascii_whitespace().map(Glob::parse).collect::<Result<Vec<Glob>, GlobError>>();
            globs.push(own.map_err(|error| ClassTableError::Glob { line: number + 2, error })?);
        }
        Ok(Self::new(globs))
    }
}

impl PartialEq for ClassTable {
    fn eq(&self, other: &Self) -> bool {
        self.inner.globs == other.inner.globs
    }
}

impl Eq for ClassTable {}

impl Ends {
    fn add(&mut self, text: &str, place: Place) {
        match self.by_text.get_mut(text) {
            Some(places) => places.push(place),
            None => drop(self.by_text.insert(text.into(), alloc::vec![place])),
        }
    }

    fn measure(&mut self) {
        self.lengths = self.by_text.keys().map(|text| text.len()).collect();
        self.lengths.sort_unstable();
        self.lengths.dedup();
    }

    /// Calls `found` for the globs of each text that stands where `range` says, for its length, in `name`.
    fn each(&self, name: &str, range: impl Fn(usize) -> Range<usize>, found: &mut dyn FnMut(&[Place])) {
        for &len in self.lengths.iter().take_while(|len| **len <= name.len()) {
            if let Some(places) = name.get(range(len)).and_then(|text| self.by_text.get(text)) {
                found(places);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn table(rows: &[&[&str]]) -> ClassTable {
        let glob = |text: &&str| Glob::parse(text).expect("a glob");
        ClassTable::new(rows.iter().map(|row| row.iter().map(glob).collect()).collect())
    }

    #[test]
    fn the_first_class_wins_however_its_globs_are_found() {
        let rows: &[&[&str]] = &[
            &["db-1"],
            &["web-*", "*.test"],
            &["*.prod.acme.com"],
            &["WEB-1"],
            &["[a-d]*", "db-1"],
            &["*-x-*", "bü*"],
        ];
        let cases = [
            ("db-1", Some(0)),
            ("DB-1", Some(0)),
            ("db-2", Some(4)),
            ("web-1", Some(1)),
            ("x.test", Some(1)),
            ("e.prod.acme.com", Some(2)),
            ("b.prod.acme.com", Some(2)),
            ("prod.acme.com", None),
            ("f-x-f", Some(5)),
            ("büro", Some(4)),
            ("ü", None),
            ("", None),
        ];
        for (name, class) in cases {
            assert_eq!(table(rows).class_of(name), class, "{name}");
        }
        assert_eq!(table(&[]).class_of("a"), None);
    }

    #[test]
    fn a_table_is_kept_and_what_is_none_is_refused() {
        let kept = table(&[&["web-*", "{a,b}.prod"], &[], &["*"]]);
        assert_eq!(kept.encode(), "vigo classes 1\nweb-* {a,b}.prod\n\n*\n");
        assert_eq!(ClassTable::decode(&kept.encode()), Ok(kept));
        assert_eq!(ClassTable::decode(&table(&[]).encode()), Ok(table(&[])));
        let glob = |text: &str| Glob::parse(text).expect_err("no glob");
        let cases = [
            ("", ClassTableError::Format),
            ("vigo classes 1", ClassTableError::Format),
            ("vigo classes 2\n*\n", ClassTableError::Format),
            ("vigo classes 1\n*\nweb", ClassTableError::Cut),
            ("vigo classes 1\n*\na[b\n", ClassTableError::Glob { line: 3, error: glob("a[b") }),
        ];
        for (text, error) in cases {
            assert_eq!(ClassTable::decode(text), Err(error), "{text}");
        }
        let many = format!("{HEAD}\n{}", "\n".repeat(CLASSES_MAX + 1));
        assert_eq!(ClassTable::decode(&many), Err(ClassTableError::TooLarge));
        let large = format!("{HEAD}\n{}\n", " ".repeat(CLASS_TABLE_BYTES_MAX));
        assert_eq!(ClassTable::decode(&large), Err(ClassTableError::TooLarge));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2 * ProptestConfig::default().cases))]

        #[test]
        fn it_answers_as_one_block_after_another_does(
            rows in prop::collection::vec(prop::collection::vec("[a-c*?-]{1,4}|\\{a,b\\}[a-c*]{0,2}", 1..3), 0..12),
            names in prop::collection::vec("[a-c-]{0,5}", 8),
        ) {
            let globs: Vec<Vec<Glob>> =
                rows.iter().map(|row| row.iter().filter_map(|text| Glob::parse(text).ok()).collect()).collect();
            let table = ClassTable::new(globs.clone());
            for name in names {
                let plainly = globs.iter().position(|own| own.iter().any(|glob| glob.matches(&name)));
                prop_assert_eq!(table.class_of(&name), plainly, "{} in {:?}", name, rows);
            }
            prop_assert_eq!(ClassTable::decode(&table.encode()), Ok(table));
        }
    }
}
