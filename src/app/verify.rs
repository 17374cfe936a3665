//! A verification: judged on the cache, recorded, and only then answered.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::facts;
use super::judge;
use super::judge::Judged;
use super::judge::Presented;
use super::judge::Question;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::declaration::Declaration;
use crate::domain::licence::Held;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage;
use crate::wire::FieldError;
use std::sync::Arc;

/// A verdict on its way into the record.
struct Record {
    judged: Judged,
    once: Option<Once>,
}

impl Command for Record {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn decide(self: Box<Self>, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let reply = record(self.judged, batch)?;
        Ok(Recorded { outcome: Done::Created, reply, version: None })
    }
}

/// Writes a judgement into a batch; gives the reply with its place in the audit trail.
pub(super) fn record(judged: Judged, batch: &mut Batch<'_>) -> Result<String, Stop> {
    let index = batch.enter_sealed(judged.entry);
    let (origin, log_id) = batch.log();
    let reply = judge::with_audit(&judged.reply, origin, index);
    let mut row = judged.row;
    row.log_id = log_id;
    row.log_index =
        i64::try_from(index).map_err(|_e| Error::Internal("the log is too long".to_owned()))?;
    batch.verifications.push(row);
    batch.alerts.extend(judged.alert);
    Ok(reply)
}

impl App {
    /// Verifies a declaration presented at the caller's post.
    pub async fn verify(
        &self,
        caller: &Caller,
        declaration: String,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let presented = Presented::read(declaration, "/declaration")?;
        at_own_post(caller, &presented.declaration)?;
        let now = self.clock.now();
        let lists = Arc::clone(&self.lists.read());
        let facts = self.facts(&presented, caller, now);
        let judged = judge::judge(&Question {
            kind: "verification",
            id: self.ids.uuid(now),
            nonce: self.ids.nonce(),
            now,
            caller,
            presented: &presented,
            facts: &facts,
            lists: &lists,
        })?;
        self.verdicts.with_label_values(&[judged.verdict.outcome.as_str()]).inc();
        self.recorder.submit(Box::new(Record { judged, once })).await
    }

    /// Looks up what a declaration is judged on. What cannot be looked up is a fact too.
    pub(super) fn facts(&self, presented: &Presented, caller: &Caller, now: Timestamp) -> Facts {
        let mut facts = Facts { data_age_ms: Some(0), ..Facts::default() };
        let mut unheard = false;
        for number in presented.declaration.licence_numbers() {
            let (lookup, age_ms) = self.look_up(&number, now);
            unheard |= age_ms.is_none();
            facts.data_age_ms = facts.data_age_ms.max(age_ms);
            facts.licences.push(LicenceFact { number, lookup });
        }
        if unheard {
            facts.data_age_ms = None;
        }
        let mut db = self.readers.get();
        let state = Some(caller.state);
        if let Err(error) = facts::history(
            &mut db,
            &presented.declaration,
            &presented.sha256,
            state,
            None,
            &mut facts,
        ) {
            tracing::error!(%error, "the history of a declaration cannot be read");
            facts.history_available = false;
        }
        facts
    }

    /// A licence with the age of what is known of it.
    fn look_up(&self, number: &Text, now: Timestamp) -> (Lookup, Option<u64>) {
        let age_ms = self.cache.age_ms(now);
        let trusted = age_ms.filter(|age_ms| *age_ms <= self.config.cache.age_ms_max);
        let cached = self.cache.get(number);
        let cached = match cached {
            Some(held) if trusted.is_some() => return (Lookup::Held(held), trusted),
            cached => cached,
        };
        match self.read_through(number) {
            Ok(Some(held)) => (Lookup::Held(held), Some(0)),
            Ok(None) => (Lookup::NotFound, Some(0)),
            Err(error) => {
                tracing::error!(%error, "a licence cannot be read");
                (cached.map_or(Lookup::Unavailable, Lookup::Held), None)
            }
        }
    }

    /// Reads a licence from the database into the cache.
    pub(super) fn read_through(&self, number: &str) -> Result<Option<Held>, Error> {
        let ticket = self.cache.ticket(number);
        let Some(row) = storage::licences::read(&mut self.readers.get(), &[number])?.pop() else {
            return Ok(None);
        };
        let licence = super::book::licence_of(&row.number, row.version, &row.body)?;
        let held = Held { licence: Arc::new(licence), standing: row.standing };
        self.cache.keep(ticket, &held);
        Ok(Some(held))
    }
}

/// An officer acts at the posts that the token names.
pub(super) fn at_own_post(caller: &Caller, declaration: &Declaration) -> Result<(), Error> {
    if caller.works_at(declaration.border_post) {
        return Ok(());
    }
    Err(Error::Invalid(vec![FieldError::new(
        "/declaration/border_post",
        "not_your_post",
        format!("your token is not for the post {}", declaration.border_post),
    )]))
}
