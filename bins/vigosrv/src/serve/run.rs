//! From a data directory to a running server, and to its end.

use super::alarms::{TELLING, damage, watch};
use super::claim::claim;
use super::damaged::{NoDatabase, check, close_store};
use super::live::Live;
use super::open::{Opened, open};
use super::server::{Server, now};
use super::settings::Settings;
use crate::agents::{Agents, AgentsError};
use crate::api::{self, Context, ListenError, Load, Running};
use crate::backup;
use crate::config::{self, Config, ConfigError};
use crate::data_dir::{DataDir, DataDirError, Holder, Keys};
use crate::keyring::Keyring;
use crate::net::{Limits, Listener, NetError, Tls};
use crate::notify::{Teller, keep_telling};
use crate::publish::{PublishError, Published};
use crate::store::{Store, StoreError, TokenError};
use crate::vault::{Vault, VaultError};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use vigo_core::bundle::{Maintenance, Order, Signed};
use vigo_core::fleet::{Envoy, Status};
use vigo_core::id::EnvoyId;
use vigo_core::server::{Alarm, Trusted, Waits, is_current};
use vigo_core::time::Timestamp;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is none.
    #[error(transparent)]
    NoDatabase(#[from] NoDatabase),
    /// What is published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Its secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Its ports.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The agent's programs.
    #[error(transparent)]
    Agents(#[from] AgentsError),
    /// The administrator's socket, or HTTPS.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The port for people.
    #[error("listen for HTTPS on {address:?}: {why}")]
    Https {
        /// What was tried.
        address: Vec<SocketAddr>,
        /// What the system said.
        why: std::io::Error,
    },
    /// No token can be held against anything.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What is asked of a server that does not run is no request.
    #[error("expected a request on standard input: {0}")]
    Asked(String),
    /// There is nowhere to listen.
    #[error("`server.agent_listen` names no address")]
    NoAddress,
    /// Signals cannot be taken.
    #[error("cannot take signals: {0}")]
    Signals(std::io::Error),
}

impl RunError {
    /// Returns whether a server has the data directory: it is to be asked.
    pub fn is_served(&self) -> bool {
        matches!(self, Self::DataDir(DataDirError::Locked { holder: Holder::Server, .. }))
    }

    /// Returns what to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::DataDir(error) => Some(error.help()),
            Self::Config(error) => error.help(),
            Self::Vault(error) => error.help(),
            Self::Store(error) => error.help(),
            Self::NoDatabase(error) => Some(error.help()),
            Self::Agents(error) => error.help().map(Into::into),
            Self::Net(NetError::Bind { .. }) => {
                Some("end what listens there, or set `server.agent_listen` in server.yaml".into())
            }
            Self::Publish(PublishError::Damaged { .. }) => {
                Some("restore it from a backup, or make `.live` lead to another entry of `history/`".into())
            }
            Self::Https { .. } => Some("end what listens there, or set `server.api_listen` in server.yaml".into()),
            _ => None,
        }
    }
}

/// How long requests in hand may take when the server ends.
const DRAIN: Duration = Duration::from_secs(10);

/// Time between two looks at what is due of the keys.
const KEYS_PERIOD: Duration = Duration::from_secs(2);

/// Time between two looks for runs that are too old to keep.
const PRUNE_PERIOD: Duration = Duration::from_secs(3600);

