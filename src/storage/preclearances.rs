//! Goods announced by carriers, what is held for them, and their presentation.
use super::Db;
use super::ROWS;
use super::Result;
use super::on;
use super::schema::announced;
use super::schema::licence;
use super::schema::preclearance;
use super::schema::preclearance_draw;
use super::schema::presentation;
use super::schema::release;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

/// A pre-clearance as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = preclearance, treat_none_as_default_value = false)]
pub struct PreclearanceRow {
    /// UUID; what it was judged on is the verification of this identifier.
    pub id: Vec<u8>,
    /// The short code, without hyphens.
    pub code: String,
    /// Whose token lodged it.
    pub issuer: String,
    /// The carrier's number.
    pub operator: String,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `lodged`, `presented`, `released`, `lapsed` or `withdrawn`.
    pub status: String,
    /// `none`, `held`, `taken_over`, `lapsed` or `withdrawn`.
    pub reservation: String,
    /// 1 where it named what is not there or does not fit.
    pub missed: i64,
    /// What the carrier was told and whom it concerns, JSON.
    pub kept: String,
    /// When.
    pub lodged_us: i64,
    /// The instant at which the time for presentation ends.
    pub expires_us: i64,
    /// When something is left to be done.
    pub due_us: Option<i64>,
    /// When it last changed.
    pub changed_us: i64,
    /// The release that followed it.
    pub release_id: Option<Vec<u8>>,
}

/// The declaration that was lodged, by which others of the same are found.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = announced, treat_none_as_default_value = false)]
pub struct AnnouncedRow {
    /// The pre-clearance.
    pub preclearance_id: Vec<u8>,
    /// `mrn`, `ucr` or `national`.
    pub reference_kind: String,
    /// Its reference.
    pub reference: String,
    /// Digest of its content.
    pub content_sha256: Vec<u8>,
    /// The consignment's reference.
    pub ucr: Option<String>,
}

/// What a pre-clearance holds of a line, with the licence's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// The licence.
    pub licence: String,
    /// The licence's row.
    pub licence_id: i64,
    /// The line.
    pub line: i64,
    /// How much, in millionths.
    pub reserved: i64,
}

