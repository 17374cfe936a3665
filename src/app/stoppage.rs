//! Goods that clear and are stopped all the same: an officer has seen what no register knows. Nothing is
//! released under the reference, at whichever post, until the case is closed by an outcome that lets
//! them go. Goods that are seized stay so, under whatever reference they come again.
use super::App;
use super::Caller;
use super::Error;
use super::alerts::replied;
use super::batch::Batch;
use super::claims::Claims;
use super::facts;
use super::judge::Presented;
use super::judge::json;
use super::raise::about;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::referral;
use super::release::uuid;
use super::serials::EVERY_STATE;
use super::verify::at_post_of;
use crate::cache::past::Trace;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Grounds;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Outcome;
use crate::domain::alert::Severity;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Item;
use crate::domain::number;
use crate::domain::reference::ReferenceKind;
use crate::domain::serial::FirearmKey;
use crate::rules::Code;
use crate::rules::Verdict;
use crate::rules::case::StopFact;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::stoppages::StoppageRow;
use crate::storage::trails::STOPPED;
use crate::storage::trails::SerialEventRow;
use crate::storage::verifications::VerificationRow;
use crate::wire::alert::Measure;
use uuid::Uuid;

/// What stands against a release of a declaration in a State: the heaviest, and of those the first. Under
/// another reference of the same consignment it may be the same goods, which is for a person to say.
pub(super) fn fact(
    db: &mut Db,
    declaration: &Declaration,
    state: Country,
) -> Result<Option<StopFact>, Error> {
    let (kind, reference) = (declaration.reference.kind.as_str(), &declaration.reference.value);
    let rows = storage::stoppages::standing(db, state.as_str(), reference, Some(kind))?;
    let held = |row: &&StoppageRow| row.severity == Severity::Hold.as_str();
    let fact = |row: &StoppageRow, holds| {
        let (case, at) = (uuid(&row.alert_id)?, super::release::timestamp(row.at_us)?);
        Ok(Some(StopFact { case: case.to_string().into(), at, holds }))
    };
    if let Some(row) = rows.iter().find(held).or(rows.first()) {
        return fact(row, held(&row));
    }
    let Some(ucr) = declaration.consignment() else { return Ok(None) };
    match storage::stoppages::of_consignment(db, state.as_str(), ucr.as_str())?.first() {
        Some(row) => fact(row, false),
        None => Ok(None),
    }
}

/// What stands against a release of firearms that are in cases of customs.
pub(super) fn of_firearms(
    db: &mut Db,
    cases: impl Iterator<Item = Vec<u8>>,
) -> Result<Option<StopFact>, Error> {
    for case in cases {
        let Some(row) = storage::alerts::read(db, &case)? else { continue };
        let ended = [Outcome::ReleasedAfterCheck, Outcome::FalseAlert, Outcome::Seized];
        if !ended.iter().any(|outcome| row.outcome.as_deref() == Some(outcome.as_str())) {
            let (case, at) = (uuid(&case)?, super::release::timestamp(row.raised_us)?);
            return Ok(Some(StopFact { case: case.to_string().into(), at, holds: false }));
        }
    }
    Ok(None)
}

/// The firearms on which an officer has seen an altered marking; where no item is named, all of them.
pub(super) fn altered(declaration: &Declaration, verdict: &Verdict) -> Vec<FirearmKey> {
    let seen = verdict.findings.iter().filter(|finding| finding.code == Code::MarkingAltered);
    altered_of(declaration, &seen.map(|finding| finding.item).collect::<Vec<_>>())
}

/// The same by the items that its findings name.
pub(super) fn altered_of(declaration: &Declaration, named: &[Option<u32>]) -> Vec<FirearmKey> {
    let is_meant =
        |item: &&Item| named.iter().any(|named| named.is_none_or(|number| number == item.number));
    declaration.items.iter().filter(is_meant).flat_map(facts::articles).collect()
}

/// Has firearms found again in whatever other declaration they come, for as long as their case is open.
pub(super) fn remember(
    batch: &mut Batch<'_>,
    case: Uuid,
    (state, post): (&str, &str),
    firearms: impl Iterator<Item = FirearmKey>,
) -> Result<(), Stop> {
    let rows = rows_of(batch, (case.as_bytes(), state, Some(post)), STOPPED, None, firearms)?;
    if rows.is_empty() {
        return Ok(());
    }
    // Whoever finds the firearms in this batch reads whether their case is open.
    batch.write_raised()?;
    Ok(storage::trails::insert(batch.db, &rows)?)
}

