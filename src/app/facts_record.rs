//! The facts beside an audit entry, as they are written down and as a replay reads them back.
#[cfg(test)]
mod tests;

use super::Error;
use super::earlier;
use super::facts::alike_fact;
use super::facts::alike_record;
use super::facts::report_fact;
use super::facts::report_record;
use super::outward::OutwardRecord;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::consignment::Direction;
use crate::domain::consignment::Sighting;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::Standing;
use crate::domain::licence::Status;
use crate::domain::serial::Serial;
use crate::rules::case::Facts;
use crate::rules::case::ForeignFact;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::rules::case::SerialFact;
use crate::rules::case::StopFact;
use crate::rules::offline::Offline;
use crate::rules::offline::SetAside;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// What was looked up, as a replay reads it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsRecord {
    data_age_ms: Option<u64>,
    history_available: bool,
    licences: Vec<LicenceFactRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prior_uses: Vec<earlier::UseRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strange_uses: Vec<earlier::StrangeRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    serials: Vec<SerialFactRecord>,
    /// Rounds carried before, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carried: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outward: Option<OutwardRecord>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    announced: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reported: Vec<super::facts::ReportRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alike: Vec<super::facts::AlikeRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lapsed_us: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<super::trust::CredentialRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    foreign: Vec<ForeignRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    observed: Vec<ObservedRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<StopRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offline: Option<OfflineRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<(u32, String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    linked: Vec<super::linked::PartRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covered: Vec<super::covers::CoverRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spoken_for: Vec<String>,
}

/// What a post that was cut off rested on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OfflineRecord {
    post: String,
    as_of_us: i64,
    until_us: i64,
    licences: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<(u32, String)>,
}

/// An officer's word against a release: the case, since when, and whether it holds.
type StopRecord = (String, i64, bool);

/// A crossing recorded on the goods' way: the post, which way, when, in what.
type ObservedRecord = (String, String, i64, Option<String>);

/// A number looked up in another State's register, with the document that it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ForeignRecord {
    number: String,
    state: Country,
    as_of_us: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<String>,
}

/// Line, reserved and consumed, in millionths.
pub(super) type DrawnRecord = (u32, i64, i64);

/// One quoted number and the register's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LicenceFactRecord {
    number: String,
    /// Version, status, shipments and (line, reserved, consumed); nothing where it was not found.
    held: Option<(u32, String, u32, Vec<DrawnRecord>)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unavailable: bool,
    /// Decisions since its document last changed; of a record that is older than the question, none.
    #[serde(default, skip_serializing_if = "is_none")]
    decisions: u32,
}

/// What the register knew of a serial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SerialFactRecord {
    item: u32,
    serial: String,
    licence: String,
    line: u32,
    movement: String,
    settled: bool,
}

impl FactsRecord {
    /// Writes facts down.
    pub fn new(facts: &Facts) -> Self {
        Self {
            data_age_ms: facts.data_age_ms,
            history_available: facts.history_available,
            licences: facts.licences.iter().map(licence_record).collect(),
            prior_uses: facts.prior_uses.iter().map(earlier::use_record).collect(),
            strange_uses: earlier::strange_uses(&facts.prior_uses),
            carried: Some(facts.carried.micros()).filter(|micros| *micros != 0),
            serials: facts
                .serials
                .iter()
                .map(|fact| SerialFactRecord {
                    item: fact.item,
                    serial: fact.serial.to_string(),
                    licence: fact.licence.to_string(),
                    line: fact.line,
                    movement: fact.movement.as_str().to_owned(),
                    settled: fact.settled,
                })
                .collect(),
            outward: facts.outward.as_ref().map(OutwardRecord::from_outward),
            announced: facts.is_announced,
            reported: facts.reported.iter().map(report_record).collect(),
            alike: facts.alike.iter().map(alike_record).collect(),
            lapsed_us: facts.lapsed.map(Timestamp::as_microsecond),
            credentials: facts.credentials.iter().map(super::trust::record).collect(),
            foreign: facts.foreign.iter().map(foreign_record).collect(),
            observed: facts.observed.iter().map(observed_record).collect(),
            stopped: facts.stopped.as_ref().map(|stopped| {
                (stopped.case.to_string(), stopped.at.as_microsecond(), stopped.holds)
            }),
            offline: facts.offline.as_ref().map(offline_record),
            set_aside: facts
                .set_aside
                .iter()
                .map(|of| (of.item, of.serial.to_string(), of.post.to_string()))
                .collect(),
            linked: facts.linked.iter().map(super::linked::record).collect(),
            covered: facts.covered.iter().map(super::covers::record).collect(),
            spoken_for: facts.spoken_for.iter().map(ToString::to_string).collect(),
        }
    }

