//! What every request sees.

use super::held::Held;
use super::live::Live;
use super::run::RunError;
use super::settings::Settings;
use crate::api;
use crate::data_dir::Keys;
use crate::net::{Listener, Tls};
use crate::store::{self, Store};
use crate::vault::Vault;
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, mpsc, watch};
use vigo_core::bundle::{Maintenance, Signed, VerifyingKey};
use vigo_core::fleet::{Envoy, FleetIndex, Past, Shown};
use vigo_core::id::EnvoyId;
use vigo_core::limits::{ATTEMPTS_A_MINUTE_MAX, CLAIMS_A_MINUTE_MAX};
use vigo_core::server::{Attempts, CheckInLoad, ConnectionCounts, Denials, Signer, Waiting};
use vigo_core::time::Timestamp;

/// The running server.
pub struct Server {
    pub(super) store: Store,
    pub(super) keys: ArcSwap<Keys>,
    pub(super) settings: ArcSwap<Settings>,
    pub(super) live: ArcSwap<Live>,
    pub(super) signer: Mutex<Signer>,
    /// It is known that the database went back, and what it had of the past is void.
    pub(super) is_back: AtomicBool,
    /// With a token, each of which costs a hash.
    pub(super) attempts: Mutex<Attempts>,
    /// Without one.
    pub(super) claims: Mutex<Attempts>,
    /// Of these, those whose refusal is written into the audit.
    pub(super) refusals: Mutex<Attempts>,
    /// Who waits to be let in.
    pub(super) waiting: Mutex<Waiting>,
    pub(super) load: Mutex<CheckInLoad>,
    /// Check-ins that were answered.
    pub(super) check_ins: AtomicU64,
    /// Hashing a token's secret takes a core for a while: so many at a time.
    pub(super) hashing: Semaphore,
    /// What a token's secret is held against that has no record: the time must not tell.
    pub(super) decoy: String,
    pub(super) vault: Arc<Vault>,
    pub(super) denials: Mutex<Denials>,
    fleet: RwLock<FleetIndex>,
    /// Where key sets go that agents show and that are newer than the server's.
    pub(super) learned: mpsc::Sender<Signed>,
    listener: Mutex<Option<Listener>>,
    pub(super) held: Arc<Held>,
    https: watch::Sender<Arc<rustls::ServerConfig>>,
}

/// Secrets that are hashed at a time.
const HASHING_MAX: usize = 2;

impl Server {
    /// Makes the server, with all envoys of the store.
    ///
    /// # Errors
    /// [`RunError::Store`], [`RunError::Token`].
    pub async fn load(
        store: Store,
        keys: Keys,
        settings: Settings,
        live: Live,
        vault: Arc<Vault>,
        learned: mpsc::Sender<Signed>,
    ) -> Result<Arc<Self>, RunError> {
        let live = live.with_revisions(|path| vault.revision(path));
        let https = watch::Sender::new(api::tls_config(&keys.server)?);
        let mut fleet = FleetIndex::default();
        let digests = store.traits_digests().await?;
        for row in store.envoys().await? {
            let id = row.id;
            let Some(envoy) = loaded(row, &settings, &live) else {
                tracing::error!("envoy {id} has a key in the database that is none; it is left out");
                continue;
            };
            if let Err(error) = fleet.insert(envoy) {
                tracing::error!("envoy {id} is left out: {error}");
            }
        }
        for (id, digest) in digests {
            if let Some(envoy) = fleet.get_mut(id) {
                envoy.traits_digest = digest;
            }
        }
        for order in store.open_orders(now()).await? {
            if let Some(envoy) = fleet.get_mut(order.envoy_id) {
                envoy.orders.push(order);
            }
        }
        let decoy = store::decoy()?;
        let last_serial = u64::try_from(store.newest().epoch_ms()).unwrap_or(0);
        let signer = Signer::new(keys.bundle.clone(), last_serial).started(now());
        let is_back = store.found_back().is_some();
        Ok(Arc::new(Self {
            store,
            keys: ArcSwap::from_pointee(keys),
            settings: ArcSwap::from_pointee(settings),
            live: ArcSwap::from_pointee(live),
            signer: Mutex::new(signer),
            is_back: AtomicBool::new(is_back),
            attempts: Mutex::new(Attempts::new(ATTEMPTS_A_MINUTE_MAX)),
            claims: Mutex::new(Attempts::new(CLAIMS_A_MINUTE_MAX)),
            refusals: Mutex::new(Attempts::new(ATTEMPTS_A_MINUTE_MAX)),
            waiting: Mutex::default(),
            load: Mutex::default(),
            check_ins: AtomicU64::new(0),
            hashing: Semaphore::new(HASHING_MAX),
            decoy,
            vault,
            denials: Mutex::default(),
            fleet: RwLock::new(fleet),
            learned,
            listener: Mutex::new(None),
            held: Arc::default(),
            https,
        }))
    }

    /// Returns what HTTPS is served with, now and later.
    pub(super) fn https(&self) -> watch::Receiver<Arc<rustls::ServerConfig>> {
        self.https.subscribe()
    }

