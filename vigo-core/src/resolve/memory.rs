//! What was looked at and found to be in order, so that it is not looked at again.
//!
//! Many match blocks come to the same: the same crates, and variables whose differences concern no check. A class is
//! known by its *key*: the editions of its crates' texts, its environment, roles and exclusions, and of its variables what
//! makes a difference ([`Uses`]). A key holds no place in a match file, so that it outlives changes of others.
//!
//! # Invariants
//! What is remembered for long is that nothing was found. Whatever was found is found again at each check, because its
//! places and words may have changed.

use super::class::Layers;
use super::crates::{self, CrateSet};
use super::uses::{self, Use, Uses};
use crate::config::{Config, Configcrate, Inclusion};
use crate::value::Value;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// What a crate's text and those of its template files are known by.
type CrateKey = Box<[u64]>;

/// What was found to be in order, over all checks of one tree.
#[derive(Default)]
pub(super) struct Memory {
    /// Numbers of crates.
    numbers: HashMap<CrateKey, u64>,
    next: u64,
    uses: HashMap<u64, Rc<Uses>>,
    /// Classes without a mistake, and crates that no host includes.
    clean: HashMap<Box<[u8]>, Kept>,
    /// Crates whose resources, as written, are without a mistake.
    written: HashSet<u64>,
    /// The number of this check.
    check: u64,
    /// What this check looked at.
    work: Work,
    /// The names of all crates and resources, and how many others there were before.
    names: Vec<u8>,
    names_edition: u64,
}

/// What a check looked at; the rest it knew from an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Work {
    /// Configcrates whose resources were looked at as they are written.
    pub crates: usize,
    /// Classes that were resolved: one for all match blocks that come to the same; a configcrate that no host includes is
    /// one too.
    pub classes: usize,
}

/// That nothing was found.
struct Kept {
    /// The last check that asked.
    asked: u64,
    /// The edition of the tree's names with which it holds; `None` is any.
    names: Option<u64>,
}

/// What a class is looked at for.
#[derive(Clone, Copy, Default)]
pub(super) struct Looked {
    /// Names of crates that the class does not have made a difference.
    pub at_tree: bool,
    /// Values made a difference that are otherwise an agent's to render.
    pub at_values: bool,
}

/// The crates of a tree, each with its number.
pub(super) struct Numbered {
    numbers: Vec<u64>,
}

/// What is the same for all blocks that include the same crates.
pub(super) struct Group {
    /// The first part of the key.
    head: Vec<u8>,
    uses: Uses,
}

impl Memory {
    /// Begins a check: numbers the crates of the tree as it is now.
    pub fn begin(&mut self, config: &Config<'_>) -> Numbered {
        self.check += 1;
        self.work = Work::default();
        let mut names = Vec::with_capacity(self.names.len());
        for krate in &config.crates {
            text(&mut names, &krate.name);
            krate.resources.iter().for_each(|r| text(&mut names, &super::attributes::static_name(r)));
            names.push(0xff);
        }
        if names != self.names {
            self.names = names;
            self.names_edition += 1;
        }
        let numbers = config.crates.iter().map(|krate| {
            let mut key = alloc::vec![krate.node.file().edition(), u64::from(krate.node.span().start)];
            let shipped = uses::templates_of(config, krate);
            key.extend(shipped.into_iter().map(|file| config.sources.template_edition(&file.path)));
            let next = &mut self.next;
            *self.numbers.entry(key.into()).or_insert_with(|| {
                *next += 1;
                *next
            })
        });
        Numbered { numbers: numbers.collect() }
    }

    /// Ends a check: forgets what it did not ask for.
    pub fn end(&mut self, numbered: &Numbered) {
        let live: HashSet<u64> = numbered.numbers.iter().copied().collect();
        let check = self.check;
        self.numbers.retain(|_, number| live.contains(number));
        self.uses.retain(|number, _| live.contains(number));
        self.written.retain(|number| live.contains(number));
        self.clean.retain(|_, kept| kept.asked == check);
    }

    /// Returns what the last check looked at.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Counts a class that is resolved.
    pub fn count_class(&mut self) {
        self.work.classes += 1;
    }

    /// Returns whether nothing is wrong with what this key stands for.
    pub fn is_clean(&mut self, key: &[u8]) -> bool {
        let (check, names) = (self.check, self.names_edition);
        let kept = self.clean.get_mut(key).filter(|kept| kept.names.is_none_or(|of| of == names));
        kept.map(|kept| kept.asked = check).is_some()
    }

    /// Keeps that nothing is wrong with what this key stands for.
    pub fn keep_clean(&mut self, key: Box<[u8]>, looked: Looked) {
        let names = looked.at_tree.then_some(self.names_edition);
        self.clean.insert(key, Kept { asked: self.check, names });
    }

