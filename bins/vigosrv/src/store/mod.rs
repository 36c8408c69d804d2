//! What the server must not forget: SQLite, one writer, as many readers as are useful.
//!
//! Every change is a command in the queue of one thread. What gathered while the last commit ran becomes the next
//! transaction, so that a thousand reports cost one fsync; each command has a savepoint of its own, and is answered
//! after the commit. A commit that fails is an error to all that were in it, and leaves nothing behind.
//!
//! What may be lost and comes again by itself (last contact, quiet runs) is not queued: [`Store::touch`] lays it down
//! in memory, and the writer takes it along every ten seconds.

mod adopt;
mod api_token;
mod audit;
mod beside;
mod check;
mod clones;
mod damage;
mod dirty;
mod enrol;
mod envoy;
mod error;
mod freeze;
mod handle;
mod job;
mod log;
mod maintenance;
mod orders;
mod publishes;
mod report;
mod restored;
mod revoked;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;
mod token;
mod trait_history;
mod traits;
mod trusted;
mod user;
mod value;
mod writer;

pub use api_token::ApiToken;
pub use audit::{Actor, AuditRow, Entry, Verified};
pub use check::look;
pub use dirty::Touch;
pub use enrol::{Enrolled, Enrolment};
pub use envoy::{Envoy, Renamed, Seen, Status};
pub use error::StoreError;
pub use handle::{Store, make};
pub use log::Log;
pub use orders::{Answered, OrderRow};
pub use publishes::PublishRow;
pub use report::{Recorded, Run, RunFilter, RunHead};
pub use restored::{Restore, Voided};
pub use snapshot::{Facts, SCHEMA, damage, quick_damage};
pub use token::{NewToken, Token, TokenError, decoy, is_of, make_token};
pub use trait_history::{ChangedTrait, TraitRow};
pub use traits::Traits;
pub use trusted::TrustedPattern;
pub use user::User;