    /// Takes other keys, and what is published as they sign it. A check-in sees all of it or nothing. Runs on the tokio
    /// runtime that it is called in.
    pub(super) fn rekey(&self, keys: Arc<Keys>, live: Option<Live>) {
        let authorities: Vec<Vec<u8>> = keys.keyset.cas.iter().map(|ca| ca.certificate.clone()).collect();
        match Tls::new(&keys.server, &authorities) {
            // Tickets end with it.
            Ok(tls) => drop(self.listener().as_ref().map(|listener| listener.set_tls(tls))),
            Err(error) => tracing::error!("agents see the certificate before: {error}"),
        }
        match api::tls_config(&keys.server) {
            Ok(https) => drop(self.https.send_replace(https)),
            Err(error) => tracing::error!("people see the certificate before: {error}"),
        }
        let mut fleet = self.fleet_mut();
        self.signer.lock().unwrap_or_else(PoisonError::into_inner).set_key(keys.bundle.clone());
        let before = self.keys.swap(Arc::clone(&keys));
        if let Some(live) = live {
            let live = live.after(&self.live.load()).with_revisions(|path| self.vault.revision(path));
            fleet.classify(|hostname| live.class_of(hostname), |_, _| false);
            self.live.store(Arc::new(live));
        }
        drop(fleet);
        if before.keyset.version != keys.keyset.version {
            self.call_all();
        }
    }

    /// Takes the listener whose connections are closed when an envoy is revoked.
    pub(super) fn set_listener(&self, listener: Listener) {
        *self.listener() = Some(listener);
    }

    /// Gives the listener back, to be shut down.
    pub(super) fn take_listener(&self) -> Option<Listener> {
        self.listener().take()
    }

    /// Returns what became of the agents' connections so far.
    pub(super) fn connections(&self) -> ConnectionCounts {
        self.listener().as_ref().map(Listener::connections).unwrap_or_default()
    }

    fn listener(&self) -> MutexGuard<'_, Option<Listener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a publish in the place of the one before: from now on it is served, and those who wait are called. Runs on the
    /// tokio runtime that it is called in.
    pub fn serve(&self, live: Live) {
        self.swap(|before| live.after(before));
    }

    /// Takes that secrets have other values: the classes that use them have another epoch, and those who wait are called.
    /// Runs on the tokio runtime that it is called in.
    pub fn secrets_changed(&self) {
        self.swap(Live::clone);
    }

    fn swap(&self, next: impl FnOnce(&Live) -> Live) {
        let mut fleet = self.fleet_mut();
        let before = self.live.load_full();
        let live = Arc::new(next(&before).with_revisions(|path| self.vault.revision(path)));
        let is_first = !before.policy.is_published;
        let is_same = |had, has| !is_first && live.policy.gives_the_same(has, &before.policy, had);
        fleet.classify(|hostname| live.class_of(hostname), is_same);
        // Under the lock: a check-in sees both or neither.
        self.live.store(Arc::clone(&live));
        let news = self.held.all().into_iter().filter(|id| fleet.get(*id).is_some_and(|envoy| envoy.called)).collect();
        drop(fleet);
        tokio::spawn(Arc::clone(&self.held).call_by_and_by(news));
    }

    /// Throws an envoy out of memory and closes its connections, after the store did.
    pub fn forget(&self, id: EnvoyId) {
        self.waiting().forget(id);
        self.fleet_mut().revoke(id);
        if let Some(listener) = &*self.listener() {
            listener.close_envoy(id);
        }
    }

    /// Has an envoy rest or observe in memory, or not, after the store did: it hears of it at once where its connection is
    /// held, and at its next check-in otherwise. Returns whether it was called.
    pub fn rest(&self, id: EnvoyId, maintenance: Maintenance, observes: bool) -> bool {
        let mut fleet = self.fleet_mut();
        let Some(envoy) = fleet.get_mut(id) else { return false };
        // What it remembers of before is older than that.
        envoy.past = Past::Shown;
        if (envoy.maintenance, envoy.observes) != (maintenance, observes) {
            (envoy.maintenance, envoy.observes) = (maintenance, observes);
            (envoy.shown, envoy.called) = (Shown::Other, true);
        }
        let is_news = envoy.called;
        drop(fleet);
        is_news && self.held.call(id)
    }

    /// Forgets in memory that an envoy seemed to run twice, after the store did.
    pub fn dismiss_clone(&self, id: EnvoyId) {
        if let Some(envoy) = self.fleet_mut().get_mut(id) {
            envoy.dismiss_clone();
        }
    }

    /// Gives an envoy another name in memory, after the store did: it gets the policy of that at its next check-in.
    pub fn rename(&self, id: EnvoyId, hostname: &str) {
        let mut fleet = self.fleet_mut();
        let class = self.live.load().class_of(hostname);
        if let Err(error) = fleet.rename(id, hostname.into(), class) {
            tracing::error!("{id} has its new name in the database, but not in memory: {error}");
        }
        if let Some(envoy) = fleet.get_mut(id) {
            envoy.past = Past::Shown;
        }
    }

    /// Returns the time by which tokens and the like end: the clock, but not before what the database has. A clock that
    /// went back brings nothing back to life.
    pub(super) fn now(&self) -> Timestamp {
        now().max(self.store.newest())
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fleet(&self) -> RwLockReadGuard<'_, FleetIndex> {
        self.fleet.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fleet_mut(&self) -> RwLockWriteGuard<'_, FleetIndex> {
        self.fleet.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns an envoy of the store as it is in memory.
fn loaded(row: store::Envoy, settings: &Settings, live: &Live) -> Option<Envoy> {
    let key = VerifyingKey::from_bytes(&row.identity_key).ok()?;
    let class = live.class_of(&row.hostname);
    let mut envoy = Envoy::new(row.id, key, row.hostname.into());
    envoy.class = class;
    envoy.revoked = row.revoked_at.is_some();
    envoy.contact = row.seen.contact;
    envoy.contact_is_old = true;
    envoy.last_seen = row.seen.last_seen;
    envoy.cadence = settings.check_in.interval;
    envoy.keyset = row.seen.keyset;
    envoy.observes = row.observes;
    envoy.maintenance = row.maintenance;
    envoy.cloned = row.cloned;
    envoy.last_run = row.status.as_ref().map(store::Status::last_run);
    Some(envoy)
}

/// Returns the time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
