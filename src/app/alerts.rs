//! Alerts: each refer or hold at the border puts one before the officers of its post.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Text;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::wire::alert::AlertReply;
use crate::wire::verification::instant;
use serde::Serialize;

#[derive(Serialize)]
struct AlertEntry<'a> {
    alert: i64,
    verification: String,
    border_post: &'a str,
    actor: Actor,
}

struct Acknowledge {
    id: i64,
    note: Option<Text>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Acknowledge {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("alert", &self.id.to_be_bytes());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::alerts::read(batch.db, self.id)?
            .filter(|row| is_at_own_post(&self.caller, row));
        let row = row.ok_or(Error::NotFound)?;
        if row.status == "open" {
            let nonce = batch.ids.nonce();
            let note = self.note.as_deref();
            storage::alerts::acknowledge(batch.db, self.id, &self.caller.key(), note, batch.now)?;
            let entry = AlertEntry {
                alert: self.id,
                verification: uuid(&row.verification_id)?.to_string(),
                border_post: &row.border_post,
                actor: Actor::new(&self.caller, nonce),
            };
            batch.enter("alert_acknowledged", nonce, &entry)?;
        }
        let row = storage::alerts::read(batch.db, self.id)?.ok_or(Error::NotFound)?;
        Ok(Recorded { outcome: Done::Done, reply: json(&reply(&row)?)?, version: None })
    }
}

fn is_at_own_post(caller: &Caller, row: &AlertRow) -> bool {
    row.state == caller.state.as_str()
        && caller.posts.iter().any(|post| post.as_str() == row.border_post)
}

fn reply(row: &AlertRow) -> Result<AlertReply, Error> {
    let codes = serde_json::from_str(&row.codes)
        .map_err(|error| Error::Internal(format!("an alert's codes: {error}")))?;
    Ok(AlertReply {
        id: row.id,
        border_post: row.border_post.clone(),
        verdict: row.outcome.clone(),
        verification: uuid(&row.verification_id)?.to_string(),
        declaration: row.reference.clone(),
        codes,
        status: row.status.clone(),
        raised_at: instant(timestamp(row.raised_us)?),
        acknowledged_at: row.acknowledged_us.map(timestamp).transpose()?.map(instant),
        acknowledged_by: row.acknowledged_by.clone(),
        note: row.note.clone(),
    })
}

impl App {
    /// A page of the alerts at the caller's posts, oldest first, with the row after which the next
    /// page starts.
    pub async fn alerts(
        &self,
        caller: &Caller,
        status: Option<&str>,
        after: i64,
        limit: u16,
    ) -> Result<(Vec<AlertReply>, Option<i64>), Error> {
        let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
        let (state, most) = (caller.state, i64::from(limit) + 1);
        let status = status.map(str::to_owned);
        let page = move |db: &mut Db| {
            storage::alerts::page(db, state.as_str(), &posts, status.as_deref(), after, most)
        };
        let rows = self.readers.read(page).await?;
        let shown = rows.get(..usize::from(limit)).unwrap_or(&rows);
        let next = (rows.len() > shown.len()).then(|| shown.last().map(|row| row.id)).flatten();
        Ok((shown.iter().map(reply).collect::<Result<_, _>>()?, next))
    }

    /// Takes note of an alert.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        id: i64,
        note: Option<Text>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.recorder.submit(Box::new(Acknowledge { id, note, caller: caller.clone(), once })).await
    }
}
