//! A consignment's journey put together from the releases and crossings that the register holds.
use super::Error;
use super::batch::Batch;
use super::judge::Presented;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::timeline::country;
use super::timeline::states_in;
use super::timeline::with_state;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::calendar::utc_day;
use crate::domain::calendar::years_after;
use crate::domain::consignment::Direction;
use crate::domain::consignment::JOURNEY_YEARS;
use crate::domain::consignment::Sighting;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::domain::lists::Lists;
use crate::rules::journey::Deviation;
use crate::rules::journey::Planned;
use crate::rules::journey::deviations;
use crate::storage;
use crate::storage::Db;
use crate::storage::crossings::CrossingRow;
use crate::storage::releases::ReleaseRow;
use crate::wire::consignment::JourneyFinding;

/// Most releases of one consignment that are looked at.
pub(super) const RELEASES_MAX: i64 = 200;
/// Most crossings of one consignment that are looked at.
pub(super) const CROSSINGS_MAX: i64 = 500;

/// A release that stands, with its declaration as read.
pub(super) struct Released {
    pub row: ReleaseRow,
    pub declaration: Declaration,
}

impl Released {
    /// Whether the goods were released for export.
    pub fn is_export(&self) -> bool {
        self.declaration.movement == Movement::Export
    }
}

/// The latest releases that stand under a consignment's reference, the earliest first.
pub(super) fn releases(db: &mut Db, ucr: &str) -> Result<Vec<Released>, Error> {
    let ids = storage::consignments::releases(db, ucr, RELEASES_MAX)?;
    let mut found = Vec::with_capacity(ids.len());
    for row in storage::releases::standing_of(db, &ids)? {
        let declaration = released(&row)?;
        if declaration.consignment().is_some_and(|own| own.as_str() == ucr) {
            found.push(Released { row, declaration });
        }
    }
    Ok(found)
}

/// The latest releases that stand under a declaration's reference, the earliest first.
pub(super) fn under(db: &mut Db, reference: &str) -> Result<Vec<Released>, Error> {
    let ids = storage::releases::under(db, reference, RELEASES_MAX)?;
    let mut found = Vec::with_capacity(ids.len());
    for row in storage::releases::standing_of(db, &ids)? {
        let declaration = released(&row)?;
        found.push(Released { row, declaration });
    }
    Ok(found)
}

/// By how much an exit may seem to come before its release, since posts' clocks differ.
pub(super) const LEEWAY_US: i64 = 60_000_000;

/// Whether goods were seen after their release.
fn is_since(seen: &CrossingRow, release: &ReleaseRow) -> bool {
    seen.happened_us.saturating_add(LEEWAY_US) >= release.at_us
}

/// The declaration that says which way the goods should go: that of the latest release for export,
/// else of transit, else of import.
pub(super) fn plan<'a>(releases: &[&'a Released]) -> Option<&'a Declaration> {
    let of =
        |movement| releases.iter().map(|of| &of.declaration).rfind(|of| of.movement == movement);
    of(Movement::Export).or_else(|| of(Movement::Transit)).or_else(|| of(Movement::Import))
}

/// The declaration on which a release stands.
pub(super) fn released(row: &ReleaseRow) -> Result<Declaration, Error> {
    let presented = Presented::read(row.declaration.clone(), "").map_err(|error| {
        Error::Internal(format!("a released declaration does not read: {error}"))
    })?;
    Ok(presented.declaration)
}

/// The journey that a declaration announces.
pub(super) fn planned(declaration: &Declaration) -> Planned<'_> {
    Planned {
        from: declaration.country_of_export,
        route: &declaration.route,
        to: declaration.country_of_import,
    }
}

/// A post's State, as the lists have it.
pub(super) fn sighting(
    post: &str,
    direction: Direction,
    at_us: i64,
    vehicle: Option<&str>,
    lists: &Lists,
) -> Result<Sighting, Error> {
    let post = Locode::parse(post)
        .map_err(|invalid| Error::Internal(format!("a stored post: {}", invalid.detail)))?;
    let listed = lists.posts.get(&post).map(|post| post.country);
    Ok(Sighting {
        post,
        state: listed.or_else(|| post.country()),
        direction,
        at: timestamp(at_us)?,
        vehicle: vehicle.map(Text::from),
    })
}

fn seen(row: &CrossingRow, lists: &Lists) -> Result<Sighting, Error> {
    let direction = Direction::parse(&row.direction)
        .ok_or_else(|| Error::Internal(format!("a stored direction: {}", row.direction)))?;
    sighting(&row.border_post, direction, row.happened_us, row.vehicle.as_deref(), lists)
}

