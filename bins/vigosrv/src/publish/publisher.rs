//! One publish after another.

use super::disk::Disk;
use super::entry::Entry;
use super::published::Bundles;
use super::record::RecordClass;
use super::{PublishError, Published, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_core::bundle::{self, SigningKey};
use vigo_core::config::Config;
use vigo_core::diagnostic::Diagnostic;
use vigo_core::resolve::{self, ClassPolicy, Classes};
use vigo_core::source::{Sources, TreeFile};
use vigo_core::time::Timestamp;

/// Publishes what stands in `stacks/`, one publish at a time.
///
/// Hold it locked until the row is in the database and the set in memory is swapped: what is published later must be
/// swapped in later.
pub struct Publisher {
    dir: PathBuf,
    key: SigningKey,
    disk: Disk,
    /// What `.live` leads to.
    live: Option<u64>,
    /// The highest number that was given away.
    last: u64,
}

/// A publish that stands, and what is doubtful in its tree.
pub struct Publication {
    /// What is published now.
    pub published: Published,
    /// What is doubtful in the tree.
    pub warnings: Vec<Diagnostic>,
    /// The files that the warnings point into.
    pub sources: Sources,
}

/// Entries that the history keeps.
const KEPT: usize = 50;

impl Publisher {
    /// Loads what `.live` says. What an interrupted publish has left is removed.
    ///
    /// `key` is the bundle key that signs from now on: what another has signed before is signed anew by it. `noted` is the
    /// highest number that the database has of a publish, 0 for none: it may be newer than this history, and what is
    /// published next takes none of its numbers.
    ///
    /// # Errors
    /// [`PublishError::Disk`], [`PublishError::Damaged`].
    pub fn open(data_dir: &Path, key: SigningKey, noted: u64) -> Result<(Self, Option<Published>), PublishError> {
        Self::open_on(Disk::new(Box::new(|_| Ok(()))), data_dir, key, noted)
    }

    pub(super) fn open_on(
        disk: Disk,
        data_dir: &Path,
        key: SigningKey,
        noted: u64,
    ) -> Result<(Self, Option<Published>), PublishError> {
        let mut publisher = Self { dir: data_dir.into(), key, disk, live: None, last: 0 };
        publisher.live = live_in(&publisher.dir)?;
        let history = publisher.history_dir();
        if !fs::exists(&history).map_err(PublishError::disk("look at", &history))? {
            publisher.disk.make_dir(&history)?;
        }
        let found = publisher.entries()?;
        // Without `.live` the first publish was interrupted; where there are others, it was lost: they are kept.
        let newest = found.first().copied().unwrap_or(0);
        publisher.last = publisher.live.unwrap_or(if newest > 1 { newest } else { 0 });
        if publisher.live.is_none() && publisher.last > 0 {
            tracing::warn!("nothing is published: `{}` is missing", publisher.live_link().display());
        }
        let last = publisher.last;
        found.into_iter().filter(|id| *id > last).try_for_each(|id| publisher.discard(id))?;
        publisher.disk.remove(&publisher.gone())?;
        publisher.last = last.max(noted);
        let Some(live) = publisher.live else { return Ok((publisher, None)) };
        let dir = publisher.entry_dir(live);
        let published = Entry::read(&dir, live, &publisher.key)?.published(&dir)?;
        Ok((publisher, Some(published)))
    }

    /// Takes another bundle key. Returns what is published, signed anew by it.
    ///
    /// # Errors
    /// [`PublishError::Damaged`]; the key is another all the same.
    pub fn set_key(&mut self, key: SigningKey) -> Result<Option<Published>, PublishError> {
        self.key = key;
        let Some(live) = self.live else { return Ok(None) };
        let dir = self.entry_dir(live);
        Entry::read(&dir, live, &self.key)?.published(&dir).map(Some)
    }

    /// Publishes `stacks/`. When it returns, the publish stands and lasts.
    ///
    /// # Errors
    /// [`PublishError`]; what was published before stands.
    pub fn publish(&mut self, author: &str, now: Timestamp) -> Result<Publication, PublishError> {
        let (entry, warnings, sources) = self.resolve(author, now)?;
        let like = self.live.map(|id| self.entry_dir(id));
        let published = self.commit(entry, like.as_deref())?;
        Ok(Publication { published, warnings, sources })
    }

    /// Returns what [`Publisher::publish`] would publish. Nothing is written.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn draft(&self, author: &str, now: Timestamp) -> Result<Publication, PublishError> {
        let (entry, warnings, sources) = self.resolve(author, now)?;
        let published = entry.published(&self.entry_dir(entry.record.id))?;
        Ok(Publication { published, warnings, sources })
    }

    /// Returns a publish of the history.
    ///
    /// # Errors
    /// [`PublishError::Unknown`], [`PublishError::Damaged`].
    pub fn read(&self, id: u64) -> Result<Published, PublishError> {
        if !self.entries()?.contains(&id) {
            return Err(PublishError::Unknown { id });
        }
        let dir = self.entry_dir(id);
        Entry::read(&dir, id, &self.key)?.published(&dir)
    }

    /// Returns the number of what is published, if something is.
    pub fn live(&self) -> Option<u64> {
        self.live
    }

    /// Returns the files in which `stacks/` is not what is published, sorted: all of them where nothing is.
    ///
    /// # Errors
    /// [`PublishError::Tree`].
    pub fn edited(&self) -> Result<Vec<String>, PublishError> {
        let stacks = vigo_driver::read_tree(&self.dir.join("stacks"))?.files;
        let live = match self.live {
            Some(id) => vigo_driver::read_tree(&self.entry_dir(id).join("tree"))?.files,
            None => Vec::new(),
        };
        let files = |tree: Vec<TreeFile>| -> BTreeMap<_, _> {
            tree.into_iter().map(|file| (file.path, (file.bytes, file.executable))).collect()
        };
        let (stacks, live) = (files(stacks), files(live));
        let differs = |path: &&_| stacks.get(*path) != live.get(*path);
        let paths: BTreeSet<_> = stacks.keys().chain(live.keys()).filter(differs).collect();
        Ok(paths.into_iter().map(|path| path.to_string()).collect())
    }

    /// Reads and resolves `stacks/`, as the next publish.
    fn resolve(&self, author: &str, now: Timestamp) -> Result<(Entry, Vec<Diagnostic>, Sources), PublishError> {
        let tree = vigo_driver::read_tree(&self.dir.join("stacks"))?;
        let sources = Sources::read(&tree);
        let config = Config::read(&sources);
        let mut signed: Result<_, PublishError> = Ok((Vec::new(), Bundles::new()));
        let resolved = resolve::classes(&config, &mut |policy| {
            if let Ok((classes, bundles)) = &mut signed
                && let Err(error) = sign(&self.key, policy, classes, bundles)
            {
                signed = Err(error);
            }
        });
        drop(config);
        let Classes { table, warnings } = match resolved {
            Ok(classes) => classes,
            Err(diagnostics) => return Err(PublishError::Invalid { sources: Box::new(sources), diagnostics }),
        };
        let (classes, bundles) = signed?;
        let record = Record { id: self.last + 1, author: author.into(), at: now, restores: None, classes };
        Ok((Entry { record, table, bundles, tree: tree.files }, warnings, sources))
    }

    /// Publishes once more what publish `id` was: a new publish, with the tree and the bundles of that one.
    ///
    /// # Errors
    /// [`PublishError`]; what was published before stands.
    pub fn rollback(&mut self, id: u64, author: &str, now: Timestamp) -> Result<Published, PublishError> {
        if !self.entries()?.contains(&id) {
            return Err(PublishError::Unknown { id });
        }
        let like = self.entry_dir(id);
        let old = Entry::read(&like, id, &self.key)?;
        let tree = vigo_driver::read_tree(&like.join("tree"))?.files;
        let record = Record { id: self.last + 1, author: author.into(), at: now, restores: Some(id), ..old.record };
        self.commit(Entry { record, tree, ..old }, Some(&like))
    }

    /// Returns what was published, the newest first. What cannot be read is left out, with a warning.
    ///
    /// # Errors
    /// [`PublishError::Disk`].
    pub fn history(&self) -> Result<Vec<Record>, PublishError> {
        let record = |id: u64| {
            Entry::record(&self.entry_dir(id), id).inspect_err(|error| tracing::warn!("the history: {error}")).ok()
        };
        Ok(self.entries()?.into_iter().filter_map(record).collect())
    }

    /// Writes an entry and makes it what is published.
    fn commit(&mut self, entry: Entry, like: Option<&Path>) -> Result<Published, PublishError> {
        let id = entry.record.id;
        let dir = self.entry_dir(id);
        let published = entry.published(&dir)?;
        let before = self.live;
        let done = self.prepare(&entry, &dir, like).and_then(|()| self.go_live(id));
        if let Err(error) = done {
            self.give_up(id, before);
            return Err(error);
        }
        (self.live, self.last) = (Some(id), id);
        if let Err(error) = self.prune() {
            tracing::warn!("the history is longer than it should be: {error}");
        }
        Ok(published)
    }

    fn prepare(&mut self, entry: &Entry, dir: &Path, like: Option<&Path>) -> Result<(), PublishError> {
        // What a publish that failed could not remove.
        self.disk.remove(dir)?;
        entry.write(&mut self.disk, dir, like)?;
        self.disk.sync_one(&self.history_dir())
    }

    /// The commit point.
    fn go_live(&mut self, id: u64) -> Result<(), PublishError> {
        self.disk.lead(&self.live_link(), &Path::new("history").join(id.to_string()))?;
        self.disk.sync_one(&self.dir.clone())
    }

    /// Takes back what was done for a publish that failed. If it stands in spite of that, its number is taken.
    fn give_up(&mut self, id: u64, before: Option<u64>) {
        if live_in(&self.dir).is_ok_and(|live| live == Some(id)) {
            let back = match before {
                Some(before) => self.disk.lead(&self.live_link(), &Path::new("history").join(before.to_string())),
                None => self.disk.unlink(&self.live_link()),
            };
            if let Err(error) = back {
                tracing::error!("publish {id} failed, and is what the next start finds: {error}");
                self.last = id;
                return;
            }
        }
        if let Err(error) = self.discard(id) {
            tracing::warn!("what is left of publish {id} goes with the next: {error}");
        }
    }

    /// Removes the oldest entries.
    fn prune(&mut self) -> Result<(), PublishError> {
        let found = self.entries()?;
        found.into_iter().skip(KEPT).try_for_each(|id| self.discard(id))
    }

    /// Removes an entry. One that is half removed has another name: no half entry is ever taken for one.
    fn discard(&mut self, id: u64) -> Result<(), PublishError> {
        let (dir, gone) = (self.entry_dir(id), self.gone());
        self.disk.remove(&gone)?;
        if dir.exists() {
            self.disk.rename(&dir, &gone)?;
        }
        self.disk.remove(&gone)
    }

    /// Returns the numbers of the entries, the newest first.
    fn entries(&self) -> Result<Vec<u64>, PublishError> {
        let history = self.history_dir();
        let list = || fs::read_dir(&history)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let names = list().map_err(PublishError::disk("list", &history))?;
        let mut found: Vec<u64> = names.iter().filter_map(|name| number(name.to_str()?)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    fn live_link(&self) -> PathBuf {
        live_link(&self.dir)
    }

    fn history_dir(&self) -> PathBuf {
        self.dir.join("history")
    }

    fn entry_dir(&self, id: u64) -> PathBuf {
        self.history_dir().join(id.to_string())
    }

    fn gone(&self) -> PathBuf {
        self.history_dir().join(".gone")
    }
}

/// Returns the number that a name of the history is: as it is written, and in no other way.
fn number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|id: &u64| id.to_string() == name)
}

