//! The bodies. Their contract for other languages is `vigo.proto`, beside this file.

use super::{Kind, WireError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A body that travels under one [`Kind`]: a request, or the answer to it.
pub trait Message: Sized {
    /// The kind of the request.
    const KIND: Kind;

    /// Returns its bytes.
    fn encode(&self) -> Vec<u8>;

    /// Reads its bytes. Fields that are not known here are passed over.
    ///
    /// # Errors
    /// [`WireError::Body`].
    fn decode(bytes: &[u8]) -> Result<Self, WireError>;
}

macro_rules! messages {
    ($($name:ident: $kind:ident),+ $(,)?) => {$(
        impl Message for $name {
            const KIND: Kind = Kind::$kind;

            fn encode(&self) -> Vec<u8> {
                prost::Message::encode_to_vec(self)
            }

            fn decode(bytes: &[u8]) -> Result<Self, WireError> {
                prost::Message::decode(bytes).map_err(|e| WireError::Body { what: stringify!($name), why: format!("{e}") })
            }
        }
    )+};
}

messages! {
    Enrol: Enrol, Enrolled: Enrol,
    GetKeySet: GetKeySet, KeySetAnswer: GetKeySet,
    CheckIn: CheckIn, Answer: CheckIn,
    Report: Report, ReportTaken: Report,
    TraitsDelta: TraitsDelta, TraitsTaken: TraitsDelta,
    RenewCertificate: RenewCertificate, Renewed: RenewCertificate,
    ResolveSecrets: ResolveSecrets, SealedSecrets: ResolveSecrets,
    Await: Await, Awaited: Await,
    OrderResult: OrderResult, OrderTaken: OrderResult,
}

/// Why a request was not answered.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refused {
    /// A stable word: one of [`Refused`]'s constants, or one that a later server knows.
    #[prost(string, tag = "1")]
    pub code: String,
    /// What is wrong and what to do about it, for people.
    #[prost(string, tag = "2")]
    pub message: String,
}

impl Refused {
    /// The server does not know the envoy.
    pub const UNKNOWN: &'static str = "unknown";
    /// The envoy was revoked.
    pub const REVOKED: &'static str = "revoked";
    /// Token, pattern or name do not admit the machine.
    pub const NOT_ADMITTED: &'static str = "not-admitted";
    /// The request is no such request, or its signature is not the sender's.
    pub const INVALID: &'static str = "invalid";
    /// The sender's policy is an older one: it checks in first.
    pub const STALE: &'static str = "stale";
    /// The certificate is good for nothing but its renewal.
    pub const RENEW: &'static str = "renew";
    /// Not now; the same again later may do.
    pub const BUSY: &'static str = "busy";

    /// Returns its bytes.
    pub fn encode(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(self)
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// [`WireError::Body`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        prost::Message::decode(bytes).map_err(|e| WireError::Body { what: "Refused", why: format!("{e}") })
    }
}

/// A machine asks to become an envoy. Signed by its new identity key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Enrol {
    /// The token as it was printed; empty where a trusted pattern admits the name.
    #[prost(string, tag = "1")]
    pub token: String,
    /// The name that the machine claims.
    #[prost(string, tag = "2")]
    pub hostname: String,
    /// Its identity key, the public half.
    #[prost(bytes = "vec", tag = "3")]
    pub identity_key: Vec<u8>,
    /// A certificate signing request, DER, RFC 2986: its public key is taken, nothing else.
    #[prost(bytes = "vec", tag = "4")]
    pub csr: Vec<u8>,
    /// A fingerprint of the machine.
    #[prost(bytes = "vec", tag = "5")]
    pub machine: Vec<u8>,
    /// The agent's version.
    #[prost(string, tag = "6")]
    pub agent_version: String,
}

/// The machine is an envoy.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Enrolled {
    /// [`EnvoyId`](crate::id::EnvoyId).
    #[prost(bytes = "vec", tag = "1")]
    pub envoy_id: Vec<u8>,
    /// The name that the server decided.
    #[prost(string, tag = "2")]
    pub hostname: String,
    /// The certificate, DER.
    #[prost(bytes = "vec", tag = "3")]
    pub certificate: Vec<u8>,
    /// The signed key set.
    #[prost(bytes = "vec", tag = "4")]
    pub keyset: Vec<u8>,
    /// Where the fleet's servers are: `host:port`.
    #[prost(string, repeated, tag = "5")]
    pub servers: Vec<String>,
}

