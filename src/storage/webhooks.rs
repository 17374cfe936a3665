//! Whom a State wants to be told, and the keys that sign what is sent.
use super::Db;
use super::Result;
use super::on;
use super::schema::webhook;
use super::schema::webhook_key;
use diesel::prelude::*;

/// A webhook as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = webhook, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct WebhookRow {
    /// Its identifier.
    pub id: Vec<u8>,
    /// The State whose it is.
    pub state: String,
    /// Where it leads.
    pub url: String,
    /// Kinds of events, a JSON list; an empty one is all.
    pub events: String,
    /// In its owner's words.
    pub description: Option<String>,
    /// `active`, `disabled` or `deleted`.
    pub status: String,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// Counts from 1 with each change.
    pub version: i64,
    /// Who made it.
    pub actor: String,
    /// When.
    pub created_us: i64,
    /// When it last changed.
    pub changed_us: i64,
}

/// All active webhooks.
pub fn active(db: &mut Db) -> Result<Vec<WebhookRow>> {
    let rows = webhook::table.filter(webhook::status.eq("active")).order(webhook::id);
    Ok(on!(db, c => rows.select(WebhookRow::as_select()).load(c))?)
}

/// Webhooks of a State that have not been deleted.
pub fn of_state(db: &mut Db, state: &str) -> Result<Vec<WebhookRow>> {
    Ok(webhook::table
        .filter(webhook::state.eq(state).and(webhook::status.ne("deleted")))
        .order(webhook::id)
        .select(WebhookRow::as_select())
        .load(db)?)
}

/// A page of them, from the one after an identifier on.
pub fn page(db: &mut Db, state: &str, after: &[u8], most: i64) -> Result<Vec<WebhookRow>> {
    Ok(webhook::table
        .filter(webhook::state.eq(state).and(webhook::status.ne("deleted")))
        .filter(webhook::id.gt(after))
        .order(webhook::id)
        .limit(most)
        .select(WebhookRow::as_select())
        .load(db)?)
}

/// One of them.
pub fn read(db: &mut Db, id: &[u8]) -> Result<Option<WebhookRow>> {
    Ok(webhook::table
        .find(id)
        .filter(webhook::status.ne("deleted"))
        .select(WebhookRow::as_select())
        .first(db)
        .optional()?)
}

/// Makes one.
pub fn insert(db: &mut Db, row: &WebhookRow) -> Result<()> {
    diesel::insert_into(webhook::table).values(row).execute(db)?;
    Ok(())
}

/// Writes one as it stands now.
pub fn replace(db: &mut Db, row: &WebhookRow) -> Result<()> {
    diesel::update(webhook::table.find(&row.id)).set(row).execute(db)?;
    Ok(())
}

/// A key that signs what is sent.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = webhook_key, treat_none_as_default_value = false)]
pub struct KeyRow {
    /// Its public half, base64.
    pub public_key: String,
    /// The node that holds it.
    pub node: String,
    /// Since when it signs.
    pub from_us: i64,
    /// Since when it signs no more.
    pub until_us: Option<i64>,
}

/// Every key that has signed, the latest first.
pub fn keys(db: &mut Db) -> Result<Vec<KeyRow>> {
    Ok(webhook_key::table
        .order((webhook_key::from_us.desc(), webhook_key::public_key))
        .select(KeyRow::as_select())
        .load(db)?)
}

/// Makes a key the one with which a node signs from now on.
pub fn sign_with(db: &mut Db, key: &KeyRow) -> Result<()> {
    diesel::update(webhook_key::table)
        .filter(webhook_key::node.eq(&key.node).and(webhook_key::public_key.ne(&key.public_key)))
        .filter(webhook_key::until_us.is_null())
        .set(webhook_key::until_us.eq(key.from_us))
        .execute(db)?;
    on!(&mut *db, c => diesel::insert_into(webhook_key::table)
        .values(key)
        .on_conflict(webhook_key::public_key)
        .do_update()
        .set((webhook_key::node.eq(&key.node), webhook_key::until_us.eq(None::<i64>)))
        .execute(c))?;
    Ok(())
}
