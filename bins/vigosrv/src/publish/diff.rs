//! In what two publishes differ.

use super::{Published, PublishedClass};
use vigo_core::bundle::{BundleError, ClassBundle, ClassState, ClassesDiff, compare_classes};

/// Compares two publishes; nothing is before the first.
///
/// # Errors
/// [`BundleError`] for a bundle that cannot be read.
pub fn diff(before: Option<&Published>, after: &Published) -> Result<ClassesDiff, BundleError> {
    compare_classes(&before.map(states).unwrap_or_default(), &states(after))
}

fn states(of: &Published) -> Vec<ClassState<'_>> {
    of.classes.iter().map(state).collect()
}

fn state(class: &PublishedClass) -> ClassState<'_> {
    ClassState {
        name: class.name.clone(),
        environment: class.environment.clone(),
        observe_only: class.observe_only,
        always_hold: class.always_hold,
        digest: class.digest,
        policy: ClassBundle::Encoded(&class.bundle.bytes),
    }
}
