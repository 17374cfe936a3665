//! Events on their way to those who want to be told. They are written with what they tell of; their
//! delivery is bookkeeping beside the audit log.
use super::Db;
use super::ROWS;
use super::Result;
use super::on;
use super::schema::outbox;
use diesel::prelude::*;

/// An event to be told to one webhook.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
pub struct NewDelivery {
    /// To whom.
    pub webhook_id: Vec<u8>,
    /// The event.
    pub event_id: Vec<u8>,
    /// Its kind.
    pub kind: String,
    /// What it belongs to.
    pub ordering_key: String,
    /// The bytes that are signed and sent.
    pub body: String,
    /// When it happened.
    pub at_us: i64,
    /// The same: when it was put on its way.
    pub queued_us: i64,
    /// `waiting`.
    pub status: &'static str,
    /// The same instant: it may be tried at once.
    pub next_us: i64,
}

/// Puts events on their way, in their order.
pub fn insert(db: &mut Db, rows: &[NewDelivery]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        on!(&mut *db, c => diesel::insert_into(outbox::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// An event on its way, or at its end.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct DeliveryRow {
    /// Row number: the order of the events.
    pub id: i64,
    /// To whom.
    pub webhook_id: Vec<u8>,
    /// The event.
    pub event_id: Vec<u8>,
    /// Its kind.
    pub kind: String,
    /// What it belongs to.
    pub ordering_key: String,
    /// The bytes that are signed and sent.
    pub body: String,
    /// When it happened.
    pub at_us: i64,
    /// When it was last put on its way.
    pub queued_us: i64,
    /// `waiting`, `delivered` or `dead`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What the last attempt came to.
    pub answer: Option<String>,
    /// When it was delivered or given up.
    pub ended_us: Option<i64>,
}

/// Events of a webhook after a row, in their order; of one status, where one is named.
pub fn page(
    db: &mut Db,
    webhook: &[u8],
    status: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let mut query =
        outbox::table.filter(outbox::webhook_id.eq(webhook).and(outbox::id.gt(after))).into_boxed();
    if let Some(status) = status {
        query = query.filter(outbox::status.eq(status.to_owned()));
    }
    Ok(query.order(outbox::id).limit(limit).select(DeliveryRow::as_select()).load(db)?)
}
