//! Events that cannot be delivered, and webhooks that want no more: recorded, and put before the
//! authority whose they are.
use super::batch::Batch;
use super::claims::Claims;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::uuid;
use super::webhooks::enter;
use crate::domain::Country;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::outbox::Claimed;
use crate::storage::webhooks::WebhookRow;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most events that an entry of the trail lists; the total counts all.
const LISTED_MAX: usize = 40;

/// An event that is given up.
#[derive(Debug, Clone)]
pub(super) struct Dead {
    pub claimed: Claimed,
    pub answer: String,
}

/// What the trail says of dead letters.
#[derive(Serialize)]
struct DeadEntry<'a> {
    webhook: String,
    states: [&'a str; 1],
    events: Vec<String>,
    events_total: usize,
}

/// Gives events up.
pub(super) struct Bury {
    pub dead: Vec<Dead>,
}

impl Command for Bury {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        for dead in &self.dead {
            claims.name("webhook", &dead.claimed.webhook_id);
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let mut by_webhook: BTreeMap<&[u8], Vec<&Dead>> = BTreeMap::new();
        for dead in &self.dead {
            by_webhook.entry(&dead.claimed.webhook_id).or_default().push(dead);
        }
        for (webhook, dead) in by_webhook {
            let Some(row) = storage::webhooks::read(batch.db, webhook)? else { continue };
            let now_us = batch.now.as_microsecond();
            let had_lately = storage::outbox::has_dead_since(
                batch.db,
                webhook,
                now_us.saturating_sub(ALERT_EVERY_US),
            )?;
            let mut buried = Vec::new();
            for Dead { claimed, answer } in dead {
                if storage::outbox::bury(batch.db, claimed.id, claimed.queued_us, answer, now_us)? {
                    buried.push(uuid(&claimed.event_id)?.to_string());
                }
            }
            if buried.is_empty() {
                continue;
            }
            let events_total = buried.len();
            buried.truncate(LISTED_MAX);
            let nonce = batch.ids.nonce();
            let entry = DeadEntry {
                webhook: uuid(&row.id)?.to_string(),
                states: [&row.state],
                events: buried,
                events_total,
            };
            batch.enter("webhook_dead_letters", nonce, &entry)?;
            if !had_lately {
                alert(batch, &row, "events cannot be delivered and are dead letters")?;
            }
        }
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

/// After an alert about a webhook's dead letters, how long none is raised about more of them.
const ALERT_EVERY_US: i64 = 3_600_000_000;

/// Disables a webhook.
pub(super) struct Disable {
    pub webhook: Vec<u8>,
    pub reason: &'static str,
}

impl Command for Disable {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("webhook", &self.webhook);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::webhooks::read(batch.db, &self.webhook)?;
        if let Some(mut row) = row.filter(|row| row.status == "active") {
            row.version += 1;
            row.changed_us = batch.now.as_microsecond();
            "disabled".clone_into(&mut row.status);
            row.reason = Some(self.reason.to_owned());
            storage::webhooks::replace(batch.db, &row)?;
            enter(batch, &row, "disabled", None, None)?;
            alert(batch, &row, self.reason)?;
        }
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

/// Puts a webhook's trouble before the authority whose it is.
fn alert(batch: &mut Batch<'_>, row: &WebhookRow, words: &str) -> Result<(), Stop> {
    let state = Country::parse(&row.state)
        .map_err(|_e| storage::Error::Corrupt(format!("a webhook of {:?}", row.state)))?;
    let about = About { webhook: Some(uuid(&row.id)?), ..About::default() };
    batch.raise(&NewAlert {
        kind: Kind::DeliveryFailed,
        to: Addressee::Authority(state, None),
        severity: Severity::Inform,
        about,
        codes: Vec::new(),
        message: Some(words.to_owned()),
    })?;
    Ok(())
}
