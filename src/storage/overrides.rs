//! Releases against the advice, and every state in which a release ever stood.
use super::Db;
use super::Result;
use super::in_runs;
use super::schema::release;
use super::schema::release_override;
use super::schema::release_version;
use diesel::prelude::*;

/// An override as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = release_override, treat_none_as_default_value = false)]
pub struct OverrideRow {
    /// The release.
    pub release_id: Vec<u8>,
    /// Why.
    pub reason: String,
    /// What it overrides, a JSON list.
    pub codes: String,
    /// Who asked.
    pub caller: String,
    /// Until when it may be confirmed.
    pub due_us: i64,
    /// What no licence covers, JSON.
    pub beyond: String,
    /// Who confirmed.
    pub confirmed_by: Option<String>,
    /// When.
    pub confirmed_us: Option<i64>,
}

/// A state in which a release stood.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = release_version, treat_none_as_default_value = false)]
pub struct VersionRow {
    /// The release.
    pub release_id: Vec<u8>,
    /// Its version.
    pub version: i64,
    /// What happened.
    pub change: String,
    /// How it stood then.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// The declaration, where the change altered it and another one stands in its place by now.
    pub declaration: Option<String>,
    /// What it drew then, JSON.
    pub draws: String,
    /// Who.
    pub actor: String,
    /// When.
    pub at_us: i64,
    /// The log of the entry that records it.
    pub log_id: i64,
    /// That entry's index.
    pub log_index: i64,
}

/// Writes an override that is asked for.
pub fn insert(db: &mut Db, row: &OverrideRow) -> Result<()> {
    diesel::insert_into(release_override::table).values(row).execute(db)?;
    Ok(())
}

/// Reads the override of a release.
pub fn read(db: &mut Db, release_id: &[u8]) -> Result<Option<OverrideRow>> {
    Ok(release_override::table
        .find(release_id)
        .select(OverrideRow::as_select())
        .first(db)
        .optional()?)
}

/// Writes that one is confirmed.
pub fn confirm(db: &mut Db, row: &OverrideRow) -> Result<()> {
    diesel::update(release_override::table.find(&row.release_id))
        .set((
            release_override::confirmed_by.eq(&row.confirmed_by),
            release_override::confirmed_us.eq(row.confirmed_us),
            release_override::beyond.eq(&row.beyond),
        ))
        .execute(db)?;
    Ok(())
}

/// Releases that wait for a confirmation whose time has ended.
pub fn due(db: &mut Db, now_us: i64, limit: i64) -> Result<Vec<Vec<u8>>> {
    Ok(release_override::table
        .inner_join(release::table)
        .filter(release::status.eq("pending").and(release_override::due_us.le(now_us)))
        .order(release_override::due_us)
        .limit(limit)
        .select(release_override::release_id)
        .load(db)?)
}

/// Writes states in which releases stand.
pub fn insert_versions(db: &mut Db, rows: &[VersionRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(release_version::table).values(rows).execute(c));
    Ok(())
}

/// Changes of a release that bring a declaration with them.
const WITH_DECLARATION: [&str; 3] = ["release", "release_amendment", "override_requested"];

/// Keeps the declaration on which a release has stood so far, before another one takes its place.
pub fn keep_declaration(db: &mut Db, release_id: &[u8], declaration: &str) -> Result<()> {
    diesel::update(release_version::table.filter(release_version::release_id.eq(release_id)))
        .filter(release_version::change.eq_any(WITH_DECLARATION))
        .filter(release_version::declaration.is_null())
        .set(release_version::declaration.eq(declaration))
        .execute(db)?;
    Ok(())
}

/// Every state in which a release stood, in order, each that altered the declaration with that.
pub fn versions(db: &mut Db, release_id: &[u8], limit: i64) -> Result<Vec<VersionRow>> {
    let mut rows: Vec<VersionRow> = release_version::table
        .filter(release_version::release_id.eq(release_id))
        .order(release_version::version)
        .limit(limit)
        .select(VersionRow::as_select())
        .load(db)?;
    let in_force = rows
        .iter_mut()
        .find(|row| row.declaration.is_none() && WITH_DECLARATION.contains(&row.change.as_str()));
    if let Some(row) = in_force {
        row.declaration =
            release::table.find(release_id).select(release::declaration).first(db).optional()?;
    }
    Ok(rows)
}

/// The last entry of a log by which a release came to stand in another state.
pub fn last_of(db: &mut Db, log_id: i64) -> Result<Option<i64>> {
    Ok(release_version::table
        .filter(release_version::log_id.eq(log_id))
        .select(diesel::dsl::max(release_version::log_index))
        .first(db)?)
}
