//! What a post goes on with while it is cut off: the licences, lists, keys and allowances of an instant, in one
//! file that the authority's key signs and that ends. It is made for one log of one post, so that nobody else
//! can release on it.
mod document;

pub(super) use document::AllowanceCopy;
pub(super) use document::LicenceCopy;
pub use document::SNAPSHOT_BYTES_MAX;
pub use document::Snapshot;
pub(super) use document::StopCopy;

use super::App;
use super::Caller;
use super::Error;
use super::allowances::left;
use super::allowances::post_of;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::cut_off::ReleasedBefore;
use super::earlier::header_digest;
use super::facts_record::drawn;
use super::journey::released;
use super::judge::json;
use super::judge::sha256;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::uuid;
use super::serials::standing;
use super::territory::Territory;
use crate::audit::entry::hex;
use crate::credential::jws;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::serial::Serial;
use crate::storage;
use crate::storage::Db;
use crate::storage::allowances::AllowanceRow;
use crate::storage::posts::PostLogRow;
use crate::storage::stoppages::StoppageRow;
use crate::wire::FieldError;
use crate::wire::post::SnapshotReply;
use crate::wire::verification::instant;
use serde::Serialize;
use std::collections::BTreeSet;

/// Most earlier releases in one, and most stoppages.
const RELEASES_MAX: usize = 50_000;

/// What is said of a text that names no log.
const NOT_A_KEY: &str =
    "not a log's verifier key, NAME+HASH+KEY, as `passavant post key` prints it at the post";

/// What the trail says of a snapshot.
#[derive(Serialize)]
struct SnapshotEntry<'a> {
    snapshot: String,
    border_post: &'a str,
    log: &'a str,
    joined: u64,
    ends: String,
    sha256: String,
    allowances: Vec<String>,
    actor: Actor,
    states: [String; 1],
}

struct Take {
    post: Locode,
    key: Text,
    log: String,
    life_s: u32,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Take {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("post", self.post.as_str().as_bytes());
        claims.name("post-log", self.log.as_bytes());
        for row in storage::allowances::open_at(db, self.post.as_str())? {
            claims.licence(&row.licence.into());
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let state = self.state(batch)?;
        let known = self.known_log(batch.db)?;
        let rows: Vec<AllowanceRow> = storage::allowances::open_at(batch.db, self.post.as_str())?
            .into_iter()
            .filter(|row| row.log.as_deref().is_none_or(|log| log == self.log))
            .collect();
        if rows.is_empty() {
            let words = format!("nothing is set aside for {}", self.post);
            return Err(Error::Stale(words).into());
        }
        let joined = known.as_ref().map_or(0, |log| log.joined);
        let snapshot = self.gather(batch, &rows, u64::try_from(joined).unwrap_or_default())?;
        let payload = json(&snapshot)?;
        let signer = batch.trust.signer()?;
        let signed = jws::sign(document::TYP, payload.as_bytes(), signer.as_ref())
            .map_err(|error| Error::Internal(format!("a snapshot: {error}")))?;
        if signed.len() > SNAPSHOT_BYTES_MAX {
            let words = format!("the snapshot would have more than {SNAPSHOT_BYTES_MAX} bytes");
            return Err(Error::Stale(words).into());
        }
        let now_us = batch.now.as_microsecond();
        for mut row in rows {
            row.log = Some(self.log.clone());
            "out".clone_into(&mut row.status);
            row.changed_us = now_us;
            storage::allowances::update(batch.db, &row)?;
        }
        let row = PostLogRow {
            log: self.log.clone(),
            verifier_key: self.key.to_string(),
            border_post: self.post.to_string(),
            state: state.to_string(),
            log_id: known.and_then(|log| log.log_id),
            joined,
            snapshot: snapshot.id.as_bytes().to_vec(),
            expires_us: snapshot.ends.as_microsecond(),
            changed_us: now_us,
        };
        storage::posts::put(batch.db, &row)?;
        self.enter(batch, &snapshot, &payload, state)?;
        let reply = SnapshotReply {
            id: snapshot.id.to_string(),
            border_post: snapshot.post,
            log: snapshot.log,
            joined: snapshot.joined,
            taken_at: instant(snapshot.taken),
            ends_at: instant(snapshot.ends),
            allowances: snapshot.allowances.iter().map(|of| of.id.to_string()).collect(),
            snapshot: signed,
        };
        Ok(Recorded { outcome: Done::Created, reply: json(&reply)?, version: None })
    }
}

impl Take {
    /// The State of the post, which is the caller's.
    fn state(&self, batch: &Batch<'_>) -> Result<Country, Error> {
        let post = batch.lists.posts.get(&self.post).map(|post| post.country);
        post.filter(|state| *state == self.caller.state).ok_or(Error::NotFound)
    }