/// Returns the number of the publish that `.live` of a data directory leads to, `None` where nothing is published.
///
/// # Errors
/// [`PublishError::Disk`], also for a link that leads elsewhere.
pub fn live_in(dir: &Path) -> Result<Option<u64>, PublishError> {
    let link = live_link(dir);
    let target = match fs::read_link(&link) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        target => target.map_err(PublishError::disk("follow", &link))?,
    };
    let id = target.strip_prefix("history").ok().and_then(|name| number(name.to_str()?));
    let why = || format!("expected a link to `history/…`, found one to `{}`", target.display());
    id.map(Some).ok_or_else(|| PublishError::Disk { what: "follow", path: link, why: why() })
}

fn live_link(dir: &Path) -> PathBuf {
    dir.join(".live")
}

/// Signs the policy of a class, unless another has the same.
fn sign(
    key: &SigningKey,
    policy: ClassPolicy,
    classes: &mut Vec<RecordClass>,
    bundles: &mut Bundles,
) -> Result<(), PublishError> {
    let name = policy.class.to_string();
    let signed =
        bundle::sign(&policy.bundle, key).map_err(|error| PublishError::Bundle { class: name.clone(), error })?;
    let digest = signed.digest();
    bundles.entry(digest).or_insert_with(|| Arc::new(signed));
    classes.push(RecordClass {
        name,
        environment: policy.class.environment.map(|e| e.to_string()).unwrap_or_default(),
        digest,
        observe_only: policy.observe_only,
        always_hold: policy.always_hold,
        secret_refs: policy.bundle.secret_refs.iter().map(|r| r.to_string()).collect(),
    });
    Ok(())
}
