//! What alerts are open on. A further look at goods on which customs have an open alert takes that one
//! further: one lorry is one case with one time limit, however often it is looked at. What ends the matter
//! ends its alerts.
use super::Caller;
use super::Error;
use super::alerts::enter_step;
use super::batch::Batch;
use super::judge::Presented;
use super::judge::json;
use super::judge::sha256;
use super::raise::CODES_MAX;
use super::raise::Step;
use super::recorder::Stop;
use super::referral;
use super::release::uuid;
use crate::cache::past::Past;
use crate::cache::past::Trace;
use crate::domain::Country;
use crate::domain::alert::Change;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Outcome;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use uuid::Uuid;

/// By what an alert is found again while it is open.
pub type Subject = [u8; 16];

/// The goods of a declaration at a State's border. A UCR stands for many shipments, told apart by content
/// alone.
pub(super) fn goods(state: Country, presented: &Presented) -> Subject {
    let reference = &presented.declaration.reference;
    let content = (!reference.is_same_use(false)).then(|| presented.sha256());
    let (kind, value) = (reference.kind.as_str(), reference.value.as_bytes());
    let content = content.as_ref().map_or(&[][..], |content| content);
    subject(&[b"goods", state.as_str().as_bytes(), kind.as_bytes(), value, content])
}

/// A release that was asked for against the advice.
pub(super) fn request(release: &[u8]) -> Subject {
    subject(&[b"override", release])
}

fn subject(parts: &[&[u8]]) -> Subject {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part);
        bytes.push(0);
    }
    let mut subject = Subject::default();
    for (byte, of) in subject.iter_mut().zip(sha256(&bytes)) {
        *byte = of;
    }
    subject
}

/// The alerts that are open on what a batch has named, as they stand in it.
#[derive(Debug, Default)]
pub(super) struct Cases(BTreeMap<Subject, Vec<AlertRow>>);

impl Cases {
    /// Reads them. Where nobody else writes into this database, what was never noted was never raised, and
    /// there is no row to ask for; of several nodes any may have raised one a moment ago.
    pub fn read(db: &mut Db, past: &Past, named: &BTreeSet<Subject>) -> storage::Result<Self> {
        let mut cases: BTreeMap<Subject, Vec<AlertRow>> =
            named.iter().map(|subject| (*subject, Vec::new())).collect();
        let perhaps = |subject: &Subject| past.perhaps(Trace::Case(subject));
        let asks = |subject: &Subject| db.is_shared() || perhaps(subject) || cfg!(debug_assertions);
        let asked: Vec<&[u8]> =
            named.iter().filter(|subject| asks(subject)).map(Subject::as_slice).collect();
        if asked.is_empty() {
            return Ok(Self(cases));
        }
        for row in storage::alerts::open_on(db, &asked)? {
            let own =
                cases.iter_mut().find(|(of, _)| row.subject.as_deref() == Some(of.as_slice()));
            let Some((subject, rows)) = own else { continue };
            // A build for tests asks all the same, and insists that there was nothing to be known.
            debug_assert!(
                db.is_shared() || perhaps(subject),
                "what an alert is raised on is noted in `Past` before it is committed"
            );
            rows.push(row);
        }
        Ok(Self(cases))
    }
}

impl Batch<'_> {
    /// The alerts that are open on a subject; it is read now where the command could not name it before.
    fn open_on(&mut self, subject: &Subject) -> Result<Vec<AlertRow>, Stop> {
        if let Some(rows) = self.cases.0.get(subject) {
            return Ok(rows.clone());
        }
        self.write_raised()?;
        let rows = storage::alerts::open_on(self.db, &[subject])?;
        self.cases.0.insert(*subject, rows.clone());
        Ok(rows)
    }

    /// An alert is open from now on, for what follows in this batch and after it.
    pub(super) fn opened(&mut self, subject: &Subject, row: &AlertRow) {
        self.note(Trace::Case(subject));
        // Of one that this batch has not read it is not known what else is open.
        if let Some(rows) = self.cases.0.get_mut(subject) {
            rows.push(row.clone());
        }
    }

    /// An alert is not open any more.
    pub(super) fn closed(&mut self, row: &AlertRow) {
        for rows in self.cases.0.values_mut() {
            rows.retain(|open| open.id != row.id);
        }
    }
}

/// A verdict that does not clear is put before its post, in the entry that records it: as a new alert with
/// its time limit, or as a further step of the one that is open on these goods there. Gives the alert.
pub(super) fn put_before_post(
    batch: &mut Batch<'_>,
    (subject, alert): &(Subject, NewAlert),
    index: u64,
) -> Result<Uuid, Stop> {
    let post = alert.to.post().map(|post| post.to_string());
    let here = |row: &AlertRow| row.border_post == post && row.kind == Kind::Mismatch.as_str();
    if let Some(row) = batch.open_on(subject)?.into_iter().find(here) {
        let id = uuid(&row.id)?;
        return seen_again(batch, subject, row, alert, index).map(|()| id);
    }
    let id = batch.ids.uuid(batch.now);
    batch.raise_at((id, index), subject, alert)?;
    referral::notice(batch, id, alert).map(|()| id)
}

/// The open alert says what this look has found too, and weighs as the heaviest of them does. Its time
/// limit stays that of the first.
fn seen_again(
    batch: &mut Batch<'_>,
    subject: &Subject,
    mut row: AlertRow,
    alert: &NewAlert,
    index: u64,
) -> Result<(), Stop> {
    // It may wait to be written itself.
    batch.write_raised()?;
    let known: Vec<String> = serde_json::from_str(&row.codes)
        .map_err(|error| Error::Internal(format!("an alert's codes: {error}")))?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let was = Severity::parse(&row.severity);
    let is_as_heavy = was <= Some(alert.severity);
    let (first, then) = if is_as_heavy {
        (alert.codes.as_slice(), known.as_slice())
    } else {
        (known.as_slice(), alert.codes.as_slice())
    };
    let mut codes: Vec<&str> = Vec::with_capacity(first.len() + then.len());
    for code in first.iter().chain(then) {
        if !codes.contains(code) && codes.len() < CODES_MAX {
            codes.push(code);
        }
    }
    let codes = json(&codes)?;
    row.codes = codes;
    if is_as_heavy {
        alert.severity.as_str().clone_into(&mut row.severity);
    }
    row.about = json(&alert.about)?;
    row.ucr.clone_from(&alert.about.ucr);
    storage::alerts::look_again(batch.db, &row)?;
    let found = alert.codes.get(..CODES_MAX).unwrap_or(&alert.codes).join(", ");
    let (change, note) = (Change::SeenAgain, Some(found.as_str()));
    batch.happened(&row.id, &Step { change, outcome: None, note, by: None, index })?;
    if let Some(rows) = batch.cases.0.get_mut(subject) {
        rows.retain(|open| open.id != row.id);
        rows.push(row);
    }
    Ok(())
}

/// What alerts are open on has come to its end, by an officer's act or because its time has passed:
/// nothing is due on them any more.
pub(super) fn end(
    batch: &mut Batch<'_>,
    subject: &Subject,
    by: &Caller,
    outcome: Outcome,
) -> Result<(), Stop> {
    let rows = batch.open_on(subject)?;
    if rows.is_empty() {
        return Ok(());
    }
    // They may wait to be written themselves.
    batch.write_raised()?;
    for row in rows {
        referral::settle(batch, &row)?;
        storage::alerts::resolve(batch.db, &row.id, outcome.as_str())?;
        batch.closed(&row);
        enter_step(batch, &row, by, Change::Resolved, Some(outcome), None)?;
    }
    Ok(())
}
