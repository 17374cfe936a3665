//! Editions of the reference lists.
use super::Db;
use super::Result;
use super::schema::lists;
use crate::domain::Timestamp;
use diesel::prelude::*;

/// The edition in force: its name and document.
pub fn latest(db: &mut Db) -> Result<Option<(String, String)>> {
    Ok(lists::table
        .order(lists::id.desc())
        .select((lists::edition, lists::body))
        .first(db)
        .optional()?)
}

/// The names of all editions.
pub fn editions(db: &mut Db) -> Result<Vec<String>> {
    Ok(lists::table.order(lists::id).select(lists::edition).load(db)?)
}

/// The document in force, where its edition is not this one.
pub fn latest_other_than(db: &mut Db, edition: &str) -> Result<Option<String>> {
    let latest: Option<String> =
        lists::table.order(lists::id.desc()).select(lists::edition).first(db).optional()?;
    match latest {
        Some(latest) if latest != edition => read(db, &latest),
        Some(_) | None => Ok(None),
    }
}

/// The document of an edition.
pub fn read(db: &mut Db, edition: &str) -> Result<Option<String>> {
    Ok(lists::table.filter(lists::edition.eq(edition)).select(lists::body).first(db).optional()?)
}

/// Puts an edition in force; one that has been in force before is put in force again.
pub fn put(db: &mut Db, edition: &str, body: &str, actor: &str, at: Timestamp) -> Result<()> {
    diesel::delete(lists::table.filter(lists::edition.eq(edition))).execute(db)?;
    diesel::insert_into(lists::table)
        .values((
            lists::edition.eq(edition),
            lists::body.eq(body),
            lists::actor.eq(actor),
            lists::at_us.eq(at.as_microsecond()),
        ))
        .execute(db)?;
    Ok(())
}
