//! Parts that other declarations of a consignment had released before: with those declared now they may
//! make up firearms (rule 76).
use super::Error;
use super::earlier::Earlier;
use super::journey;
use super::territory::Territory;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::PartKind;
use crate::domain::quantity::convert;
use crate::rules::parts::PartFact;
use crate::storage::Db;
use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// Most kinds of parts that are kept apart; what goes beyond may be any.
const KINDS_MAX: usize = 200;

/// The consignment whose earlier releases count, where a declaration is of parts that could be completed.
pub fn consignment(declaration: &Declaration) -> Option<&Text> {
    declaration.consignment().filter(|_| declaration.items.iter().any(counts))
}

/// Whether an item is of parts that a firearm is made up of.
fn counts(item: &Item) -> bool {
    item.category == Category::Part && item.part != Some(PartKind::Suppressor)
}

/// Parts that stand released the same way in the customs territory, under the consignment's reference or under the
/// declaration's own. The same goods at the next State's border are not further ones, and neither are items of
/// this very declaration.
pub(super) fn parts(
    db: &mut Db,
    declaration: &Declaration,
    earlier: &[Earlier],
    territory: &Territory,
    except: Option<Uuid>,
) -> Result<Vec<PartFact>, Error> {
    let mut parts = Vec::new();
    if !declaration.items.iter().any(counts) {
        return Ok(parts);
    }
    let is_own = |item: &&Item| declaration.items.iter().any(|own| own.number == item.number);
    for of in earlier.iter().filter(|of| of.declaration.movement == declaration.movement) {
        let items = of.declaration.items.iter().filter(|item| counts(item));
        items.filter(|item| !is_own(item)).for_each(|item| add(&mut parts, item));
    }
    let Some(ucr) = consignment(declaration) else { return Ok(parts) };
    for released in journey::releases(db, ucr)? {
        let row = &released.row;
        if !territory.includes(&row.state)
            || released.declaration.movement != declaration.movement
            || except.is_some_and(|except| row.id == except.as_bytes())
            || earlier.iter().any(|of| row.id == of.standing.id.as_bytes())
        {
            continue;
        }
        let items = released.declaration.items.iter();
        items.filter(|item| counts(item)).for_each(|item| add(&mut parts, item));
    }
    Ok(parts)
}

fn add(parts: &mut Vec<PartFact>, item: &Item) {
    let pieces = convert(item.quantity, item.unit, item.content, Unit::C62);
    let (part, make, model) = (item.part, item.make.clone(), item.model.clone());
    let mut new = PartFact { part, make, model, pieces, items: 1 };
    if parts.len() >= KINDS_MAX && !parts.iter().any(|known| are_alike(known, &new)) {
        new = PartFact { part: None, make: None, model: None, pieces: None, items: 1 };
    }
    match parts.iter_mut().find(|known| are_alike(known, &new)) {
        Some(known) => {
            known.pieces = known.pieces.zip(new.pieces).and_then(|(sum, of)| sum.plus(of));
            known.items = known.items.saturating_add(1);
        }
        None => parts.push(new),
    }
}

fn are_alike(a: &PartFact, b: &PartFact) -> bool {
    (a.part, &a.make, &a.model) == (b.part, &b.make, &b.model)
}

/// Such parts as they are written down, with pieces in millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    part: Option<PartKind>,
    make: Option<String>,
    model: Option<String>,
    pieces: Option<i64>,
    items: u32,
}

/// Writes them down.
pub(super) fn record(fact: &PartFact) -> PartRecord {
    PartRecord {
        part: fact.part,
        make: fact.make.as_ref().map(ToString::to_string),
        model: fact.model.as_ref().map(ToString::to_string),
        pieces: fact.pieces.map(Quantity::micros),
        items: fact.items,
    }
}

/// Reads them back; a figure that does not read is one that is not known.
pub(super) fn fact(record: PartRecord) -> PartFact {
    PartFact {
        part: record.part,
        make: record.make.map(Text::from),
        model: record.model.map(Text::from),
        pieces: record.pieces.and_then(Quantity::from_micros),
        items: record.items,
    }
}
