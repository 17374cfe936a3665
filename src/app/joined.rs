//! What follows from the entries of a post's log as they join: verdicts are kept and put before the post,
//! releases are booked, and what the post has given up comes back.
mod release;

use super::Caller;
use super::Error;
use super::Role;
use super::allowances;
use super::audit_log::log_index;
use super::batch::Batch;
use super::cases;
use super::facts_record::FactsRecord;
use super::giving_up::GIVEN_UP;
use super::joining::Beside;
use super::joining::Entry;
use super::joining::Verdict;
use super::judge;
use super::judge::Question;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::replay;
use super::replay::lists_of;
use super::replay::text;
use super::timeline::country;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::lists::Lists;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::posts::PostLogRow;
use crate::storage::verifications::EnteredRow;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Most States named of one entry.
const STATES_MAX: usize = 60;

/// What the trail says of an entry that joins: which it is, in whose log, and its leaf.
#[derive(Serialize)]
struct PostEntry<'a> {
    border_post: String,
    log: &'a str,
    index: u64,
    leaf: String,
    entry_kind: &'a str,
    recorded_at: String,
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    derived: Option<bool>,
    states: Vec<String>,
}

/// A log as it joins.
pub(super) struct Joining {
    log: String,
    post: Locode,
    state: Country,
    late: bool,
    lists: HashMap<String, Arc<Lists>>,
    /// The log's row here.
    pub log_id: i64,
    /// Releases among what has joined.
    pub releases: u64,
    /// How many of them do not fit what is known here.
    pub conflicts: u64,
    /// Allowances that came back.
    pub returned: Vec<String>,
}

impl Joining {
    /// Nothing has joined yet.
    pub fn new(row: &PostLogRow, post: Locode, late: bool) -> Result<Self, Error> {
        Ok(Self {
            log: row.log.clone(),
            post,
            state: country(&row.state)?,
            late,
            lists: HashMap::new(),
            log_id: 0,
            releases: 0,
            conflicts: 0,
            returned: Vec::new(),
        })
    }

    /// Takes an entry in: one of this log for it, and what follows from it.
    pub fn take(&mut self, batch: &mut Batch<'_>, entry: &Entry, index: u64) -> Result<(), Stop> {
        match &entry.beside {
            Beside::Verdict(verdict) => self.verdict(batch, entry, index, verdict),
            Beside::Release { id, verification, caller, draws } => {
                let own = self.enter(batch, entry, index, None)?;
                let made = release::Made {
                    id: *id,
                    verification: *verification,
                    caller: self.caller(caller),
                    draws,
                    at: entry.at,
                    place: (index, own),
                };
                self.releases += 1;
                self.release(batch, &made)
            }
            Beside::Nothing => {
                self.enter(batch, entry, index, None)?;
                if entry.kind == GIVEN_UP { self.give_back(batch, entry) } else { Ok(()) }
            }
        }
    }

    /// Notes an entry in this node's log; gives its index there.
    fn enter(
        &self,
        batch: &mut Batch<'_>,
        entry: &Entry,
        index: u64,
        derived: Option<bool>,
    ) -> Result<u64, Stop> {
        let nonce = batch.ids.nonce();
        let named = entry.body.get("states").and_then(Value::as_array);
        let named = named.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let mut states: Vec<String> =
            named.take(STATES_MAX).chain([self.state.to_string()]).collect();
        states.sort_unstable();
        states.dedup();
        let body = PostEntry {
            border_post: self.post.to_string(),
            log: &self.log,
            index,
            leaf: entry.leaf.to_string(),
            entry_kind: &entry.kind,
            recorded_at: entry.at.to_string(),
            late: self.late,
            derived,
            states,
        };
        batch.enter("post_entry", nonce, &body)
    }

    /// Who acted at the post.
    fn caller(&self, key: &str) -> Caller {
        let (issuer, subject) = key.split_once('#').unwrap_or(("", key));
        Caller {
            issuer: issuer.into(),
            subject: subject.into(),
            state: self.state,
            role: Role::Officer,
            posts: [self.post].into(),
            operator: None,
        }
    }

    /// Keeps a verdict beside its entry, derives it again, and puts it before the post where it does not clear.
    fn verdict(
        &mut self,
        batch: &mut Batch<'_>,
        entry: &Entry,
        index: u64,
        of: &Verdict,
    ) -> Result<(), Stop> {
        let number = storage::log::entry_number(self.log_id, log_index(index)?)?;
        let row = EnteredRow { row: Arc::new(of.row.packed()?), entry: number };
        storage::verifications::insert(batch.db, &[row])?;
        let (facts, lists) = self.derive(batch, entry, of)?;
        let caller = self.caller(&of.row.caller);
        let id = uuid(&of.row.id)?;
        let now = timestamp(of.row.at_us)?;
        let verdict = judge::evaluate(&of.presented, &facts, &lists, now);
        let reply = judge::reply(id, &of.presented, &facts, &lists, &verdict, now)?;
        let own = self.enter(batch, entry, index, Some(reply == of.row.reply))?;
        let kind = if entry.kind == "verification" { "verification" } else { "release_refused" };
        let question = Question {
            kind,
            preclearance: None,
            state: self.state,
            id,
            nonce: batch.ids.nonce(),
            now,
            caller: &caller,
            presented: &of.presented,
            facts: &facts,
            lists: &lists,
        };
        let (alert, event, happening) = judge::consequences(&question, &verdict)?;
        if let Some(event) = event {
            batch.tell(event)?;
        }
        if let Some(alert) = alert {
            let case = cases::put_before_post(batch, &alert, own)?;
            let altered = super::stoppage::altered(&of.presented.declaration, &verdict);
            let at = (of.row.state.as_str(), of.row.border_post.as_str());
            super::stoppage::remember(batch, case, at, altered.into_iter())?;
        }
        Ok(batch.mark(happening, own)?)
    }

    /// What a verdict was judged on.
    fn derive(
        &mut self,
        batch: &mut Batch<'_>,
        entry: &Entry,
        of: &Verdict,
    ) -> Result<(Facts, Arc<Lists>), Stop> {
        let record: FactsRecord = serde_json::from_str(&of.row.facts)
            .map_err(|error| Error::Internal(format!("the facts of a post: {error}")))?;
        let facts = record.facts(|number, version| replay::document(batch.db, number, version))?;
        let edition = text(&entry.body, "lists");
        if !self.lists.contains_key(edition) {
            let lists = Arc::new(lists_of(batch.db, edition)?);
            self.lists.insert(edition.to_owned(), lists);
        }
        let lists = self.lists.get(edition).cloned();
        Ok((facts, lists.ok_or_else(|| Error::Internal("the lists".to_owned()))?))
    }

    /// The post releases nothing more on what it was given: what is left of that comes back.
    fn give_back(&mut self, batch: &mut Batch<'_>, entry: &Entry) -> Result<(), Stop> {
        let named = entry.body.get("allowances").and_then(Value::as_array);
        for id in named.into_iter().flatten().filter_map(Value::as_str) {
            let Ok(id) = Uuid::parse_str(id) else { continue };
            let row = storage::allowances::read(batch.db, id.as_bytes())?
                .filter(|row| row.log.as_deref() == Some(self.log.as_str()))
                .filter(|row| matches!(row.status.as_str(), "out" | "lost"));
            let Some(mut row) = row else { continue };
            batch.read_licences(&[row.licence.as_str().into()])?;
            allowances::give_back(batch, &mut row, "allowance_returned")?;
            allowances::enter(batch, "allowance_returned", &row, None)?;
            self.returned.push(id.to_string());
        }
        Ok(())
    }
}
