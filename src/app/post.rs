//! What couriers share: who signs and sends, whose claims are whose, and the figures.
use super::Error;
use crate::clock::Ids;
use crate::config;
use crate::domain::Timestamp;
use crate::outbound::key_file;
use crate::outbound::webhook::Sender;
use crate::storage;
use crate::storage::Db;
use crate::storage::webhooks::KeyRow;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// What couriers share.
pub struct Post {
    /// Who sends.
    pub sender: Sender,
    /// This process, in its claims.
    pub(super) by: String,
    pub(super) db: Mutex<Option<Db>>,
    /// Attempts that delivered, attempts that failed, events given up.
    pub(super) counts: [AtomicU64; 3],
    /// Events that wait, and dead letters, when they were last counted.
    pub(super) standing: [AtomicU64; 2],
}

impl Post {
    /// Opens the post: reads the key, or makes it, and publishes it.
    pub fn open(
        config: &config::Config,
        db: &mut Db,
        ids: &dyn Ids,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&ids.nonce());
        right.copy_from_slice(&ids.nonce());
        let named = &config.webhooks.key_file;
        let own = config.node.data_dir.join("webhook.key");
        let file: &Path = if named.as_os_str().is_empty() { &own } else { named };
        let key = key_file::open(file, &seed).map_err(Error::Internal)?;
        let sender = Sender::new(&config.webhooks, key)
            .map_err(|error| Error::Internal(format!("webhooks: {error}")))?;
        let row = KeyRow {
            public_key: sender.public_key(),
            node: config.node.origin.clone(),
            from_us: now.as_microsecond(),
            until_us: None,
        };
        storage::transaction(db, |db| storage::webhooks::sign_with(db, &row))?;
        let by = ids.uuid(now).to_string();
        Ok(Self {
            sender,
            by,
            db: Mutex::new(None),
            counts: Default::default(),
            standing: Default::default(),
        })
    }

    /// Figures for the metrics.
    pub fn figures(&self) -> Vec<(&'static str, &'static str, u64)> {
        let [delivered, failed, buried] = self.counts.each_ref().map(|n| n.load(Ordering::Relaxed));
        let [waiting, dead] = self.standing.each_ref().map(|n| n.load(Ordering::Relaxed));
        vec![
            ("passavant_events_delivered_total", "Events delivered by this node", delivered),
            ("passavant_events_failed_total", "Attempts of this node that failed", failed),
            ("passavant_events_given_up_total", "Events given up by this node", buried),
            ("passavant_events_waiting", "Events on their way, of all nodes", waiting),
            ("passavant_events_dead", "Dead letters kept, of all nodes", dead),
        ]
    }
}
