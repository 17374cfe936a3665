//! Hearing of licence changes. The cache is trusted only while this goes on.
use super::App;
use super::lists;
use crate::storage;
use crate::storage::feed::Heard;
use std::sync::Arc;

impl App {
    /// Whether other nodes may change what this one keeps in memory.
    pub fn is_one_of_several(&self) -> bool {
        self.feed.is_some()
    }

    /// Hears the feed of licence changes: where the database does not answer, the cache grows old and
    /// nothing clears on it.
    pub async fn hear_changes(&self) {
        let now = self.clock.now();
        // On the embedded database every change goes through this process's own writer, which has told
        // the cache already; that the database answers is what is to be known.
        match self.readers.read(storage::watermark::read).await {
            Ok(_) => self.cache.heard(now),
            Err(error) => tracing::error!(%error, "the watermark cannot be read"),
        }
    }

    /// Whether another node has said that licences have changed. It does not wait.
    pub fn is_called(&self) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.lock().is_called())
    }

    /// Hears what other nodes have changed: the cache forgets it. It waits for the server, so it
    /// belongs on a thread that may wait.
    pub fn hear_others(&self) {
        let Some(feed) = &self.feed else { return };
        let now = self.clock.now();
        let mut feed = feed.lock();
        match feed.hear() {
            Ok(Heard::Changes(changes)) => self.cache.hear(&changes),
            Ok(Heard::TooMany(upto)) => self.cache.hear_all(upto),
            Err(error) => {
                tracing::error!(%error, "the feed of licence changes is silent");
                return;
            }
        }
        let edition = self.lists.read().edition.clone();
        match feed.other_lists(&edition).map(|body| body.map(|body| lists::read(&body))) {
            Ok(None) => {}
            Ok(Some(Ok(lists))) => *self.lists.write() = Arc::new(lists),
            Ok(Some(Err(error))) => tracing::error!(%error, "the lists in force do not read"),
            Err(error) => {
                tracing::error!(%error, "the lists in force cannot be read");
                return;
            }
        }
        self.cache.heard(now);
    }
}
