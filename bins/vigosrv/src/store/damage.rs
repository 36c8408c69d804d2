//! That the file of the database is damaged, once that is known.

use super::StoreError;
use tokio::sync::watch;

/// What is wrong with it; nothing until it was found. What is found first stays.
#[derive(Debug, Default)]
pub(super) struct Damage(watch::Sender<Option<String>>);

impl Damage {
    /// Notes an error, where it says so.
    pub(super) fn note(&self, error: &StoreError) {
        let StoreError::Corrupt { why, .. } = error else { return };
        let is_news = self.0.send_if_modified(|found| {
            let is_first = found.is_none();
            found.get_or_insert_with(|| why.clone());
            is_first
        });
        if is_news {
            tracing::error!("{error}");
        }
    }

    pub(super) fn found(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    pub(super) async fn wait(&self) -> String {
        let mut told = self.0.subscribe();
        let found = told.wait_for(Option::is_some).await.map(|found| found.clone());
        match found {
            Ok(Some(why)) => why,
            // The sender lives as long as this does.
            _ => std::future::pending().await,
        }
    }
}
