//! Hearing of what other nodes have changed. What is kept in memory is trusted only while this goes on.
use super::App;
use super::batch::Batch;
use super::lists;
use crate::cache::past::Trace;
use crate::storage;
use crate::storage::feed::Heard;
use crate::storage::watermark::Told;
use crate::storage::watermark::TraceRow;
use std::sync::Arc;

impl App {
    /// Whether other nodes may change what this one keeps in memory.
    pub fn is_one_of_several(&self) -> bool {
        self.feed.is_some()
    }

    /// Hears that the database answers: where it does not, the cache grows old and nothing clears on it.
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

    /// Hears what other nodes have changed; says whether it could. It waits for the server, so it
    /// belongs on a thread that may wait.
    pub fn hear_others(&self) -> bool {
        let Some(feed) = &self.feed else { return true };
        let now = self.clock.now();
        let mut feed = feed.lock();
        let heard = feed.hear(|heard| match heard {
            Heard::Told(told) => self.take_in(told),
            Heard::Lost(upto) => {
                tracing::warn!(
                    "what this node has heard is not the database's past: all is read again"
                );
                self.past.doubt();
                self.cache.hear_all(upto);
            }
        });
        if let Err(error) = heard {
            tracing::error!(%error, "the feed of licence changes is silent");
            return false;
        }
        let edition = self.lists.read().edition.clone();
        match feed.other_lists(&edition).map(|body| body.map(|body| lists::read(&body))) {
            Ok(None) => {}
            Ok(Some(Ok(lists))) => *self.lists.write() = Arc::new(lists),
            Ok(Some(Err(error))) => tracing::error!(%error, "the lists in force do not read"),
            Err(error) => {
                tracing::error!(%error, "the lists in force cannot be read");
                return false;
            }
        }
        self.cache.heard(now);
        true
    }

    /// The cache forgets what has changed, and what has a history from now on is noted.
    fn take_in(&self, told: &[Told]) {
        for Told { place, news } in told {
            for trace in &news.traces {
                self.past.note(match trace {
                    TraceRow::Reference(kind, value) => Trace::Reference(kind, value),
                    TraceRow::Firearm(state, serial) => Trace::Firearm(state, serial),
                    TraceRow::Cover(number) => Trace::Cover(number),
                });
            }
            let changes: Vec<(i64, String)> =
                news.licences.iter().map(|number| (place.sequence, number.clone())).collect();
            self.cache.hear(&changes);
        }
    }
}

impl Batch<'_> {
    /// Takes note of something that has a history from now on, before it is committed: who reads here
    /// never takes it for unknown, and other nodes are told in the same transaction.
    pub fn note(&mut self, trace: Trace<'_>) {
        self.past.note(trace);
        if self.db.is_shared() {
            self.news.traces.extend(match trace {
                Trace::Reference(kind, value) => {
                    Some(TraceRow::Reference(kind.into(), value.into()))
                }
                Trace::Firearm(state, serial) => {
                    Some(TraceRow::Firearm(state.into(), serial.into()))
                }
                Trace::Cover(number) => Some(TraceRow::Cover(number.into())),
                // Where others raise alerts too, their rows are always asked for.
                Trace::Case(_) => None,
            });
        }
    }
}
