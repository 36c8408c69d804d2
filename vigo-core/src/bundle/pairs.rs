//! Which class of one publish is which of another.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// A class, as far as it is told from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClassKey<'a> {
    /// Its name: the place of its match block, and so another one when blocks before it come or go.
    pub name: &'a str,
    /// The digest of its bundle.
    pub digest: [u8; 32],
}

/// Returns pairs of indices of classes that are one and the same before and after; those that have no other are alone.
///
/// The same name with the same bundle is the same class; what is left is told by its bundle, for blocks move; and then by
/// its name.
pub fn pairs(before: &[ClassKey<'_>], after: &[ClassKey<'_>]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut free: [BTreeSet<usize>; 2] = [(0..before.len()).collect(), (0..after.len()).collect()];
    let mut found = Vec::new();
    pair(before, after, &mut free, &mut found, |key| (key.name, key.digest));
    pair(before, after, &mut free, &mut found, |key| key.digest);
    pair(before, after, &mut free, &mut found, |key| key.name);
    let [gone, new] = free;
    found.extend(gone.into_iter().map(|index| (Some(index), None)));
    found.extend(new.into_iter().map(|index| (None, Some(index))));
    found.sort_unstable_by_key(|(a, b)| (b.is_none(), b.or(*a)));
    found
}

/// Pairs those that are free and have one key, in order.
fn pair<'a, K: Ord>(
    before: &[ClassKey<'a>],
    after: &[ClassKey<'a>],
    free: &mut [BTreeSet<usize>; 2],
    found: &mut Vec<(Option<usize>, Option<usize>)>,
    key: impl Fn(&ClassKey<'a>) -> K,
) {
    let [gone, new] = free;
    let mut waiting: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    // The last first: they are taken from the end.
    for (index, class) in before.iter().enumerate().rev().filter(|(index, _)| gone.contains(index)) {
        waiting.entry(key(class)).or_default().push(index);
    }
    for (index, class) in after.iter().enumerate() {
        if new.contains(&index)
            && let Some(other) = waiting.get_mut(&key(class)).and_then(Vec::pop)
        {
            gone.remove(&other);
            new.remove(&index);
            found.push((Some(other), Some(index)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_moved_are_the_same_classes() {
        let key = |(name, byte): (&'static str, u8)| ClassKey { name, digest: [byte; 32] };
        let cases: [(&str, &[_], &[_], &[_]); 4] = [
            ("nothing", &[("a", 1), ("b", 2)], &[("a", 1), ("b", 2)], &[(Some(0), Some(0)), (Some(1), Some(1))]),
            (
                "one before the others",
                &[("#1", 1), ("#2", 2)],
                &[("#1", 9), ("#2", 1), ("#3", 2)],
                &[(None, Some(0)), (Some(0), Some(1)), (Some(1), Some(2))],
            ),
            ("another policy", &[("a", 1), ("b", 2)], &[("a", 1), ("b", 3)], &[(Some(0), Some(0)), (Some(1), Some(1))]),
            ("one that goes", &[("a", 1), ("b", 1)], &[("b", 1)], &[(Some(1), Some(0)), (Some(0), None)]),
        ];
        for (name, before, after, expected) in cases {
            let keys = |classes: &[_]| classes.iter().copied().map(key).collect::<Vec<_>>();
            assert_eq!(pairs(&keys(before), &keys(after)), expected, "{name}");
        }
    }
}
