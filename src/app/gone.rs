//! Whether the goods of a release are known to have gone: then it is neither undone nor set to other goods
//! (UCC 173 and 174). Asked are the exit, the receipt, what rests on the release, what other States have
//! released or looked at since, and where posts have seen the goods. Where that may have been another shipment under the
//! same reference and it cannot be told which, they have gone.
use super::Error;
use super::batch::Batch;
use super::journey::LEEWAY_US;
use super::journey::Released;
use super::journey::released;
use super::journey::releases;
use super::judge::Presented;
use super::outward::OutwardRecord;
use super::receipts;
use super::release::uuid;
use super::territory::Territory;
use super::timeline::country;
use super::timeline::states_in;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::rules::outward::Outward;
use crate::storage;
use crate::storage::Db;
use crate::storage::crossings::CrossingRow;
use crate::storage::releases::ReleaseRow;

/// A release of which it is asked, with what it let through.
struct Asked<'a> {
    row: &'a ReleaseRow,
    declaration: Declaration,
    goods: Outward,
    /// The States on its papers.
    concerned: Vec<String>,
}

/// Another release the same way under the consignment's reference.
struct Beside {
    of: Released,
    goods: Outward,
    /// When its goods left, where that is recorded.
    left_us: Option<i64>,
}

/// Why the goods of a release are not here any more; nothing where they may be.
pub(super) fn gone(batch: &mut Batch<'_>, row: &ReleaseRow) -> Result<Option<String>, Error> {
    let territory = Territory::new(country(&row.state)?, &batch.lists, batch.now);
    let db = &mut *batch.db;
    if let Some(exit) = storage::crossings::exit_of(db, &row.id)? {
        return Ok(Some(format!("the goods have left at {}", exit.border_post)));
    }
    if let Some(receipt) = receipts::of(db, &row.id)?.filter(receipts::is_answered) {
        return Ok(Some(format!("{} says that the goods have arrived", receipt.importing_state)));
    }
    let asked = Asked {
        row,
        declaration: released(row)?,
        goods: OutwardRecord::read(&row.outward)?,
        concerned: states_in(&row.states)?,
    };
    if let Some(words) = came_back(db, &asked, &territory)? {
        return Ok(Some(words));
    }
    let Some(ucr) = asked.declaration.consignment().map(ToString::to_string) else {
        return Ok(None);
    };
    let known = releases(db, &ucr)?;
    if let Some(words) = went_on(&asked, &known)? {
        return Ok(Some(words));
    }
    let beside = beside(db, &asked, known)?;
    if let Some(words) = looked_at(db, &asked, &ucr, &beside)? {
        return Ok(Some(words));
    }
    let seen = seen_abroad(db, &asked, &ucr, &beside)?;
    Ok(seen.map(|seen| format!("the goods were seen at {}", seen.border_post)))
}

/// A release by which goods of this one have returned, or left again.
fn came_back(
    db: &mut Db,
    asked: &Asked<'_>,
    territory: &Territory,
) -> Result<Option<String>, Error> {
    let ids = storage::trails::returns(db, &asked.row.reference, &territory.states())?;
    for back in storage::releases::standing_of(db, &ids)? {
        let goods = OutwardRecord::read(&back.outward)?;
        if asked.goods.is_first_movement_of(goods.movement) && asked.goods.may_share(&goods) {
            let how = match goods.movement {
                Movement::Import => "come back",
                Movement::Export | Movement::Transit => "left again",
            };
            return Ok(Some(format!("the goods have {how} at {}", back.border_post)));
        }
    }
    Ok(None)
}

/// A later release of goods that may be these by another State on the papers: they were let in, or on, there.
fn went_on(asked: &Asked<'_>, known: &[Released]) -> Result<Option<String>, Error> {
    for of in known
        .iter()
        .filter(|of| asked.is_later(&of.row.state, of.declaration.movement, of.row.at_us))
    {
        if asked.goods.may_share(&OutwardRecord::read(&of.row.outward)?) {
            let (movement, post) = (of.declaration.movement.as_str(), &of.row.border_post);
            return Ok(Some(format!("the goods have been released for {movement} at {post}")));
        }
    }
    Ok(None)
}

