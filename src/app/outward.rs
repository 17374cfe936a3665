//! What a release lets out, kept so that goods which return can be compared with it.
use super::Error;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::serial::Serial;
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
    exporter: Option<String>,
    person: Option<String>,
    serials: Vec<String>,
    rounds: i64,
}

impl OutwardRecord {
    /// What a release of a declaration lets out.
    pub fn of(declaration: &Declaration, released_on: Date) -> Self {
        let rounds = declaration
            .items
            .iter()
            .filter(|item| item.category == Category::Ammunition)
            .filter_map(|item| {
                let pieces = crate::domain::Unit::C62;
                crate::domain::quantity::convert(item.quantity, item.unit, item.content, pieces)
            })
            .fold(0_i64, |sum, rounds| sum.saturating_add(rounds.micros()));
        let temporary = declaration.temporary.as_ref();
        Self {
            released_on: released_on.to_string(),
            movement: declaration.movement,
            temporary: temporary.is_some(),
            is_return: temporary.is_some_and(|of| of.outward.is_some()),
            exporter: declaration.exporter.as_ref().map(|party| party.id.to_string()),
            person: temporary.and_then(|t| t.person.as_ref()).map(ToString::to_string),
            serials: declaration
                .items
                .iter()
                .flat_map(|item| &item.serials)
                .map(ToString::to_string)
                .collect(),
            rounds,
        }
    }

    pub(super) fn outward(self) -> Option<Outward> {
        Some(Outward {
            released_on: self.released_on.parse().ok()?,
            movement: self.movement,
            is_temporary: self.temporary,
            is_return: self.is_return,
            exporter: self.exporter.map(Text::from),
            person: self.person.map(Text::from),
            serials: self.serials.iter().map(|text| Serial::parse(text)).collect::<Option<_>>()?,
            rounds: Quantity::from_micros(self.rounds)?,
        })
    }

    pub(super) fn from_outward(outward: &Outward) -> Self {
        Self {
            released_on: outward.released_on.to_string(),
            movement: outward.movement,
            temporary: outward.is_temporary,
            is_return: outward.is_return,
            exporter: outward.exporter.as_ref().map(ToString::to_string),
            person: outward.person.as_ref().map(ToString::to_string),
            serials: outward.serials.iter().map(ToString::to_string).collect(),
            rounds: outward.rounds.micros(),
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
