//! Credentials issued for licences. A row's number, counted from 0, is its place in the status lists.
use super::Db;
use super::Error;
use super::Result;
use super::on;
use super::schema::credential;
use super::schema::licence;
use super::schema::licence_version;
use crate::domain::licence::Status;
use diesel::dsl::exists;
use diesel::dsl::max;
use diesel::prelude::*;

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Its place over all status lists.
    pub place: u64,
    /// The version of the document for which it was issued.
    pub version: u32,
    /// When.
    pub at_us: i64,
}

/// A credential that no longer simply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallen {
    /// Its place over all status lists.
    pub place: u64,
    /// Where its licence stands.
    pub status: Status,
    /// Whether a later version has another document.
    pub is_amended: bool,
}

type Columns = (i64, i64, i64);

fn row((id, version, at_us): Columns) -> Result<CredentialRow> {
    let corrupt = |what| Error::Corrupt(format!("credential {id}: {what}"));
    Ok(CredentialRow {
        place: place(id)?,
        version: u32::try_from(version).map_err(|_e| corrupt("its version"))?,
        at_us,
    })
}

fn place(id: i64) -> Result<u64> {
    let place = id.checked_sub(1).and_then(|place| u64::try_from(place).ok());
    place.ok_or_else(|| Error::Corrupt(format!("credential {id}: its number")))
}

fn id(place: u64) -> Result<i64> {
    let id = i64::try_from(place).ok().and_then(|place| place.checked_add(1));
    id.ok_or_else(|| Error::Bug("a place beyond all bounds".to_owned()))
}

/// The credential of a version of a licence's document.
pub fn find(db: &mut Db, licence_id: i64, version: u32) -> Result<Option<CredentialRow>> {
    credential::table
        .filter(credential::licence_id.eq(licence_id))
        .filter(credential::version.eq(i64::from(version)))
        .select((credential::id, credential::version, credential::at_us))
        .first::<Columns>(db)
        .optional()?
        .map(row)
        .transpose()
}

/// Writes a credential down; gives the place that it has from now on.
pub fn insert(
    db: &mut Db,
    licence_id: i64,
    version: u32,
    actor: &str,
    at_us: i64,
) -> Result<CredentialRow> {
    let values = (
        credential::licence_id.eq(licence_id),
        credential::version.eq(i64::from(version)),
        credential::actor.eq(actor),
        credential::at_us.eq(at_us),
    );
    let columns = (credential::id, credential::version, credential::at_us);
    let insert = diesel::insert_into(credential::table).values(values).returning(columns);
    row(on!(&mut *db, c => insert.get_result::<Columns>(c))?)
}

/// The version at which a licence's document was last written.
pub fn document_version(db: &mut Db, licence_id: i64) -> Result<Option<u32>> {
    let version: Option<i64> = licence_version::table
        .filter(licence_version::licence_id.eq(licence_id))
        .filter(licence_version::body.is_not_null())
        .select(max(licence_version::version))
        .first(db)?;
    let read =
        |version| u32::try_from(version).map_err(|_e| Error::Corrupt("a version".to_owned()));
    version.map(read).transpose()
}

/// How many places there are.
pub fn count(db: &mut Db) -> Result<u64> {
    let last: Option<i64> = credential::table.select(max(credential::id)).first(db)?;
    u64::try_from(last.unwrap_or_default())
        .map_err(|_e| Error::Corrupt("a credential's number is negative".to_owned()))
}

/// Credentials within a range of places that no longer simply stand.
pub fn fallen(db: &mut Db, from: u64, upto: u64) -> Result<Vec<Fallen>> {
    let (from, upto) = (id(from)?, id(upto)?);
    let within = credential::id.ge(from).and(credential::id.lt(upto));
    let later = licence_version::table
        .filter(licence_version::licence_id.eq(credential::licence_id))
        .filter(licence_version::version.gt(credential::version))
        .filter(licence_version::body.is_not_null());
    let is_amended = exists(later);
    let rows: Vec<(i64, String, bool)> = credential::table
        .inner_join(licence::table)
        .filter(within)
        .filter(licence::status.ne(Status::Active.as_str()).or(is_amended))
        .order(credential::id)
        .select((credential::id, licence::status, is_amended))
        .load(db)?;
    let read = |(id, status, is_amended): (i64, String, bool)| {
        let corrupt = || Error::Corrupt(format!("credential {id}: its licence's status"));
        let status = Status::parse(&status).ok_or_else(corrupt)?;
        Ok(Fallen { place: place(id)?, status, is_amended })
    };
    rows.into_iter().map(read).collect()
}
