//! What an agent tells people.

use super::PolicyError;
use crate::bundle::Maintenance;
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use core::fmt;

/// Something that happened in an agent's life.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A policy was taken over; its serial.
    PolicyTaken(u64),
    /// A key set was taken over; its version.
    KeySetTaken(u64),
    /// The certificate was renewed.
    Renewed,
    /// Something that the server sent is not believed: what was there before stays in force.
    NotBelieved(PolicyError),
    /// The stored policy cannot be used, so that there is no run.
    Unusable(String),
    /// The server refuses what it was asked.
    Refused {
        /// The code.
        code: String,
        /// What it says.
        message: String,
        /// Until the next attempt.
        wait: Duration,
    },
    /// The server does not know the envoy: it is shown its key.
    Unknown,
    /// The server does not take the envoy up, whatever it shows: it enrols anew, by its own key.
    Enrols,
    /// A server of the fleet has enrolled the envoy anew.
    Enrolled,
    /// The server has another policy for this envoy than the one that is being run.
    PolicyBehind,
    /// There was no answer.
    Failed {
        /// Why.
        why: String,
        /// Until the next attempt.
        wait: Duration,
    },
    /// The machine is left alone from now on; or, with [`Maintenance::No`], no more.
    Maintenance(Maintenance),
    /// The server has been silent for longer than its policy is to be applied without it: nothing is applied.
    Outdated {
        /// When it was last heard of, by the machine's clock.
        since: Timestamp,
        /// How long it may be silent.
        max: Duration,
    },
    /// The server is heard of again.
    UpToDate,
    /// An order came; its kind.
    Ordered(String),
    /// The connection that the server held is gone.
    LineLost {
        /// Why.
        why: String,
        /// Until the next check-in.
        wait: Duration,
    },
    /// Something could not be stored: it is tried again.
    NotStored(String),
    /// Reports were dropped: there was no room, they could not be read back, or nobody took them.
    ReportsLost(usize),
}

impl Event {
    /// Returns whether somebody should look into it.
    pub fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::PolicyTaken(_)
                | Self::KeySetTaken(_)
                | Self::Renewed
                | Self::Enrolled
                | Self::PolicyBehind
                | Self::Maintenance(_)
                | Self::UpToDate
                | Self::Ordered(_)
                | Self::LineLost { .. }
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyTaken(serial) => write!(f, "took over the policy of serial {serial}"),
            Self::KeySetTaken(version) => write!(f, "took over version {version} of the key set"),
            Self::Renewed => f.write_str("renewed the certificate"),
            Self::NotBelieved(why) => write!(f, "the server's answer is not believed: {why}"),
            Self::Unusable(why) => write!(f, "the stored policy cannot be used: {why}"),
            Self::Refused { code, message, wait } => {
                write!(f, "the server refuses (`{}`): {}", code.escape_debug(), message.escape_debug())?;
                write!(f, "; next attempt in {wait}")
            }
            Self::Unknown => f.write_str("the server does not know this envoy: the next check-in, now, shows its key"),
            Self::Enrols => f.write_str("no server takes this envoy up: it asks to be enrolled anew, by its own key"),
            Self::Enrolled => f.write_str("enrolled anew, by its own key"),
            Self::PolicyBehind => f.write_str("the policy is an older one: the next check-in is now"),
            Self::Failed { why, wait } => write!(f, "no answer from a server: {why}; next attempt in {wait}"),
            Self::Maintenance(Maintenance::No) => f.write_str("maintenance is over: the policy is applied again"),
            Self::Maintenance(maintenance) => write!(f, "{maintenance}: nothing is applied"),
            Self::Outdated { since, max } => write!(
                f,
                "nothing was heard of a server since {since}, and its policy is to be applied for {max} without it: \
                 nothing is applied until one answers"
            ),
            Self::UpToDate => f.write_str("a server is heard of: the policy is applied again"),
            Self::Ordered(kind) => write!(f, "ordered to `{}`", kind.escape_debug()),
            Self::LineLost { why, wait } => {
                write!(f, "the held connection is lost: {why}; next check-in within {wait}")
            }
            Self::NotStored(why) => write!(f, "the state could not be stored: {why}; it is tried again"),
            Self::ReportsLost(count) => write!(f, "{count} reports were lost"),
        }
    }
}
