//! Delivering events: each turn settles what came back and claims what is due. Of one key only the
//! first event that waits is ever under way, at whichever node; a node that dies leaves a claim that ends by
//! itself. What cannot be delivered becomes a dead letter through the recorder, with an alert.
use super::App;
use super::burial::Bury;
use super::burial::Dead;
use super::burial::Disable;
use crate::domain::Timestamp;
use crate::outbound::webhook::Attempt;
use crate::storage;
use crate::storage::Db;
use crate::storage::outbox::Claim;
use crate::storage::outbox::Claimed;
use crate::storage::webhooks::WebhookRow;
use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a courier with nothing to do waits before it looks again: for events of other nodes, and for those
/// whose next attempt is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Beyond the time of an attempt, how long a claim stands.
const CLAIM_MARGIN_MS: u64 = 5_000;
/// How often what has ended is forgotten, and in what portions.
const KEEP_HOUSE_EVERY_S: i64 = 60;
const FORGET_ROWS: i64 = 1_000;
/// Share of a wait that is added at random at most: receivers that came back are not met by all at once.
const JITTER_SHARE: u64 = 10;

/// After a 410, when to ask again, should the webhook not have been disabled by then.
const GONE_AGAIN_US: i64 = 60_000_000;
/// Why the service disables a webhook.
const GONE: &str = "its receiver wants no more events (410)";
const OVERFULL: &str = "more events wait for it than may";

/// An attempt that came back.
struct Settled {
    claimed: Claimed,
    attempt: Attempt,
}

/// An event to be tried now.
struct Job {
    claimed: Claimed,
    url: String,
}

/// What a turn at the database gives.
#[derive(Default)]
struct Turn {
    jobs: Vec<Job>,
    dead: Vec<Dead>,
    /// Webhooks to be disabled, and why.
    unwanted: Vec<(Vec<u8>, &'static str)>,
}

/// Delivers events for as long as it is driven.
pub struct Courier {
    app: Arc<App>,
    under_way: FuturesUnordered<BoxFuture<'static, Settled>>,
    /// Events under way, by webhook.
    held: HashMap<Vec<u8>, usize>,
    back: Vec<Settled>,
    /// What the recorder has been asked to write.
    chores: FuturesUnordered<BoxFuture<'static, ()>>,
    house_kept: Timestamp,
}

impl Courier {
    /// A courier with nothing under way.
    pub fn new(app: Arc<App>) -> Self {
        Self {
            app,
            under_way: FuturesUnordered::new(),
            held: HashMap::new(),
            back: Vec::new(),
            chores: FuturesUnordered::new(),
            house_kept: Timestamp::UNIX_EPOCH,
        }
    }

    /// One turn: settles, claims, sends, and comes back when there is something to settle or to look at.
    pub async fn turn(&mut self) {
        let (app, back, held) =
            (Arc::clone(&self.app), std::mem::take(&mut self.back), self.held.clone());
        let keep_house = self.is_time_to_keep_house();
        let done = tokio::task::spawn_blocking(move || {
            let turn = app.post_turn(&back, &held, keep_house);
            (back, turn)
        });
        match done.await {
            Ok((_, Ok(turn))) => self.set_out(turn),
            Ok((back, Err(error))) => {
                tracing::error!(%error, "deliveries cannot be noted or claimed");
                // What came back is noted once the database answers; until then its claim stands.
                self.back = back;
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) => tracing::error!(%error, "a courier's turn ended in a panic"),
        }
        self.wait().await;
    }

    fn is_time_to_keep_house(&mut self) -> bool {
        let now = self.app.clock.now();
        let due = now.as_second().saturating_sub(self.house_kept.as_second()) >= KEEP_HOUSE_EVERY_S;
        if due {
            self.house_kept = now;
        }
        due
    }

    fn set_out(&mut self, turn: Turn) {
        for (webhook, reason) in turn.unwanted {
            let app = Arc::clone(&self.app);
            self.chores.push(Box::pin(async move { app.disable_webhook(webhook, reason).await }));
        }
        if !turn.dead.is_empty() {
            let app = Arc::clone(&self.app);
            self.chores.push(Box::pin(async move { app.bury(turn.dead).await }));
        }
        for Job { claimed, url } in turn.jobs {
            *self.held.entry(claimed.webhook_id.clone()).or_default() += 1;
            let app = Arc::clone(&self.app);
            self.under_way.push(Box::pin(async move {
                let now = app.clock.now();
                let id = uuid::Uuid::from_slice(&claimed.event_id).unwrap_or_default().to_string();
                let attempt = app.courier.sender.send(&url, &id, &claimed.body, now).await;
                Settled { claimed, attempt }
            }));
        }
    }

