//! Releases as they stand, what they draw, and earlier releases of the same reference.
use super::Db;
use super::Error;
use super::ROWS;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::on;
use super::schema::release;
use super::schema::release_draw;
use crate::domain::Text;
use crate::domain::Timestamp;
use diesel::prelude::*;
use std::collections::HashMap;
use std::collections::HashSet;
use uuid::Uuid;

/// A release as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = release, treat_none_as_default_value = false)]
pub struct ReleaseRow {
    /// UUID.
    pub id: Vec<u8>,
    /// The verification that it followed.
    pub verification_id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `released` or `reversed`.
    pub status: String,
    /// Counts from 1 with each change.
    pub version: i64,
    /// Numbering of the reference.
    pub reference_kind: String,
    /// The declaration's reference.
    pub reference: String,
    /// Digest of the declaration in force.
    pub content_sha256: Vec<u8>,
    /// The declaration in force.
    pub declaration: String,
    /// Its item numbers, a JSON list.
    pub items: String,
    /// What a return is compared with.
    pub outward: String,
    /// The States that it concerns, a JSON list.
    pub states: String,
    /// Who released.
    pub caller: String,
    /// When.
    pub at_us: i64,
}

/// What a release draws from a line.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = release_draw, treat_none_as_default_value = false)]
pub struct DrawRow {
    /// The release.
    pub release_id: Vec<u8>,
    /// The item.
    pub item: i64,
    /// The licence's row.
    pub licence_id: i64,
    /// The line.
    pub line: i64,
    /// How much, in millionths.
    pub drawn: i64,
}

/// A release that stands under a reference.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The release.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Digest of its declaration.
    pub content_sha256: Vec<u8>,
    /// Its declaration.
    pub declaration: String,
    /// Its items.
    pub items: Vec<u32>,
    /// The State whose post made it.
    pub state: String,
    /// The States that it concerns.
    pub states: Vec<String>,
    /// The licences that each of them drew.
    pub drawn: Vec<(u32, Text)>,
}

/// Writes releases.
pub fn insert(db: &mut Db, rows: &[ReleaseRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(release::table).values(rows).execute(c));
    Ok(())
}

/// Writes what a release draws.
pub fn insert_draws(db: &mut Db, rows: &[DrawRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(release_draw::table).values(rows).execute(c));
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: Uuid) -> Result<Option<ReleaseRow>> {
    Ok(release::table
        .find(id.as_bytes().to_vec())
        .select(ReleaseRow::as_select())
        .first(db)
        .optional()?)
}

/// The releases of a verification, in the order of their making.
pub fn of_verification(db: &mut Db, verification: &[u8], limit: i64) -> Result<Vec<Vec<u8>>> {
    Ok(release::table
        .filter(release::verification_id.eq(verification))
        .order(release::id)
        .limit(limit)
        .select(release::id)
        .load(db)?)
}

/// Reads what one draws.
pub fn draws(db: &mut Db, id: &[u8]) -> Result<Vec<DrawRow>> {
    Ok(release_draw::table
        .filter(release_draw::release_id.eq(id))
        .select(DrawRow::as_select())
        .load(db)?)
}

/// Replaces a release as it stands, with what it draws.
pub fn replace(db: &mut Db, row: &ReleaseRow, draws: &[DrawRow]) -> Result<()> {
    diesel::update(release::table.find(&row.id))
        .set((
            release::status.eq(&row.status),
            release::version.eq(row.version),
            release::content_sha256.eq(&row.content_sha256),
            release::declaration.eq(&row.declaration),
            release::items.eq(&row.items),
            release::outward.eq(&row.outward),
            release::states.eq(&row.states),
            release::at_us.eq(row.at_us),
        ))
        .execute(db)?;
    diesel::delete(release_draw::table.filter(release_draw::release_id.eq(&row.id))).execute(db)?;
    insert_draws(db, draws)
}

/// Releases that stand under a reference in the States that are asked for. Few stand under one, and the same
/// statement serves for one State and for many.
pub fn standing(
    db: &mut Db,
    kind: &str,
    reference: &str,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Vec<Standing>> {
    let rows: Vec<ReleaseRow> = on!(db, c => release::table
        .filter(release::reference.eq(reference).and(release::reference_kind.eq(kind)))
        .filter(release::status.eq("released"))
        .order(release::at_us)
        .select(ReleaseRow::as_select())
        .load(c))?;
    let corrupt = |what: &str| Error::Corrupt(format!("{what} of a release under {reference}"));
    let rows: Vec<ReleaseRow> = rows.into_iter().filter(|row| is_ours(&row.state)).collect();
    let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.id.clone()).collect();
    let mut drawn = drawn_by(db, &ids)?;
    rows.into_iter()
        .map(|row| {
            Ok(Standing {
                drawn: drawn.remove(&row.id).unwrap_or_default(),
                id: Uuid::from_slice(&row.id).map_err(|_e| corrupt("the identifier"))?,
                at: Timestamp::from_microsecond(row.at_us).map_err(|_e| corrupt("the time"))?,
                content_sha256: row.content_sha256,
                items: serde_json::from_str(&row.items).map_err(|_e| corrupt("the items"))?,
                states: serde_json::from_str(&row.states).map_err(|_e| corrupt("the States"))?,
                declaration: row.declaration,
                state: row.state,
            })
        })
        .collect()
}

