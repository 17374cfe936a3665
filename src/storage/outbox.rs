//! Events on their way to those who want to be told. They are written with what they tell of; their
//! delivery is bookkeeping beside the audit log.
use super::Db;
use super::ROWS;
use super::Result;
use super::in_runs;
use super::on;
use super::schema::outbox;
use super::schema::webhook;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sql_types::Binary;
use diesel::sql_types::Text;

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
    in_runs!(db, rows, (c, rows) => diesel::insert_into(outbox::table).values(rows).execute(c));
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
    status: Option<&'static str>,
    after: i64,
    limit: i64,
) -> Result<Vec<DeliveryRow>> {
    let mut query =
        outbox::table.filter(outbox::webhook_id.eq(webhook).and(outbox::id.gt(after))).into_boxed();
    if let Some(status) = status {
        query = query.filter(is(status));
    }
    Ok(query.order(outbox::id).limit(limit).select(DeliveryRow::as_select()).load(db)?)
}

/// An event that a node is to try now.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Claimed {
    /// Its row.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// To whom.
    #[diesel(sql_type = Binary)]
    pub webhook_id: Vec<u8>,
    /// The event.
    #[diesel(sql_type = Binary)]
    pub event_id: Vec<u8>,
    /// What it belongs to.
    #[diesel(sql_type = Text)]
    pub ordering_key: String,
    /// The bytes that are signed and sent.
    #[diesel(sql_type = Text)]
    pub body: String,
    /// When it was put on its way.
    #[diesel(sql_type = BigInt)]
    pub queued_us: i64,
    /// How often it was tried before.
    #[diesel(sql_type = BigInt)]
    pub attempts: i64,
}

/// Who claims events, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The node.
    pub by: &'a str,
    /// Now.
    pub now_us: i64,
    /// When others may take over, should it not come back.
    pub until_us: i64,
}

const DUE: &str = "UPDATE outbox SET lease_us = $1, lease_by = $2 WHERE id IN (\
    SELECT d.id FROM outbox d WHERE d.webhook_id = $3 AND d.status = 'waiting' \
    AND d.next_us <= $4 AND d.lease_us <= $4 AND NOT EXISTS (\
        SELECT 1 FROM outbox e WHERE e.webhook_id = d.webhook_id AND e.ordering_key = d.ordering_key \
        AND e.status = 'waiting' AND e.id < d.id) \
    ORDER BY d.next_us, d.id LIMIT $5";
const TAKEN: &str = ") RETURNING id, webhook_id, event_id, ordering_key, body, queued_us, attempts";

/// Takes at most so many events of a webhook that are due and that are the first of their key. Nodes
/// that share a server do not wait for each other: each skips what another is taking.
pub fn claim(db: &mut Db, webhook: &[u8], claim: Claim<'_>, most: i64) -> Result<Vec<Claimed>> {
    let skip = if db.is_shared() { " FOR UPDATE SKIP LOCKED" } else { "" };
    let query = diesel::sql_query(format!("{DUE}{skip}{TAKEN}"))
        .bind::<BigInt, _>(claim.until_us)
        .bind::<Text, _>(claim.by)
        .bind::<Binary, _>(webhook)
        .bind::<BigInt, _>(claim.now_us)
        .bind::<BigInt, _>(most);
    let mut claimed: Vec<Claimed> = on!(db, c => query.load(c))?;
    claimed.sort_by_key(|claimed| claimed.id);
    Ok(claimed)
}

/// Notes that an event was delivered, if the claim still stands.
pub fn delivered(
    db: &mut Db,
    claimed: &Claimed,
    by: &str,
    answer: &str,
    now_us: i64,
) -> Result<()> {
    diesel::update(outbox::table.find(claimed.id))
        .filter(outbox::lease_by.eq(by).and(outbox::status.eq("waiting")))
        .filter(outbox::queued_us.eq(claimed.queued_us))
        .set((
            outbox::status.eq("delivered"),
            outbox::attempts.eq(claimed.attempts + 1),
            outbox::answer.eq(answer),
            outbox::ended_us.eq(now_us),
            outbox::lease_us.eq(0),
            outbox::lease_by.eq(""),
        ))
        .execute(db)?;
    Ok(())
}

/// Notes that an attempt failed and when the next one may be; what waits behind it waits as long.
pub fn failed(db: &mut Db, claimed: &Claimed, by: &str, answer: &str, next_us: i64) -> Result<()> {
    let changed = diesel::update(outbox::table.find(claimed.id))
        .filter(outbox::lease_by.eq(by).and(outbox::status.eq("waiting")))
        .filter(outbox::queued_us.eq(claimed.queued_us))
        .set((
            outbox::attempts.eq(claimed.attempts + 1),
            outbox::answer.eq(answer),
            outbox::next_us.eq(next_us),
            outbox::lease_us.eq(0),
            outbox::lease_by.eq(""),
        ))
        .execute(db)?;
    if changed == 1 {
        diesel::update(outbox::table)
            .filter(outbox::webhook_id.eq(&claimed.webhook_id).and(is("waiting")))
            .filter(outbox::ordering_key.eq(&claimed.ordering_key))
            .filter(outbox::next_us.lt(next_us))
            .set(outbox::next_us.eq(next_us))
            .execute(db)?;
    }
    Ok(())
}

/// Gives claims back that were not used.
pub fn give_back(db: &mut Db, by: &str) -> Result<()> {
    diesel::update(outbox::table.filter(outbox::lease_by.eq(by).and(outbox::status.eq("waiting"))))
        .set((outbox::lease_us.eq(0), outbox::lease_by.eq("")))
        .execute(db)?;
    Ok(())
}

