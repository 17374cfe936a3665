//! Looking up what a declaration is judged on: the licences it quotes and what the register knows
//! of its reference and of its firearms.
use super::Error;
use super::earlier;
use super::earlier::earlier;
use super::journey::released;
use super::linked;
use super::release::uuid;
use super::serials::EVERY_STATE;
use super::serials::described;
use super::serials::standing;
use super::territory::Territory;
use crate::cache::past::Past;
use crate::cache::past::Trace;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::reference::ReferenceKind;
use crate::domain::serial::FirearmKey;
use crate::domain::serial::Serial;
use crate::domain::serial::folded_name;
use crate::rules::case::Facts;
use crate::rules::case::ReportFact;
use crate::rules::case::SerialFact;
use crate::rules::likeness::AlikeFact;
use crate::rules::likeness::AlikeOf;
use crate::storage;
use crate::storage::Db;
use crate::storage::serials::SerialUse;
use crate::storage::trails::SerialEventRow;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whether the database may know anything of the reference, the firearms or an outward movement.
pub fn has_history(past: &Past, declaration: &Declaration) -> bool {
    let reference = &declaration.reference;
    let outward =
        declaration.temporary.as_ref().is_some_and(|temporary| temporary.outward.is_some());
    let marked = || {
        declaration.items.iter().any(|item| {
            let known = |s: &Serial| past.perhaps(Trace::Firearm(EVERY_STATE, s.as_str()));
            item.marks_of_identity().iter().any(known)
        })
    };
    outward
        || may_be_on_its_way(declaration)
        || linked::consignment(declaration).is_some()
        || past.perhaps(Trace::Reference(reference.kind.as_str(), &reference.value))
        || declaration
            .consignment()
            .is_some_and(|ucr| past.perhaps(Trace::Reference(ReferenceKind::Ucr.as_str(), ucr)))
        || marked()
}

/// Whether posts may have recorded the goods on their way here.
pub fn may_be_on_its_way(declaration: &Declaration) -> bool {
    declaration.movement != Movement::Export && declaration.consignment().is_some()
}

/// Adds to the facts what the database knows of the reference, the firearms and an outward movement.
/// `except` is a release that is being amended: what it did itself is no obstacle to it.
pub fn history(
    db: &mut Db,
    declaration: &Declaration,
    content_sha256: &[u8],
    territory: Option<&Territory>,
    except: Option<Uuid>,
    facts: &mut Facts,
) -> Result<(), Error> {
    if let Some(territory) = territory {
        let state = territory.state();
        let earlier = earlier(db, declaration, content_sha256, territory, except)?;
        facts.prior_uses = earlier::prior_uses(&earlier, declaration, state);
        facts.carried = earlier::carried(&earlier, declaration);
        serials(db, declaration, territory, except, facts)?;
        facts.linked = linked::parts(db, declaration, &earlier, territory, except)?;
        facts.stopped = super::stoppage::fact(db, declaration, state)?;
        if may_be_on_its_way(declaration) {
            facts.observed = super::journey::observed(db, declaration, state)?;
        }
        if let Some(reference) =
            declaration.temporary.as_ref().and_then(|temporary| temporary.outward.as_ref())
        {
            let (named, back) = ((reference.as_str(), territory), declaration.movement);
            facts.outward = super::returns::first_movement(db, named, back, except)?;
        }
    }
    reported(db, declaration, territory.map(Territory::state), facts)?;
    facts.history_available = true;
    Ok(())
}