    /// Waits for an attempt to come back, for an event, or for the time to look again; takes all that
    /// have come back by then.
    async fn wait(&mut self) {
        let app = Arc::clone(&self.app);
        let first = tokio::select! {
            Some(settled) = self.under_way.next() => Some(settled),
            Some(()) = self.chores.next() => None,
            () = app.events_written() => None,
            () = tokio::time::sleep(LOOK_EVERY) => None,
        };
        self.back.extend(first);
        while let Some(Some(settled)) = self.under_way.next().now_or_never() {
            self.back.push(settled);
        }
        for settled in &self.back {
            if let Some(held) = self.held.get_mut(&settled.claimed.webhook_id) {
                *held = held.saturating_sub(1);
            }
        }
        self.held.retain(|_, held| *held > 0);
    }
}

impl App {
    /// Notes what came back and claims what is due.
    fn post_turn(
        &self,
        back: &[Settled],
        held: &HashMap<Vec<u8>, usize>,
        keep_house: bool,
    ) -> storage::Result<Turn> {
        let mut place = self.courier.db.lock();
        let mut db = match place.take() {
            Some(db) => db,
            None => storage::open(&self.config.database, storage::Use::Post)?,
        };
        let turn = self.post_turn_on(&mut db, back, held, keep_house);
        // A connection that failed is opened again at the next turn.
        if turn.is_ok() {
            *place = Some(db);
        }
        turn
    }

    fn post_turn_on(
        &self,
        db: &mut Db,
        back: &[Settled],
        held: &HashMap<Vec<u8>, usize>,
        keep_house: bool,
    ) -> storage::Result<Turn> {
        let now_us = self.clock.now().as_microsecond();
        let mut turn = Turn::default();
        if keep_house {
            turn.unwanted = self.keep_house(db, now_us)?;
        }
        let due = storage::outbox::due(db, now_us)?;
        if back.is_empty() && due.is_empty() {
            return Ok(turn);
        }
        let settled_of: HashSet<&[u8]> =
            back.iter().map(|settled| settled.claimed.webhook_id.as_slice()).collect();
        let webhooks = storage::webhooks::active(db)?;
        let all_held: usize = held.values().sum();
        let mut free = self.config.webhooks.concurrent_max.saturating_sub(all_held);
        storage::transaction(db, |db| {
            for settled in back {
                self.settle(db, settled, now_us, &mut turn)?;
            }
            for webhook in webhooks {
                let is_due =
                    due.contains(&webhook.id) || settled_of.contains(webhook.id.as_slice());
                let under_way = held.get(&webhook.id).copied().unwrap_or_default();
                let own = self.config.webhooks.per_webhook_max.saturating_sub(under_way).min(free);
                if is_due && own > 0 {
                    let jobs = self.claim(db, &webhook, own, now_us)?;
                    free = free.saturating_sub(jobs.len());
                    turn.jobs.extend(jobs);
                }
            }
            Ok::<_, storage::Error>(())
        })?;
        Ok(turn)
    }

    fn claim(
        &self,
        db: &mut Db,
        webhook: &WebhookRow,
        most: usize,
        now_us: i64,
    ) -> storage::Result<Vec<Job>> {
        let stands_ms = self.config.webhooks.timeout_ms.saturating_add(CLAIM_MARGIN_MS);
        let claim = Claim {
            by: &self.courier.by,
            now_us,
            until_us: now_us.saturating_add(micros(stands_ms)),
        };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let claimed = storage::outbox::claim(db, &webhook.id, claim, most)?;
        Ok(claimed.into_iter().map(|claimed| Job { claimed, url: webhook.url.clone() }).collect())
    }

