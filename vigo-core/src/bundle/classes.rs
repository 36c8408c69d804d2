//! In what the policies of two sets of classes differ.

use super::{BundleError, ClassKey, Difference, DifferenceChange, FieldDifference, PolicyBundle, pairs};
use crate::limits::DIFFERENCES_MAX;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A class of one of two sets.
#[derive(Clone, Debug)]
pub struct ClassState<'a> {
    /// Its name.
    pub name: Arc<str>,
    /// Its environment; empty where none applies.
    pub environment: Arc<str>,
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// Its machines stay connected.
    pub always_hold: bool,
    /// What tells its policy from others.
    pub digest: [u8; 32],
    /// Its policy.
    pub policy: ClassBundle<'a>,
}

/// A policy, or its encoding, which is decoded where it is needed.
#[derive(Clone, Copy, Debug)]
pub enum ClassBundle<'a> {
    /// The policy.
    Policy(&'a PolicyBundle),
    /// As [`PolicyBundle::encode`] returned it.
    Encoded(&'a [u8]),
}

/// In what two sets of classes differ.
#[derive(Clone, Debug, Default)]
pub struct ClassesDiff {
    /// The classes that came, went, or got other settings.
    pub classes: Vec<ClassDiff>,
    /// What differs in their policies, and the names of the classes that it concerns.
    pub differences: Vec<(Difference, Vec<Arc<str>>)>,
    /// How many differences there are besides.
    pub left_out: usize,
}

/// In what a class differs from what it was.
#[derive(Clone, Debug)]
pub struct ClassDiff {
    /// What became of it.
    pub change: DifferenceChange,
    /// Its name: the later one, where there is one.
    pub name: Arc<str>,
    /// Its name, its environment and other settings, where they differ.
    pub fields: Vec<FieldDifference>,
}

impl ClassesDiff {
    /// Returns whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.differences.is_empty()
    }
}

/// Compares two sets of classes.
///
/// # Errors
/// [`BundleError`] for an encoding that cannot be read.
pub fn compare_classes(old: &[ClassState<'_>], new: &[ClassState<'_>]) -> Result<ClassesDiff, BundleError> {
    let mut found = ClassesDiff::default();
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
    let bundles: BTreeMap<_, _> = old.iter().chain(new).map(|class| (class.digest, class.policy)).collect();
    let bundle = |digest: Option<[u8; 32]>| match digest.and_then(|digest| bundles.get(&digest)) {
        None => Ok(Cow::Owned(PolicyBundle::default())),
        Some(ClassBundle::Policy(policy)) => Ok(Cow::Borrowed(*policy)),
        Some(ClassBundle::Encoded(bytes)) => PolicyBundle::decode(bytes).map(Cow::Owned),
    };
    let mut all: BTreeMap<Difference, Vec<Arc<str>>> = BTreeMap::new();
    for ([a, b], names) in by_bundles {
        for difference in bundle(a)?.differences(&*bundle(b)?) {
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

fn keys<'a>(classes: &'a [ClassState<'_>]) -> Vec<ClassKey<'a>> {
    classes.iter().map(|class| ClassKey { name: &class.name, digest: class.digest }).collect()
}

/// Returns in what the settings of a class differ.
fn settings(before: Option<&ClassState<'_>>, after: Option<&ClassState<'_>>) -> Vec<FieldDifference> {
    let yes = |yes: bool| String::from(if yes { "true" } else { "false" });
    let field = |name: &str, of: &dyn Fn(&ClassState<'_>) -> String| {
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