/// Writes a pre-clearance with its declaration and what it holds.
pub fn insert(
    db: &mut Db,
    row: &PreclearanceRow,
    declared: &AnnouncedRow,
    held: &[HeldRow],
) -> Result<()> {
    diesel::insert_into(preclearance::table).values(row).execute(db)?;
    diesel::insert_into(announced::table).values(declared).execute(db)?;
    for held in held.chunks(ROWS) {
        let rows: Vec<_> = held
            .iter()
            .map(|held| {
                (
                    preclearance_draw::preclearance_id.eq(&row.id),
                    preclearance_draw::licence_id.eq(held.licence_id),
                    preclearance_draw::line.eq(held.line),
                    preclearance_draw::reserved.eq(held.reserved),
                )
            })
            .collect();
        on!(&mut *db, c => diesel::insert_into(preclearance_draw::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Writes where one stands; what it no longer holds is removed.
pub fn update(db: &mut Db, row: &PreclearanceRow) -> Result<()> {
    diesel::update(preclearance::table.filter(preclearance::id.eq(&row.id)))
        .set((
            preclearance::status.eq(&row.status),
            preclearance::reservation.eq(&row.reservation),
            preclearance::due_us.eq(row.due_us),
            preclearance::changed_us.eq(row.changed_us),
            preclearance::release_id.eq(&row.release_id),
        ))
        .execute(db)?;
    if row.reservation != "held" {
        diesel::delete(
            preclearance_draw::table.filter(preclearance_draw::preclearance_id.eq(&row.id)),
        )
        .execute(db)?;
    }
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: &[u8]) -> Result<Option<PreclearanceRow>> {
    let row = preclearance::table.filter(preclearance::id.eq(id));
    Ok(on!(db, c => row.select(PreclearanceRow::as_select()).get_result(c)).optional()?)
}

/// Reads the one that a code leads to.
pub fn by_code(db: &mut Db, code: &str) -> Result<Option<PreclearanceRow>> {
    Ok(preclearance::table
        .filter(preclearance::code.eq(code))
        .select(PreclearanceRow::as_select())
        .first(db)
        .optional()?)
}

/// Those that hold something in a State for what is declared under a reference, in the order of lodging,
/// with the digest of their declarations.
pub fn holding(
    db: &mut Db,
    state: &str,
    (kind, reference): (&str, &str),
) -> Result<Vec<(PreclearanceRow, Vec<u8>)>> {
    Ok(preclearance::table
        .inner_join(announced::table.on(announced::preclearance_id.eq(preclearance::id)))
        .filter(announced::reference.eq(reference).and(announced::reference_kind.eq(kind)))
        .filter(preclearance::reservation.eq("held").and(preclearance::state.eq(state)))
        .order(preclearance::number)
        .select((PreclearanceRow::as_select(), announced::content_sha256))
        .load(db)?)
}

/// Those of which a release has taken the goods.
pub fn of_release(db: &mut Db, release: &[u8]) -> Result<Vec<PreclearanceRow>> {
    Ok(preclearance::table
        .filter(preclearance::release_id.eq(release))
        .order(preclearance::number)
        .select(PreclearanceRow::as_select())
        .load(db)?)
}

/// What came of what an operator has announced of a consignment, the latest: its pre-clearances, the
/// verdicts under them, and the releases of those.
pub fn followed(
    db: &mut Db,
    ucr: &str,
    (issuer, operator): (&str, &str),
    limit: i64,
) -> Result<Vec<Vec<u8>>> {
    let lodged: Vec<Vec<u8>> = preclearance::table
        .inner_join(announced::table.on(announced::preclearance_id.eq(preclearance::id)))
        .filter(announced::ucr.eq(ucr))
        .filter(preclearance::operator.eq(operator).and(preclearance::issuer.eq(issuer)))
        .order(preclearance::number.desc())
        .limit(limit)
        .select(preclearance::id)
        .load(db)?;
    let verified: Vec<Vec<u8>> = presentation::table
        .filter(presentation::preclearance_id.eq_any(&lodged))
        .order(presentation::verification_id.desc())
        .limit(limit)
        .select(presentation::verification_id)
        .load(db)?;
    let released: Vec<Vec<u8>> = release::table
        .filter(release::verification_id.eq_any(&verified))
        .limit(limit)
        .select(release::id)
        .load(db)?;
    Ok([lodged, verified, released].concat())
}

/// What one holds.
pub fn held(db: &mut Db, id: &[u8]) -> Result<Vec<HeldRow>> {
    let rows: Vec<(String, i64, i64, i64)> = preclearance_draw::table
        .inner_join(licence::table)
        .filter(preclearance_draw::preclearance_id.eq(id))
        .order((preclearance_draw::licence_id, preclearance_draw::line))
        .select((
            licence::number,
            preclearance_draw::licence_id,
            preclearance_draw::line,
            preclearance_draw::reserved,
        ))
        .load(db)?;
    let held =
        |(licence, licence_id, line, reserved)| HeldRow { licence, licence_id, line, reserved };
    Ok(rows.into_iter().map(held).collect())
}

/// How many a carrier has lodged since an instant, and how many of those named what is not there or does not
/// fit.
pub fn lodged(db: &mut Db, issuer: &str, operator: &str, since_us: i64) -> Result<(i64, i64)> {
    // Both values of `missed` are named, as the index has them.
    let counts: Vec<(i64, i64)> = preclearance::table
        .filter(preclearance::operator.eq(operator).and(preclearance::issuer.eq(issuer)))
        .filter(preclearance::missed.eq_any([0_i64, 1]).and(preclearance::lodged_us.gt(since_us)))
        .group_by(preclearance::missed)
        .select((preclearance::missed, diesel::dsl::count_star()))
        .load(db)?;
    let of = |missed| counts.iter().filter(move |(of, _)| missed == *of).map(|(_, count)| count);
    Ok((counts.iter().map(|(_, count)| count).sum(), of(1).sum()))
}

/// When a carrier lodged the latest but so many less one, of all or of those alone that missed.
pub fn nth_lodged(
    db: &mut Db,
    (issuer, operator): (&str, &str),
    missed: &[i64],
    nth: i64,
) -> Result<Option<i64>> {
    Ok(preclearance::table
        .filter(preclearance::operator.eq(operator).and(preclearance::issuer.eq(issuer)))
        .filter(preclearance::missed.eq_any(missed))
        .order(preclearance::lodged_us.desc())
        .offset(nth.saturating_sub(1).max(0))
        .select(preclearance::lodged_us)
        .first(db)
        .optional()?)
}

/// How many of a carrier's wait for presentation.
pub fn waiting(db: &mut Db, issuer: &str, operator: &str) -> Result<i64> {
    Ok(preclearance::table
        .filter(preclearance::operator.eq(operator).and(preclearance::issuer.eq(issuer)))
        .filter(preclearance::status.eq("lodged"))
        .count()
        .get_result(db)?)
}

/// A page of a carrier's, with their numbers, in the order of lodging.
pub fn page(
    db: &mut Db,
    (issuer, operator): (&str, &str),
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, PreclearanceRow)>> {
    Ok(preclearance::table
        .filter(preclearance::operator.eq(operator).and(preclearance::issuer.eq(issuer)))
        .filter(preclearance::number.gt(after))
        .order(preclearance::number)
        .limit(limit)
        .select((preclearance::number, PreclearanceRow::as_select()))
        .load(db)?)
}

/// Those for which something is due, the longest first.
pub fn due(db: &mut Db, now_us: i64, limit: i64) -> Result<Vec<Vec<u8>>> {
    Ok(preclearance::table
        .filter(preclearance::due_us.le(now_us))
        .order(preclearance::due_us)
        .limit(limit)
        .select(preclearance::id)
        .load(db)?)
}

/// Writes that goods were presented: a verification made under a pre-clearance.
pub fn insert_presentation(db: &mut Db, verification: Uuid, preclearance: &[u8]) -> Result<()> {
    diesel::insert_into(presentation::table)
        .values((
            presentation::verification_id.eq(verification.as_bytes().to_vec()),
            presentation::preclearance_id.eq(preclearance),
        ))
        .execute(db)?;
    Ok(())
}

/// How a verification has to do with announced goods: the pre-clearance under which it was made, and
/// whether it is a pre-clearance itself.
pub fn around(db: &mut Db, verification: &[u8]) -> Result<(Option<Vec<u8>>, bool)> {
    let made_under = presentation::table
        .find(verification)
        .select((presentation::preclearance_id, false.into_sql::<Bool>()));
    let is_one = preclearance::table
        .filter(preclearance::id.eq(verification))
        .select((preclearance::id, true.into_sql::<Bool>()));
    let found: Vec<(Vec<u8>, bool)> = on!(db, c => made_under.union_all(is_one).load(c))?;
    let is_one = found.iter().any(|(_, is_one)| *is_one);
    Ok((found.into_iter().find(|(_, is_one)| !is_one).map(|(id, _)| id), is_one))
}

/// The pre-clearance under which a verification was made.
pub fn of_verification(db: &mut Db, verification: &[u8]) -> Result<Option<Vec<u8>>> {
    let row = presentation::table.find(verification).select(presentation::preclearance_id);
    Ok(on!(db, c => row.get_result(c)).optional()?)
}