/// Asks for the newest key set, and shows one's own.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetKeySet {
    /// The signed key set that the sender has.
    #[prost(bytes = "vec", tag = "1")]
    pub keyset: Vec<u8>,
}

/// The newest key set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KeySetAnswer {
    /// The signed key set.
    #[prost(bytes = "vec", tag = "1")]
    pub keyset: Vec<u8>,
}

/// What an agent says at its interval.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckIn {
    /// [`Assignment::digest`](crate::bundle::Assignment::digest) of what it has; empty for nothing.
    #[prost(bytes = "vec", tag = "1")]
    pub assignment_digest: Vec<u8>,
    /// The serial of the assignment that it has.
    #[prost(uint64, tag = "2")]
    pub serial: u64,
    /// The version of the key set that it has.
    #[prost(uint64, tag = "3")]
    pub keyset: u64,
    /// The secrets epoch that it applied.
    #[prost(uint64, tag = "4")]
    pub secrets_epoch: u64,
    /// SHA-256 of the traits that the server should have; empty for none yet.
    #[prost(bytes = "vec", tag = "5")]
    pub traits_digest: Vec<u8>,
    /// The agent's version.
    #[prost(string, tag = "6")]
    pub agent_version: String,
    /// A fingerprint of the machine.
    #[prost(bytes = "vec", tag = "7")]
    pub machine: Vec<u8>,
    /// The counter that the server advances.
    #[prost(uint64, tag = "8")]
    pub contact: u64,
    /// The runs in which nothing changed.
    #[prost(message, optional, tag = "9")]
    pub run: Option<QuietRuns>,
    /// How many reports wait.
    #[prost(uint32, tag = "10")]
    pub queued: u32,
    /// Whether the connection is held.
    #[prost(bool, tag = "11")]
    pub held: bool,
    /// The signed assignment that it has, where the server's answer before was older than it.
    #[prost(bytes = "vec", tag = "12")]
    pub shown_assignment: Vec<u8>,
    /// The signed key set that it has, where the server's is older.
    #[prost(bytes = "vec", tag = "13")]
    pub shown_keyset: Vec<u8>,
    /// The public half of its identity key, where the server said that it does not know it.
    #[prost(bytes = "vec", tag = "14")]
    pub identity_key: Vec<u8>,
    /// The number of the agent's process, drawn when it began; 0 for none.
    #[prost(uint64, tag = "15")]
    pub life: u64,
    /// The number of the check-in in its life.
    #[prost(uint64, tag = "16")]
    pub turn: u64,
}

/// Runs that are no report: nothing changed, nothing failed.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct QuietRuns {
    /// As in [`Report`].
    #[prost(uint64, tag = "1")]
    pub incarnation: u64,
    /// The number of the newest run.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
    /// How many since the incarnation began.
    #[prost(uint64, tag = "3")]
    pub runs: u64,
    /// The newest run's resources.
    #[prost(message, optional, tag = "4")]
    pub counts: Option<Counts>,
    /// When the newest ended, milliseconds since 1970 by the envoy's clock.
    #[prost(sint64, tag = "5")]
    pub ended_ms: i64,
}

/// Numbers of outcomes.
#[derive(Clone, Copy, PartialEq, prost::Message)]
#[expect(missing_docs, reason = "the words of an outcome")]
pub struct Counts {
    #[prost(uint32, tag = "1")]
    pub ok: u32,
    #[prost(uint32, tag = "2")]
    pub changed: u32,
    #[prost(uint32, tag = "3")]
    pub failed: u32,
    #[prost(uint32, tag = "4")]
    pub skipped: u32,
    #[prost(uint32, tag = "5")]
    pub blocked: u32,
    #[prost(uint32, tag = "6")]
    pub unknown: u32,
}

