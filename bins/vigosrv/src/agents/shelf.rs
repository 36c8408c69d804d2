//! The folder of programs.

use super::AgentsError;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::watch;
use vigo_core::bundle::{KeySet, ProgramManifest, ProgramReader, Signed, SigningKey, Target};
use vigo_driver::disk;

/// A program, and who stands for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agent {
    /// What it is.
    pub manifest: ProgramManifest,
    /// The same, as the bundle key signed it.
    pub signed: Signed,
}

/// The programs that this server hands out, one a target.
pub struct Agents {
    /// `blobs/`.
    blobs: PathBuf,
    key: RwLock<SigningKey>,
    agents: RwLock<BTreeMap<Target, Agent>>,
    /// One is added at a time.
    adding: Mutex<()>,
    /// Whether the program beside the server's own was looked at, or nobody is going to.
    settled: watch::Sender<bool>,
}

/// A program that lies in the folder already, and is handed out after [`Agents::commit`].
#[derive(Debug)]
pub struct Staged(ProgramManifest);

/// What an entry begins with; the number is that of the format.
const HEAD: &str = "vigo-agent-1 ";

/// Bytes of an entry.
const ENTRY_BYTES_MAX: u64 = 4096;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// The program that lies beside the server's own.
const BESIDE: &str = "vigo";

