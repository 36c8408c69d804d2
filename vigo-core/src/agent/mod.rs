//! The life of an agent: when it checks in, what it believes, what it converges to, and what becomes of its reports.
//!
//! An [`Agent`] is polled for [`Step`]s by a driver that owns the network, the disk and the convergence. Nothing that a
//! network, a server or a disk does ends it.

mod accept;
mod backoff;
mod disk;
mod event;
mod hold;
mod life;
mod machine;
mod orders;
mod policy;
mod queue;
mod report;
mod secrets;
mod step;
mod talk;
#[cfg(test)]
mod tests;
mod traits;
mod validity;

pub use disk::Disk;
pub use event::Event;
pub use machine::{Agent, AgentError};
pub use policy::{Policy, PolicyError};
pub use report::is_quiet;
pub use step::{
    Ask, BundleRecord, Counters, Options, OrderState, Record, Response, RunOrder, RunResult, SecretAnswers, Step,
    Stored, Until,
};
pub use traits::{traits_digest, traits_of};
pub use validity::{Validity, validity};
