//! Backups that the server makes by itself: when they are due, and looked at every week.

use super::age::digest_path;
use super::book::{Book, Noted};
use super::verify::{Verify, verify};
use super::{ArchiveError, Wanted, create};
use crate::api::Context;
use crate::config;
use crate::store::Actor;
use serde_json::{Value, json};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use vigo_core::backup::{Due, due, retry_after, scheduled_at, scheduled_name, surplus, too_old_since};
use vigo_core::resource::cron::Schedule;
use vigo_core::server::{Alarm, BackupMetrics, Raised};
use vigo_core::time::Timestamp;

/// Time between two looks at what is due: whoever sets a clock or takes a file away need not tell.
const LOOK: Duration = Duration::from_secs(30);

/// What is known of the backups that the server makes by itself.
#[derive(Debug)]
pub struct Scheduled {
    settings: watch::Sender<config::Backup>,
    /// Of the folder that is set, as it was at the last look.
    book: Mutex<Option<Book>>,
}

impl Default for Scheduled {
    fn default() -> Self {
        Self { settings: watch::Sender::new(config::Backup::default()), book: Mutex::default() }
    }
}

/// What ails them, for whoever looks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ailing {
    /// Since when there is no backup that is new enough, with what to say of it.
    pub old: Option<Raised>,
    /// The newest one of which it is known is bad.
    pub bad: Option<Raised>,
    /// The last try has failed: why, and what to do about it.
    pub failing: Option<(String, Option<String>)>,
}

impl Scheduled {
    /// Takes what `server.yaml` says; it counts at once.
    pub fn set(&self, settings: config::Backup) {
        self.settings.send_if_modified(|now| {
            let is_other = *now != settings;
            *now = settings;
            is_other
        });
    }

    /// Returns what `server.yaml` says.
    pub fn settings(&self) -> config::Backup {
        self.settings.borrow().clone()
    }

    /// Reads what is known of the backups of a fleet, where no server does so by itself.
    pub fn read(&self, fleet: &str) {
        let settings = self.settings();
        let Some((_, folder)) = settings.plan() else { return };
        let read = Book::load(folder, fleet).and_then(|mut book| {
            book.compare(folder)?;
            Ok(book)
        });
        self.put(&read.unwrap_or_else(|error| {
            let mut book = Book::new(fleet);
            book.failed(&error, Timestamp::default());
            book
        }));
    }

    /// Returns the name of the newest one that is good, as far as is known.
    pub fn newest(&self) -> Option<String> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.as_ref().and_then(|book| Some(book.newest_good()?.0.to_owned()))
    }

    /// Returns what is measured; nothing where none are made.
    pub fn metrics(&self) -> Option<BackupMetrics> {
        let settings = self.settings();
        let (_, folder) = settings.plan()?;
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = book.as_ref().map(Book::kept).unwrap_or_default();
        Some(BackupMetrics {
            last_good: kept.last_good,
            last_verified: kept.last_verified,
            failed: book.as_ref().map_or(0, |book| book.failed_total),
            disk_free: crate::disk::free(folder).map(|(free, _)| free),
        })
    }

    /// Returns what ails them now.
    pub fn ailing(&self, now: Timestamp) -> Ailing {
        let settings = self.settings();
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        match (settings.plan(), book.as_ref()) {
            (Some((schedule, folder)), Some(book)) => ailing(book, schedule, folder, now),
            _ => Ailing::default(),
        }
    }

    /// Returns what people are told of them.
    pub fn view(&self, now: Timestamp) -> Value {
        let settings = self.settings();
        let Some((schedule, folder)) = settings.plan() else { return Value::Null };
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let book = book.clone().unwrap_or_default();
        let kept = book.kept();
        let next = match due(schedule, &kept, now, offset(now)) {
            Due::Nothing { .. } => {
                kept.last_good.and_then(|made| schedule.next(made, offset(now))).map(|at| at.max(now))
            }
            _ => Some(now),
        };
        let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
        json!({
            "schedule": schedule.to_string(),
            "directory": folder.display().to_string(),
            "keep": settings.keep,
            "encrypted": !settings.encrypt_to.is_empty(),
            "next_at": time(next),
            "last_good_at": time(kept.last_good),
            "last_verified_at": time(kept.last_verified),
            "failures": book.failures,
            "failed_total": book.failed_total,
            "problem": book.problem,
        })
    }

    fn put(&self, book: &Book) {
        *self.book.lock().unwrap_or_else(PoisonError::into_inner) = Some(book.clone());
    }
}