/// Events of firearms in a case; others hear of them before they are committed.
fn rows_of(
    batch: &mut Batch<'_>,
    case: OfCase<'_>,
    kind: &str,
    reference: Option<&Text>,
    firearms: impl Iterator<Item = FirearmKey>,
) -> Result<Vec<SerialEventRow>, Stop> {
    let mut rows = Vec::new();
    for firearm in firearms {
        batch.note(Trace::Firearm(EVERY_STATE, firearm.serial.as_str()));
        rows.push(row_of(case, kind, reference, firearm, batch.now.as_microsecond())?);
    }
    Ok(rows)
}

/// A case: its alert, the State, and the post where there is one.
pub(super) type OfCase<'a> = (&'a [u8], &'a str, Option<&'a str>);

/// An event of a firearm in a case.
pub(super) fn row_of(
    (case, state, post): OfCase<'_>,
    kind: &str,
    reference: Option<&Text>,
    firearm: FirearmKey,
    at_us: i64,
) -> Result<SerialEventRow, Error> {
    Ok(SerialEventRow {
        serial: firearm.serial.to_string(),
        make: firearm.make,
        model: firearm.model,
        country: firearm.country,
        kind: kind.to_owned(),
        state: state.to_owned(),
        border_post: post.map(ToOwned::to_owned),
        subject: case.to_vec(),
        states: json(&[state])?,
        reference: reference.map(ToString::to_string),
        happened_us: at_us,
        at_us,
    })
}

/// By what a verification may find that goods are stopped.
pub(super) fn traces(row: &StoppageRow) -> impl Iterator<Item = Trace<'_>> {
    let own = Trace::Reference(&row.reference_kind, &row.reference);
    let consignment = row.ucr.iter().map(|ucr| Trace::Reference(ReferenceKind::Ucr.as_str(), ucr));
    consignment.chain([own])
}

/// A case is closed: goods that may go are no longer stopped. What was refused or seized stays so.
pub(super) fn close(batch: &mut Batch<'_>, row: &AlertRow, outcome: Outcome) -> Result<(), Stop> {
    match outcome {
        Outcome::ReleasedAfterCheck | Outcome::FalseAlert => {
            Ok(storage::stoppages::lift(batch.db, &row.id, batch.now)?)
        }
        Outcome::Seized => seize(batch, row),
        Outcome::Refused | Outcome::ReleaseAdvised => Ok(()),
    }
}

/// The declaration of the goods that a case of customs is about, as it was judged.
fn goods(db: &mut Db, row: &AlertRow) -> Result<Option<Declaration>, Error> {
    let verification = about(&row.about)?.verification;
    let Some(id) = verification.filter(|_| referral::is_of_goods(row)) else { return Ok(None) };
    let row = storage::verifications::read(db, id)?;
    row.map(|row| Ok(Presented::read(row.declaration, "")?.declaration)).transpose()
}

/// Names the goods that are about to be seized, as a release of them would.
pub(super) fn claim_goods(db: &mut Db, id: Uuid, claims: &mut Claims) -> Result<(), Stop> {
    if let Some(row) = storage::alerts::read(db, id.as_bytes())?
        && let Some(declaration) = goods(db, &row)?
    {
        claims.declaration(&declaration);
    }
    Ok(())
}

/// Goods are seized: nothing is released under their reference any more, and their firearms are held at
/// every border until the State reports them found (rule 96).
fn seize(batch: &mut Batch<'_>, row: &AlertRow) -> Result<(), Stop> {
    let Some(declaration) = goods(batch.db, row)? else { return Ok(()) };
    let stopped = stopped(batch, (&row.id, &row.state), &declaration, Severity::Hold);
    storage::stoppages::put(batch.db, &stopped)?;
    let firearms = declaration.items.iter().flat_map(facts::firearms);
    let (case, reference) =
        ((&*row.id, &*row.state, row.border_post.as_deref()), &declaration.reference.value);
    let seized = rows_of(batch, case, "seized", Some(reference), firearms)?;
    Ok(storage::trails::insert(batch.db, &seized)?)
}

/// Goods as they are stopped from now on, in a case; others hear of it before it is committed.
fn stopped(
    batch: &mut Batch<'_>,
    (case, state): (&[u8], &str),
    declaration: &Declaration,
    severity: Severity,
) -> StoppageRow {
    let row = stoppage((case, state), declaration, severity.as_str(), batch.now.as_microsecond());
    traces(&row).for_each(|trace| batch.note(trace));
    row
}

/// The stoppage of a declaration's goods in a case.
pub(super) fn stoppage(
    (case, state): (&[u8], &str),
    declaration: &Declaration,
    severity: &str,
    at_us: i64,
) -> StoppageRow {
    let reference = &declaration.reference;
    StoppageRow {
        alert_id: case.to_vec(),
        state: state.to_owned(),
        reference_kind: reference.kind.as_str().to_owned(),
        reference: reference.value.to_string(),
        ucr: declaration.consignment().map(ToString::to_string),
        severity: severity.to_owned(),
        at_us,
        lifted_us: None,
    }
}

