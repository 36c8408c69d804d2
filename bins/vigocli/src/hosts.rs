//! Machines of every system: an operator on one asks what policy does on another.

use vigo_core::bundle::PolicyBundle;
use vigo_core::converge::Converge;
use vigo_core::entropy::Entropy;
use vigo_core::preview::Blank;
use vigo_core::when::words::family_of;

/// Returns one machine of each system that Vigo knows.
pub(crate) fn blanks() -> impl Iterator<Item = &'static Blank> {
    let bsd = vigo_host_bsd::BLANKS.iter().chain(vigo_host_illumos::BLANKS);
    vigo_host_linux::BLANKS.iter().chain(bsd).chain(vigo_host_macos::BLANKS).chain(vigo_host_windows::BLANKS)
}

/// Returns the machine of a distribution or family; of one that is not known it is the first.
pub(crate) fn blank(system: &str) -> &'static Blank {
    let named = |name: &str| blanks().find(|blank| blank.name == name);
    let found = named(system).or_else(|| named(family_of(system)?));
    found.unwrap_or(&vigo_host_linux::BLANKS[0])
}

/// Returns fresh randomness, as much as the policy may use: that of hashed passwords, which nobody will see.
pub(crate) fn entropy(bundle: &PolicyBundle) -> Vec<Entropy> {
    let piece = || {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).ok().map(|()| Entropy::new(bytes))
    };
    (0..Converge::entropy_wanted(bundle)).map_while(|_| piece()).collect()
}
