//! What an agent asks of its driver, and what it is told.

use super::policy::Policy;
use crate::bundle::{Assignment, OrderId, PolicyBundle, Signed, TraitsWanted, VerifyingKey};
use crate::converge::RunReport;
use crate::secret::{SecretValue, Withheld};
use crate::time::Timestamp;
use crate::wire::message::{
    Answer, CheckIn, Counts, Enrol, Enrolled, GetKeySet, KeySetAnswer, OrderResult, OrderTaken, Refused,
    RenewCertificate, Renewed, ReportTaken, ResolveSecrets, TraitsDelta, TraitsTaken,
};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a driver has to do next.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Step {
    /// Make these durable in this order, those for the database in one transaction; then
    /// [`Agent::handle_stored`](super::Agent::handle_stored).
    Store(Arc<[Record]>),
    /// Read the policy back; then [`Agent::handle_policy`](super::Agent::handle_policy).
    Load,
    /// Converge; then [`Agent::handle_run`](super::Agent::handle_run). Other steps go on meanwhile.
    Run(Arc<RunOrder>),
    /// Collect these traits; then [`Agent::handle_traits`](super::Agent::handle_traits). Other steps go on meanwhile.
    Collect(TraitsWanted),
    /// Ask the server, over a connection that is made when there is none; then
    /// [`Agent::handle_answer`](super::Agent::handle_answer),
    /// [`Agent::handle_failure`](super::Agent::handle_failure) or, where the two sides do not believe each other's
    /// certificates, [`Agent::handle_stranger`](super::Agent::handle_stranger). Other steps go on meanwhile.
    Ask(Ask),
    /// Ask [`Await`](crate::wire::message::Await) over the connection that is there, which may take most of a minute; then
    /// [`Agent::handle_awaited`](super::Agent::handle_awaited). Other steps go on meanwhile. It is given up with the
    /// connection: after [`Step::Disconnect`], and after [`Agent::handle_failure`](super::Agent::handle_failure).
    Await,
    /// Hand these to the run that asked for them by [`Agent::want_secrets`](super::Agent::want_secrets).
    Secrets(SecretAnswers),
    /// Close the connection, if there is one.
    Disconnect,
    /// Nothing to do until an answer that is outstanding, or this time; `None` is no time.
    Wait(Option<Timestamp>),
    /// The agent was stopped, and everything is stored.
    Finished,
}

/// The secrets that a run asked for: each with its value, or why there is none.
pub type SecretAnswers = Vec<(Arc<str>, Result<SecretValue, Withheld>)>;

/// A question to the server.
#[derive(Clone, PartialEq, Debug)]
pub enum Ask {
    /// Answered by [`Response::Answer`].
    CheckIn(CheckIn),
    /// The stored report of this number, answered by [`Response::Taken`]. One that cannot be read back:
    /// [`Agent::handle_unreadable`](super::Agent::handle_unreadable).
    Report(u64),
    /// Answered by [`Response::Traits`].
    Traits(TraitsDelta),
    /// What came of an order, answered by [`Response::Order`].
    Order(OrderResult),
    /// A signing request by the key of the certificate at hand, answered by [`Response::Renewed`]. What stands in the
    /// body is the driver's to fill in.
    Renew(RenewCertificate),
    /// For the values of secrets, answered by [`Response::Secrets`]. The key in the body is the driver's to make; it opens
    /// the answer by it.
    Secrets(ResolveSecrets),
    /// Over a connection of its own on [`Channel::Enrol`](crate::wire::Channel::Enrol), to a server with whatever
    /// certificate; answered by [`Response::KeySet`]. Only what the root signed is believed of it.
    KeySet(GetKeySet),
    /// Over a connection of its own on [`Channel::Enrol`](crate::wire::Channel::Enrol), to a server that is believed by the
    /// key set at hand; answered by [`Response::Enrolled`]. Without a token, by the key at hand. The signing request, as
    /// for [`Ask::Renew`], what is said of the machine, and the name, where it is empty, are the driver's to fill in.
    Enrol(Enrol),
}

/// What the server said.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// To [`Ask::CheckIn`].
    Answer(Answer),
    /// To [`Ask::Report`].
    Taken(ReportTaken),
    /// To [`Ask::Traits`].
    Traits(TraitsTaken),
    /// To [`Ask::Order`].
    Order(OrderTaken),
    /// To [`Ask::Renew`].
    Renewed(Renewed),
    /// To [`Ask::Secrets`], opened.
    Secrets(SecretAnswers),
    /// To [`Ask::KeySet`].
    KeySet(KeySetAnswer),
    /// To [`Ask::Enrol`].
    Enrolled(Enrolled),
    /// To whatever was asked.
    Refused(Refused),
}

