//! What a server decides: who becomes an envoy, and what an envoy is answered.
//!
//! Nothing here waits or stores. A driver verifies where a key is needed, asks here, makes durable what must be, and
//! answers.

mod adopt;
mod alarm;
mod api_token;
mod attempts;
mod check_in;
mod damaged;
mod doctor;
mod enrol;
mod freeze;
mod hold;
mod load;
mod logins;
mod machine;
mod metrics;
mod network;
mod order;
mod permission;
mod policy;
mod request;
mod restored;
mod rotation;
mod secrets;
#[cfg(test)]
mod tests;
mod token;
mod waiting;

pub use adopt::{Adoption, NotAdopted, Stranger, adopt};
pub use alarm::{Alarm, Board, NoticeOf, Raised, ToldOf, change, tell_again_after};
pub use api_token::ApiTokenText;
pub use attempts::Attempts;
pub use check_in::{CheckedIn, Remembered, ServedKeySet, answer, is_current};
pub use damaged::{DamageMark, DatabaseSeen, Opening, opening, ways_back};
pub use doctor::{Condition, Finding, REPLICA_HELP, Replica, Severity, examine};
pub use enrol::{Admission, AdmittedBy, Claim, NotAdmitted, TokenRecord, Trusted, admit, claim};
pub use freeze::Freeze;
pub use hold::{HoldSettings, come_back, hold_for};
pub use load::{Arrival, Budget, CheckInLoad, ConnectionCounts, ConnectionLoad, Greeting};
pub use logins::Logins;
pub use machine::{AUTHORITY, BackupCondition, Machine, Problem, examine_machine};
pub use metrics::{BackupMetrics, Metrics};
pub use network::{Network, NetworkError};
pub use order::offer;
pub use permission::{Permission, Role, RoleError};
pub use policy::{CheckInSettings, ServedClass, ServedPolicy, Signer};
pub use request::{Caller, authorise};
pub use restored::{AuditStamp, Found, RestoreMark, WentBack, WentBackBy, to_look_at, went_back};
pub use rotation::behind;
pub use secrets::{Claimed, Denials, may_have_secrets, secret_claim, secrets_epoch};
pub use token::{TokenError, TokenText};
pub use waiting::{Waiting, Waits};
