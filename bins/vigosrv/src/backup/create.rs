//! Making a backup of a server that runs.

use super::age::Unlock;
use super::pack::{check_name, pack};
use super::read::walk;
use super::stage::{Staged, remove, stage};
use super::verify::whole;
use super::view::summary;
use super::{ArchiveError, Scheduled};
use crate::api::Context;
use crate::config::Config;
use crate::data_dir::{DataDir, Keys};
use crate::store::{Actor, Entry};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Mutex;
use vigo_core::backup::age::Recipient;
use vigo_core::backup::{Expect, Manifest};
use vigo_core::time::Timestamp;

/// What makes backups of this server, one at a time.
#[derive(Debug)]
pub struct Backups {
    places: Places,
    /// Those that are made by schedule.
    pub scheduled: Scheduled,
    turn: Mutex<()>,
    is_running: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

/// Where everything is that is to be in a backup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// The data directory.
    pub root: PathBuf,
    /// The folder of the secrets.
    pub secrets: PathBuf,
    /// Where `server.yaml` has the database.
    pub database_path: String,
    /// Where `server.yaml` has the secrets.
    pub secrets_path: String,
    /// The name of the machine.
    pub host: String,
    /// Files that the configuration names and that are not in the data directory.
    pub outside: Vec<String>,
}

impl Places {
    /// Returns those of a data directory with this configuration.
    pub fn of(dir: &DataDir, config: &Config, host: &str) -> Self {
        let shown = |path: &Path| path.display().to_string();
        let files = [&config.secrets.token_file, &config.secrets.ca_file];
        let outside = files.into_iter().flatten().filter(|path| path.is_absolute()).map(|path| shown(path)).collect();
        Self {
            root: dir.root().to_owned(),
            secrets: dir.resolve(&config.secrets.dir),
            database_path: shown(&config.database.path),
            secrets_path: shown(&config.secrets.dir),
            host: host.to_owned(),
            outside,
        }
    }
}

/// What backup is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Where it is to be; absolute, and not there yet.
    pub file: PathBuf,
    /// Whether the agent's programs are to be in it.
    pub blobs: bool,
    /// For whom it is encrypted; for nobody where there is none.
    pub encrypt_to: Vec<Recipient>,
}

impl Backups {
    /// Returns what makes backups of what is at these places.
    pub fn new(places: Places) -> Arc<Self> {
        let (done, total) = (AtomicU64::new(0), AtomicU64::new(0));
        let (scheduled, is_running) = (Scheduled::default(), AtomicBool::new(false));
        Arc::new(Self { places, scheduled, turn: Mutex::default(), is_running, done, total })
    }

    /// Returns how many bytes of how many are done, or were, of the newest backup; zeros where there was none.
    pub fn reached(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Returns how many bytes of how many are done of the backup in hand, if there is one.
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.is_running.load(Ordering::Relaxed).then(|| self.reached())
    }
}

/// Makes a backup, reads it back, and gives it its name. What is asked of the server meanwhile is answered, but for
/// publishing and changes of keys and secrets, which wait until all is laid beside.
///
/// # Errors
/// [`ArchiveError`]; nothing is left of it then.
pub async fn create(context: Context, wanted: Wanted, actor: Actor) -> Result<Value, ArchiveError> {
    let backups = Arc::clone(&context.backups);
    let _turn = backups.turn.try_lock().map_err(|_| ArchiveError::Busy)?;
    check_name(&wanted.file, !wanted.encrypt_to.is_empty())?;
    if std::fs::symlink_metadata(&wanted.file).is_ok() {
        return Err(ArchiveError::Exists { file: wanted.file });
    }
    backups.done.store(0, Ordering::Relaxed);
    backups.total.store(0, Ordering::Relaxed);
    backups.is_running.store(true, Ordering::Relaxed);
    let _running = Running(&backups);
    let (staged, keys, serial, live) = {
        let _keys = context.keyring.hold().await;
        let publisher = context.publisher.lock().await;
        let _secrets = context.vault_turn.lock().await;
        let live = publisher.live();
        let (places, store, agents) = (backups.places.clone(), context.store.clone(), Arc::clone(&context.agents));
        let blobs = wanted.blobs;
        let laid = tokio::task::spawn_blocking(move || stage(&places, &store, &agents, live, blobs));
        let staged = laid.await.map_err(|_| ArchiveError::Unfinished)??;
        (staged, context.running.keys(), context.running.serial(), live)
    };
    let made = Made { keys, serial, live, at: context.running.now() };
    let (told, asked) = (Arc::clone(&backups), wanted.clone());
    let packed = tokio::task::spawn_blocking(move || finish(&told, &staged, &made, &asked));
    let manifest = packed.await.map_err(|_| ArchiveError::Unfinished)??;
    let size = std::fs::metadata(&wanted.file).map_or(0, |meta| meta.len());
    let name = wanted.file.display().to_string();
    let detail = format!("{} files, {size} bytes, publish {}", manifest.files.len(), live.unwrap_or(0));
    let entry = Entry { actor, action: "backup.create", subject: name, detail };
    context.store.audit(entry, context.running.now()).await?;
    Ok(summary(&wanted.file, &manifest))
}

