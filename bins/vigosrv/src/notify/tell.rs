//! Telling each change once.

use super::Alarms;
use super::way::Way;
use crate::config::Notify;
use crate::store::Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vigo_core::hex;
use vigo_core::server::{NoticeOf, ToldOf, change, tell_again_after};
use vigo_core::time::Timestamp;

/// Bytes of the file of what was told: a line for each alarm.
const TOLD_BYTES_MAX: u64 = 64 << 10;

/// Who tells.
#[derive(Clone)]
pub struct Teller {
    /// What stands.
    pub alarms: Arc<Alarms>,
    /// Whose audit is told of: a chain that was rewritten since does not lead there.
    pub store: Store,
    /// The fleet's name.
    pub fleet: String,
    /// The name of the machine.
    pub host: String,
    /// The folder that keeps what was told: it goes back with no restore.
    pub folder: PathBuf,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Tells people what stands, by the ways that `settings` names at the time.
pub async fn keep_telling(teller: Teller, mut settings: watch::Receiver<Notify>) {
    loop {
        let mut ways = JoinSet::new();
        for way in Way::of(&settings.borrow_and_update()) {
            ways.spawn(teller.clone().tell(way));
        }
        if settings.changed().await.is_err() {
            // Nobody can name other ways any more; these go on.
            while ways.join_next().await.is_some() {}
            return;
        }
    }
}

impl Teller {
    /// Tells by one way, for ever.
    async fn tell(self, way: Way) {
        let path = self.folder.join(format!("told-{}.json", way.word()));
        let (mut told, events) = (load(&path), way.events());
        let mut board = self.alarms.subscribe();
        let mut failures = 0;
        loop {
            let standing = board.borrow_and_update().clone();
            let Some(notice) = change(&standing, &told, &events) else {
                failures = 0;
                if board.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let text = self.text(&notice).await.to_string();
            let sender = way.clone();
            let sent = tokio::task::spawn_blocking(move || sender.send(text)).await;
            match sent.unwrap_or_else(|_| Err("the work was not finished".into())) {
                Ok(()) => {
                    notice.note(&mut told);
                    failures = 0;
                    if let Err(error) = save(&path, &told) {
                        tracing::warn!("`{}` is not written, so that it may be told again: {error}", path.display());
                    }
                }
                Err(why) => {
                    failures += 1;
                    let wait = tell_again_after(failures);
                    let (word, event) = (way.word(), notice.alarm());
                    tracing::warn!("notify.{word} was not told of {event}, and is again in {wait}: {why}");
                    tokio::time::sleep(Duration::from_millis(wait.as_ms())).await;
                }
            }
        }
    }

    /// Returns what is told.
    async fn text(&self, notice: &NoticeOf<'_>) -> Value {
        let audit = self.store.audit_rows(None, 1).await.ok().and_then(|rows| rows.into_iter().next());
        let mut text = json!({
            "event": notice.alarm().word(),
            "state": match notice { NoticeOf::Raised(..) => "raised", NoticeOf::Over(_) => "over" },
            "at": (self.now)().to_string(),
            "fleet": self.fleet,
            "host": self.host,
            "audit": audit.map(|row| json!({ "id": row.id, "hash": hex::encode(row.hash) })),
        });
        if let NoticeOf::Raised(_, raised) = notice {
            text["since"] = raised.since.to_string().into();
            text["message"] = raised.message.as_str().into();
            text["help"] = raised.help.as_str().into();
        }
        text
    }
}

/// Reads what was told; nothing where it is not known: it is told again then.
fn load(path: &Path) -> ToldOf {
    use std::io::Read as _;
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(TOLD_BYTES_MAX).read_to_string(&mut text));
    let found = match read {
        Err(e) if e.kind() == ErrorKind::NotFound => return ToldOf::new(),
        Err(e) => Err(e.to_string()),
        Ok(_) => serde_json::from_str::<BTreeMap<String, i64>>(&text).map_err(|e| e.to_string()),
    };
    match found {
        Ok(told) => {
            told.into_iter().filter_map(|(word, at)| Some((word.parse().ok()?, Timestamp::from_epoch_ms(at)))).collect()
        }
        Err(why) => {
            tracing::warn!("`{}` cannot be read, so that alarms are told again: {why}", path.display());
            ToldOf::new()
        }
    }
}

fn save(path: &Path, told: &ToldOf) -> std::io::Result<()> {
    let text: BTreeMap<_, _> = told.iter().map(|(alarm, at)| (alarm.word(), at.epoch_ms())).collect();
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(json!(text).to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}