/// Articles declared under whose serial, or one that looks like it, a report stands that a firearm is lost, stolen or seized, or
/// a case of customs.
fn reported(
    db: &mut Db,
    declaration: &Declaration,
    state: Option<Country>,
    facts: &mut Facts,
) -> Result<(), Error> {
    let items = declaration.items.iter();
    let declared: Vec<(u32, FirearmKey)> =
        items.flat_map(|item| articles(item).into_iter().map(|key| (item.number, key))).collect();
    let mut looks: Vec<String> = declared.iter().map(|(_, key)| key.serial.folded()).collect();
    looks.sort_unstable();
    looks.dedup();
    let known = storage::trails::reports(db, &looks)?;
    let (stopped, reports): (Vec<_>, Vec<_>) =
        known.into_iter().partition(|row| row.kind == storage::trails::STOPPED);
    for report in standing(reports) {
        let known = described(&report.serial, &report.make, &report.model, &report.country);
        let (what, of): (Text, Text) = (report.kind.as_str().into(), report.state.as_str().into());
        let reference: Text = report.reference.as_deref().unwrap_or_default().into();
        for (item, key) in &declared {
            let (item, serial) = (*item, key.serial.clone());
            let (what, state, reference) = (what.clone(), of.clone(), reference.clone());
            if key.serial == known.serial {
                let is_described_alike = key.may_be(&known);
                let fact = ReportFact { item, serial, what, state, reference, is_described_alike };
                facts.reported.push(fact);
            } else if key.looks_like(&known) {
                let (known, of) = (known.serial.clone(), AlikeOf::Reported(what, state, reference));
                facts.alike.push(AlikeFact { item, serial, known, of });
            }
        }
    }
    if let (Some(state), None) = (state, &facts.stopped) {
        let is_declared = |row: &SerialEventRow| {
            let known = described(&row.serial, &row.make, &row.model, &row.country);
            row.state == state.as_str() && declared.iter().any(|(_, key)| key.may_be(&known))
        };
        let cases = stopped.into_iter().filter(is_declared).map(|row| row.subject);
        facts.stopped = super::stoppage::of_firearms(db, cases)?;
    }
    Ok(())
}

/// The firearms of an item, as the register tells them apart.
pub fn firearms(item: &Item) -> Vec<FirearmKey> {
    if is_tracked(item) { articles(item) } else { Vec::new() }
}

/// Whatever of an item bears a mark of its own: a firearm that is reported may be declared as something else.
pub(super) fn articles(item: &Item) -> Vec<FirearmKey> {
    let marks = item.marks_of_identity();
    let key = |serial: &Serial| FirearmKey {
        make: folded(item.make.as_ref()),
        model: folded(item.model.as_ref()),
        country: item.manufactured_in.map(|country| country.to_string()).unwrap_or_default(),
        serial: serial.clone(),
    };
    marks.iter().map(key).collect()
}

/// Whether the register follows the articles of an item one by one.
fn is_tracked(item: &Item) -> bool {
    item.category == Category::Firearm
}

fn folded(name: Option<&Text>) -> String {
    name.map(|name| folded_name(name)).unwrap_or_default()
}

/// What is known of the firearms declared: of each that may be the same, however it is described now,
/// of each that moved under the very line that the item quotes, and of each that is away as these would be and whose
/// serial looks like theirs.
fn serials(
    db: &mut Db,
    declaration: &Declaration,
    territory: &Territory,
    except: Option<Uuid>,
    facts: &mut Facts,
) -> Result<(), Error> {
    let items = declaration.items.iter();
    let mut declared: BTreeMap<String, Vec<(&Item, FirearmKey)>> = BTreeMap::new();
    for (item, firearm) in items.flat_map(|item| firearms(item).into_iter().map(move |f| (item, f)))
    {
        declared.entry(firearm.serial.folded()).or_default().push((item, firearm));
    }
    if declared.is_empty() {
        return Ok(());
    }
    let looks: Vec<String> = declared.keys().cloned().collect();
    let rows = storage::serials::moved(db, &looks, |state| territory.includes(state))?;
    for (at, moved) in rows.iter().enumerate() {
        if except.is_some_and(|except| moved.release_id == except.as_bytes()) {
            continue;
        }
        let known = described(&moved.serial, &moved.make, &moved.model, &moved.country);
        let is_away = moved.settled_by.is_none() && moved.movement == declaration.movement.as_str();
        for (item, firearm) in declared.get(&known.serial.folded()).into_iter().flatten() {
            let is_same = firearm.serial == known.serial;
            let is_quoted = quotes_line(item, &moved.licence, moved.line);
            let mut of = fact(item.number, &firearm.serial, moved)?;
            // Under what another State let it through is that State's business.
            if !is_quoted && moved.state != territory.state().as_str() {
                (of.licence, of.line) = (Text::default(), 0);
            }
            if is_same && (firearm.may_be(&known) || is_quoted) {
                let later = rows.get(at..).unwrap_or_default();
                of.settled = of.settled
                    || of.movement == Movement::Transit
                        && (came_in(&known, later)
                            || is_one_transit(db, declaration, moved, territory)?);
                facts.serials.push(of);
            } else if is_away && firearm.looks_like(&known) {
                facts.alike.push(AlikeFact {
                    item: item.number,
                    serial: firearm.serial.clone(),
                    known: known.serial.clone(),
                    of: AlikeOf::Moved(of.licence, of.line),
                });
            }
        }
    }
    Ok(())
}

