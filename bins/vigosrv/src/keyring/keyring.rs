//! What changes the keys, one change at a time.

use super::KeyringError;
use crate::agents::Agents;
use crate::api::Running;
use crate::data_dir::{Keys, Kit, TakenOver, secret_of};
use crate::publish::Publisher;
use crate::store::{Actor, Entry, Store};
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;
use vigo_core::bundle::{KeyKind, KeySet, Signed, SigningKey};

/// What changes the keys: first on the disk, then in what is published, then in memory.
pub struct Keyring {
    tls: PathBuf,
    /// Names and addresses in the server's certificate.
    hosts: ArcSwap<Vec<String>>,
    store: Store,
    publisher: Arc<Mutex<Publisher>>,
    agents: Arc<Agents>,
    running: Arc<dyn Running>,
    /// Held through a change.
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    /// The disk has other keys than the memory: something failed between the two.
    is_behind: bool,
}

impl Keyring {
    /// Returns what changes the keys in the folder `tls`, with which `running` works.
    pub fn new(
        tls: PathBuf,
        hosts: Vec<String>,
        store: Store,
        publisher: Arc<Mutex<Publisher>>,
        agents: Arc<Agents>,
        running: Arc<dyn Running>,
    ) -> Arc<Self> {
        let hosts = ArcSwap::from_pointee(hosts);
        Arc::new(Self { tls, hosts, store, publisher, agents, running, turn: Mutex::default() })
    }

    /// Takes other names and addresses for the server's certificate; [`Keyring::tend`] makes it.
    pub fn set_hosts(&self, hosts: Vec<String>) {
        self.hosts.store(Arc::new(hosts));
    }