impl Agents {
    /// Reads the folder in `root`, a data directory. An entry that nobody of the fleet stands for is passed over and told;
    /// for what a key stands that was retired since, `key` does.
    ///
    /// # Errors
    /// [`AgentsError::File`].
    pub fn open(root: &Path, keyset: &KeySet, key: SigningKey) -> Result<Self, AgentsError> {
        let blobs = root.join("blobs");
        let folder = blobs.join("agents");
        fs::create_dir_all(&folder).map_err(AgentsError::file("make", &folder))?;
        let mut agents = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(AgentsError::file("read", &folder))? {
            let path = entry.map_err(AgentsError::file("read", &folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Ok(target) = name.parse::<Target>() else { continue };
            match read(&path, keyset) {
                Ok(manifest) if manifest.target == target => {
                    agents.insert(target, Agent { signed: manifest.sign(&key), manifest });
                }
                Ok(other) => tracing::warn!("`{}` is of {}; it is passed over", path.display(), other.target),
                Err(why) => tracing::warn!("`{}` is passed over: {why}; add the agent again", path.display()),
            }
        }
        Ok(Self {
            blobs,
            key: RwLock::new(key),
            agents: RwLock::new(agents),
            adding: Mutex::default(),
            settled: watch::Sender::new(true),
        })
    }

    /// Takes another bundle key, which stands for all programs from now on.
    pub fn set_key(&self, key: &SigningKey) {
        let _turn = self.turn();
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key.clone();
        for agent in self.agents.write().unwrap_or_else(PoisonError::into_inner).values_mut() {
            agent.signed = agent.manifest.sign(key);
        }
    }

    /// Returns all programs.
    pub fn all(&self) -> Vec<Agent> {
        self.agents.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Returns the program for a target.
    pub fn get(&self, target: &Target) -> Option<Agent> {
        self.agents.read().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    /// Returns where a program lies.
    pub fn path(&self, manifest: &ProgramManifest) -> PathBuf {
        self.blobs.join(manifest.digest())
    }

    /// Lays the program that comes in `pieces` into the folder. `target` says what it runs on, where its head does not.
    ///
    /// # Errors
    /// [`AgentsError`]; then nothing of it stays.
    pub fn stage(
        &self,
        pieces: impl IntoIterator<Item = io::Result<impl AsRef<[u8]>>>,
        target: Option<Target>,
    ) -> Result<Staged, AgentsError> {
        let _turn = self.turn();
        let fresh = self.blobs.join(".new");
        let staged = self.lay(&fresh, pieces, target);
        if staged.is_err() {
            // What is left of it is overwritten by the next.
            let _ = disk::remove_file(&fresh);
        }
        staged
    }

    fn lay(
        &self,
        fresh: &Path,
        pieces: impl IntoIterator<Item = io::Result<impl AsRef<[u8]>>>,
        target: Option<Target>,
    ) -> Result<Staged, AgentsError> {
        let failed = |why| AgentsError::File { what: "write", path: fresh.to_owned(), why };
        let mut options = File::options();
        let mut file =
            disk::step(|| options.write(true).create(true).truncate(true).mode(0o600).open(fresh)).map_err(failed)?;
        let mut reader = ProgramReader::default();
        for piece in pieces {
            let piece = piece.map_err(AgentsError::Read)?;
            reader.feed(piece.as_ref())?;
            disk::write(&mut file, piece.as_ref()).map_err(failed)?;
        }
        let manifest = reader.finish(target)?;
        disk::sync(&file).map_err(failed)?;
        let path = self.path(&manifest);
        disk::rename(fresh, &path).map_err(AgentsError::file("write", &path))?;
        sync(&self.blobs)?;
        Ok(Staged(manifest))
    }

    /// Hands a program out from now on, in the place of the one before.
    ///
    /// # Errors
    /// [`AgentsError::File`]; the one before stays.
    pub fn commit(&self, staged: Staged) -> Result<Agent, AgentsError> {
        let _turn = self.turn();
        let Staged(manifest) = staged;
        let signed = manifest.sign(&self.key.read().unwrap_or_else(PoisonError::into_inner));
        let agent = Agent { manifest, signed };
        let path = self.blobs.join("agents").join(agent.manifest.target.to_string());
        let text = format!("{HEAD}{}\n", agent.signed.to_hex());
        write(&path, text.as_bytes()).map_err(AgentsError::file("write", &path))?;
        let before = self
            .agents
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(agent.manifest.target.clone(), agent.clone());
        if let Some(before) = before {
            self.sweep(&before.manifest);
        }
        Ok(agent)
    }

    /// Takes the program of a target away. False: there was none.
    ///
    /// # Errors
    /// [`AgentsError::File`]; it stays.
    pub fn remove(&self, target: &Target) -> Result<bool, AgentsError> {
        let _turn = self.turn();
        let Some(agent) = self.get(target) else { return Ok(false) };
        let path = self.blobs.join("agents").join(target.to_string());
        disk::remove_file(&path).map_err(AgentsError::file("remove", &path))?;
        self.agents.write().unwrap_or_else(PoisonError::into_inner).remove(target);
        self.sweep(&agent.manifest);
        Ok(true)
    }

    /// Says that [`Agents::take_beside`] is going to be called.
    pub fn unsettle(&self) {
        self.settled.send_replace(false);
    }

    /// Waits until it is done, where it is going to be.
    pub async fn settled(&self) {
        // The sender lives as long as this.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
    }

    /// Takes the program that lies beside the server's own, where there is none for its target, or an older one.
    ///
    /// # Errors
    /// [`AgentsError`].
    pub fn take_beside(&self) -> Result<Option<Agent>, AgentsError> {
        let taken = self.beside();
        self.settled.send_replace(true);
        taken
    }

    fn beside(&self) -> Result<Option<Agent>, AgentsError> {
        let Some(path) = std::env::current_exe().ok().map(|own| own.with_file_name(BESIDE)) else { return Ok(None) };
        let file = match File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(AgentsError::file("read", &path))?,
        };
        let mut reader = ProgramReader::default();
        for piece in pieces(&file) {
            reader.feed(&piece.map_err(AgentsError::file("read", &path))?)?;
        }
        let beside = reader.finish(None)?;
        if self.get(&beside.target).is_some_and(|known| !beside.is_newer_than(&known.manifest)) {
            return Ok(None);
        }
        io::Seek::rewind(&mut &file).map_err(AgentsError::file("read", &path))?;
        self.commit(self.stage(pieces(&file), None)?).map(Some)
    }

    /// Removes a program that nothing names any more.
    fn sweep(&self, old: &ProgramManifest) {
        if self.all().iter().any(|agent| agent.manifest.sha256 == old.sha256) {
            return;
        }
        let path = self.path(old);
        if let Err(error) = disk::remove_file(&path) {
            tracing::warn!("`{}`, which nothing names any more, stays: {error}", path.display());
        }
    }

    /// Does something while no program is added or removed.
    pub fn while_none_is_added<T>(&self, work: impl FnOnce() -> T) -> T {
        let _turn = self.turn();
        work()
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.adding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Staged {
    /// Returns what it is.
    pub fn manifest(&self) -> &ProgramManifest {
        &self.0
    }
}

/// Returns the pieces of a file.
fn pieces(file: &File) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    std::iter::from_fn(move || {
        let mut piece = Vec::new();
        match file.take(PIECE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some(Ok(piece)),
            Err(error) => Some(Err(error)),
        }
    })
    .fuse()
}

/// Reads an entry.
fn read(path: &Path, keyset: &KeySet) -> Result<ProgramManifest, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(ENTRY_BYTES_MAX).read_to_string(&mut text).map_err(|e| e.to_string())?;
    let signed = text.trim().strip_prefix(HEAD).ok_or("expected an entry of vigosrv's")?;
    let signed = Signed::from_hex(signed).map_err(|e| e.to_string())?;
    let keys: Vec<_> = keyset.bundle_keys.iter().map(|key| key.key).collect();
    ProgramManifest::verify(&signed, &keys).map_err(|e| e.to_string())
}

/// Writes a file beside its place and moves it there.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    // No target has a dot in its name.
    let fresh = folder.join(".new");
    let mut options = File::options();
    let mut file = disk::step(|| options.write(true).create(true).truncate(true).mode(0o600).open(&fresh))?;
    disk::write(&mut file, bytes)?;
    disk::sync(&file)?;
    disk::rename(&fresh, path)?;
    disk::sync_dir(folder)
}

fn sync(folder: &Path) -> Result<(), AgentsError> {
    disk::sync_dir(folder).map_err(AgentsError::file("sync", folder))
}
