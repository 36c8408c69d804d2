//! Why a secret is not at hand.

use alloc::string::String;
use core::fmt;

/// Why a secret is not at hand. Never with a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Withheld {
    /// Nobody who has it answers: it is what it was, as far as anybody knows here.
    Unreachable(String),
    /// Who has it does not hand it out, or there is none.
    Refused(String),
}

impl Withheld {
    /// Returns the reason in words.
    pub fn why(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Refused(why) => why,
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}
