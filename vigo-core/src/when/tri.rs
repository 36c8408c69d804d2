//! Three-valued truth.

use alloc::sync::Arc;
use core::ops::Not;

/// True, false, or not known. Unknown never passes for false: not under `!` either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tri {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It could not be found out; says why.
    Unknown(Arc<str>),
}

impl Tri {
    /// Returns unknown, because of `why`.
    pub fn unknown(why: impl Into<Arc<str>>) -> Self {
        Self::Unknown(why.into())
    }

    /// Returns the disjunction: true if either is, else unknown if either is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::False, Self::False) => Self::False,
        }
    }

    /// Returns the conjunction: false if either is, else unknown if either is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        !(!self).or(!other)
    }
}

impl Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

impl From<bool> for Tri {
    fn from(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }
}