struct StopGoods {
    verification: VerificationRow,
    presented: Presented,
    measure: Measure,
    reason: Text,
    caller: Caller,
    once: Option<Once>,
}

impl Command for StopGoods {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        // What a release names too, so that one of the two comes first.
        claims.declaration(&self.presented.declaration);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let declaration = &self.presented.declaration;
        self.insist_not_released(batch)?;
        let (state, post) = (self.caller.state, declaration.border_post);
        let severity = match self.measure {
            Measure::Hold => Severity::Hold,
            Measure::Refer => Severity::Refer,
        };
        let alert = NewAlert {
            kind: Kind::Stoppage,
            to: Addressee::Post(state, post),
            severity,
            about: About {
                verification: Some(uuid(&self.verification.id)?),
                ucr: declaration.ucr.as_ref().map(ToString::to_string),
                declaration: Some(declaration.reference.value.to_string()),
                ..About::default()
            },
            codes: vec![Code::StoppedByOfficer.as_str()],
            message: None,
        };
        let id = batch.raise_by(&alert, &self.caller, &self.reason)?;
        referral::notice(batch, id, &alert)?;
        let row = stopped(batch, (id.as_bytes(), state.as_str()), declaration, severity);
        storage::stoppages::insert(batch.db, &row)?;
        let firearms = declaration.items.iter().flat_map(facts::articles);
        remember(batch, id, (state.as_str(), post.as_str()), firearms)?;
        if self.measure == Measure::Refer {
            let note = Some(self.reason.clone());
            referral::refer_new(batch, id, (Some(Grounds::Doubt), note), &self.caller)?;
        }
        Ok(Recorded { outcome: Done::Created, ..replied(batch, id)? })
    }
}

impl StopGoods {
    /// What has been released is not stopped any more: its release is undone, or the goods are sought. A
    /// UCR may cover many shipments, of which only this one counts.
    fn insist_not_released(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let reference = &self.presented.declaration.reference;
        let (kind, state) = (reference.kind.as_str(), self.caller.state);
        let standing = storage::releases::standing(batch.db, kind, &reference.value, |of| {
            of == state.as_str()
        })?;
        let content = self.presented.sha256();
        let released =
            standing.iter().any(|release| reference.is_same_use(release.content_sha256 == content));
        if released {
            let words = "the goods have been released: undo the release first".to_owned();
            return Err(Error::Stale(words).into());
        }
        Ok(())
    }
}

impl App {
    /// An officer stops the goods of a verdict that have not been released.
    pub async fn stop_goods(
        &self,
        caller: &Caller,
        verification: Uuid,
        (measure, reason): (Measure, Text),
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let found = move |db: &mut Db| {
            let Some(row) = storage::verifications::read(db, verification)? else {
                return Ok(None);
            };
            let announced = storage::preclearances::read(db, &row.id)?;
            Ok::<_, storage::Error>(Some((row, announced.is_some())))
        };
        let found = self.readers.read(found).await?;
        let found = found.filter(|(row, _)| row.state == caller.state.as_str());
        let (verification, is_announced) = found.ok_or(Error::NotFound)?;
        if is_announced {
            let words = "the goods have only been announced: verify them under their code";
            return self.refused(words.to_owned(), once).await;
        }
        let presented = Presented::read(verification.declaration.clone(), "/declaration")?;
        at_post_of(caller, &presented.declaration)?;
        let caller = caller.clone();
        let command = StopGoods { verification, presented, measure, reason, caller, once };
        self.recorder.submit(Box::new(command)).await
    }

    /// How goods are stopped under a reference in the caller's State, if they are; and in which case, if
    /// that is the caller's to see.
    pub async fn stopped_under(
        &self,
        caller: &Caller,
        reference: &str,
    ) -> Result<Option<(Measure, Option<Uuid>)>, Error> {
        let Ok(reference) = number::plain(reference) else { return Ok(None) };
        let caller = caller.clone();
        let question = move |db: &mut Db| {
            let state = caller.state.as_str();
            let rows = storage::stoppages::standing(db, state, &reference, None)?;
            let holds = rows.iter().any(|row| row.severity == Severity::Hold.as_str());
            let measure = if holds { Measure::Hold } else { Measure::Refer };
            for row in &rows {
                let alert = storage::alerts::read(db, &row.alert_id)?;
                if alert.is_some_and(|alert| super::alerts::sees(&caller, &alert)) {
                    return Ok(Some((measure, Some(uuid(&row.alert_id)?))));
                }
            }
            Ok::<_, Error>((!rows.is_empty()).then_some((measure, None)))
        };
        self.readers.read(question).await
    }
}
