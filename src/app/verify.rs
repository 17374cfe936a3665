//! A verification: judged on the cache, recorded, and only then answered.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::book;
use super::cases;
use super::claims::Claims;
use super::covers;
use super::cut_off;
use super::facts;
use super::foreign;
use super::foreign::Recent;
use super::judge;
use super::judge::Judged;
use super::judge::Presented;
use super::judge::Question;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::territory::Territory;
use crate::cache::Ticket;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::domain::licence::Held;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage;
use crate::storage::Db;
use crate::storage::verifications::EnteredRow;
use crate::wire::FieldError;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A verdict on its way into the record.
struct Record {
    judged: Judged,
    once: Option<Once>,
}

impl Command for Record {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        self.judged.claim(claims);
        Ok(())
    }

    fn is_for_cut_off(&self) -> bool {
        true
    }

    fn holds_back(&self) -> bool {
        // It was judged before, and reads nothing here.
        true
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let reply = record(&self.judged, batch)?;
        Ok(Recorded { outcome: Done::Created, reply, version: None })
    }
}

/// Writes a judgement into a batch; gives the reply with its place in the audit trail.
pub(super) fn record(judged: &Judged, batch: &mut Batch<'_>) -> Result<String, Stop> {
    let index = batch.enter_sealed(judged.entry.clone());
    let (log_id, log_index) = batch.place(index)?;
    let entry = storage::log::entry_number(log_id, log_index)?;
    let reply = judge::with_audit(&judged.reply, batch.log().0, index);
    batch.verifications.push(EnteredRow { row: Arc::clone(&judged.row), entry });
    if let Some(event) = judged.event.clone() {
        batch.tell(event)?;
    }
    if let Some(alert) = &judged.alert {
        let case = cases::put_before_post(batch, alert, index)?;
        let at = (judged.row.state.as_str(), judged.row.border_post.as_str());
        super::stoppage::remember(batch, case, at, judged.altered.iter().cloned())?;
    }
    batch.mark(judged.happening.clone(), index)?;
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
        let presented = Arc::new(self.with_registers(presented, Recent::Kept).await?);
        let now = self.clock.now();
        let mut facts = self.facts(&presented, caller.state, now).await;
        self.leave_out_own(&mut facts, &presented, caller.state, None).await;
        let judged = self.judge_now(caller, &presented, &facts, None, now)?;
        // Nobody needs them while the verdict is written, and many verdicts wait for that at once.
        drop((facts, presented));
        self.recorder.submit(Box::new(Record { judged, once })).await
    }

    /// Judges at the border what is presented there, on its own or as it was announced.
    pub(super) fn judge_now(
        &self,
        caller: &Caller,
        presented: &Presented,
        facts: &Facts,
        preclearance: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Judged, Error> {
        let lists = Arc::clone(&self.lists.read());
        let judged = judge::judge(&Question {
            kind: "verification",
            preclearance,
            state: caller.state,
            id: self.ids.uuid(now),
            nonce: self.ids.nonce(),
            now,
            caller,
            presented,
            facts,
            lists: &lists,
        })?;
        self.verdicts.with_label_values(&[judged.verdict.outcome.as_str()]).inc();
        Ok(judged)
    }

    /// Looks up what a declaration is judged on: licences in the cache while it is trusted, and all the
    /// rest in one question to the database. What cannot be looked up is a fact too.
    pub(super) async fn facts(
        &self,
        presented: &Arc<Presented>,
        state: Country,
        now: Timestamp,
    ) -> Facts {
        let age_ms = self.cache.age_ms(now);
        let trusted = age_ms.filter(|age_ms| *age_ms <= self.config.cache.age_ms_max);
        let numbers = presented.declaration.licence_numbers();
        let kept: Vec<Option<Held>> = numbers.iter().map(|number| self.cache.get(number)).collect();
        let asked: Vec<(Text, Ticket)> = numbers
            .iter()
            .zip(&kept)
            .filter(|(_, kept)| trusted.is_none() || kept.is_none())
            .map(|(number, _)| (number.clone(), self.cache.ticket(number)))
            .collect();
        let from_cache = asked.len() < numbers.len();
        // Of what other nodes have released it knows as much as it has heard, like the cache.
        let hears = !self.is_one_of_several() || trusted.is_some();
        let hears = hears && !self.trust.is_cut_off();
        let declaration = &presented.declaration;
        let never = hears && !facts::has_history(&self.past, declaration);
        // Asked on its own: under one import licence goes one shipment after the other, each of new goods.
        let uncovered = hears && !covers::perhaps(&self.past, declaration);
        self.past.count(never);
        let is_heard = never || (uncovered && declaration.movement == Movement::Export);
        let is_as_heard = from_cache || (is_heard && self.is_one_of_several());
        // A build for tests asks all the same, and insists that there was nothing to be known.
        let asks = !never || !uncovered || !asked.is_empty() || cfg!(debug_assertions);
        let answered = if asks {
            // On the heap, for few requests come here and all would have to make room for it.
            Box::pin(self.ask(presented, state, asked, (never, uncovered))).await
        } else {
            Ok((HashMap::new(), Facts { history_available: true, ..Facts::default() }))
        };
        let (read, mut facts) = match answered {
            Ok((read, facts)) => (Some(read), facts),
            Err(error) => {
                tracing::error!(%error, "a declaration's facts cannot be read");
                (None, Facts { history_available: false, ..Facts::default() })
            }
        };
        for (number, kept) in numbers.into_iter().zip(kept) {
            let found = || read.as_ref().map(|read| read.get(&number).cloned());
            let lookup = match (kept, trusted) {
                (Some(held), Some(_)) => Lookup::Held(held),
                (kept, _) => match found() {
                    Some(Some(held)) => Lookup::Held(held),
                    Some(None) => Lookup::NotFound,
                    None => kept.map_or(Lookup::Unavailable, Lookup::Held),
                },
            };
            facts.licences.push(LicenceFact { number, lookup });
        }
        facts.data_age_ms = match (&read, trusted) {
            (None, _) => None,
            (Some(_), Some(age_ms)) if is_as_heard => Some(age_ms),
            (Some(_), _) => Some(0),
        };
        foreign::apply(&mut facts, &presented.foreign, now);
        cut_off::finish(&self.trust, &mut facts, now);
        self.check_credentials(presented, &mut facts, now).await;
        facts
    }

    /// Asks the database for licences, which the cache then keeps, and for the history.
    async fn ask(
        &self,
        presented: &Arc<Presented>,
        state: Country,
        asked: Vec<(Text, Ticket)>,
        (never, uncovered): (bool, bool),
    ) -> Result<(HashMap<Text, Held>, Facts), Error> {
        let nothing = Facts { history_available: true, ..Facts::default() };
        let (sent, trust) = (presented, Arc::clone(&self.trust));
        let presented = Arc::clone(presented);
        let territory = Territory::new(state, &self.lists.read(), self.clock.now());
        let (numbers, tickets): (Vec<Text>, Vec<Ticket>) = asked.into_iter().unzip();
        let tickets: HashMap<Text, Ticket> = numbers.iter().cloned().zip(tickets).collect();
        let question = move |db: &mut Db| {
            let rows = storage::licences::read(db, &book::as_strs(&numbers))?;
            let mut facts = Facts::default();
            let (declaration, content) = (&presented.declaration, &presented.sha256());
            if never && !cfg!(debug_assertions) {
                facts.history_available = true;
            } else {
                facts::history(db, declaration, content, Some(&territory), None, &mut facts)?;
                cut_off::look(db, &trust, declaration, content, &mut facts)?;
            }
            if !uncovered || cfg!(debug_assertions) {
                facts.covered = covers::read(db, declaration)?;
            }
            Ok::<_, Error>((rows, facts))
        };
        let (rows, facts) = self.readers.read(question).await?;
        let declaration = &sent.declaration;
        let is_new = || facts::has_history(&self.past, declaration);
        debug_assert!(
            !never
                || facts == Facts { covered: facts.covered.clone(), ..nothing }
                || self.finds(is_new),
            "what `facts::history` asks is noted in `Past` before it is committed"
        );
        debug_assert!(
            !uncovered
                || facts.covered.is_empty()
                || self.finds(|| covers::perhaps(&self.past, declaration)),
            "what goes under a licence is noted in `Past` before it is committed"
        );
        let mut read = HashMap::with_capacity(rows.len());
        for row in rows {
            let licence = book::licence_of(&row.number, row.version, &row.body)?;
            let held = Held { licence: Arc::new(licence), standing: row.standing };
            if let Some(ticket) = tickets.get(row.number.as_str()) {
                self.cache.keep(*ticket, &held);
            }
            read.insert(Text::from(row.number), held);
        }
        Ok((read, facts))
    }

    /// Whether a history that was taken for none is known by now: another node may have made it since
    /// this one heard of it. For a build for tests.
    fn finds(&self, is_known: impl Fn() -> bool) -> bool {
        is_known() || !self.hear_others() || is_known()
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

/// The same where the request names the goods and no post, of which no field could be refused.
pub(super) fn at_post_of(caller: &Caller, declaration: &Declaration) -> Result<(), Error> {
    if caller.works_at(declaration.border_post) {
        return Ok(());
    }
    Err(Error::Forbidden("your token is not for the post of these goods"))
}