    /// The licence versions on which the judgement rests.
    pub fn versions(&self) -> impl Iterator<Item = (&str, u32)> {
        let held =
            |licence: &LicenceFactRecord| licence.held.as_ref().map(|(version, ..)| *version);
        self.licences.iter().filter_map(move |of| Some((of.number.as_str(), held(of)?)))
    }

    /// Reads facts back; `licence` gives the content of a licence version.
    pub fn facts(
        self,
        mut licence: impl FnMut(&str, u32) -> Result<Arc<Licence>, Error>,
    ) -> Result<Facts, Error> {
        let broken = |what: &str| Error::Internal(format!("recorded facts do not read: {what}"));
        let foreign: Vec<ForeignFact> = self.foreign.into_iter().map(foreign_fact).collect();
        let mut licences = Vec::with_capacity(self.licences.len());
        for record in self.licences {
            let lookup = match record.held {
                None if record.unavailable => Lookup::Unavailable,
                None => Lookup::NotFound,
                Some((version, status, shipments, drawn)) => Lookup::Held(Held {
                    licence: match shown(&foreign, &record.number) {
                        Some(document) => {
                            Arc::new(super::book::licence_of(&record.number, version, document)?)
                        }
                        None => licence(&record.number, version)?,
                    },
                    standing: standing(&status, (shipments, record.decisions), drawn)
                        .ok_or_else(|| broken("a standing"))?,
                }),
            };
            licences.push(LicenceFact { number: record.number.into(), lookup });
        }
        let prior_uses = earlier::read_uses(self.prior_uses, &self.strange_uses);
        let serials = self.serials.into_iter().map(serial_fact).collect::<Option<_>>();
        let alike = self.alike.into_iter().map(alike_fact).collect::<Option<_>>();
        let credentials =
            self.credentials.into_iter().map(super::trust::fact).collect::<Option<_>>();
        let observed = self.observed.into_iter().map(sighting).collect::<Option<_>>();
        let covered = self.covered.into_iter().map(super::covers::recorded).collect::<Option<_>>();
        let offline = match self.offline {
            Some(record) => Some(offline(record).ok_or_else(|| broken("what a post rested on"))?),
            None => None,
        };
        let outward = match self.outward {
            Some(record) => Some(record.outward().ok_or_else(|| broken("the outward movement"))?),
            None => None,
        };
        Ok(Facts {
            licences,
            data_age_ms: self.data_age_ms,
            prior_uses: prior_uses.ok_or_else(|| broken("earlier releases"))?,
            serials: serials.ok_or_else(|| broken("serials"))?,
            outward,
            credentials: credentials.ok_or_else(|| broken("credentials"))?,
            history_available: self.history_available,
            is_announced: self.announced,
            reported: self.reported.into_iter().map(report_fact).collect(),
            alike: alike.ok_or_else(|| broken("look-alikes"))?,
            lapsed: self.lapsed_us.and_then(|at_us| Timestamp::from_microsecond(at_us).ok()),
            foreign,
            observed: observed.ok_or_else(|| broken("crossings"))?,
            stopped: self.stopped.and_then(stop_fact),
            offline,
            set_aside: self.set_aside.into_iter().map(set_aside).collect(),
            spoken_for: self.spoken_for.into_iter().map(Text::from).collect(),
            linked: self.linked.into_iter().map(super::linked::fact).collect(),
            covered: covered.ok_or_else(|| broken("what has gone for export"))?,
            carried: self.carried.and_then(Quantity::from_micros).unwrap_or_default(),
        })
    }
}

fn licence_record(fact: &LicenceFact) -> LicenceFactRecord {
    let mut decisions = 0;
    let (held, unavailable) = match &fact.lookup {
        Lookup::Held(held) => {
            let standing = &held.standing;
            let drawn = standing.drawn.iter();
            let drawn = drawn
                .map(|drawn| (drawn.line, drawn.reserved.micros(), drawn.consumed.micros()))
                .collect();
            let status = standing.status.as_str().to_owned();
            decisions = standing.decisions;
            (Some((held.licence.version, status, standing.shipments, drawn)), false)
        }
        Lookup::NotFound => (None, false),
        Lookup::Unavailable => (None, true),
    };
    LicenceFactRecord { number: fact.number.to_string(), held, unavailable, decisions }
}

