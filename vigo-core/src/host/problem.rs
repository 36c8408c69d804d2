//! Why a resource cannot be what it should be.

use crate::action::{OpFailure, PathError};
use crate::bundle::Place;
use crate::host::HostFacts;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Why a resource failed, or would fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Whose fault, and what the outcome is.
    pub kind: ProblemKind,
    /// A fragment: lowercase, no full stop, expected and seen, values in backticks. Secrets masked.
    pub message: String,
    /// What to do, in the imperative.
    pub help: Option<String>,
    /// The attribute at fault.
    pub attribute: Option<String>,
    /// Where it was written, if it is about something written.
    pub place: Option<Place>,
}

/// Kinds of problem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// A value that the attribute does not take.
    BadValue,
    /// A required attribute that is not there.
    MissingAttribute,
    /// An attribute that the type does not have.
    UnknownAttribute,
    /// Attributes that exclude each other or mean nothing for the state.
    ConflictingAttributes,
    /// The resource would act on every run.
    NotIdempotent,
    /// The operating system cannot do this; no operation is run.
    Unsupported,
    /// It would touch Vigo itself.
    Guarded,
    /// A template or `when:` could not be evaluated.
    Evaluation,
    /// A secret that it uses is not to be had.
    Secret,
    /// What is there could not be observed.
    Unobservable,
    /// An operation failed.
    Failed,
    /// The machine, not the policy, is in the way.
    Blocked,
    /// Somebody else holds a lock. What is asked of the machine is asked again for a while, then it is blocked.
    Locked,
    /// The operations succeeded and the state is not reached.
    NotSettled,
}

impl Problem {
    /// Returns a problem of `kind`.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, attribute: None, place: None }
    }

    /// Returns a failure.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Failed, message)
    }

    /// Returns a bad value of `attribute`.
    pub fn bad_value(attribute: &str, message: impl Into<String>) -> Self {
        Self { attribute: Some(attribute.into()), ..Self::new(ProblemKind::BadValue, message) }
    }

    /// Returns the problem of attributes that exclude each other.
    pub fn conflict(attribute: &str, message: impl Into<String>) -> Self {
        Self { attribute: Some(attribute.into()), ..Self::new(ProblemKind::ConflictingAttributes, message) }
    }

    /// Returns that it would touch what must not be touched.
    pub fn guarded(attribute: &str, message: impl Into<String>) -> Self {
        Self { attribute: Some(attribute.into()), ..Self::new(ProblemKind::Guarded, message) }
    }

    /// Returns that the host cannot do this.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Unsupported, message)
    }

    /// Adds on which system.
    #[must_use]
    pub fn on(mut self, facts: &HostFacts) -> Self {
        self.message = format!("{} on {}", self.message, facts.system());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says where it was written, unless that is known already.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }
}

impl From<&OpFailure> for Problem {
    fn from(failure: &OpFailure) -> Self {
        let kind = if failure.kind.is_blocked() { ProblemKind::Blocked } else { ProblemKind::Failed };
        Self::new(kind, failure.message.clone())
    }
}

impl From<PathError> for Problem {
    fn from(error: PathError) -> Self {
        Self::new(ProblemKind::BadValue, error.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attribute {
            // Says it by itself.
            _ if self.kind == ProblemKind::Unsupported => f.write_str(&self.message),
            Some(attribute) => write!(f, "attribute `{attribute}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