    /// Begins to rotate a key: it is announced, and used when everybody knows it, or at once with `force`, which also ends
    /// the waiting of one that was announced. Where a newer key set is known than can be worked with, the keys that it
    /// lacks are made instead. `root` is the text of the root's file, where the root is not on this machine.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn rotate(
        self: &Arc<Self>,
        kind: KeyKind,
        force: bool,
        root: Option<&str>,
        actor: Actor,
    ) -> Result<(), KeyringError> {
        let brought = root.map(|text| self.root_of(text)).transpose()?;
        let this = Arc::clone(self);
        // It is done to its end, even when whoever asked is gone.
        let rotating = tokio::spawn(async move {
            let mut turn = this.turn.lock().await;
            let keys = this.running.keys();
            let root = brought.or_else(|| keys.root.clone());
            if let Some((_, learned)) = &keys.learned {
                let root = root.ok_or(KeyringError::NoRoot)?;
                return this.take_over(&mut turn, learned.clone(), Some(root), actor).await.map(drop);
            }
            match keys.keyset.rotating() {
                Some(found) if found == kind && force => return this.switch(&mut turn, actor).await,
                Some(found) => return Err(KeyringError::Rotating(found)),
                None => {}
            }
            let root = root.ok_or(KeyringError::NoRoot)?;
            let detail = format!("version {} of the key set announces a new one", keys.keyset.version + 1);
            this.audit(actor.clone(), "keys.rotate", kind.to_string(), detail).await?;
            let now = this.running.now();
            this.change(&mut turn, move |keys, tls| keys.announce(tls, kind, &root, now)).await?;
            if force { this.switch(&mut turn, actor).await } else { Ok(()) }
        });
        rotating.await?
    }

    /// Does what is due: uses the key that was announced when everybody knows it, and makes the server's certificate anew
    /// before it ends.
    ///
    /// # Errors
    /// [`KeyringError`]: it is tried again the next time.
    pub async fn tend(&self) -> Result<(), KeyringError> {
        let mut turn = self.turn.lock().await;
        let keys = self.running.keys();
        if turn.is_behind {
            return self.reload(&mut turn).await;
        }
        if keys.keyset.rotating().is_some() && self.running.behind(keys.keyset.version).is_empty() {
            return self.switch(&mut turn, Actor::Server).await;
        }
        if !keys.server_is_current(&self.hosts.load(), self.running.now()) {
            return self.reload(&mut turn).await;
        }
        if let (Some((_, learned)), Some(root)) = (&keys.learned, &keys.root) {
            self.take_over(&mut turn, learned.clone(), Some(root.clone()), Actor::Server).await?;
        }
        Ok(())
    }

    /// Takes note of a key set that somebody has shown, signed by the root and newer than the server's own.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn learn(&self, learned: Signed) -> Result<(), KeyringError> {
        let mut turn = self.turn.lock().await;
        let keys = self.running.keys();
        if keys.keyset.successor(&learned).is_ok_and(|set| set.version > keys.known_version()) {
            let root = keys.root.clone();
            let taken = self.take_over(&mut turn, learned, root, Actor::Server).await?;
            if let TakenOver::NeedsRoot(kinds) = taken {
                let kinds: Vec<_> = kinds.iter().map(KeyKind::to_string).collect();
                tracing::error!(
                    "agents have a newer key set, in which the {} of this server counts no more: it was restored from \
                    before a rotation; run `vigocli keys rotate bundle --root-key FILE`",
                    kinds.join(" and the ")
                );
            }
        }
        Ok(())
    }

    /// Returns the text of the recovery kit, to be kept elsewhere: the root, and the key set of now.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn export_root(&self, actor: Actor) -> Result<String, KeyringError> {
        let keys = self.running.keys();
        let root = keys.root.clone().ok_or(KeyringError::NoRoot)?;
        let detail = "the root key was given out".into();
        self.audit(actor, "keys.export-root", keys.keyset.fleet(), detail).await?;
        Ok(Kit::text(&root, &keys.signed_keyset))
    }

    /// Takes the root away from this machine; `kept` is the text of its file, which whoever asks has kept.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn remove_root(&self, kept: &str, actor: Actor) -> Result<(), KeyringError> {
        self.root_of(kept)?;
        let mut turn = self.turn.lock().await;
        self.running.keys().root.as_ref().ok_or(KeyringError::NoRoot)?;
        let detail = "the root key was taken away from this machine".into();
        self.audit(actor, "keys.remove-root", self.running.keys().keyset.fleet(), detail).await?;
        self.change(&mut turn, |_, tls| Keys::remove_root(tls)).await
    }

    /// Waits until no key is being changed; none is until what this returns is dropped. Whoever holds it may lock the publisher
    /// after it, never before.
    pub async fn hold(&self) -> impl Send + '_ {
        self.turn.lock().await
    }

    /// Returns the fleet's root of the text of its file.
    fn root_of(&self, text: &str) -> Result<SigningKey, KeyringError> {
        let keys = self.running.keys();
        let expected = keys.keyset.fleet();
        let found = match secret_of(text) {
            None => "no key of vigosrv's".into(),
            Some(root) if root.verifying_key() == keys.keyset.root => return Ok(root),
            Some(other) => format!("that of `{}`", KeySet::fleet_of(&other.verifying_key())),
        };
        Err(KeyringError::OtherRoot { expected, found })
    }

    async fn switch(&self, turn: &mut Turn, actor: Actor) -> Result<(), KeyringError> {
        let keys = self.running.keys();
        let Some(kind) = keys.keyset.rotating() else { return Ok(()) };
        let detail =
            format!("version {} of the key set: the new one is used, the old one retired", keys.keyset.version + 1);
        self.audit(actor, "keys.switch", kind.to_string(), detail).await?;
        self.change(turn, |keys, tls| keys.switch(tls)).await?;
        tracing::info!(
            "a new {kind} is used, and the one before retired: version {}",
            self.running.keys().keyset.version
        );
        Ok(())
    }

    async fn take_over(
        &self,
        turn: &mut Turn,
        learned: Signed,
        root: Option<SigningKey>,
        actor: Actor,
    ) -> Result<TakenOver, KeyringError> {
        let now = self.running.now();
        let before = self.running.keys().keyset.version;
        let taken = self.change(turn, move |keys, tls| keys.take_over(tls, &learned, root.as_ref(), now)).await?;
        let keys = self.running.keys();
        let detail = match &taken {
            TakenOver::Whole => format!("version {} was shown, and taken over for {before}", keys.keyset.version),
            TakenOver::Replaced(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
                format!(
                    "a newer one was shown than {before}; version {} has new keys: {}",
                    keys.keyset.version,
                    kinds.join(", ")
                )
            }
            TakenOver::NeedsRoot(_) => {
                format!("version {} was shown, of which keys are not here", keys.known_version())
            }
        };
        tracing::warn!("the key set: {detail}");
        self.audit(actor, "keys.take-over", keys.keyset.fleet(), detail).await?;
        Ok(taken)
    }

    /// Changes the files, then everything that follows them.
    async fn change<T, W>(&self, turn: &mut Turn, work: W) -> Result<T, KeyringError>
    where
        T: Send + 'static,
        W: FnOnce(&Keys, &std::path::Path) -> Result<T, crate::data_dir::DataDirError> + Send + 'static,
    {
        let (keys, tls) = (self.running.keys(), self.tls.clone());
        turn.is_behind = true;
        let done = tokio::task::spawn_blocking(move || work(&keys, &tls)).await?;
        self.reload(turn).await?;
        Ok(done?)
    }

    /// Reads the keys, and has them used.
    async fn reload(&self, turn: &mut Turn) -> Result<(), KeyringError> {
        turn.is_behind = true;
        let (tls, hosts, now) = (self.tls.clone(), self.hosts.load_full(), self.running.now());
        let keys = tokio::task::spawn_blocking(move || Keys::load(&tls, &hosts, now)).await??;
        let keys = Arc::new(keys);
        let mut publisher = Arc::clone(&self.publisher).lock_owned().await;
        let published = if keys.bundle.verifying_key() == self.running.keys().bundle.verifying_key() {
            None
        } else {
            let key = keys.bundle.clone();
            let (back, published) = tokio::task::spawn_blocking(move || {
                let published = publisher.set_key(key);
                (publisher, published)
            })
            .await?;
            publisher = back;
            published?
        };
        self.agents.set_key(&keys.bundle);
        self.running.rekeyed(keys, published.as_ref());
        drop(publisher);
        turn.is_behind = false;
        Ok(())
    }

    async fn audit(
        &self,
        actor: Actor,
        action: &'static str,
        subject: String,
        detail: String,
    ) -> Result<(), KeyringError> {
        Ok(self.store.audit(Entry { actor, action, subject, detail }, self.running.now()).await?)
    }
}
