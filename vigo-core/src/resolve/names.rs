//! References: what a text in `depends_on`, `before`, `notify` or `subscribes` means.

use super::attributes::static_name;
use super::instances::Instances;
use crate::config::{Config, Configcrate};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use hashbrown::{HashMap, HashSet};

/// What a reference means in a class.
pub(super) enum Target {
    /// These resources, and these crates as a whole; nothing, where a `foreach` is empty.
    Here {
        /// Indices of instances.
        resources: Vec<u32>,
        /// Indices of crate instances.
        crates: Vec<u32>,
    },
    /// It is in the tree, and not in this class: the crate.
    Elsewhere(String),
    /// Nothing of that name is in the tree.
    Unknown,
}

/// The names of resources as written, by crate, collected when first asked for.
#[derive(Default)]
pub(super) struct WrittenNames {
    by_crate: RefCell<HashMap<Arc<str>, Rc<CrateNames>>>,
}

#[derive(Default)]
struct CrateNames {
    plain: HashSet<String>,
    /// Templated names, each action a `*`.
    patterns: Vec<String>,
}

impl WrittenNames {
    fn of(&self, krate: &Configcrate<'_>) -> Rc<CrateNames> {
        let mut by_crate = self.by_crate.borrow_mut();
        let names = by_crate.entry(krate.name.clone()).or_insert_with(|| {
            let mut names = CrateNames::default();
            for written in krate.resources.iter().map(static_name) {
                if written.contains("{{") {
                    names.patterns.push(pattern_of(&written));
                } else {
                    names.plain.insert(written);
                }
            }
            Rc::new(names)
        });
        names.clone()
    }

    /// Returns whether a resource of the crate is called `name`, or may be once it is rendered and stamped.
    fn may_hold(&self, krate: &Configcrate<'_>, name: &str) -> bool {
        let names = self.of(krate);
        let base = if name.ends_with(']') { name.split_once('[').map_or(name, |(base, _)| base) } else { name };
        names.plain.contains(name)
            || names.plain.contains(base)
            || names.patterns.iter().any(|p| wildcard(p, name))
            || (name.contains('*') && names.plain.iter().any(|n| wildcard(name, n)))
    }
}

impl Instances<'_, '_> {
    /// Looks a reference up: a resource of the own crate first, then a crate, then `crate/name`; `*` stands for every
    /// match.
    pub fn target(&self, config: &Config<'_>, text: &str, own: usize) -> Target {
        let here = |resources, crates| Target::Here { resources, crates };
        let star = text.contains('*');
        let own_crate = self.crates.get(own);
        if let Some(krate) = own_crate {
            let found = self.named(own, text, star);
            if !found.is_empty() {
                return here(found, Vec::new());
            }
            if self.written.may_hold(krate.krate, text) {
                return here(Vec::new(), Vec::new());
            }
        }
        let crates = self.crates_named(text, star);
        if !crates.is_empty() {
            return here(Vec::new(), crates);
        }
        if let Some((krate, name)) = text.split_once('/') {
            let crates = self.crates_named(krate, krate.contains('*'));
            let mut found: Vec<u32> =
                crates.iter().flat_map(|&k| self.named(k as usize, name, name.contains('*'))).collect();
            found.sort_unstable();
            found.dedup();
            if !found.is_empty() {
                return here(found, Vec::new());
            }
            // A crate whose gate is false has no instances: its place is kept by the crate as a whole.
            let holders = crates.iter().copied().filter(|&k| {
                self.crates.get(k as usize).is_some_and(|c| c.is_empty() && self.written.may_hold(c.krate, name))
            });
            let holders: Vec<u32> = holders.collect();
            if !holders.is_empty() {
                return here(Vec::new(), holders);
            }
            if crates.iter().any(|&k| self.crates.get(k as usize).is_some_and(|c| self.written.may_hold(c.krate, name)))
            {
                return here(Vec::new(), Vec::new());
            }
        }
        match in_tree(config, &self.written, text) {
            Some(name) => Target::Elsewhere(name),
            None => Target::Unknown,
        }
    }

    /// Returns the resources of one crate that `name` means.
    fn named(&self, krate: usize, name: &str, star: bool) -> Vec<u32> {
        let Some(krate) = self.crates.get(krate) else { return Vec::new() };
        if !star {
            return krate.by_name.get(name).cloned().unwrap_or_default();
        }
        let matching = krate.by_name.iter().filter(|(n, _)| wildcard(name, n)).flat_map(|(_, all)| all.iter().copied());
        let mut found: Vec<u32> = matching.collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the crates that `name` means: `nginx` is all its stamps, `nginx[a]` one.
    fn crates_named(&self, name: &str, star: bool) -> Vec<u32> {
        if star {
            let found = self.crates.iter().enumerate();
            let found = found.filter(|(_, c)| wildcard(name, &c.krate.name) || wildcard(name, &c.name()));
            return found.map(|(i, _)| i as u32).collect();
        }
        if let Some(all) = self.by_crate.get(name) {
            return all.clone();
        }
        let base = name.strip_suffix(']').and_then(|n| n.split_once('[')).map_or("", |(base, _)| base);
        let stamps = self.by_crate.get(base).into_iter().flatten().copied();
        stamps.filter(|&i| self.crates.get(i as usize).is_some_and(|c| *c.name() == *name)).collect()
    }
}

/// Returns the crate that holds what `text` means, anywhere in the tree.
fn in_tree(config: &Config<'_>, written: &WrittenNames, text: &str) -> Option<String> {
    let is = |text: &str, name: &str| {
        let base = text.split_once('[').map_or(text, |(base, _)| base);
        base == name || wildcard(base, name) || wildcard(text, name)
    };
    let whole = config.crates.iter().find(|c| is(text, &c.name));
    if let Some(krate) = whole {
        return Some(String::from(&*krate.name));
    }
    let (krate, name) = text.split_once('/')?;
    let found = config.crates.iter().filter(|c| is(krate, &c.name)).find(|c| written.may_hold(c, name))?;
    Some(String::from(&*found.name))
}

/// Makes a pattern of a templated name: each action is a `*`.
pub(crate) fn pattern_of(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        out.push_str(before);
        out.push('*');
        rest = inside.split_once("}}").map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

/// Returns whether `text` matches `pattern`, in which `*` stands for any characters.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last: Option<&str> = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            match rest.find(middle) {
                Some(at) => rest = rest.get(at + middle.len()..).unwrap_or_default(),
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("site-*", "site-a", true),
            ("site-*", "site-", true),
            ("site-*", "sites", false),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("*b*", "abc", true),
            ("ab", "ab", true),
            ("ab", "abc", false),
            ("a*a", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(pattern_of("a-{{ .Item }}-{{ .Index }}"), "a-*-*");
    }
}