/// Says that a backup is made, until this is dropped.
struct Running<'a>(&'a Backups);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.is_running.store(false, Ordering::Relaxed);
    }
}

/// A folder that goes with this.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::error!("keys lie in it, and the next start removes it: {error}");
        }
    }
}

/// What the server was when everything was laid beside.
struct Made {
    keys: Arc<Keys>,
    serial: u64,
    live: Option<u64>,
    at: Timestamp,
}

/// Packs what was laid beside, reads it back, and gives it its name.
fn finish(backups: &Backups, staged: &Staged, made: &Made, wanted: &Wanted) -> Result<Manifest, ArchiveError> {
    let file = &*wanted.file;
    // Everything is read, packed, and read back.
    backups.total.store(3 * staged.total(), Ordering::Relaxed);
    let mut told = |bytes: u64| {
        backups.done.fetch_add(bytes, Ordering::Relaxed);
    };
    let mut id = [0; 16];
    let random = |e: getrandom::Error| crate::data_dir::DataDirError::Random { why: e.to_string() };
    getrandom::fill(&mut id).map_err(random)?;
    let (places, facts, keys) = (&backups.places, &staged.facts, &made.keys);
    let files = staged.digested(&mut told)?;
    let manifest = Manifest {
        id,
        created_at: made.at,
        program: env!("CARGO_PKG_VERSION").into(),
        schema: facts.schema,
        root: keys.keyset.root,
        keyset: keys.signed_keyset.clone(),
        live: made.live,
        serial: made.serial,
        audit: facts.audit,
        newest_at: facts.newest,
        envoys: facts.envoys,
        host: places.host.clone(),
        database_path: places.database_path.clone(),
        secrets_path: places.secrets_path.clone(),
        parts: staged.parts.clone(),
        has_root: files.iter().any(|file| file.path == "tls/root_key"),
        files,
        copies: staged.copies.clone(),
        left_out: staged.left_out.iter().chain(&places.outside).cloned().collect(),
    };
    // What could not be read back is not written.
    manifest.check().map_err(ArchiveError::of(file))?;
    let signed = manifest.sign(&keys.bundle);
    let fresh = pack(file, &wanted.encrypt_to, staged, &manifest, &signed, &mut told)?;
    let expect = Expect::Root(keys.keyset.root);
    let refused = ArchiveError::of(fresh.path());
    let mut before = 0;
    let mut told = |done: u64, _| {
        backups.done.fetch_add(done - before, Ordering::Relaxed);
        before = done;
    };
    match fresh.unlock() {
        Unlock::Nothing => {
            walk(fresh.path(), &Unlock::Nothing, None, &mut told, &mut |found| {
                found.trust(&expect).map_err(&refused)?;
                Ok(Default::default())
            })?;
        }
        // Nobody here can look into it later.
        unlock => {
            let scratch = Scratch(places.root.join("run").join("backup.look"));
            remove(&scratch.0)?;
            whole(fresh.path(), &unlock, &expect, &scratch.0, &mut told)?;
        }
    }
    fresh.place(file)?;
    Ok(manifest)
}