    /// The post's log as it is known; a name that stands for another log is not taken.
    fn known_log(&self, db: &mut Db) -> Result<Option<PostLogRow>, Stop> {
        let taken = |words: &str| {
            let error = FieldError::new("/key", "another_log", format!("{} {words}", self.log));
            Err(Error::Invalid(vec![error]).into())
        };
        match storage::posts::log(db, &self.log)? {
            Some(row) if row.verifier_key != self.key.as_str() => taken("has another key"),
            Some(row) if row.border_post != self.post.as_str() => taken("is another post's"),
            Some(row) => Ok(Some(row)),
            None if storage::log::by_origin(db, &self.log)?.is_some() => {
                taken("is a log of this register")
            }
            None => Ok(None),
        }
    }

    fn gather(
        &self,
        batch: &mut Batch<'_>,
        rows: &[AllowanceRow],
        joined: u64,
    ) -> Result<Snapshot, Stop> {
        let own: BTreeSet<Text> = rows.iter().map(|row| row.licence.as_str().into()).collect();
        let numbers: Vec<Text> = own.iter().cloned().collect();
        batch.read_licences(&numbers)?;
        let mut all = own.clone();
        for number in &own {
            let entry = batch.licence(number);
            all.extend(entry.iter().flat_map(|entry| entry.held.licence.linked.iter().cloned()));
        }
        let numbers: Vec<Text> = all.into_iter().collect();
        batch.read_licences(&numbers)?;
        let mut licences: Vec<LicenceCopy> =
            numbers.iter().filter_map(|number| batch.licence(number).map(copy)).collect();
        for row in batch.covers_of(&numbers)? {
            let of = |copy: &&mut LicenceCopy| copy.number.as_str() == row.licence;
            if let Some(copy) = licences.iter_mut().find(of) {
                copy.covered.push((row.line, row.unit, row.quantity));
            }
        }
        let mut allowances = Vec::with_capacity(rows.len());
        let territory = Territory::new(self.caller.state, &batch.lists, batch.now);
        for row in rows {
            allowances.push(allowance(batch.db, row, &territory)?);
        }
        let mut released = Vec::new();
        for row in rows {
            released.extend(before(batch.db, row.licence_id, self.caller.state)?);
        }
        released.sort();
        released.dedup();
        if released.len() > RELEASES_MAX {
            let words = format!("more than {RELEASES_MAX} releases stand under these licences");
            return Err(Error::Stale(words).into());
        }
        let edition = batch.lists.edition.clone();
        let lists = storage::lists::read(batch.db, &edition)?;
        let lists = lists.ok_or_else(|| Error::Internal(format!("edition {edition} is gone")))?;
        let ends = batch.now + jiff::SignedDuration::from_secs(i64::from(self.life_s));
        Ok(Snapshot {
            id: batch.ids.uuid(batch.now),
            iss: batch.trust.issuer().to_owned(),
            post: self.post.to_string(),
            log: self.log.clone(),
            key: self.key.to_string(),
            joined,
            taken: batch.now,
            ends,
            position: (batch.log().0.to_owned(), batch.next_index()),
            lists,
            keys: batch.trust.published().jwks(),
            licences,
            allowances,
            released,
            stopped: stopped(batch.db, self.caller.state)?,
        })
    }