/// Whether a firearm is known to have come in by a later movement: its transit is over.
fn came_in(known: &FirearmKey, later: &[SerialUse]) -> bool {
    later.iter().filter(|of| of.movement == Movement::Import.as_str()).any(|of| {
        let other = described(&of.serial, &of.make, &of.model, &of.country);
        other.serial == known.serial && known.may_be(&other)
    })
}

/// Whether goods are presented on the transit on which a firearm was let through: where they leave under its number or
/// as its consignment, and where another State lets them through on their way.
fn is_one_transit(
    db: &mut Db,
    declaration: &Declaration,
    moved: &SerialUse,
    territory: &Territory,
) -> Result<bool, Error> {
    let goes_on = match declaration.movement {
        Movement::Export => true,
        Movement::Transit => moved.state != territory.state().as_str(),
        Movement::Import => false,
    };
    if !goes_on {
        return Ok(false);
    }
    let Some(row) = storage::releases::read(db, uuid(&moved.release_id)?)? else {
        return Ok(false);
    };
    let released = released(&row)?;
    let consignment = declaration.consignment();
    Ok(released.reference == declaration.reference
        || consignment.is_some() && released.consignment() == consignment)
}

/// Whether an item quotes a line of a licence, such as that under which a firearm has moved.
pub(super) fn quotes_line(item: &Item, licence: &str, line: i64) -> bool {
    item.licences.iter().any(|quote| {
        quote.number.as_str() == licence && quote.line.is_none_or(|of| i64::from(of) == line)
    })
}

fn fact(item: u32, serial: &Serial, moved: &SerialUse) -> Result<SerialFact, Error> {
    let corrupt = || Error::Internal(format!("serial use of {serial} does not read"));
    Ok(SerialFact {
        item,
        serial: serial.clone(),
        licence: moved.licence.as_str().into(),
        line: u32::try_from(moved.line).map_err(|_e| corrupt())?,
        movement: [Movement::Export, Movement::Import, Movement::Transit]
            .into_iter()
            .find(|movement| movement.as_str() == moved.movement)
            .ok_or_else(corrupt)?,
        settled: moved.settled_by.is_some(),
    })
}

/// A report as it is written down: item, serial, what, whose, case, whether it describes the firearm alike.
pub(super) type ReportRecord = (u32, String, String, String, String, bool);

/// Writes a report down.
pub(super) fn report_record(fact: &ReportFact) -> ReportRecord {
    let (what, state) = (fact.what.to_string(), fact.state.to_string());
    let (serial, reference) = (fact.serial.to_string(), fact.reference.to_string());
    (fact.item, serial, what, state, reference, fact.is_described_alike)
}

/// Reads it back.
pub(super) fn report_fact(record: ReportRecord) -> ReportFact {
    let (item, serial, what, state, reference, is_described_alike) = record;
    let serial = Serial::stored(&serial);
    let (what, state, reference) = (what.into(), state.into(), reference.into());
    ReportFact { item, serial, what, state, reference, is_described_alike }
}

/// A serial that only looks like a known one, as it is written down: item, serial, the known one; what it was reported
/// as, by whom, in which case, or licence and line under which it has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AlikeRecord {
    item: u32,
    serial: String,
    known: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<(String, u32)>,
}

/// Writes one down.
pub(super) fn alike_record(fact: &AlikeFact) -> AlikeRecord {
    let (reported, moved) = match &fact.of {
        AlikeOf::Reported(what, state, reference) => {
            (Some((what.to_string(), state.to_string(), reference.to_string())), None)
        }
        AlikeOf::Moved(licence, line) => (None, Some((licence.to_string(), *line))),
    };
    let (serial, known) = (fact.serial.to_string(), fact.known.to_string());
    AlikeRecord { item: fact.item, serial, known, reported, moved }
}

/// Reads it back.
pub(super) fn alike_fact(record: AlikeRecord) -> Option<AlikeFact> {
    let of = match (record.reported, record.moved) {
        (Some((what, state, reference)), _) => {
            AlikeOf::Reported(what.into(), state.into(), reference.into())
        }
        (None, Some((licence, line))) => AlikeOf::Moved(licence.into(), line),
        (None, None) => return None,
    };
    let (serial, known) = (Serial::stored(&record.serial), Serial::stored(&record.known));
    Some(AlikeFact { item: record.item, serial, known, of })
}