/// The answer to a check-in. Where nothing is set but the first two, nothing changed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Answer {
    /// Milliseconds until the next check-in.
    #[prost(uint64, tag = "1")]
    pub next_in_ms: u64,
    /// The counter to come back with.
    #[prost(uint64, tag = "2")]
    pub contact: u64,
    /// The signed key set, where it is newer.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub keyset: Option<Vec<u8>>,
    /// The signed assignment, where it is another.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub assignment: Option<Vec<u8>>,
    /// The signed bundle that the assignment names.
    #[prost(bytes = "vec", optional, tag = "5")]
    pub bundle: Option<Vec<u8>>,
    /// The secrets epoch, where it rose.
    #[prost(uint64, optional, tag = "6")]
    pub secrets_epoch: Option<u64>,
    /// The server wants the traits, against this digest; empty for the whole of them.
    #[prost(bytes = "vec", optional, tag = "7")]
    pub send_traits: Option<Vec<u8>>,
    /// Work waits: keep the connection.
    #[prost(bool, tag = "8")]
    pub hold: bool,
    /// Where the fleet's servers are, where that changed.
    #[prost(string, repeated, tag = "9")]
    pub servers: Vec<String>,
    /// The agent should converge now, not at its interval.
    #[prost(bool, tag = "10")]
    pub run_now: bool,
    /// The server has an older assignment than the agent: it should show its own.
    #[prost(bool, tag = "11")]
    pub show_assignment: bool,
    /// The signed orders that the envoy has not answered for.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub orders: Vec<Vec<u8>>,
    /// The number of the newest run that the server knows of the incarnation that the check-in named, where that told of an
    /// older one; 0 otherwise. An agent that was set back in time numbers its runs behind it.
    #[prost(uint64, tag = "13")]
    pub newest_run: u64,
}

/// A run in which something changed or failed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Report {
    /// Random, one for each state database of an agent.
    #[prost(uint64, tag = "1")]
    pub incarnation: u64,
    /// The run's number, rising within the incarnation.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
    /// When it began, milliseconds since 1970 by the envoy's clock.
    #[prost(sint64, tag = "3")]
    pub started_ms: i64,
    /// How long it took.
    #[prost(uint64, tag = "4")]
    pub duration_ms: u64,
    /// The digest of the bundle that it ran.
    #[prost(bytes = "vec", tag = "5")]
    pub bundle_digest: Vec<u8>,
    /// `converged`, `drift`, `not converged`; or `fatal`: there was no run, and `error` says why.
    #[prost(string, tag = "6")]
    pub outcome: String,
    /// How many resources came to what.
    #[prost(message, optional, tag = "7")]
    pub counts: Option<Counts>,
    /// Changes were reported, not made.
    #[prost(bool, tag = "8")]
    pub observed: bool,
    /// The resources that are not `ok`, in the order of their turns.
    #[prost(message, repeated, tag = "9")]
    pub resources: Vec<ResourceReport>,
    /// How many more there were than fit.
    #[prost(uint32, tag = "10")]
    pub left_out: u32,
    /// Why there was no run.
    #[prost(string, tag = "11")]
    pub error: String,
}

/// What one resource came to. Secrets are masked.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceReport {
    /// `crate/name`.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Its type.
    #[prost(string, tag = "2")]
    pub type_name: String,
    /// `changed`, `failed`, `skipped`, `blocked`, `unknown`.
    #[prost(string, tag = "3")]
    pub outcome: String,
    /// What was found to differ.
    #[prost(message, repeated, tag = "4")]
    pub changes: Vec<Change>,
    /// The unified diff of a file-like change.
    #[prost(string, tag = "5")]
    pub diff: String,
    /// Why it failed, is blocked, or was skipped.
    #[prost(string, tag = "6")]
    pub cause: String,
    /// What to do about it.
    #[prost(string, tag = "7")]
    pub help: String,
    /// The last output of what failed.
    #[prost(string, tag = "8")]
    pub log: String,
    /// How long its turn took.
    #[prost(uint64, tag = "9")]
    pub duration_ms: u64,
    /// Where it was written: `file:line`.
    #[prost(string, tag = "10")]
    pub place: String,
}

/// One difference.
#[derive(Clone, PartialEq, prost::Message)]
#[expect(missing_docs, reason = "the words of a change")]
pub struct Change {
    #[prost(string, tag = "1")]
    pub field: String,
    #[prost(string, tag = "2")]
    pub before: String,
    #[prost(string, tag = "3")]
    pub after: String,
}

