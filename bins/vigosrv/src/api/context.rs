//! What every handler has.

use crate::agents::Agents;
use crate::backup::Backups;
use crate::data_dir::Keys;
use crate::keyring::Keyring;
use crate::notify::Alarms;
use crate::publish::{Published, Publisher};
use crate::store::Store;
use crate::vault::Vault;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};
use vigo_core::bundle::{Maintenance, Order};
use vigo_core::fleet;
use vigo_core::id::EnvoyId;
use vigo_core::server::{ConnectionCounts, Logins, Trusted, Waits};
use vigo_core::time::{Duration, Timestamp};

/// What the API acts on.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// What publishes. Locked until row and memory follow.
    pub publisher: Arc<Mutex<Publisher>>,
    /// The programs for machines that are to become envoys.
    pub agents: Arc<Agents>,
    /// The secrets.
    pub vault: Arc<Vault>,
    /// Locked while a secret is changed.
    pub vault_turn: Arc<Mutex<()>>,
    /// Locked while an envoy is told what to do, until the memory follows.
    pub envoy_turn: Arc<Mutex<()>>,
    /// What guards logins.
    pub auth: Auth,
    /// The running server.
    pub running: Arc<dyn Running>,
    /// What changes its keys.
    pub keyring: Arc<Keyring>,
    /// What makes backups.
    pub backups: Arc<Backups>,
    /// What people are told of.
    pub alarms: Arc<Alarms>,
    /// What does not change while it runs.
    pub about: Arc<About>,
}

/// What guards logins. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Who has to wait.
    pub logins: Arc<std::sync::Mutex<Logins>>,
    /// Hashing a password takes a core and 19 MiB for a while: so many at a time.
    pub hashing: Arc<Semaphore>,
}

/// Passwords that are hashed at a time.
const HASHING_MAX: usize = 2;

impl Default for Auth {
    fn default() -> Self {
        Self { logins: Arc::default(), hashing: Arc::new(Semaphore::new(HASHING_MAX)) }
    }
}

/// What the API asks of the running server, and tells it.
pub trait Running: Send + Sync + 'static {
    /// Returns the time: the clock, but not before what the database has.
    fn now(&self) -> Timestamp;

    /// Returns what the clock says.
    fn clock(&self) -> Timestamp;

    /// Returns where agents find the server, `host:port`.
    fn servers(&self) -> Vec<String>;

    /// Returns the patterns of `server.yaml` that admit names without a token.
    fn trusted(&self) -> Vec<Trusted>;

    /// Returns an envoy as it is in memory; what the database has may be ten seconds old.
    fn envoy(&self, id: EnvoyId) -> Option<fleet::Envoy>;

    /// The store has revoked an envoy, or taken it out: it is answered nothing any more, and its connections are closed.
    fn revoked(&self, id: EnvoyId);

    /// Returns whether an envoy has what is published for it, as it has shown since the server started.
    fn is_current(&self, id: EnvoyId) -> bool;

    /// The store has given an envoy another name.
    fn renamed(&self, id: EnvoyId, hostname: &str);

    /// The store has another word on whether an envoy rests or observes. Returns whether it was called at once.
    fn rests(&self, id: EnvoyId, maintenance: Maintenance, observes: bool) -> bool;

    /// Returns the machines that wait to be let in, by name.
    fn waiting(&self) -> Vec<Waits>;

    /// Lets all in that wait, with their next check-in, by the word of `by`. Returns those for whom that is news.
    fn admit_waiting(&self, by: &str) -> Vec<Waits>;

    /// The store has taken the mark of a clone from an envoy.
    fn dismissed_clone(&self, id: EnvoyId);

    /// Returns how many orders an envoy has not answered for.
    fn orders(&self, id: EnvoyId) -> usize;

    /// Orders are in the store: they are offered from now on. Returns how many envoys were called at once.
    fn ordered(&self, orders: Vec<Order>) -> usize;

    /// Returns how many envoys there are of each status word.
    fn words(&self) -> BTreeMap<String, u64>;

    /// Returns what was too much for it.
    fn load(&self) -> Load;

    /// Returns the highest serial that an assignment has had; those to come are higher.
    fn serial(&self) -> u64;

    /// Returns the keys that it works with.
    fn keys(&self) -> Arc<Keys>;

    /// Returns the names of the envoys that are yet to take this version of the key set, sorted: see
    /// [`behind`](vigo_core::server::behind).
    fn behind(&self, version: u64) -> Vec<Arc<str>>;

    /// The keys are others, and so is what is published, where the bundle key is another.
    fn rekeyed(&self, keys: Arc<Keys>, published: Option<&Published>);

    /// A publish stands: it is served from now on.
    fn published(&self, published: &Published);

    /// Secrets have other values: the envoys that use them hear of it.
    fn secrets_changed(&self);

    /// Returns the secrets that the live policy refers to, each with the names of the classes that do.
    fn secret_uses(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>>;
}

/// What agents asked of a server, and how much of it was too much, since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// Their connections.
    pub connections: ConnectionCounts,
    /// Check-ins that were answered.
    pub check_ins: u64,
    /// Check-ins that were answered with a later time than usual.
    pub check_ins_put_off: u64,
}

/// What does not change while a server runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The name of the fleet.
    pub fleet: String,
    /// The root's public half, hexadecimal.
    pub root_key: String,
    /// The pin of the key that HTTPS serves.
    pub https_pin: String,
    /// Where people find HTTPS, `host:port`.
    pub https: String,
    /// How long a token is good where nothing else is said.
    pub token_ttl: Duration,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The database.
    pub database: PathBuf,
    /// Whoever asks gets the metrics.
    pub metrics_public: bool,
    /// Litestream replicates it.
    pub replicates: bool,
    /// When the server came up.
    pub started_at: Timestamp,
}