    fn settle(
        &self,
        db: &mut Db,
        settled: &Settled,
        now_us: i64,
        turn: &mut Turn,
    ) -> storage::Result<()> {
        let Settled { claimed, attempt } = settled;
        let [delivered, failed, _] = &self.courier.counts;
        match attempt {
            Attempt::Delivered(status) => {
                delivered.fetch_add(1, Ordering::Relaxed);
                let answer = format!("status {status}");
                storage::outbox::delivered(db, claimed, &self.courier.by, &answer, now_us)
            }
            Attempt::Gone => {
                failed.fetch_add(1, Ordering::Relaxed);
                turn.unwanted.push((claimed.webhook_id.clone(), GONE));
                let next_us = now_us.saturating_add(GONE_AGAIN_US);
                storage::outbox::failed(db, claimed, &self.courier.by, "status 410", next_us)
            }
            Attempt::Failed { answer, retry_after_s } => {
                failed.fetch_add(1, Ordering::Relaxed);
                let next_us = now_us.saturating_add(self.wait_us(claimed.attempts, *retry_after_s));
                if self.is_given_up(claimed, next_us) {
                    turn.dead.push(Dead { claimed: claimed.clone(), answer: answer.clone() });
                    return Ok(());
                }
                storage::outbox::failed(db, claimed, &self.courier.by, answer, next_us)
            }
        }
    }

    /// How long to wait after an attempt that failed, the first being number 0.
    fn wait_us(&self, attempts: i64, retry_after_s: Option<u64>) -> i64 {
        let waits = &self.config.webhooks.retry_ms;
        let attempt = usize::try_from(attempts).unwrap_or(usize::MAX);
        let wait_ms = waits.get(attempt).or_else(|| waits.last()).copied().unwrap_or_default();
        let [chance, ..] = self.ids.nonce();
        let jitter_ms = wait_ms / JITTER_SHARE * u64::from(chance) / u64::from(u8::MAX);
        let asked_ms = retry_after_s.unwrap_or_default().saturating_mul(1000);
        micros(wait_ms.saturating_add(jitter_ms).max(asked_ms))
    }

    /// Whether the next attempt would come too late. An event that waited long for its turn is still
    /// tried a few times.
    fn is_given_up(&self, claimed: &Claimed, next_us: i64) -> bool {
        let settings = &self.config.webhooks;
        let until_us = claimed.queued_us.saturating_add(micros(settings.give_up_s * 1000));
        claimed.attempts + 1 >= i64::from(settings.attempts_min) && next_us > until_us
    }

    /// Forgets what ended long ago and counts what waits; gives the webhooks for which too much does.
    fn keep_house(
        &self,
        db: &mut Db,
        now_us: i64,
    ) -> storage::Result<Vec<(Vec<u8>, &'static str)>> {
        let kept_us = i64::from(self.config.webhooks.keep_days) * 24 * 3600 * 1_000_000;
        let before_us = now_us.saturating_sub(kept_us);
        while storage::transaction(db, |db| storage::outbox::forget(db, before_us, FORGET_ROWS))?
            > 0
        {}
        let (waiting, dead) = (storage::outbox::waiting(db)?, storage::outbox::count_dead(db)?);
        let total: i64 = waiting.iter().map(|(_, count)| count).sum();
        for (place, count) in self.courier.standing.iter().zip([total, dead]) {
            place.store(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
        }
        let most = i64::try_from(self.config.webhooks.waiting_max).unwrap_or(i64::MAX);
        let overfull = waiting.into_iter().filter(|(_, count)| *count > most);
        Ok(overfull.map(|(id, _)| (id, OVERFULL)).collect())
    }

    async fn bury(&self, dead: Vec<Dead>) {
        let [_, _, buried] = &self.courier.counts;
        let count = u64::try_from(dead.len()).unwrap_or_default();
        match self.recorder.submit(Box::new(Bury { dead })).await {
            Ok(_) => {
                buried.fetch_add(count, Ordering::Relaxed);
            }
            // The claims end by themselves; the events are tried once more, and given up then.
            Err(error) => tracing::error!(%error, "dead letters cannot be recorded"),
        }
    }

    async fn disable_webhook(&self, webhook: Vec<u8>, reason: &'static str) {
        if let Err(error) = self.recorder.submit(Box::new(Disable { webhook, reason })).await {
            tracing::error!(%error, "a webhook cannot be disabled");
        }
    }

    /// Gives claims back on stopping, so that others need not wait for their end.
    pub fn give_deliveries_back(&self) {
        let mut place = self.courier.db.lock();
        if let Some(db) = place.as_mut()
            && let Err(error) = storage::outbox::give_back(db, &self.courier.by)
        {
            tracing::warn!(%error, "claims of events end by themselves");
        }
    }
}

fn micros(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000)
}
