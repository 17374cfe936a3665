//! Evidence of a case, put together for those who check it without us: the entries of its verdict, of
//! its releases and of the licences on which it rests, with proofs, checkpoints and keys.
use super::App;
use super::Caller;
use super::Error;
use super::book::licence_of;
use super::facts_record::FactsRecord;
use super::release::uuid;
use super::trail::proven;
use crate::audit::evidence::Document;
use crate::audit::evidence::Entry;
use crate::audit::evidence::Evidence;
use crate::audit::evidence::FORMAT;
use crate::audit::evidence::Log;
use crate::audit::evidence::Record;
use crate::audit::evidence::Recorded;
use crate::audit::evidence::Release;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::verifications::VerificationRow;
use crate::wire::verification::instant;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most releases of one case, and states of one release.
const RELEASES_MAX: i64 = 100;
const VERSIONS_MAX: i64 = 1000;

/// Logs and entries that the evidence needs.
#[derive(Default)]
struct Needed {
    origins: BTreeMap<i64, String>,
    entries: BTreeMap<String, BTreeSet<u64>>,
}

impl Needed {
    /// Notes an entry; gives it as the evidence names it.
    fn entry(&mut self, db: &mut Db, log_id: i64, index: i64) -> Result<Recorded, Error> {
        let origin = match self.origins.get(&log_id) {
            Some(origin) => origin.clone(),
            None => {
                let logs = storage::log::all(db)?;
                let found = logs.into_iter().find(|log| log.id == log_id);
                let row = found.ok_or_else(|| Error::Internal(format!("log {log_id} is gone")))?;
                self.origins.insert(log_id, row.origin.clone());
                row.origin
            }
        };
        self.entry_of(origin, index)
    }

    fn entry_of(&mut self, origin: String, index: i64) -> Result<Recorded, Error> {
        let index = u64::try_from(index)
            .map_err(|_e| Error::Internal("an entry's index is negative".to_owned()))?;
        self.entries.entry(origin.clone()).or_default().insert(index);
        Ok(Recorded { log: origin, index })
    }
}

impl App {
    /// The evidence of a verification of the caller's State.
    pub async fn evidence(&self, caller: &Caller, verification: Uuid) -> Result<Evidence, Error> {
        let (state, now) = (caller.state, self.clock.now());
        let whole = move |db: &mut Db| {
            let found = storage::verifications::entered(db, verification)?;
            let found = found.filter(|(row, ..)| row.state == state.as_str());
            let (row, log, index) = found.ok_or(Error::NotFound)?;
            gather(db, row, (log, index), Some(state), now)
        };
        self.readers.read(whole).await
    }
}

/// Puts the evidence of a case together; what has gone into archive files can no longer be. A State is not given
/// what licences say that do not name it.
pub fn gather(
    db: &mut Db,
    row: VerificationRow,
    (log, index): (String, i64),
    to: Option<Country>,
    now: Timestamp,
) -> Result<Evidence, Error> {
    let mut needed = Needed::default();
    needed.entry_of(log, index)?;
    let (licences, is_whole) = licences(db, &row, to, &mut needed)?;
    let releases = releases(db, &row, &mut needed)?;
    let (mut logs, mut entries) = (Vec::new(), Vec::new());
    for (origin, indexes) in &needed.entries {
        let log = storage::log::by_origin(db, origin)?
            .ok_or_else(|| Error::Internal(format!("log {origin} is gone")))?;
        let checkpoint = storage::log::latest_checkpoint(db, log.id)?.ok_or(Error::NotFound)?;
        for index in indexes {
            let (entry, hashes) = proven(db, log.id, *index, checkpoint.0)?;
            let hashes = hashes.iter().map(ToString::to_string).collect();
            entries.push(Entry { log: origin.clone(), index: *index, entry, hashes });
        }
        let (log, verifier_key) = (origin.clone(), log.verifier_key);
        logs.push(Log { log, verifier_key, checkpoint: checkpoint.1 });
    }
    Ok(Evidence {
        format: FORMAT.to_owned(),
        verification: uuid(&row.id)?.to_string(),
        made_at: instant(now),
        logs,
        entries,
        record: Record {
            declaration: row.declaration,
            // They hold the status and the balances of every licence quoted.
            facts: Some(row.facts).filter(|_| is_whole),
            reply: row.reply,
        },
        licences,
        releases,
    })
}

/// The documents of the licences on which the verdict rests, of those that this register records; and whether
/// all of them may be told.
fn licences(
    db: &mut Db,
    row: &VerificationRow,
    to: Option<Country>,
    needed: &mut Needed,
) -> Result<(Vec<Document>, bool), Error> {
    let facts: FactsRecord = serde_json::from_str(&row.facts)
        .map_err(|error| Error::Internal(format!("recorded facts do not read: {error}")))?;
    let (mut documents, mut is_whole) = (Vec::new(), true);
    for (number, version) in facts.versions() {
        let recorded = storage::licence_entries::of(db, number, version)?;
        let Some((log_id, index)) = recorded else { continue };
        let Some(document) = storage::licence_versions::body_of_version(db, number, version)?
        else {
            continue;
        };
        let licence = licence_of(number, version, &document)?;
        if !to.is_none_or(|state| licence.names(state)) {
            is_whole = false;
            continue;
        }
        let recorded = needed.entry(db, log_id, index)?;
        documents.push(Document { number: number.to_owned(), version, document, recorded });
    }
    Ok((documents, is_whole))
}

/// The releases of a verification with every state in which they stood.
fn releases(
    db: &mut Db,
    row: &VerificationRow,
    needed: &mut Needed,
) -> Result<Vec<Release>, Error> {
    let mut releases = Vec::new();
    for id in storage::releases::of_verification(db, &row.id, RELEASES_MAX)? {
        let release = uuid(&id)?.to_string();
        for version in storage::overrides::versions(db, &id, VERSIONS_MAX)? {
            let recorded = needed.entry(db, version.log_id, version.log_index)?;
            let (release, declaration) = (release.clone(), version.declaration);
            releases.push(Release { release, version: version.version, declaration, recorded });
        }
    }
    Ok(releases)
}