/// A report is on the server's disk.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ReportTaken {
    /// As in the report.
    #[prost(uint64, tag = "1")]
    pub incarnation: u64,
    /// All reports up to this number need not be sent again.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
}

/// What changed of an envoy's traits.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TraitsDelta {
    /// SHA-256 of the set that this is laid over; empty: these are all.
    #[prost(bytes = "vec", tag = "1")]
    pub base: Vec<u8>,
    /// What is new or has another value.
    #[prost(message, repeated, tag = "2")]
    pub set: Vec<Trait>,
    /// Paths that are gone.
    #[prost(string, repeated, tag = "3")]
    pub removed: Vec<String>,
    /// SHA-256 of the set that comes of it.
    #[prost(bytes = "vec", tag = "4")]
    pub digest: Vec<u8>,
}

/// One trait.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Trait {
    /// `os.family`.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Its value, JSON.
    #[prost(string, tag = "2")]
    pub json: String,
}

/// The server's answer to a delta.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TraitsTaken {
    /// SHA-256 of the set that the server has now; another than the delta's: send all.
    #[prost(bytes = "vec", tag = "1")]
    pub digest: Vec<u8>,
}

/// Asks for a new certificate.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RenewCertificate {
    /// A certificate signing request, DER: its public key is taken, nothing else.
    #[prost(bytes = "vec", tag = "1")]
    pub csr: Vec<u8>,
}

/// A new certificate.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Renewed {
    /// The certificate, DER.
    #[prost(bytes = "vec", tag = "1")]
    pub certificate: Vec<u8>,
}

/// Asks for the values of secrets, sealed for a key made for this request.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSecrets {
    /// The assignment by which the envoy is entitled.
    #[prost(bytes = "vec", tag = "1")]
    pub assignment_digest: Vec<u8>,
    /// Paths.
    #[prost(string, repeated, tag = "2")]
    pub refs: Vec<String>,
    /// An X25519 key, the public half.
    #[prost(bytes = "vec", tag = "3")]
    pub key: Vec<u8>,
}

/// Sealed values.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SealedSecrets {
    /// One for each path that the server has.
    #[prost(message, repeated, tag = "1")]
    pub secrets: Vec<SealedSecret>,
}

/// One sealed value, RFC 9180.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SealedSecret {
    /// Its path.
    #[prost(string, tag = "1")]
    pub path: String,
    /// The encapsulated key.
    #[prost(bytes = "vec", tag = "2")]
    pub encapsulated: Vec<u8>,
    /// The ciphertext.
    #[prost(bytes = "vec", tag = "3")]
    pub sealed: Vec<u8>,
    /// Why there is none.
    #[prost(string, tag = "4")]
    pub error: String,
    /// That is so for now, and says nothing against there being one.
    #[prost(bool, tag = "5")]
    pub later: bool,
}

/// Asks to be told when there is something to check in for, on a connection that the server wants held. The answer may
/// take most of a minute.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Await {}

/// The answer to [`Await`].
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Awaited {
    /// There is something: check in now.
    #[prost(bool, tag = "1")]
    pub check_in: bool,
    /// The connection is held further: ask again.
    #[prost(bool, tag = "2")]
    pub hold: bool,
    /// Milliseconds after which to check in at the latest, where the server ends; 0 leaves it as it was.
    #[prost(uint64, tag = "3")]
    pub come_back_in_ms: u64,
}

/// What came of an order.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OrderResult {
    /// The order's name.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// The outcome of the run as in [`Report`]; or `expired`, `interrupted`, `refused`: it was not obeyed.
    #[prost(string, tag = "2")]
    pub outcome: String,
    /// More about it, for people.
    #[prost(string, tag = "3")]
    pub detail: String,
    /// The run, as in [`Report`].
    #[prost(uint64, tag = "4")]
    pub incarnation: u64,
    /// The run's number; 0 where there was none.
    #[prost(uint64, tag = "5")]
    pub seq: u64,
}

/// What came of an order is on the server's disk: it need not be said again.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OrderTaken {
    /// The order's name.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
}