/// What a crossing that is being recorded shows of its consignment's journey.
pub(super) fn found_by(
    batch: &mut Batch<'_>,
    ucr: &str,
    releases: &[&Released],
    crossing: &CrossingRow,
) -> Result<Vec<Deviation>, Stop> {
    let Some(declaration) = plan(releases) else { return Ok(Vec::new()) };
    let mut rows = storage::crossings::of_ucr(batch.db, ucr, CROSSINGS_MAX)?;
    rows.push(crossing.clone());
    rows.sort_by_key(|row| (row.happened_us, row.at_us));
    let day = |at_us: i64| timestamp(at_us).map(utc_day);
    let today = day(batch.now.as_microsecond())?;
    // Those of an earlier journey under the same reference say nothing of this one.
    let mut of_this = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        if years_after(day(row.at_us)?, JOURNEY_YEARS) > today {
            of_this.push(row);
        }
    }
    let lists = std::sync::Arc::clone(&batch.lists);
    let sightings: Vec<Sighting> =
        of_this.iter().map(|row| seen(row, &lists)).collect::<Result<_, _>>()?;
    let mut found = deviations(&planned(declaration), &sightings);
    found.retain(|of| of_this.get(of.sighting).is_some_and(|row| row.id == crossing.id));
    Ok(found)
}

/// What posts have recorded of goods that are presented on their way or at their end: the crossings since
/// the consignment was released for export, as far as that is this State's matter. Where several shipments
/// go under one reference a crossing cannot be told to be of one of them, and none is a fact of any.
pub(super) fn observed(
    db: &mut Db,
    declaration: &Declaration,
    state: Country,
) -> Result<Vec<Sighting>, Error> {
    let Some(ucr) = declaration.consignment() else { return Ok(Vec::new()) };
    let mut exports = releases(db, ucr)?;
    exports.retain(Released::is_export);
    let [of] = exports.as_slice() else { return Ok(Vec::new()) };
    let is_party = states_in(&of.row.states)?.iter().any(|named| named == state.as_str());
    if !is_party {
        return Ok(Vec::new());
    }
    let mut rows = storage::crossings::of_ucr(db, ucr, CROSSINGS_MAX)?;
    rows.retain(|row| is_since(row, &of.row));
    rows.iter().map(|row| seen(row, &Lists::default())).collect()
}

/// A deviation on the wire.
pub(super) fn finding(deviation: Deviation, subject: &[u8]) -> Result<JourneyFinding, Error> {
    Ok(JourneyFinding {
        code: deviation.code.as_str().to_owned(),
        severity: deviation.code.entry().severity.as_str().to_owned(),
        message: deviation.message,
        subject: uuid(subject)?.to_string(),
    })
}

/// Whether the papers of any of the releases name a State.
pub(super) fn names(releases: &[&Released], state: Country) -> Result<bool, Error> {
    for of in releases {
        let states = with_state(states_in(&of.row.states)?, &of.row.state);
        if states.iter().any(|named| named == state.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a deviation is told as to a post: in full where the papers name its State.
pub(super) fn told(found: Deviation, is_named: bool) -> Deviation {
    let message = if is_named {
        found.message
    } else {
        "the goods travel otherwise than declared".to_owned()
    };
    Deviation { message, ..found }
}

/// A deviation is put before the post that saw it and before the posts that let the goods out.
pub(super) fn raise_deviation(
    batch: &mut Batch<'_>,
    here: Addressee,
    known: &[&Released],
    ucr: Option<&str>,
    found: &[Deviation],
) -> Result<(), Stop> {
    let (Some(worst), Some(ucr)) = (found.first(), ucr) else { return Ok(()) };
    let mut codes: Vec<&'static str> = found.iter().map(|of| of.code.as_str()).collect();
    codes.dedup();
    let words = told(worst.clone(), names(known, here.state())?).message;
    let mut told = vec![(here, None, words)];
    for of in known.iter().filter(|of| of.is_export()) {
        let to = Addressee::Post(country(&of.row.state)?, of.declaration.border_post);
        if told.iter().all(|(known, ..)| *known != to) {
            told.push((to, Some(of), worst.message.clone()));
        }
    }
    for (to, of, words) in told {
        batch.raise(&NewAlert {
            kind: Kind::Consignment,
            to,
            severity: Severity::Refer,
            about: About {
                ucr: Some(ucr.to_owned()),
                release: of.map(|of| uuid(&of.row.id)).transpose()?,
                declaration: of.map(|of| of.row.reference.clone()),
                ..About::default()
            },
            codes: codes.clone(),
            message: Some(words),
        })?;
    }
    Ok(())
}