/// Makes backups when they are due, and looks at them, for ever.
pub async fn keep(context: Context) {
    let backups = std::sync::Arc::clone(&context.backups);
    let mut settings = backups.scheduled.settings.subscribe();
    loop {
        let now_set = settings.borrow_and_update().clone();
        let wait = match now_set.plan() {
            Some((schedule, folder)) => round(&context, &now_set, schedule, folder).await,
            None => {
                *backups.scheduled.book.lock().unwrap_or_else(PoisonError::into_inner) = None;
                LOOK
            }
        };
        let ailing = backups.scheduled.ailing(context.running.now());
        context.alarms.set(Alarm::BackupOld, ailing.old);
        context.alarms.set(Alarm::BackupBad, ailing.bad);
        let changed = tokio::time::timeout(wait.min(LOOK), settings.changed()).await;
        match changed {
            Ok(Err(_)) => return,
            // Whoever has mended it wants to see that.
            Ok(Ok(())) => *backups.scheduled.book.lock().unwrap_or_else(PoisonError::into_inner) = None,
            Err(_) => {}
        }
    }
}

/// Does what is due, and returns how long nothing is.
async fn round(context: &Context, settings: &config::Backup, schedule: &Schedule, folder: &Path) -> Duration {
    let scheduled = &context.backups.scheduled;
    let now = context.running.now();
    let fleet = context.about.fleet.clone();
    let in_memory = scheduled.book.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // What could not be written is known all the same.
    let unwritten = in_memory.filter(|book| book.fleet == fleet).unwrap_or_else(|| Book::new(&fleet));
    let mut book = match look(folder.to_owned(), fleet).await {
        Ok(mut book) => {
            if unwritten.failures > book.failures && unwritten.failed_total > book.failed_total {
                let of_folder = std::mem::replace(&mut book, unwritten);
                book.backups = of_folder.backups;
            }
            book
        }
        Err(error) => {
            let mut book = unwritten;
            book.backups.clear();
            if matches!(due(schedule, &book.kept(), now, offset(now)), Due::Create) {
                say_failed(&mut book, &error, "made", now);
            }
            scheduled.put(&book);
            return LOOK;
        }
    };
    scheduled.put(&book);
    let is_done = match due(schedule, &book.kept(), now, offset(now)) {
        Due::Nothing { until } => {
            return until.map_or(LOOK, |until| Duration::from_millis(until.since(now).as_ms().max(1)));
        }
        Due::Create => make(context, settings, folder, &mut book, now).await,
        Due::Verify => look_at(context, folder, &mut book, now).await,
    };
    scheduled.put(&book);
    let (kept_in, saved) = (folder.to_owned(), book);
    let saved = tokio::task::spawn_blocking(move || saved.save(&kept_in)).await;
    match saved {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("what is known of the backups: {error}"),
        Err(error) => tracing::error!("what is known of the backups was not written: {error}"),
    }
    // The next thing may be due at once.
    if is_done { Duration::ZERO } else { LOOK }
}

/// Reads what is known of the backups in a folder, and what lies in it.
async fn look(folder: PathBuf, fleet: String) -> Result<Book, ArchiveError> {
    let read = move || {
        let mut book = Book::load(&folder, &fleet)?;
        book.compare(&folder)?;
        Ok(book)
    };
    tokio::task::spawn_blocking(read).await.map_err(|_| ArchiveError::Unfinished)?
}

/// Makes one, and takes away what is too much then. Returns whether it is made.
async fn make(context: &Context, settings: &config::Backup, folder: &Path, book: &mut Book, now: Timestamp) -> bool {
    let is_encrypted = !settings.encrypt_to.is_empty();
    let name = scheduled_name(&book.fleet, now, is_encrypted);
    let encrypt_to = settings.encrypt_to.clone();
    let wanted = Wanted { file: folder.join(&name), blobs: !settings.without_blobs, encrypt_to };
    match create(context.clone(), wanted, Actor::Server).await {
        Ok(_) => {
            tracing::info!("backup `{}` is made", folder.join(&name).display());
            // One that nobody here can look into later was looked at as a whole when it was made.
            let verified_at = is_encrypted.then(|| now.epoch_ms());
            book.backups.insert(name, Noted { verified_at, ..Noted::default() });
            book.went_well();
            let (at, keep, mut seen) = (folder.to_owned(), settings.keep.get() as usize, book.clone());
            let removed = tokio::task::spawn_blocking(move || remove_surplus(&at, &mut seen, keep, now)).await;
            match removed {
                Ok(Ok(names)) => names.iter().for_each(|name| drop(book.backups.remove(name))),
                Ok(Err(error)) => tracing::error!("old backups stay: {error}"),
                Err(error) => tracing::error!("old backups stay: {error}"),
            }
            true
        }
        // Somebody makes one by hand: it is this one's turn when that is done.
        Err(ArchiveError::Busy) => false,
        Err(error) => {
            say_failed(book, &error, "made", now);
            false
        }
    }
}