    /// Returns whether nothing is wrong with the resources of a crate as written; where that is not known they are looked
    /// at.
    pub fn is_written_well(&mut self, number: u64) -> bool {
        let known = self.written.contains(&number);
        self.work.crates += usize::from(!known);
        known
    }

    /// Keeps that nothing is wrong with the resources of a crate as written.
    pub fn keep_written_well(&mut self, number: u64) {
        self.written.insert(number);
    }

    /// Returns what all blocks with this set of crates have in common.
    pub fn group(
        &mut self,
        config: &Config<'_>,
        numbered: &Numbered,
        layers: &Layers<'_, '_>,
        set: &CrateSet<'_, '_>,
    ) -> Group {
        let mut head = Vec::with_capacity(set.members.len() * 8 + 64);
        let mut all = Uses::default();
        text(&mut head, layers.environment.unwrap_or_default());
        head.push(u8::from(layers.environment.is_some()));
        set.roles.iter().for_each(|role| text(&mut head, role));
        head.push(0xff);
        let mut excluded: Vec<&str> = crates::exclusions(layers).map(|e| e.name).collect();
        excluded.sort_unstable();
        excluded.dedup();
        excluded.into_iter().for_each(|out| text(&mut head, out));
        head.push(0xff);
        for member in &set.members {
            let number = numbered.of(config, member.krate);
            head.extend(number.to_le_bytes());
            if member.condition != crate::when::Expr::True {
                text(&mut head, &alloc::format!("{}", member.condition));
            }
            head.push(0xff);
            let uses = self.uses.entry(number).or_insert_with(|| Rc::new(Uses::of(config, member.krate)));
            all.join(uses);
        }
        Group { head, uses: all }
    }
}

impl Numbered {
    /// Returns the number of a crate.
    pub fn of(&self, config: &Config<'_>, krate: &Configcrate<'_>) -> u64 {
        config.configcrate(&krate.name).and_then(|(index, _)| self.numbers.get(index)).copied().unwrap_or_default()
    }

    /// Returns the number of the crate at this place.
    pub fn at(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or_default()
    }
}

impl Group {
    /// Returns the key of a class; with `values` all that its variables hold makes a difference.
    pub fn key(&self, layers: &Layers<'_, '_>, values: bool) -> Box<[u8]> {
        let mut vars: BTreeMap<&str, &Value> = BTreeMap::new();
        let environments = layers.environments.iter().rev().map(|(_, e)| &*e.vars);
        let commons = layers.commons.iter().rev().flat_map(|c| [&*c.vars, &*c.vars_from]);
        let block = [&*layers.block.vars, &*layers.block.vars_from];
        let mut key = self.head.clone();
        for var in environments.chain(block).chain(commons).flatten() {
            if self.uses.of_variable(var.name).is_some() {
                vars.entry(var.name).or_insert(&var.value);
            }
        }
        key.push(u8::from(values));
        for (name, value) in vars {
            let what = if values { Some(Use::Value) } else { self.uses.of_variable(name) };
            text(&mut key, name);
            uses::encode(value, what.unwrap_or(Use::Value), &mut key);
        }
        key.into()
    }
}

/// Returns what a block includes, as a key: blocks of one key in one environment have the same set of crates.
pub(super) fn inclusion_key(layers: &Layers<'_, '_>) -> Box<[u8]> {
    let mut key = Vec::new();
    let mut layer = |include: &Inclusion<'_>| {
        for names in [&include.roles, &include.configcrates, &include.usercrates, &include.exclude] {
            names.iter().for_each(|name| text(&mut key, name.name));
            key.push(0xff);
        }
    };
    layers.commons.iter().for_each(|c| layer(&c.include));
    layer(&layers.block.include);
    layers.environments.iter().for_each(|(_, e)| layer(&e.include));
    key.push(u8::from(layers.environment.is_some()));
    text(&mut key, layers.environment.unwrap_or_default());
    key.into()
}

/// Returns the key of a crate that no host includes, with all that it depends on.
pub(super) fn key_alone(config: &Config<'_>, numbered: &Numbered, set: &CrateSet<'_, '_>) -> Box<[u8]> {
    // No class begins so: the length of an environment's name.
    let mut key = alloc::vec![0xff];
    set.members.iter().for_each(|m| key.extend(numbered.of(config, m.krate).to_le_bytes()));
    key.into()
}

/// Adds a text in such a way that two never make a third. No length begins with `0xff`.
fn text(key: &mut Vec<u8>, text: &str) {
    key.extend((text.len() as u32).to_be_bytes());
    key.extend(text.as_bytes());
}