/// Items and the licences that each drew, by release.
pub type DrawnBy = HashMap<Vec<u8>, Vec<(u32, Text)>>;

/// The licences that each item of releases drew, in order, each once.
pub fn drawn_by(db: &mut Db, ids: &[Vec<u8>]) -> Result<DrawnBy> {
    let mut drawn = DrawnBy::new();
    for ids in ids.chunks(ROWS) {
        let rows: Vec<(Vec<u8>, i64, i64)> = release_draw::table
            .filter(release_draw::release_id.eq_any(ids))
            .order((release_draw::release_id, release_draw::item, release_draw::licence_id))
            .select((release_draw::release_id, release_draw::item, release_draw::licence_id))
            .distinct()
            .load(db)?;
        let licences: HashSet<i64> = rows.iter().map(|(.., licence)| *licence).collect();
        let licences: Vec<i64> = licences.into_iter().collect();
        let numbers = super::licences::numbers(db, &licences)?;
        for (release, item, licence) in rows {
            let corrupt = || Error::Corrupt(format!("what item {item} of a release draws"));
            let item = u32::try_from(item).map_err(|_e| corrupt())?;
            let number = numbers.get(&licence).ok_or_else(corrupt)?;
            drawn.entry(release).or_default().push((item, number.as_str().into()));
        }
    }
    Ok(drawn)
}

/// The latest releases under a declaration's reference, whatever numbers it.
pub fn under(db: &mut Db, reference: &str, limit: i64) -> Result<Vec<Vec<u8>>> {
    Ok(release::table
        .filter(release::reference.eq(reference))
        .order(release::at_us.desc())
        .limit(limit)
        .select(release::id)
        .load(db)?)
}

/// Releases that stand among these, the earliest first.
pub fn standing_of(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<ReleaseRow>> {
    let mut rows: Vec<ReleaseRow> = in_chunks(ids, |ids| {
        release::table
            .filter(release::id.eq_any(ids).and(release::status.eq("released")))
            .select(ReleaseRow::as_select())
            .load(db)
    })?;
    rows.sort_by(|a, b| (a.at_us, &a.id).cmp(&(b.at_us, &b.id)));
    Ok(rows)
}

/// Which of these releases stand.
pub fn standing_ids(db: &mut Db, ids: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>> {
    let standing = in_chunks(ids, |ids| {
        let known = release::table.filter(release::id.eq_any(ids));
        known.filter(release::status.eq("released")).select(release::id).load(db)
    })?;
    Ok(standing.into_iter().collect())
}

/// Releases under a reference in some States, or in any, the latest first, for a return that names it: each, when it
/// was made and what it let through.
pub fn outward(
    db: &mut Db,
    reference: &str,
    states: Option<&[&str]>,
) -> Result<Vec<(Vec<u8>, i64, String)>> {
    let under = release::table
        .filter(release::reference.eq(reference).and(release::status.eq("released")))
        .order(release::at_us.desc())
        .limit(OUTWARD_MAX)
        .select((release::id, release::at_us, release::outward));
    Ok(match states {
        Some(states) => under.filter(release::state.eq_any(states)).load(db)?,
        None => under.load(db)?,
    })
}

/// Most releases of one reference that a return is compared with; what older ones let through has not
/// gone out for it.
const OUTWARD_MAX: i64 = 200;

/// Every reference ever released, in pages: the release, its reference's numbering and value.
pub fn references(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<(Vec<u8>, String, String)>> {
    Ok(release::table
        .filter(release::id.gt(after))
        .order(release::id)
        .limit(limit)
        .select((release::id, release::reference_kind, release::reference))
        .load(db)?)
}

/// Releases that stand and draw upon a licence.
pub fn standing_under(db: &mut Db, licence_id: i64) -> Result<Vec<ReleaseRow>> {
    let drawing = release_draw::table
        .filter(release_draw::licence_id.eq(licence_id))
        .select(release_draw::release_id);
    Ok(release::table
        .filter(release::id.eq_any(drawing))
        .filter(release::status.eq("released"))
        .order(release::at_us)
        .select(ReleaseRow::as_select())
        .load(db)?)
}

/// Releases of a State that stand, or wait for a second officer, under a reference: the latest first.
pub fn under_reference(db: &mut Db, reference: &str, state: &str) -> Result<Vec<UnderReference>> {
    Ok(release::table
        .filter(release::reference.eq(reference).and(release::state.eq(state)))
        .filter(release::status.eq_any(["released", "pending"]))
        .order(release::at_us.desc())
        .limit(UNDER_REFERENCE_MAX)
        .select((
            release::id,
            release::verification_id,
            release::status,
            release::border_post,
            release::at_us,
        ))
        .load(db)?)
}

/// A release, its verification, its status, its post and its time.
pub type UnderReference = (Vec<u8>, Vec<u8>, String, String, i64);

/// Most releases shown of one reference.
const UNDER_REFERENCE_MAX: i64 = 20;
