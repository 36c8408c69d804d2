//! Randomness of the operating system.

use vigo_core::bundle::PolicyBundle;
use vigo_core::converge::Converge;
use vigo_core::entropy::Entropy;

/// Returns fresh randomness from the operating system, as much as a run of the policy may use; less when it has none to
/// give.
pub fn entropy(bundle: &PolicyBundle) -> Vec<Entropy> {
    let piece = || {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).ok().map(|()| Entropy::new(bytes))
    };
    (0..Converge::entropy_wanted(bundle)).map_while(|_| piece()).collect()
}
