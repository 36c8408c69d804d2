//! Models of service managers, in virtual time: small state machines that answer as the real tools do, and daemons behind
//! them that are slow, refuse to start, die and hang, from one seed.
//!
//! They are written from the manual pages, and a recording of the real tool that is replayed against its model gives the
//! recorded output ([`Recording`]); what a model cannot know (process ids, times) is left out of the comparison.
//!
//! [`Trial::run`] drives a [`crate::converge::Converge`] against a model: first with faults, then without.

mod assignment;
mod daemon;
mod files;
mod freebsd;
mod launchd;
mod luck;
mod mishap;
mod model;
mod netbsd;
mod openbsd;
mod recording;
mod run;
mod scm;
mod smf;
mod systemd;
mod trial;
mod watch;
mod wish;

pub use freebsd::FreeBsd;
pub use launchd::Launchd;
pub use luck::Start;
pub use model::{Answer, Can, Deed, Model, Run, Truth};
pub use netbsd::NetBsd;
pub use openbsd::OpenBsd;
pub use recording::Recording;
pub use scm::Scm;
pub use smf::Smf;
pub use systemd::{Install, Kind, Systemd, Unit};
pub use trial::{Seen, Trial};
