//! In what two publishes differ.

use super::{Published, PublishedClass};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use vigo_core::bundle::{BundleError, ClassKey, Difference, DifferenceChange, FieldDifference, PolicyBundle, pairs};
use vigo_core::limits::DIFFERENCES_MAX;

/// In what two publishes differ.
#[derive(Debug, Default)]
pub struct PublishDiff {
    /// The classes that came, went, or got other settings.
    pub classes: Vec<ClassDiff>,
    /// What differs in their policies, and the names of the classes that it concerns.
    pub differences: Vec<(Difference, Vec<Arc<str>>)>,
    /// How many differences there are besides.
    pub left_out: usize,
}

/// In what a class differs from what it was.
#[derive(Debug)]
pub struct ClassDiff {
    /// What became of it.
    pub change: DifferenceChange,
    /// Its name: the later one, where there is one.
    pub name: Arc<str>,
    /// Its name, its environment and other settings, where they differ.
    pub fields: Vec<FieldDifference>,
}

/// Compares two publishes; nothing is before the first.
///
/// # Errors
/// [`BundleError`] for a bundle that cannot be read.
pub fn diff(before: Option<&Published>, after: &Published) -> Result<PublishDiff, BundleError> {
    let (old, new) = (before.map_or(&[][..], |before| &before.classes), &after.classes[..]);
    let mut found = PublishDiff::default();
    let mut by_bundles: BTreeMap<[Option<[u8; 32]>; 2], Vec<Arc<str>>> = BTreeMap::new();
    for (a, b) in pairs(&keys(old), &keys(new)) {
        let (a, b) = (a.and_then(|at| old.get(at)), b.and_then(|at| new.get(at)));
        let Some(name) = b.or(a).map(|class| class.name.clone()) else { continue };
        let fields = settings(a, b);
        let change = match (a, b) {
            (None, _) => DifferenceChange::Added,
            (_, None) => DifferenceChange::Removed,
            _ => DifferenceChange::Changed,
        };
        if change != DifferenceChange::Changed || !fields.is_empty() {
            found.classes.push(ClassDiff { change, name: name.clone(), fields });
        }
        let digests = [a.map(|class| class.digest), b.map(|class| class.digest)];
        if digests[0] != digests[1] {
            by_bundles.entry(digests).or_default().push(name);
        }
    }
    let bundles: HashMap<_, _> = old.iter().chain(new).map(|class| (class.digest, &class.bundle)).collect();
    let bundle = |digest: Option<[u8; 32]>| {
        let bundle = digest.and_then(|digest| bundles.get(&digest));
        bundle.map_or_else(|| Ok(PolicyBundle::default()), |bundle| PolicyBundle::decode(&bundle.bytes))
    };
    let mut all: BTreeMap<Difference, Vec<Arc<str>>> = BTreeMap::new();
    for ([a, b], names) in by_bundles {
        for difference in bundle(a)?.differences(&bundle(b)?) {
            if let Some(known) = all.get_mut(&difference) {
                known.extend(names.iter().cloned());
            } else if all.len() < DIFFERENCES_MAX {
                all.insert(difference, names.clone());
            } else {
                found.left_out += 1;
            }
        }
    }
    found.differences = all.into_iter().collect();
    found.differences.iter_mut().for_each(|(_, names)| names.sort());
    Ok(found)
}

fn keys(classes: &[PublishedClass]) -> Vec<ClassKey<'_>> {
    classes.iter().map(|class| ClassKey { name: &class.name, digest: class.digest }).collect()
}

/// Returns in what the settings of a class differ.
fn settings(before: Option<&PublishedClass>, after: Option<&PublishedClass>) -> Vec<FieldDifference> {
    let yes = |yes: bool| String::from(if yes { "true" } else { "false" });
    let field = |name: &str, of: &dyn Fn(&PublishedClass) -> String| {
        let (before, after) = (before.map(of), after.map(of));
        (before != after).then(|| FieldDifference { name: name.into(), before, after })
    };
    let fields = [
        field("name", &|class| class.name.to_string()),
        field("environment", &|class| class.environment.to_string()),
        field("observe_only", &|class| yes(class.observe_only)),
        field("always_hold", &|class| yes(class.always_hold)),
    ];
    fields.into_iter().flatten().collect()
}
