//! The value of a secret.

use alloc::string::String;
use core::fmt;
use zeroize::Zeroize;

/// The value of a secret, overwritten when it is dropped. Nothing shows it but [`SecretValue::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Takes a value.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// Returns the value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the value itself, which the caller overwrites.
    pub fn into_string(mut self) -> String {
        core::mem::take(&mut self.0)
    }
}

impl Drop for SecretValue {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("«secret»")
    }
}
