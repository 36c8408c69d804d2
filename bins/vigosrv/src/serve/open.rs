//! From a data directory to all that answers on it, but for its ports.

use super::damaged::open_store;
use super::live::Live;
use super::run::RunError;
use super::server::{Server, now};
use super::settings::Settings;
use crate::agents::Agents;
use crate::api::{About, Auth, Context, Running};
use crate::backup::{Backups, Places};
use crate::config::Config;
use crate::data_dir::{DataDir, Keys};
use crate::keyring::Keyring;
use crate::net::{NetError, Tls};
use crate::notify::Alarms;
use crate::publish::{Publisher, Record};
use crate::store::{Actor, Log, PublishRow, Store};
use crate::vault::Vault;
use std::sync::Arc;
use tokio::sync::mpsc;
use vigo_core::bundle::Signed;
use vigo_core::server::WentBack;

/// What answers on a data directory.
pub(super) struct Opened {
    pub(super) server: Arc<Server>,
    pub(super) context: Context,
    pub(super) tls: Tls,
    /// Key sets that agents show.
    pub(super) shown: mpsc::Receiver<Signed>,
}

/// Opens what lies in `dir`, and makes what is not there yet; people find it on the port `https_port` of `machine`.
///
/// # Errors
/// [`RunError`].
pub(super) async fn open(dir: &DataDir, config: &Config, machine: &str, https_port: u16) -> Result<Opened, RunError> {
    let database = dir.resolve(&config.database.path);
    let hosts = config.server.certificate_hosts(machine);
    let keys = Keys::open(dir, &database, &hosts, now())?;
    let log = if config.database.litestream { Log::Litestreams } else { Log::Own };
    let store = open_store(dir, &database, log)?;
    if let Some(WentBack { by, from, to }) = store.found_back() {
        tracing::error!(
            "the database is older than what this server has done: {by}; what was done from {from} to {to} is lost, and the \
             tokens, logins and orders in it are void; see `vigocli server restored`"
        );
    }
    let noted = store.publishes(None, 1).await?.first().map_or(0, |publish| publish.id);
    let (publisher, published) = Publisher::open(dir.root(), keys.bundle.clone(), noted)?;
    note(&store, publisher.history()?).await?;
    let authorities: Vec<Vec<u8>> = keys.keyset.cas.iter().map(|ca| ca.certificate.clone()).collect();
    let tls = Tls::new(&keys.server, &authorities)?;
    let settings = Settings::of(config, machine);
    let agents = Arc::new(Agents::open(dir.root(), &keys.keyset, keys.bundle.clone())?);
    let about = Arc::new(About {
        fleet: keys.keyset.fleet(),
        root_key: keys.root_public(),
        https_pin: keys.https_pin().map_err(NetError::from)?,
        https: config.server.https(machine, https_port),
        token_ttl: config.enrollment.token_ttl.0,
        data_dir: dir.root().to_owned(),
        database,
        metrics_public: config.server.metrics_public,
        replicates: config.database.litestream,
        started_at: now(),
    });
    let vault = Vault::open(dir, &config.secrets)?;
    let (learned, shown) = mpsc::channel(1);
    let server = Server::load(store.clone(), keys, settings, Live::from(published), vault.clone(), learned).await?;
    let publisher = Arc::new(tokio::sync::Mutex::new(publisher));
    let running: Arc<dyn Running> = Arc::new(server.clone());
    let keyring =
        Keyring::new(dir.tls(), hosts, store.clone(), Arc::clone(&publisher), agents.clone(), Arc::clone(&running));
    let (auth, vault_turn, envoy_turn) = (Auth::default(), Arc::default(), Arc::default());
    let backups = Backups::new(Places::of(dir, config, machine));
    backups.scheduled.set(config.backup.clone());
    let alarms = Alarms::new();
    let context = Context {
        store,
        publisher,
        agents,
        vault,
        vault_turn,
        envoy_turn,
        auth,
        running,
        keyring,
        backups,
        alarms,
        about,
    };
    Ok(Opened { server, context, tls, shown })
}

/// Adds the rows of publishes that stand and are not in the database: power was cut between the two.
async fn note(store: &Store, history: Vec<Record>) -> Result<(), RunError> {
    for Record { id, author, at, restores, .. } in history {
        store.published(PublishRow { id, author, at, restores }, Actor::Server, now()).await?;
    }
    Ok(())
}
