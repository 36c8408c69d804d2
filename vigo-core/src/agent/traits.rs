//! Traits on their way to the server: whole once, then what changed.

use crate::limits;
use crate::resource::custom::json;
use crate::traits::TraitSet;
use crate::wire::message::{Trait, TraitsDelta};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// Bytes of all traits together, with room for what stands around them.
const BYTES_MAX: usize = limits::REQUEST_BYTES_MAX / 2;

/// Returns the traits as they travel: one for each area, in the order of their names. Where they are more than a request
/// holds, the largest are left out.
pub fn traits_of(set: &TraitSet) -> Vec<Trait> {
    let areas = set.value().as_map().into_iter().flatten();
    let mut traits: Vec<Trait> = areas
        .map(|(area, value)| {
            let mut text = String::new();
            json(&mut text, value, 0);
            Trait { path: area.to_string(), json: text }
        })
        .collect();
    let size = |t: &Trait| t.path.len() + t.json.len() + 16;
    while traits.iter().map(size).sum::<usize>() > BYTES_MAX {
        let largest = traits.iter().enumerate().max_by_key(|(_, t)| size(t)).map(|(at, _)| at);
        largest.into_iter().for_each(|at| _ = traits.remove(at));
    }
    traits
}

/// Returns the digest by which agent and server compare sets: SHA-256 over each trait in the order of the paths: the
/// path's length (4 bytes, big endian), the path, SHA-256 of the JSON.
pub fn traits_digest<'a>(traits: impl Iterator<Item = (&'a str, &'a str)>) -> [u8; 32] {
    Sent::digest_of(traits.map(|(path, json)| (path, Sha256::digest(json).into())))
}

/// What the server was sent.
#[derive(Clone, Default)]
pub(super) struct Sent {
    /// Paths, and SHA-256 of their JSON, in the order of the paths.
    areas: Vec<(String, [u8; 32])>,
}

impl Sent {
    /// Returns what a server has that took `traits`.
    pub(super) fn of(traits: &[Trait]) -> Self {
        Self { areas: traits.iter().map(|t| (t.path.clone(), Sha256::digest(&t.json).into())).collect() }
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        Self::digest_of(self.areas.iter().map(|(path, digest)| (&**path, *digest)))
    }

    fn digest_of<'a>(areas: impl Iterator<Item = (&'a str, [u8; 32])>) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (path, digest) in areas {
            hash.update(u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(path);
            hash.update(digest);
        }
        hash.finalize().into()
    }

    /// Returns what brings a server that has these to `traits`.
    pub(super) fn delta(&self, traits: Vec<Trait>) -> TraitsDelta {
        let next = Self::of(&traits);
        let find = |areas: &[(String, [u8; 32])], path: &str| areas.iter().find(|(p, _)| p == path).map(|(_, d)| *d);
        let gone = self.areas.iter().filter(|(path, _)| find(&next.areas, path).is_none());
        let removed = gone.map(|(path, _)| path.clone()).collect();
        let (base, digest) = (self.digest().to_vec(), next.digest().to_vec());
        let is_new = |t: &Trait| find(&self.areas, &t.path) != find(&next.areas, &t.path);
        TraitsDelta { base, set: traits.into_iter().filter(is_new).collect(), removed, digest }
    }
}