/// Whether a count that is written only where there is something to count is none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Where a licence stands: its status, shipments and decisions, and what is drawn.
pub(super) fn standing(
    status: &str,
    (shipments, decisions): (u32, u32),
    drawn: Vec<DrawnRecord>,
) -> Option<Standing> {
    let drawn = drawn.into_iter().map(|(line, reserved, consumed)| {
        let reserved = Quantity::from_micros(reserved)?;
        Some(Drawn { line, reserved, consumed: Quantity::from_micros(consumed)? })
    });
    Some(Standing {
        status: Status::parse(status)?,
        shipments,
        decisions,
        drawn: drawn.collect::<Option<_>>()?,
    })
}

fn serial_fact(record: SerialFactRecord) -> Option<SerialFact> {
    use crate::domain::goods::Movement;
    Some(SerialFact {
        item: record.item,
        serial: Serial::stored(&record.serial),
        licence: record.licence.into(),
        line: record.line,
        movement: [Movement::Export, Movement::Import, Movement::Transit]
            .into_iter()
            .find(|movement| movement.as_str() == record.movement)?,
        settled: record.settled,
    })
}

fn stop_fact((case, at_us, holds): StopRecord) -> Option<StopFact> {
    Some(StopFact { case: case.into(), at: Timestamp::from_microsecond(at_us).ok()?, holds })
}

fn observed_record(seen: &Sighting) -> ObservedRecord {
    let vehicle = seen.vehicle.as_ref().map(ToString::to_string);
    let direction = seen.direction.as_str().to_owned();
    (seen.post.to_string(), direction, seen.at.as_microsecond(), vehicle)
}

fn sighting((post, direction, at_us, vehicle): ObservedRecord) -> Option<Sighting> {
    let post = Locode::parse(&post).ok()?;
    Some(Sighting {
        post,
        state: post.country(),
        direction: Direction::parse(&direction)?,
        at: Timestamp::from_microsecond(at_us).ok()?,
        vehicle: vehicle.map(Text::from),
    })
}

fn offline_record(fact: &Offline) -> OfflineRecord {
    OfflineRecord {
        post: fact.post.to_string(),
        as_of_us: fact.as_of.as_microsecond(),
        until_us: fact.until.as_microsecond(),
        licences: fact.licences.iter().map(ToString::to_string).collect(),
        unknown: fact.unknown.iter().map(|(item, of)| (*item, of.to_string())).collect(),
    }
}

fn offline(record: OfflineRecord) -> Option<Offline> {
    let unknown = record.unknown.into_iter().map(|(item, of)| (item, Serial::stored(&of)));
    Some(Offline {
        post: record.post.into(),
        as_of: Timestamp::from_microsecond(record.as_of_us).ok()?,
        until: Timestamp::from_microsecond(record.until_us).ok()?,
        licences: record.licences.into_iter().map(Text::from).collect(),
        unknown: unknown.collect(),
    })
}

fn set_aside((item, serial, post): (u32, String, String)) -> SetAside {
    SetAside { item, serial: Serial::stored(&serial), post: post.into() }
}

fn foreign_record(fact: &ForeignFact) -> ForeignRecord {
    ForeignRecord {
        number: fact.number.to_string(),
        state: fact.state,
        as_of_us: fact.as_of.map(Timestamp::as_microsecond),
        document: fact.document.as_deref().map(str::to_owned),
    }
}

fn foreign_fact(record: ForeignRecord) -> ForeignFact {
    ForeignFact {
        number: record.number.into(),
        state: record.state,
        as_of: record.as_of_us.and_then(|at_us| Timestamp::from_microsecond(at_us).ok()),
        document: record.document.map(Arc::from),
    }
}

/// The document that another State's register has shown of a number.
fn shown<'a>(foreign: &'a [ForeignFact], number: &str) -> Option<&'a str> {
    foreign.iter().find(|fact| fact.number.as_str() == number)?.document.as_deref()
}

/// What has been drawn of a licence, as it is written down.
pub(super) fn drawn(standing: &Standing) -> Vec<DrawnRecord> {
    let drawn = standing.drawn.iter();
    drawn.map(|drawn| (drawn.line, drawn.reserved.micros(), drawn.consumed.micros())).collect()
}