/// A later verification of goods that may be these by such a State: they were presented there, unless they
/// may be those of another release, which are known to have left.
fn looked_at(
    db: &mut Db,
    asked: &Asked<'_>,
    ucr: &str,
    beside: &[Beside],
) -> Result<Option<String>, Error> {
    for event in storage::consignments::presented(db, ucr, LOOKS_MAX)? {
        let movement = match event.movement.as_deref() {
            Some("import") => Movement::Import,
            _ => Movement::Transit,
        };
        if !asked.is_later(&event.state, movement, event.happened_us) {
            continue;
        }
        let Some(row) = storage::verifications::read(db, uuid(&event.subject)?)? else { continue };
        let presented = Presented::read(row.declaration, "").map_err(|error| {
            Error::Internal(format!("a verified declaration does not read: {error}"))
        })?;
        let goods = Outward::of(&presented.declaration, asked.goods.released_on, false);
        let anothers = |of: &Beside| of.left_us.is_some() && of.goods.may_share(&goods);
        if asked.goods.shares_marks(&goods)
            || (asked.goods.may_share(&goods) && !beside.iter().any(anothers))
        {
            let post = event.border_post.unwrap_or(event.state);
            return Ok(Some(format!("the goods were presented at {post}")));
        }
    }
    Ok(None)
}

/// Most verifications of one consignment that are looked at.
const LOOKS_MAX: i64 = 200;

/// Other releases the same way over the same border: what was seen may have been their goods.
fn beside(db: &mut Db, asked: &Asked<'_>, known: Vec<Released>) -> Result<Vec<Beside>, Error> {
    let mut beside = Vec::new();
    for of in known {
        if of.row.id == asked.row.id
            || of.row.state != asked.row.state
            || of.declaration.movement != asked.declaration.movement
        {
            continue;
        }
        let goods = OutwardRecord::read(&of.row.outward)?;
        let exit = storage::crossings::exit_of(db, &of.row.id)?;
        beside.push(Beside { of, goods, left_us: exit.map(|exit| exit.happened_us) });
    }
    Ok(beside)
}

/// Where a post has seen the goods since: abroad, or on their way out of the State that they only pass.
fn seen_abroad(
    db: &mut Db,
    asked: &Asked<'_>,
    ucr: &str,
    beside: &[Beside],
) -> Result<Option<CrossingRow>, Error> {
    let vehicle =
        |of: &Declaration| of.carrier.as_ref().and_then(|carrier| carrier.vehicle.clone());
    let own = vehicle(&asked.declaration);
    let is_seen = |seen: &CrossingRow| {
        let passed = asked.declaration.movement == Movement::Transit
            && seen.direction == "exit"
            && seen.release_id.is_none();
        let abroad = if seen.state == asked.row.state {
            passed
        } else {
            asked.concerned.contains(&seen.state)
        };
        // In what it was may tell which of several shipments it was; else it was one that is known to have left.
        let is_own = seen.vehicle.is_some()
            && seen.vehicle.as_deref() == own.as_deref()
            && beside.iter().all(|of| vehicle(&of.of.declaration) != own);
        let anothers = |of: &Beside| {
            of.left_us.is_some_and(|left_us| left_us <= seen.happened_us.saturating_add(LEEWAY_US))
        };
        abroad && asked.is_since(seen.happened_us) && (is_own || !beside.iter().any(anothers))
    };
    let seen = storage::crossings::of_ucr(db, ucr, super::journey::CROSSINGS_MAX)?;
    Ok(seen.into_iter().find(is_seen))
}

impl Asked<'_> {
    /// Whether something took place after the release. Posts' clocks differ: what leaves may seem to be abroad a
    /// moment before.
    fn is_since(&self, at_us: i64) -> bool {
        match self.declaration.movement {
            Movement::Export => at_us.saturating_add(LEEWAY_US) >= self.row.at_us,
            Movement::Import | Movement::Transit => at_us > self.row.at_us,
        }
    }

    /// Whether what another State has let in, or on, comes after the release, and that State is on its papers.
    fn is_later(&self, state: &str, movement: Movement, at_us: i64) -> bool {
        self.declaration.movement != Movement::Import
            && movement != Movement::Export
            && state != self.row.state
            && self.concerned.iter().any(|named| named == state)
            && self.is_since(at_us)
    }
}

/// Whether an amendment leaves alone all that tells what went, where, whose and on what: goods that are gone cannot
/// become others. The days, the way, the papers shown and the words that describe the goods may be put right.
pub(super) fn is_of_the_same_goods(before: &Declaration, now: &Declaration) -> bool {
    let kept = |of: &Declaration| {
        let mut of = of.clone();
        (of.departs_on, of.arrives_on) = (None, None);
        of.route.clear();
        of.documents.clear();
        of.crossings.clear();
        of.observations.clear();
        of.fulfilments.clear();
        of.credentials.clear();
        if let Some(carrier) = &mut of.carrier {
            carrier.vehicle = None;
        }
        for item in &mut of.items {
            item.description = None;
        }
        of.items.sort_by_key(|item| item.number);
        of
    };
    kept(before) == kept(now)
}