/// Runs a server on `data_dir`, until it is told to end by SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError`], before it is ready.
pub async fn run(data_dir: &Path) -> Result<(), RunError> {
    let dir = claim(|| DataDir::serve(data_dir)).await?;
    let config = config::load(&dir.config())?;
    let machine = hostname();
    let is_first_start = !dir.tls().exists();
    let tcp = https_listener(&config).await?;
    let port = tcp.local_addr().map_or(config.server.api_listen.port, |address| address.port());
    let Opened { server, context, tls, shown } = open(&dir, &config, &machine, port).await?;
    let Context { store, agents, keyring, about, .. } = context.clone();
    agents.unsettle();
    let listener = agents_listener(&config, tls, &server).await?;
    let mut signals = Signals::new().map_err(RunError::Signals)?;
    let people = tcp.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    tracing::info!("ready: agents are answered on {}, people on https://{people}", listener.local_addr());
    server.set_listener(listener);
    if is_first_start {
        tracing::info!(
            "this is a new fleet: on this machine, `vigocli tokens create --match NAME` prints the line that makes a \
             machine of that name an envoy"
        );
    }
    let beside = tokio::task::spawn_blocking(move || take_beside(&agents));
    let (end, ended) = watch::channel(false);
    let looking = look(context.vault.clone(), context.running.clone(), config.secrets.poll_interval.0);
    let looking = tokio::spawn(looking);
    let checking = tokio::spawn(check(store.clone()));
    let pruning = tokio::spawn(prune(store.clone(), config.database.history_retention.0));
    let keeping = tokio::spawn(keep(Arc::clone(&keyring), shown));
    let alarms = Arc::clone(&context.alarms);
    let teller = Teller {
        alarms: Arc::clone(&alarms),
        store: store.clone(),
        fleet: context.about.fleet.clone(),
        host: machine.clone(),
        folder: dir.root().join("run"),
        now,
    };
    let (notify, told) = watch::channel(config.notify.clone());
    let telling = tokio::spawn(keep_telling(teller, told));
    // Where it was, another has taken its place.
    alarms.set(Alarm::DatabaseDamaged, None);
    let watching = tokio::spawn(watch(store.clone(), Arc::clone(&about), Arc::clone(&alarms)));
    let scheduled = tokio::spawn(backup::keep(context.clone()));
    let backups = Arc::clone(&context.backups);
    let https = tokio::spawn(api::serve_https(tcp, server.https(), api::public(context.clone()), ended.clone()));
    let (socket, router) = (dir.socket(), api::local(context));
    let socket = tokio::spawn(async move { api::serve_socket(&socket, router, ended).await });
    let outcome = tokio::select! {
        () = signals.ended(|| {
            if let Some(config) = reload(&server, &keyring, &dir.config(), &machine) {
                backups.scheduled.set(config.backup);
                notify.send_replace(config.notify);
            }
        }) => Ok(()),
        // What it would answer cannot be believed.
        why = store.damaged() => {
            tracing::error!("the database is damaged: {why}");
            alarms.set(Alarm::DatabaseDamaged, Some(damage(&about, &why)));
            Ok(())
        }
        // It ends by itself only when it cannot be made.
        done = socket => done.map_err(std::io::Error::other).map_err(RunError::Signals)?.map_err(RunError::from),
    };
    tracing::info!("ending");
    let _ = end.send(true);
    server.held.end();
    let agents = async {
        if let Some(listener) = server.take_listener() {
            listener.shutdown(DRAIN).await;
        }
    };
    let _ = tokio::join!(agents, tokio::time::timeout(DRAIN, https));
    if store.damage().is_some() && alarms.is_told() {
        tokio::time::sleep(TELLING).await;
    }
    looking.abort();
    checking.abort();
    pruning.abort();
    beside.abort();
    keeping.abort();
    telling.abort();
    watching.abort();
    scheduled.abort();
    close_store(&dir, &about, &store)?;
    outcome
}

/// Hands out the agent that was installed with this server.
fn take_beside(agents: &Agents) {
    match agents.take_beside() {
        Ok(Some(agent)) => {
            let manifest = agent.manifest;
            tracing::info!("machines are given agent {} for {}", manifest.version, manifest.target);
        }
        Ok(None) if agents.all().is_empty() => {
            tracing::warn!("there is no agent to give to machines: add one with `vigocli server agents add FILE`");
        }
        Ok(None) => {}
        Err(error) => tracing::warn!("the agent beside this server's program is not given to machines: {error}"),
    }
}

/// Looks for new values of secrets that others keep, and tells the envoys that use them.
async fn look(vault: Arc<Vault>, running: Arc<dyn Running>, period: vigo_core::time::Duration) {
    if vault.local().is_ok() {
        return;
    }
    let mut rounds = tokio::time::interval(Duration::from_millis(period.as_ms()));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let (vault, paths) = (Arc::clone(&vault), running.secret_uses().into_keys().collect::<Vec<_>>());
        match tokio::task::spawn_blocking(move || vault.look(&paths, now())).await {
            Ok(Ok(true)) => {
                tracing::info!("secrets have new values");
                running.secrets_changed();
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!("new values of secrets are not told: {error}"),
            Err(error) => tracing::error!("a look for new values of secrets was not finished: {error}"),
        }
    }
}

/// Takes away the runs and orders that are older than `retention`, now and every hour.
async fn prune(store: Store, retention: vigo_core::time::Duration) {
    let mut hours = tokio::time::interval(PRUNE_PERIOD);
    loop {
        hours.tick().await;
        match store.prune_runs(now() - retention).await {
            Ok(0) => {}
            Ok(runs) => tracing::info!("{runs} old runs were taken away"),
            Err(error) => tracing::warn!("old runs stay: {error}"),
        }
        if let Err(error) = store.prune_orders(now() - retention, now()).await {
            tracing::warn!("old orders stay: {error}");
        }
        if let Err(error) = store.prune_trait_changes(now() - retention).await {
            tracing::warn!("old changes of traits stay: {error}");
        }
    }
}

async fn agents_listener(config: &Config, tls: Tls, server: &Arc<Server>) -> Result<Listener, RunError> {
    let addresses = config.server.agent_listen.candidates();
    let (last, others) = addresses.split_last().ok_or(RunError::NoAddress)?;
    let limits = Limits { connections: config.limits.connections(), ..Limits::default() };
    for address in others {
        if let Ok(listener) = Listener::bind(*address, tls.clone(), limits, server.clone()).await {
            return Ok(listener);
        }
    }
    Ok(Listener::bind(*last, tls, limits, server.clone()).await?)
}

