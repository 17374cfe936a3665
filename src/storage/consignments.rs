//! What has happened to consignments, as it was recorded with each act.
use super::Db;
use super::Result;
use super::insert_all;
use super::journey_schema::consignment_event;
use diesel::prelude::*;

/// One event of a consignment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = consignment_event, treat_none_as_default_value = false)]
pub struct EventRow {
    /// The consignment's reference.
    pub ucr: String,
    /// `verdict`, `release`, `exit` and the like.
    pub kind: String,
    /// State of who acted.
    pub state: String,
    /// The post, where it happened at one.
    pub border_post: Option<String>,
    /// `export`, `import` or `transit`.
    pub movement: Option<String>,
    /// A verdict, or how an arrival or a receipt turned out.
    pub outcome: Option<String>,
    /// The declaration's reference.
    pub reference: Option<String>,
    /// The object.
    pub subject: Vec<u8>,
    /// The States that it concerns, a JSON list.
    pub states: String,
    /// The carrier's number.
    pub carrier: Option<String>,
    /// Particulars, JSON.
    pub detail: String,
    /// When it took place.
    pub happened_us: i64,
    /// When it was recorded.
    pub at_us: i64,
    /// The log.
    pub log_id: i64,
    /// The entry's index in it.
    pub log_index: i64,
}

/// Writes events.
pub fn insert(db: &mut Db, rows: &[EventRow]) -> Result<()> {
    insert_all!(db, consignment_event::table, rows);
    Ok(())
}

/// The latest releases under a reference: those that were made or amended under it.
pub fn releases(db: &mut Db, ucr: &str, limit: i64) -> Result<Vec<Vec<u8>>> {
    let mut ids: Vec<Vec<u8>> = consignment_event::table
        .filter(consignment_event::ucr.eq(ucr))
        .filter(consignment_event::kind.eq_any([
            "release",
            "override_confirmed",
            "release_amendment",
        ]))
        .order(consignment_event::id.desc())
        .limit(limit)
        .select(consignment_event::subject)
        .load(db)?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Verdicts given in a State under a consignment's reference, and those that did not clear under a
/// declaration's: each with its post, the latest first.
pub fn verdicts(
    db: &mut Db,
    sought: &str,
    state: &str,
    limit: i64,
) -> Result<Vec<(Vec<u8>, Option<String>)>> {
    let mut found = consignment_event::table
        .filter(consignment_event::ucr.eq(sought).and(consignment_event::kind.eq("verdict")))
        .filter(consignment_event::state.eq(state))
        .order(consignment_event::id.desc())
        .limit(limit)
        .select((consignment_event::subject, consignment_event::border_post))
        .load(db)?;
    if found.is_empty() {
        // As the index has it, word for word.
        let not_clear =
            diesel::dsl::sql::<diesel::sql_types::Bool>("kind = 'verdict' AND outcome <> 'clear'");
        found = consignment_event::table
            .filter(consignment_event::reference.eq(sought))
            .filter(not_clear)
            .filter(consignment_event::state.eq(state))
            .order(consignment_event::id.desc())
            .limit(limit)
            .select((consignment_event::subject, consignment_event::border_post))
            .load(db)?;
    }
    Ok(found)
}

/// The latest verdicts under a consignment's reference on goods that came in or passed.
pub fn presented(db: &mut Db, ucr: &str, limit: i64) -> Result<Vec<EventRow>> {
    Ok(consignment_event::table
        .filter(consignment_event::ucr.eq(ucr).and(consignment_event::kind.eq("verdict")))
        .filter(consignment_event::movement.eq_any(["import", "transit"]))
        .order(consignment_event::id.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .load(db)?)
}

/// What a carrier brings about by itself, as often as it likes.
const ANNOUNCED: [&str; 3] =
    ["preclearance_lodged", "preclearance_withdrawn", "preclearance_lapsed"];

/// By whom events were brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Posts and authorities.
    Posts,
    /// Carriers that announce goods.
    Carriers,
}

/// Whom events concern.
#[derive(Debug, Clone, Copy)]
pub struct Concerned<'a> {
    /// The State.
    pub state: &'a str,
    /// The carrier, where it is one.
    pub carrier: Option<OfCarrier<'a>>,
}

/// What of a consignment is a carrier's own.
#[derive(Debug, Clone, Copy)]
pub struct OfCarrier<'a> {
    /// Its number, which declarations name.
    pub number: &'a str,
    /// What came of what it has announced.
    pub followed: &'a [Vec<u8>],
    /// Whether all that was released is among that, so that what posts see on the way is its own too.
    pub all: bool,
}

/// What posts see of a consignment and cannot tell to be of one release.
pub const ON_THE_WAY: [&str; 3] = ["exit", "entry", "arrival"];

/// The latest events under a reference, the latest first: of posts or of carriers, so that these never keep
/// those out, and of those that concern somebody.
pub fn events(
    db: &mut Db,
    ucr: &str,
    by: By,
    to: Option<Concerned<'_>>,
    limit: i64,
) -> Result<Vec<EventRow>> {
    let mut query = consignment_event::table
        .filter(consignment_event::ucr.eq(ucr))
        .order(consignment_event::id.desc())
        .limit(limit)
        .select(EventRow::as_select())
        .into_boxed();
    query = match by {
        By::Posts => query.filter(consignment_event::kind.ne_all(ANNOUNCED)),
        By::Carriers => query.filter(consignment_event::kind.eq_any(ANNOUNCED)),
    };
    if let Some(to) = to {
        query = query.filter(consignment_event::states.like(format!("%\"{}\"%", to.state)));
        if let Some(of) = to.carrier {
            let on_the_way: &[&str] = if of.all { &ON_THE_WAY } else { &[] };
            let announced = consignment_event::subject.eq_any(of.followed);
            let seen = consignment_event::kind.eq_any(on_the_way);
            let carried = consignment_event::carrier.eq(of.number);
            query = query.filter(carried.or(announced.nullable()).or(seen.nullable()));
        }
    }
    Ok(query.load(db)?)
}
