//! What stands.

use std::sync::Arc;
use tokio::sync::watch;
use vigo_core::server::{Alarm, Board, Raised};

/// The alarms of this server. Whoever finds something sets it here; those who tell people hear of it.
#[derive(Debug)]
pub struct Alarms {
    board: watch::Sender<Board>,
}

impl Alarms {
    /// Returns a board of which nothing is known yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { board: watch::Sender::new(Board::new()) })
    }

    /// Says that an alarm stands, or that it does not. One that stands since another time is another one, and is told again.
    pub fn set(&self, alarm: Alarm, raised: Option<Raised>) {
        self.board.send_if_modified(|board| {
            let is_news = board.get(&alarm) != Some(&raised);
            match (&raised, board.get(&alarm)) {
                (Some(raised), Some(None) | None) => tracing::error!("{alarm}: {}; {}", raised.message, raised.help),
                (None, Some(Some(_))) => tracing::info!("{alarm}: it is well again"),
                _ => {}
            }
            board.insert(alarm, raised);
            is_news
        });
    }

    /// Returns what stands.
    pub fn board(&self) -> Board {
        self.board.borrow().clone()
    }

    /// Returns whether somebody is told of what stands.
    pub fn is_told(&self) -> bool {
        self.board.receiver_count() > 0
    }

    /// Returns what hears of changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<Board> {
        self.board.subscribe()
    }
}