    fn enter(
        &self,
        batch: &mut Batch<'_>,
        snapshot: &Snapshot,
        payload: &str,
        state: Country,
    ) -> Result<(), Stop> {
        let nonce = batch.ids.nonce();
        let entry = SnapshotEntry {
            snapshot: snapshot.id.to_string(),
            border_post: &snapshot.post,
            log: &snapshot.log,
            joined: snapshot.joined,
            ends: snapshot.ends.to_string(),
            sha256: hex(&sha256(payload.as_bytes())),
            allowances: snapshot.allowances.iter().map(|of| of.id.to_string()).collect(),
            actor: Actor::new(&self.caller, nonce),
            states: [state.to_string()],
        };
        batch.enter("snapshot_taken", nonce, &entry)?;
        Ok(())
    }
}

fn copy(entry: &book::Entry) -> LicenceCopy {
    let (licence, standing) = (&entry.held.licence, &entry.held.standing);
    LicenceCopy {
        number: licence.number.clone(),
        version: licence.version,
        status: standing.status.as_str().to_owned(),
        shipments: standing.shipments,
        decisions: standing.decisions,
        drawn: drawn(standing),
        covered: Vec::new(),
        document: entry.body.to_string(),
    }
}

/// What the post may draw. A firearm of which a report stands, or that has moved already, or whose serial looks like such a one's, is not in it: there it
/// refers like any other that the post does not know.
fn allowance(
    db: &mut Db,
    row: &AllowanceRow,
    territory: &Territory,
) -> Result<AllowanceCopy, Stop> {
    let lines = storage::allowances::lines(db, &row.id)?;
    let rows = storage::allowances::serials(db, &row.id)?;
    let look = |serial: &str| Serial::stored(serial).folded();
    let looks: Vec<String> = rows.iter().map(|row| look(&row.serial)).collect();
    let mut doubtful: BTreeSet<String> =
        storage::serials::moved(db, &looks, |of| territory.includes(of))?
            .into_iter()
            .filter(|moved| moved.settled_by.is_none())
            .map(|moved| look(&moved.serial))
            .collect();
    let reported = standing(storage::trails::reports(db, &looks)?);
    doubtful.extend(reported.into_iter().map(|report| look(&report.serial)));
    Ok(AllowanceCopy {
        id: uuid(&row.id)?,
        licence: row.licence.as_str().into(),
        lines: lines.iter().map(|line| (line.line, left(line).micros())).collect(),
        serials: rows
            .into_iter()
            .filter(|row| !doubtful.contains(&look(&row.serial)))
            .map(|row| (row.line, row.serial))
            .collect(),
    })
}

/// What was released under a licence in the post's State.
fn before(
    db: &mut Db,
    licence_id: i64,
    state: Country,
) -> Result<Vec<(String, String, ReleasedBefore)>, Stop> {
    let mut found = Vec::new();
    let rows = storage::releases::standing_under(db, licence_id)?;
    let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.id.clone()).collect();
    let drawn = storage::releases::drawn_by(db, &ids)?;
    for row in rows {
        if row.state != state.as_str() {
            continue;
        }
        let items = serde_json::from_str(&row.items)
            .map_err(|error| Error::Internal(format!("a release's items: {error}")))?;
        let content = hex(&row.content_sha256);
        let drawn = drawn.get(&row.id).cloned().unwrap_or_default();
        let header = header_digest(&released(&row)?);
        let (release, at_us) = (uuid(&row.id)?, row.at_us);
        let of = ReleasedBefore { release, at_us, items, content, header, drawn };
        found.push((row.reference_kind, row.reference, of));
    }
    Ok(found)
}

/// What officers of the post's State have stopped, at whichever post.
fn stopped(db: &mut Db, state: Country) -> Result<Vec<StopCopy>, Stop> {
    let most = i64::try_from(RELEASES_MAX).unwrap_or(i64::MAX);
    let rows = storage::stoppages::standing_in(db, state.as_str(), most + 1)?;
    if rows.len() > RELEASES_MAX {
        let words = format!("more than {RELEASES_MAX} stoppages stand in {state}");
        return Err(Error::Stale(words).into());
    }
    let copy = |row: StoppageRow| {
        Ok(StopCopy {
            case: uuid(&row.alert_id)?,
            kind: row.reference_kind,
            reference: row.reference,
            ucr: row.ucr,
            severity: row.severity,
            at_us: row.at_us,
        })
    };
    Ok(rows.into_iter().map(copy).collect::<Result<_, Error>>()?)
}

impl App {
    /// Hands a post what was set aside for it, with all that it needs to go on alone.
    pub async fn take_snapshot(
        &self,
        caller: &Caller,
        post: &str,
        (key, life_s): (Text, Option<u32>),
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let post = post_of(post)?;
        if !caller.works_at(post) {
            return Err(Error::NotFound);
        }
        let invalid =
            |path, code, words: String| Error::Invalid(vec![FieldError::new(path, code, words)]);
        let log = crate::audit::checkpoint::origin_of(&key)
            .map_err(|_e| invalid("/key", "not_a_key", NOT_A_KEY.to_owned()))?;
        let most = self.config.offline.snapshot_life_s_max;
        let life_s = life_s.unwrap_or(most);
        if life_s > most {
            return Err(invalid("/life_s", "out_of_range", format!("at most {most}")));
        }
        let command = Take { post, key, log, life_s, caller: caller.clone(), once };
        self.recorder.submit(Box::new(command)).await
    }
}