fn remove_surplus(folder: &Path, book: &mut Book, keep: usize, now: Timestamp) -> Result<Vec<String>, ArchiveError> {
    let listed = book.compare(folder)?;
    let names = surplus(&listed, &book.fleet, keep, now);
    for name in &names {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(ArchiveError::file("remove", &path))?;
        match fs::remove_file(digest_path(&path)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(ArchiveError::file("remove", &path)(e)),
            _ => {}
        }
        tracing::info!("old backup `{}` is taken away", path.display());
    }
    Ok(names)
}

/// Looks at the newest good one as a whole. Returns whether something may be due at once.
async fn look_at(context: &Context, folder: &Path, book: &mut Book, now: Timestamp) -> bool {
    let Some(name) = book.newest_good().map(|(name, _)| name.to_owned()) else { return false };
    let file = folder.join(&name);
    let expect_root = Some(context.about.root_key.clone());
    let (data_dir, identity) = (context.about.data_dir.clone(), None);
    let wanted = Verify { file: file.clone(), expect_root, identity, data_dir };
    let looked = tokio::task::spawn_blocking(move || verify(&wanted, &mut |_, _| {})).await;
    match looked.unwrap_or(Err(ArchiveError::Unfinished)) {
        Ok(_) => {
            tracing::info!("backup `{}` was looked at, and is good", file.display());
            // Secrets that cannot be opened cannot be opened here either: `doctor` says so.
            book.backups.insert(name, Noted { verified_at: Some(now.epoch_ms()), ..Noted::default() });
            book.went_well();
            true
        }
        Err(error) if error.is_of_archive() => {
            let noted = Noted { bad_at: Some(now.epoch_ms()), bad: Some(error.to_string()), verified_at: None };
            book.backups.insert(name, noted);
            say_failed(book, &error, "good", now);
            false
        }
        Err(error) => {
            say_failed(book, &error, "looked at", now);
            false
        }
    }
}

fn say_failed(book: &mut Book, error: &ArchiveError, what: &str, now: Timestamp) {
    book.failed(error, now);
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    tracing::error!(
        "a scheduled backup is not {what}, and it is tried again in {}: {error}{help}",
        retry_after(book.failures)
    );
}

fn ailing(book: &Book, schedule: &Schedule, folder: &Path, now: Timestamp) -> Ailing {
    let kept = book.kept();
    let why = book.problem.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let help = book.help.as_deref().unwrap_or("look into the log of vigosrv, and see `vigocli backup list`");
    let old = too_old_since(schedule, &kept, now, offset(now)).map(|since| {
        let message = match kept.last_good {
            Some(at) => format!("the newest good backup is of {at}, and they are due by `{schedule}`{why}"),
            None => format!("there is no good backup in `{}`{why}", folder.display()),
        };
        Raised::new(since, &message, help)
    });
    let bad = book.newest_bad().map(|(name, noted)| {
        let (since, why) = (noted.bad_at.unwrap_or_default(), noted.bad.as_deref().unwrap_or_default());
        let message = format!("the newest backup that was looked at, `{name}`, is not good: {why}");
        Raised::new(
            Timestamp::from_epoch_ms(since),
            &message,
            "look at the disk that it lies on; another backup is made in its place",
        )
    });
    Ailing { old, bad, failing: book.problem.clone().map(|why| (why, book.help.clone())) }
}

/// Returns how far the machine's clock on the wall is east of Greenwich, in seconds.
fn offset(now: Timestamp) -> i32 {
    let at = jiff::Timestamp::from_millisecond(now.epoch_ms()).unwrap_or_default();
    jiff::tz::TimeZone::system().to_offset(at).seconds()
}

/// Adds what is known of the backups in a folder to a list of them.
pub(super) fn annotate(folder: &Path, rows: &mut [Value]) {
    // Whose they are does not matter here.
    let book = fs::File::open(folder.join(super::book::BOOK)).ok().and_then(|file| {
        use std::io::Read as _;
        serde_json::from_reader::<_, Book>(file.take(4 << 20)).ok()
    });
    let Some(book) = book else { return };
    for row in rows {
        let file = row["file"].as_str().map(PathBuf::from).unwrap_or_default();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if scheduled_at(name, &book.fleet).is_none() {
            continue;
        }
        row["scheduled"] = true.into();
        if let Some(noted) = book.backups.get(name) {
            let time = |ms: Option<i64>| ms.map(|ms| Timestamp::from_epoch_ms(ms).to_string());
            row["verified_at"] = json!(time(noted.verified_at));
            row["bad"] = json!(noted.bad);
        }
    }
}
