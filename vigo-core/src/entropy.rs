//! Fresh randomness, handed in by a driver and used up when used.

use core::fmt;

/// Thirty-two bytes fresh from the operating system. Not a seed: no seed converts into it, and it is gone when used.
pub struct Entropy([u8; 32]);

impl Entropy {
    /// Takes bytes that the operating system's random generator has just yielded. Nothing else may be put in here: salts
    /// and keys are made of it.
    pub fn new(fresh_from_system: [u8; 32]) -> Self {
        Self(fresh_from_system)
    }

    /// Returns the bytes and uses them up.
    pub fn into_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy")
    }
}