async fn https_listener(config: &Config) -> Result<TcpListener, RunError> {
    let addresses = config.server.api_listen.candidates();
    TcpListener::bind(&*addresses).await.map_err(|why| RunError::Https { address: addresses, why })
}

impl Running for Arc<Server> {
    fn now(&self) -> Timestamp {
        Server::now(self)
    }

    fn clock(&self) -> Timestamp {
        now()
    }

    fn servers(&self) -> Vec<String> {
        self.settings.load().check_in.servers.to_vec()
    }

    fn trusted(&self) -> Vec<Trusted> {
        self.settings.load().trusted.clone()
    }

    fn envoy(&self, id: EnvoyId) -> Option<Envoy> {
        self.fleet().get(id).cloned()
    }

    fn revoked(&self, id: EnvoyId) {
        self.forget(id);
    }

    fn is_current(&self, id: EnvoyId) -> bool {
        self.fleet().get(id).is_some_and(|envoy| is_current(envoy, &self.live.load().policy))
    }

    fn renamed(&self, id: EnvoyId, hostname: &str) {
        self.rename(id, hostname);
    }

    fn rests(&self, id: EnvoyId, maintenance: Maintenance, observes: bool) -> bool {
        self.rest(id, maintenance, observes)
    }

    fn dismissed_clone(&self, id: EnvoyId) {
        self.dismiss_clone(id);
    }

    fn orders(&self, id: EnvoyId) -> usize {
        self.fleet().get(id).map_or(0, |envoy| envoy.orders.len())
    }

    fn ordered(&self, orders: Vec<Order>) -> usize {
        self.give(orders)
    }

    fn load(&self) -> Load {
        let put_off = self.load.lock().unwrap_or_else(PoisonError::into_inner).put_off();
        let check_ins = self.check_ins.load(Ordering::Relaxed);
        Load { connections: self.connections(), check_ins, check_ins_put_off: put_off }
    }

    fn words(&self) -> BTreeMap<String, u64> {
        let (fleet, now) = (self.fleet(), Server::now(self));
        fleet.iter().fold(BTreeMap::new(), |mut words, envoy| {
            *words.entry(Status::of(envoy, now).to_string()).or_default() += 1;
            words
        })
    }

    fn serial(&self) -> u64 {
        self.signer.lock().unwrap_or_else(PoisonError::into_inner).last_serial()
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    fn behind(&self, version: u64) -> Vec<Arc<str>> {
        let mut names: Vec<_> =
            vigo_core::server::behind(&self.fleet(), version, now()).map(|envoy| Arc::clone(&envoy.hostname)).collect();
        names.sort_unstable();
        names
    }

    fn rekeyed(&self, keys: Arc<Keys>, published: Option<&Published>) {
        self.rekey(keys, published.map(Live::of));
    }

    fn published(&self, published: &Published) {
        self.serve(Live::of(published));
    }

    fn waiting(&self) -> Vec<Waits> {
        Server::waiting(self).all(Server::now(self))
    }

    fn admit_waiting(&self, by: &str) -> Vec<Waits> {
        Server::waiting(self).admit_all(by, Server::now(self))
    }

    fn secrets_changed(&self) {
        Server::secrets_changed(self);
    }

    fn secret_uses(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        self.live.load().secret_uses()
    }
}

/// Tends the keys, and takes note of newer ones that agents show.
async fn keep(keyring: Arc<Keyring>, mut shown: mpsc::Receiver<Signed>) {
    let mut rounds = tokio::time::interval(KEYS_PERIOD);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            _ = rounds.tick() => keyring.tend().await,
            Some(learned) = shown.recv() => keyring.learn(learned).await,
        };
        if let Err(error) = done {
            tracing::error!("the keys: {error}; {}", error.help().unwrap_or_else(|| "it is tried again".into()));
        }
    }
}

/// Takes what `server.yaml` says now of check-ins, enrolment and the server's names; addresses, files and how many
/// connections are taken stay until the next start.
fn reload(server: &Server, keyring: &Keyring, path: &Path, machine: &str) -> Option<Config> {
    match config::load(path) {
        Ok(config) => {
            server.settings.store(Arc::new(Settings::of(&config, machine)));
            server.call_all();
            keyring.set_hosts(config.server.certificate_hosts(machine));
            tracing::info!("`{}` was read again", path.display());
            Some(config)
        }
        Err(error) => {
            tracing::error!("what was read before stays: {error}");
            None
        }
    }
}

/// What the server is told by signals.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let (term, int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { term, int, hup: signal(SignalKind::hangup())? })
    }

    /// Waits for the end, and calls `reload` whenever that is asked for.
    async fn ended(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.hup.recv() => reload(),
            }
        }
    }
}

pub(super) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
