//! What a release lets out, kept so that goods which return can be compared with it.
use super::Error;
use super::batch::Batch;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::licence::Procedure;
use crate::domain::serial::Serial;
use crate::rules::outward::Kind;
use crate::rules::outward::Moved;
use crate::rules::outward::Outward;
use serde::Deserialize;
use serde::Serialize;

/// The outward movement of goods that may return, as a release keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutwardRecord {
    released_on: String,
    movement: Movement,
    temporary: bool,
    #[serde(rename = "return")]
    is_return: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consignee: Option<String>,
    exporter: Option<String>,
    person: Option<String>,
    goods: Vec<MovedRecord>,
}

/// Goods of one class and kind: how many in millionths, and what tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MovedRecord {
    class: Category,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<KindRecord>,
    pieces: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    uncounted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    marks: Vec<String>,
}

/// What goods are, as far as it was stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KindRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calibre: Option<String>,
}

impl KindRecord {
    fn of(kind: &Kind) -> Self {
        let text = |of: &Option<Text>| of.as_ref().map(ToString::to_string);
        Self {
            make: text(&kind.make),
            model: text(&kind.model),
            country: text(&kind.country),
            calibre: text(&kind.calibre),
        }
    }

    fn kind(self) -> Kind {
        Kind {
            make: self.make.map(Text::from),
            model: self.model.map(Text::from),
            country: self.country.map(Text::from),
            calibre: self.calibre.map(Text::from),
        }
    }
}

impl MovedRecord {
    fn of(moved: &Moved) -> Self {
        Self {
            class: moved.class,
            kind: moved.kind.as_ref().map(KindRecord::of),
            pieces: moved.pieces.micros(),
            uncounted: moved.is_uncounted,
            marks: moved.marks.iter().map(ToString::to_string).collect(),
        }
    }

    fn moved(self) -> Option<Moved> {
        let marks = self.marks.iter().map(|mark| Serial::stored(mark));
        Some(Moved {
            class: self.class,
            kind: self.kind.map(KindRecord::kind),
            pieces: Quantity::from_micros(self.pieces)?,
            is_uncounted: self.uncounted,
            marks: marks.collect(),
        })
    }
}

impl OutwardRecord {
    /// What a release of a declaration lets out.
    pub fn of(declaration: &Declaration, released_on: Date, is_temporary: bool) -> Self {
        Self::from_outward(&Outward::of(declaration, released_on, is_temporary))
    }

    pub(super) fn outward(self) -> Option<Outward> {
        Some(Outward {
            released_on: self.released_on.parse().ok()?,
            movement: self.movement,
            is_temporary: self.temporary,
            is_return: self.is_return,
            from: self.from,
            to: self.to,
            consignee: self.consignee.map(Text::from),
            exporter: self.exporter.map(Text::from),
            person: self.person.map(Text::from),
            goods: self.goods.into_iter().map(MovedRecord::moved).collect::<Option<_>>()?,
        })
    }

    pub(super) fn from_outward(outward: &Outward) -> Self {
        Self {
            released_on: outward.released_on.to_string(),
            movement: outward.movement,
            temporary: outward.is_temporary,
            is_return: outward.is_return,
            from: outward.from,
            to: outward.to,
            consignee: outward.consignee.as_ref().map(ToString::to_string),
            exporter: outward.exporter.as_ref().map(ToString::to_string),
            person: outward.person.as_ref().map(ToString::to_string),
            goods: outward.goods.iter().map(MovedRecord::of).collect(),
        }
    }

    /// Reads what a release has kept.
    pub fn read(json: &str) -> Result<Outward, Error> {
        let record: Self =
            serde_json::from_str(json).map_err(|error| Error::Internal(error.to_string()))?;
        record
            .outward()
            .ok_or_else(|| Error::Internal("a release's outward record does not read".to_owned()))
    }
}

/// Whether goods move for a time: as declared, and where they come in, under no licence that is for good.
pub(super) fn is_for_a_time(batch: &Batch<'_>, declaration: &Declaration) -> bool {
    let is_for_good = |number: &Text| {
        let licence = batch.licence(number).map(|entry| &entry.held.licence);
        licence.is_some_and(|licence| {
            licence.kind == Movement::Import && licence.procedure == Procedure::Permanent
        })
    };
    let comes_in = declaration.movement == Movement::Import;
    declaration.temporary.is_some()
        && !(comes_in && declaration.licence_numbers().iter().any(is_for_good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_read_back_as_it_was_written_down() {
        let marks = ["FR 17-0001", "△◇"].map(|mark| Serial::of_marking(&mark.into()));
        let firearms = Moved {
            class: Category::Firearm,
            kind: Some(Kind {
                make: Some("Verney \"Carron\"".into()),
                country: Some("FR".into()),
                ..Kind::default()
            }),
            pieces: Quantity::whole(2),
            is_uncounted: false,
            marks: marks.into(),
        };
        let powder = Moved { is_uncounted: true, ..Moved::nothing(Category::AmmunitionComponent) };
        let outward = Outward {
            released_on: "2026-11-23".parse().unwrap(),
            movement: Movement::Export,
            is_temporary: true,
            is_return: false,
            from: Country::parse("FR").ok(),
            to: Country::parse("KE").ok(),
            consignee: Some("KE-C-1".into()),
            exporter: None,
            person: Some("FR-P-1".into()),
            goods: vec![firearms, powder],
        };
        let written = serde_json::to_string(&OutwardRecord::from_outward(&outward)).unwrap();
        assert_eq!(OutwardRecord::read(&written).unwrap(), outward, "{written}");
    }
}
