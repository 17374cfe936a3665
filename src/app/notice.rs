//! What officers, authorities and their systems are told beyond the verdict of the day: of carriers that
//! try out licences, of goods announced and not presented, of releases under a licence that never was.
use super::Error;
use super::announced::Kept;
use super::batch::Batch;
use super::judge::Presented;
use super::record::issuing_states;
use super::recorder::Stop;
use super::release::uuid;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::rules::Code;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::preclearances::PreclearanceRow;
use crate::storage::releases::ReleaseRow;
use serde_json::json;

/// The State and the post of a row.
fn place(state: &str, post: &str) -> Result<(Country, Locode), Error> {
    let read = Country::parse(state).ok().zip(Locode::parse(post).ok());
    read.ok_or_else(|| Error::Internal(format!("a stored place: {state} {post}")))
}

fn about(row: &PreclearanceRow, kept: Kept) -> Result<About, Error> {
    Ok(About {
        preclearance: Some(uuid(&row.id)?),
        declaration: Some(kept.declaration),
        ..About::default()
    })
}

/// A carrier has named too many licences that are not there or do not fit: told at the post for which it
/// announced the goods, and to the authorities of the licences that it named last, once for each time
/// that it is stopped.
pub(super) fn probing(
    batch: &mut Batch<'_>,
    row: &PreclearanceRow,
    issuing: &[Country],
) -> Result<(), Stop> {
    let (state, post) = place(&row.state, &row.border_post)?;
    let mut issuing = issuing.to_vec();
    issuing.sort_unstable();
    issuing.dedup();
    let authorities = issuing.into_iter().map(|state| Addressee::Authority(state, Some(post)));
    for to in std::iter::once(Addressee::Post(state, post)).chain(authorities) {
        batch.raise(&NewAlert {
            kind: Kind::Probing,
            to,
            severity: Severity::Refer,
            about: about(row, Kept::of(row)?)?,
            codes: vec!["CARRIER_PROBING"],
            message: Some(
                "a carrier has announced goods under too many licences that are not there or do not fit"
                    .to_owned(),
            ),
        })?;
    }
    Ok(())
}

/// Nobody has presented announced goods in time, and what was held for them is available again.
pub(super) fn lapsed(batch: &mut Batch<'_>, row: &PreclearanceRow) -> Result<(), Stop> {
    let (state, post) = place(&row.state, &row.border_post)?;
    batch.raise(&NewAlert {
        kind: Kind::Reservation,
        to: Addressee::Post(state, post),
        severity: Severity::Inform,
        about: about(row, Kept::of(row)?)?,
        codes: vec!["PRECLEARANCE_LAPSED"],
        message: None,
    })?;
    Ok(())
}

/// A carrier has announced goods, or what it had announced has lapsed: told to the States concerned.
pub(super) fn tell(
    batch: &mut Batch<'_>,
    kind: EventKind,
    row: &PreclearanceRow,
) -> Result<(), Stop> {
    let kept = Kept::of(row)?;
    batch.tell(Event {
        kind,
        states: kept.states,
        key: kept.consignment,
        data: json!({
            "preclearance": uuid(&row.id)?.to_string(),
            "declaration": kept.declaration,
            "border_post": row.border_post,
            "status": row.status,
            "reservation": row.reservation,
        }),
    })
}

/// A licence never was valid: every release that stands under it is put before the post that made it,
/// and before the authority of that State.
pub(super) fn annulled(batch: &mut Batch<'_>, licence_id: i64, number: &str) -> Result<(), Stop> {
    for row in storage::releases::standing_under(batch.db, licence_id)? {
        let (state, post) = place(&row.state, &row.border_post)?;
        for to in [Addressee::Post(state, post), Addressee::Authority(state, Some(post))] {
            batch.raise(&NewAlert {
                kind: Kind::AnnulledAfterRelease,
                to,
                severity: Severity::Hold,
                about: About {
                    verification: Some(uuid(&row.verification_id)?),
                    release: Some(uuid(&row.id)?),
                    licence: Some(number.to_owned()),
                    declaration: Some(row.reference.clone()),
                    ..About::default()
                },
                codes: vec!["LICENCE_ANNULLED"],
                message: None,
            })?;
        }
    }
    Ok(())
}

/// Where a release against the advice stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum OverrideStep {
    /// One officer asks for it.
    Requested,
    /// Another has confirmed it.
    Confirmed,
}

impl OverrideStep {
    fn words(self) -> &'static str {
        match self {
            Self::Requested => "asked for: nothing is released until a second officer confirms it",
            Self::Confirmed => "confirmed by a second officer: the goods are released",
        }
    }
}

/// Officers want to release, or have released, against the advice: told to the authority of every licence
/// quoted, and to that of the State that releases.
pub(super) fn overridden(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    presented: &Presented,
    facts: &Facts,
    (codes, step): (&[Code], OverrideStep),
) -> Result<(), Stop> {
    let (state, post) = place(&row.state, &row.border_post)?;
    let mut states: Vec<Country> = issuing_states(facts).chain([state]).collect();
    states.sort_unstable();
    states.dedup();
    let request = super::cases::request(&row.id);
    for state in states {
        let alert = NewAlert {
            kind: Kind::Override,
            to: Addressee::Authority(state, Some(post)),
            severity: Severity::Hold,
            about: About {
                verification: Some(uuid(&row.verification_id)?),
                release: Some(uuid(&row.id)?),
                ucr: presented.declaration.ucr.as_ref().map(ToString::to_string),
                declaration: Some(row.reference.clone()),
                ..About::default()
            },
            codes: codes.iter().map(|code| code.as_str()).collect(),
            message: Some(step.words().to_owned()),
        };
        match step {
            // What becomes of the request ends its alerts; that it was released stays to be read.
            OverrideStep::Requested => batch.raise_on(&request, &alert)?,
            OverrideStep::Confirmed => batch.raise(&alert)?,
        };
    }
    Ok(())
}