/// Gives an event up. It is decided in the recorder's transaction, together with its alert; says
/// whether it was still waiting.
pub fn bury(db: &mut Db, id: i64, queued_us: i64, answer: &str, now_us: i64) -> Result<bool> {
    let changed = diesel::update(outbox::table.find(id))
        .filter(outbox::status.eq("waiting").and(outbox::queued_us.eq(queued_us)))
        .set((
            outbox::status.eq("dead"),
            outbox::answer.eq(answer),
            outbox::ended_us.eq(now_us),
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::lease_us.eq(0),
            outbox::lease_by.eq(""),
        ))
        .execute(db)?;
    Ok(changed == 1)
}

/// The row of a webhook's event.
pub fn row_of(db: &mut Db, webhook: &[u8], event: &[u8]) -> Result<Option<i64>> {
    Ok(outbox::table
        .filter(outbox::webhook_id.eq(webhook).and(outbox::event_id.eq(event)))
        .select(outbox::id)
        .first(db)
        .optional()?)
}

/// From where events are put on their way again.
#[derive(Debug, Clone, Copy)]
pub enum From {
    /// This row and all after it.
    Row(i64),
    /// What happened at this instant or later.
    Time(i64),
}

/// Puts what has ended on its way again, in its old order, at most so much; gives the events' rows and
/// identifiers.
pub fn replay(
    db: &mut Db,
    webhook: &[u8],
    from: From,
    now_us: i64,
    most: i64,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut query = outbox::table
        .filter(outbox::webhook_id.eq(webhook).and(outbox::status.ne("waiting")))
        .into_boxed();
    query = match from {
        From::Row(id) => query.filter(outbox::id.ge(id)),
        From::Time(at_us) => query.filter(outbox::at_us.ge(at_us)),
    };
    let found: Vec<(i64, Vec<u8>)> =
        query.order(outbox::id).limit(most).select((outbox::id, outbox::event_id)).load(db)?;
    for rows in found.chunks(ROWS) {
        let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
        diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
            .set((
                outbox::status.eq("waiting"),
                outbox::attempts.eq(0),
                outbox::queued_us.eq(now_us),
                outbox::next_us.eq(now_us),
                outbox::ended_us.eq(None::<i64>),
            ))
            .execute(db)?;
    }
    Ok(found)
}

/// Forgets what ended before an instant, and everything of webhooks that are deleted; at most so
/// many rows. Says how many.
pub fn forget(db: &mut Db, ended_before_us: i64, most: i64) -> Result<usize> {
    let ended: Vec<i64> = outbox::table
        .filter(outbox::status.ne("waiting").and(outbox::ended_us.lt(ended_before_us)))
        .limit(most)
        .select(outbox::id)
        .load(db)?;
    let deleted: Vec<Vec<u8>> =
        webhook::table.filter(webhook::status.eq("deleted")).select(webhook::id).load(db)?;
    let orphaned: Vec<i64> = outbox::table
        .filter(outbox::webhook_id.eq_any(deleted))
        .limit(most)
        .select(outbox::id)
        .load(db)?;
    let mut forgotten = 0;
    for ids in ended.chunks(ROWS).chain(orphaned.chunks(ROWS)) {
        forgotten += diesel::delete(outbox::table.filter(outbox::id.eq_any(ids))).execute(db)?;
    }
    Ok(forgotten)
}

/// Events of a webhook after a row that could not be delivered.
pub fn dead(db: &mut Db, webhook: &[u8], after: i64, limit: i64) -> Result<Vec<DeliveryRow>> {
    page(db, webhook, Some("dead"), after, limit)
}

/// Whether an event of a webhook was given up since an instant.
pub fn has_dead_since(db: &mut Db, webhook: &[u8], since_us: i64) -> Result<bool> {
    let found: Option<i64> = outbox::table
        .filter(outbox::webhook_id.eq(webhook).and(is("dead")))
        .filter(outbox::ended_us.ge(since_us))
        .select(outbox::id)
        .first(db)
        .optional()?;
    Ok(found.is_some())
}

/// A webhook, by identifier.
#[derive(Debug, QueryableByName)]
struct Due {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// Active webhooks for which something is due.
pub fn due(db: &mut Db, now_us: i64) -> Result<Vec<Vec<u8>>> {
    let query = diesel::sql_query(
        "SELECT w.id FROM webhook w WHERE w.status = 'active' AND EXISTS (SELECT 1 FROM outbox o \
         WHERE o.webhook_id = w.id AND o.status = 'waiting' AND o.next_us <= $1 AND o.lease_us <= $1)",
    )
    .bind::<BigInt, _>(now_us);
    let due: Vec<Due> = on!(db, c => query.load(c))?;
    Ok(due.into_iter().map(|due| due.id).collect())
}

/// How many events wait for each active webhook.
pub fn waiting(db: &mut Db) -> Result<Vec<(Vec<u8>, i64)>> {
    let active: Vec<Vec<u8>> =
        webhook::table.filter(webhook::status.eq("active")).select(webhook::id).load(db)?;
    let mut counts = Vec::with_capacity(active.len());
    for id in active {
        let count = outbox::table
            .filter(outbox::webhook_id.eq(&id).and(is("waiting")))
            .count()
            .get_result(db)?;
        counts.push((id, count));
    }
    Ok(counts)
}

/// How many dead letters are kept.
pub fn count_dead(db: &mut Db) -> Result<i64> {
    Ok(outbox::table.filter(is("dead")).count().get_result(db)?)
}

/// A status as a literal, so that the indexes of that status alone can serve.
fn is(status: &'static str) -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql(match status {
        "dead" => "outbox.status = 'dead'",
        _ => "outbox.status = 'waiting'",
    })
}