/// What has to survive.
///
/// Each is for the database, but for those that lie beside the identity, so that a lost database does not take them
/// along: [`Record::KeySet`], [`Record::Highest`], [`Record::Certificate`], [`Record::Servers`].
#[derive(Clone, PartialEq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is a handful at a time")]
pub enum Record {
    /// The key set, in place of the one before. Beside the identity.
    KeySet(Signed),
    /// The assignment of the highest serial: none of a lower one is believed, and a server that was set back in time has to
    /// see it. Beside the identity, after the policy.
    Highest(Signed),
    /// The certificate, DER. Beside the identity.
    Certificate(Vec<u8>),
    /// The fleet's servers. Beside the identity.
    Servers(Vec<String>),
    /// The policy, in place of the one before.
    Policy {
        /// The key set by which it is believed.
        keyset: Signed,
        /// The assignment.
        assignment: Signed,
        /// What becomes of the bundle.
        bundle: BundleRecord,
    },
    /// A report that is to be sent.
    Report {
        /// Its number.
        seq: u64,
        /// The encoded [`Report`](crate::wire::message::Report).
        bytes: Arc<[u8]>,
    },
    /// These reports may be forgotten: they were taken, or there is no room.
    Forget {
        /// Their numbers.
        seqs: Vec<u64>,
    },
    /// The newest report up to this number was taken, and is kept for a server that was restored.
    Taken(u64),
    /// The counters, in place of those before.
    Counters(Counters),
    /// An order, in place of what was known of it.
    Order {
        /// Its name.
        id: OrderId,
        /// It is not begun after this.
        not_after: Timestamp,
        /// How far it is.
        state: OrderState,
    },
    /// These orders may be forgotten.
    ForgetOrders(Vec<OrderId>),
}

/// How far an order is, on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderState {
    /// It may have been begun: it never is again.
    Begun,
    /// The encoded [`OrderResult`], which is to be sent.
    Ended(Arc<[u8]>),
    /// The server has that. It is kept for a server that was restored, and offers the order again.
    Taken(Arc<[u8]>),
}

/// What becomes of the stored bundle.
#[derive(Clone, PartialEq, Debug)]
pub enum BundleRecord {
    /// The assignment names the one that is there.
    Kept,
    /// This one takes its place.
    New(Signed),
    /// The assignment names none.
    None,
}

/// What an agent counts.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Counters {
    /// Random, made with the database.
    pub incarnation: u64,
    /// The number of the newest run.
    pub seq: u64,
    /// Runs in which nothing changed.
    pub quiet_runs: u64,
    /// The number of the newest of them.
    pub quiet_seq: u64,
    /// What the newest of them came to.
    pub quiet_counts: Option<Counts>,
    /// When it ended.
    pub quiet_ended: Timestamp,
    /// The counter that the server advances.
    pub contact: u64,
    /// When a server last answered a check-in, by the machine's clock; zero for never.
    pub heard: Timestamp,
    /// The secrets epoch that was applied.
    pub secrets_epoch: u64,
    /// Reports that were dropped because there was no room, or because nobody took them.
    pub lost_reports: u64,
}

/// What an agent starts with.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The public half of the identity key, of which the envoy's id is made.
    pub identity: VerifyingKey,
    /// The fleet's root, pinned at enrolment.
    pub root: VerifyingKey,
    /// The key set.
    pub keyset: Signed,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// As [`Record::Highest`].
    pub highest: Option<Signed>,
    /// As [`Record::Policy`].
    pub policy: Option<Policy>,
    /// The stored reports that were not taken: their numbers, rising, and sizes in bytes.
    pub reports: Vec<(u64, u64)>,
    /// As [`Record::Taken`].
    pub taken: Option<u64>,
    /// As [`Record::Order`].
    pub orders: Vec<(OrderId, Timestamp, OrderState)>,
    /// The counters. Those of a new database are zero but for the incarnation.
    pub counters: Counters,
}

/// How an agent is to live.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its version.
    pub agent_version: String,
    /// A fingerprint of the machine.
    pub machine: Vec<u8>,
    /// A number that no process had before, drawn by the system: by it two copies of an identity are told apart.
    pub life: u64,
    /// Seed of jitter; of nothing else.
    pub seed: u64,
    /// When it finishes by itself.
    pub until: Until,
}

/// When an agent finishes by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Until {
    /// Never.
    #[default]
    Stopped,
    /// When it has tried to check in once.
    CheckedIn,
    /// When it has tried to check in, has converged once, and has tried to send what came of it.
    Converged,
}

/// A policy that was verified a moment ago, to be converged.
#[derive(Clone, PartialEq, Debug)]
pub struct RunOrder {
    /// The number of the run.
    pub seq: u64,
    /// The assignment; its `observe_only` says whether this is a dry run.
    pub assignment: Assignment,
    /// The policy.
    pub bundle: Arc<PolicyBundle>,
    /// The digest of the bundle.
    pub digest: [u8; 32],
    /// The epoch of the secrets that the server told last.
    pub secrets_epoch: u64,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// [`RunOrder::seq`].
    pub seq: u64,
    /// When it began, by the machine's clock.
    pub started: Timestamp,
    /// The report, or why there was no run.
    pub outcome: Result<Arc<RunReport>, String>,
}
