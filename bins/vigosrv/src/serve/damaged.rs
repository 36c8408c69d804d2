//! A database that is damaged or gone: the damaged one is put aside, and no empty one takes its place by itself.

use super::run::RunError;
use super::server::now;
use crate::api::About;
use crate::config;
use crate::data_dir::{DataDir, DataDirError, clear_damage_mark, damage_mark, put_aside, put_rest_aside};
use crate::store::{Log, Store, StoreError, Verified, look, make};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vigo_core::server::{DamageMark, DatabaseSeen, Opening, opening, ways_back};

/// Why there is no database to serve from.
#[derive(Debug, thiserror::Error)]
pub enum NoDatabase {
    /// It is damaged.
    #[error(
        "database `{}` is damaged: {why}; it was put aside, to `{}`, and nothing is served until there is another",
        .database.display(), .aside.display()
    )]
    Damaged {
        /// Its place.
        database: PathBuf,
        /// The folder in which it is now.
        aside: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Who writes its log back: there may be a replica.
        log: Log,
    },
    /// It is not there.
    #[error(
        "database `{}` is gone, though `{}` tells of one; nothing is served until there is another",
        .database.display(), .told_by.display()
    )]
    Gone {
        /// Its place.
        database: PathBuf,
        /// What tells of it.
        told_by: PathBuf,
        /// Who writes its log back: there may be a replica.
        log: Log,
    },
    /// It is there, and none is to be made.
    #[error("there is a database: `{}`", .database.display())]
    There {
        /// Its place.
        database: PathBuf,
    },
}

impl NoDatabase {
    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Damaged { log, .. } | Self::Gone { log, .. } => ways_back(*log == Log::Litestreams),
            Self::There { .. } => "start vigosrv; to do without this database, move it away first".into(),
        }
    }
}

/// How long after the start the whole database is looked at: first those who wait are answered.
const CHECK_AFTER: Duration = Duration::from_secs(60);

/// Time between two such looks.
const CHECK_PERIOD: Duration = Duration::from_secs(7 * 86_400);

/// Opens the database of `dir`, unless it is damaged or gone.
///
/// # Errors
/// [`RunError::NoDatabase`]; a damaged one is put aside then.
pub(super) fn open_store(dir: &DataDir, database: &Path, log: Log) -> Result<Store, RunError> {
    let mark = damage_mark(database)?;
    let was_closed = dir.take_closed(database)?;
    let told_by = dir.database_told_by(database).map(|path| path.display().to_string());
    let is_there = fs::metadata(database).is_ok_and(|file| file.len() > 0);
    let seen = DatabaseSeen { is_there, was_closed, mark: mark.as_ref(), told_by: told_by.as_deref() };
    let opened = match opening(&seen) {
        Opening::Damaged(mark) => {
            put_rest_aside(database, mark)?;
            let aside = database.with_file_name(&mark.aside);
            return Err(NoDatabase::Damaged { database: database.into(), aside, why: mark.why.clone(), log }.into());
        }
        Opening::Gone(told_by) => {
            return Err(NoDatabase::Gone { database: database.into(), told_by: told_by.into(), log }.into());
        }
        Opening::Look => look(database).and_then(|()| Store::open_as(database, &dir.revoked(), log, now())),
        Opening::Open | Opening::Make => Store::open_as(database, &dir.revoked(), log, now()),
    };
    match opened {
        Ok(store) => {
            clear_damage_mark(database)?;
            Ok(store)
        }
        Err(StoreError::Corrupt { why, .. }) => Err(aside(database, log, &why)),
        Err(other) => Err(other.into()),
    }
}

/// Closes the database, and puts it aside where it was found to be damaged.
///
/// # Errors
/// [`RunError::NoDatabase`] then.
pub(super) fn close_store(dir: &DataDir, about: &About, store: &Store) -> Result<(), RunError> {
    store.close();
    if let Some(why) = store.damage() {
        let log = if about.replicates { Log::Litestreams } else { Log::Own };
        return Err(aside(&about.database, log, &why));
    }
    if let Err(error) = dir.note_closed(&about.database) {
        tracing::warn!("the next start looks at the whole database: {error}");
    }
    Ok(())
}

/// Puts a damaged database aside. Whoever is to be told that the database is damaged is told here.
fn aside(database: &Path, log: Log, why: &str) -> RunError {
    let database = database.to_owned();
    match put_aside(&database, &DamageMark::new(now(), why)) {
        Ok(aside) => NoDatabase::Damaged { database, aside, why: why.into(), log }.into(),
        Err(error) => {
            tracing::error!("database `{}` is damaged, and stays where it is: {why}", database.display());
            error.into()
        }
    }
}

/// Looks at the whole database a while after the start, and every week.
pub(super) async fn check(store: Store) {
    tokio::time::sleep(CHECK_AFTER).await;
    loop {
        let checked = async {
            let mut wrong = store.check().await?;
            if let Verified::Broken { id } = store.verify_audit().await? {
                wrong.push(format!("the audit is not as it was written, from row {id} on"));
            }
            Ok::<_, StoreError>(wrong)
        };
        match checked.await {
            Ok(wrong) if wrong.is_empty() => tracing::info!("the database is whole"),
            Ok(wrong) => wrong.iter().for_each(|what| tracing::error!("the database is damaged: {what}")),
            Err(error) => tracing::error!("the database was not looked at: {error}"),
        }
        tokio::time::sleep(CHECK_PERIOD).await;
    }
}

/// Makes an empty database in the place of one that is damaged or gone, as somebody has asked for who knows what it costs.
///
/// # Errors
/// [`RunError`]; [`NoDatabase::There`] where there is one.
pub fn without_database(data_dir: &Path) -> Result<String, RunError> {
    if !DataDir::is_servers(data_dir) {
        return Err(DataDirError::NoServer { dir: data_dir.to_owned() }.into());
    }
    let dir = DataDir::open(data_dir)?;
    let config = config::load(&dir.config())?;
    let database = dir.resolve(&config.database.path);
    if fs::metadata(&database).is_ok_and(|file| file.len() > 0) {
        return Err(NoDatabase::There { database }.into());
    }
    let mark = damage_mark(&database)?.unwrap_or_else(|| DamageMark::new(now(), "it is gone"));
    put_rest_aside(&database, &mark)?;
    make(&database, now())?;
    clear_damage_mark(&database)?;
    Ok(format!("`{}` is there, and empty: start vigosrv, and make users and tokens anew", database.display()))
}
