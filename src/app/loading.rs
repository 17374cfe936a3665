//! At a post that may be cut off: taking a snapshot up, which is an entry of the post's own log.
use super::App;
use super::Error;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::cut_off::Resting;
use super::cut_off::resting;
use super::facts_record::standing;
use super::judge::json;
use super::lists;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::snapshot::Snapshot;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::Standing;
use crate::domain::lists::Lists;
use crate::rules::CLOCK_DIFFERENCE_S;
use crate::storage;
use crate::storage::Db;
use crate::storage::allowances::AllowanceSerialRow;
use crate::storage::covers::CoverRow;
use crate::storage::licence_versions::LicenceVersion;
use crate::storage::licences::NewLicence;
use crate::storage::posts::ReferenceRow;
use crate::storage::stoppages::StoppageRow;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who loads a snapshot, in the history of the licences.
const ACTOR: &str = "snapshot";

#[derive(Serialize)]
struct LoadedEntry<'a> {
    snapshot: String,
    border_post: &'a str,
    taken: String,
    ends: String,
    lists: &'a str,
    licences: usize,
    allowances: Vec<String>,
    actor: Actor,
    states: [&'a str; 1],
}

/// A licence of the snapshot, read.
struct Ready {
    licence: Arc<Licence>,
    standing: Standing,
    body: Arc<str>,
}

struct Load {
    snapshot: Snapshot,
    lists: Lists,
    licences: Vec<Ready>,
    post: String,
    state: String,
}

impl Command for Load {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        for copy in &self.snapshot.licences {
            claims.new_licence(&copy.number);
        }
        Ok(())
    }

    fn is_for_cut_off(&self) -> bool {
        true
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let before = self.may(batch)?;
        if self.lists.edition != batch.lists.edition {
            let (edition, body) = (&self.lists.edition, &self.snapshot.lists);
            storage::lists::put(batch.db, edition, body, ACTOR, batch.now)?;
            batch.put_lists(self.lists.clone());
        }
        for ready in &self.licences {
            take_up(batch, ready)?;
        }
        self.covers(batch)?;
        self.firearms(batch)?;
        self.stoppages(batch)?;
        let given_up = before.and_then(|before| before.given_up);
        self.keep(batch, given_up)?;
        self.enter(batch)?;
        let reply = json(&(self.snapshot.id, self.snapshot.ends))?;
        Ok(Recorded { outcome: Done::Created, reply, version: None })
    }
}

fn broken(what: &str) -> Error {
    Error::Stale(format!("the snapshot does not read: {what}"))
}

impl Load {
    /// Refuses what was made for another post or log, has ended, or does not know yet what this post has done.
    fn may(&self, batch: &mut Batch<'_>) -> Result<Option<Resting>, Stop> {
        let refuse = |words: String| Err(Error::Stale(words).into());
        let snapshot = &self.snapshot;
        let (origin, log_id) = (batch.log().0.to_owned(), batch.log().1);
        let key = storage::log::by_origin(batch.db, &origin)?.map(|log| log.verifier_key);
        if snapshot.post != self.post
            || snapshot.log != origin
            || Some(&snapshot.key) != key.as_ref()
        {
            return refuse(format!(
                "it was made for the log {} of {}, this is {origin} of {}",
                snapshot.log, snapshot.post, self.post
            ));
        }
        if snapshot.ends <= batch.now {
            return refuse(format!("it has ended at {}", snapshot.ends));
        }
        if snapshot.taken.as_second() > batch.now.as_second() + CLOCK_DIFFERENCE_S {
            return refuse(format!(
                "it was taken at {}, and it is only {}",
                snapshot.taken, batch.now
            ));
        }
        let before = resting(batch.db)?;
        if let Some(before) = before.as_ref().filter(|before| before.as_of > snapshot.taken) {
            return refuse(format!("the one at hand, of {}, is later", before.as_of));
        }
        let released = storage::overrides::last_of(batch.db, log_id)?;
        let released = released.and_then(|index| u64::try_from(index).ok());
        let given_up = before.as_ref().and_then(|before| before.given_up);
        // What it says is left would be released twice.
        match released.max(given_up) {
            Some(last) if last >= snapshot.joined => refuse(format!(
                "it was taken when {} entries of this post's log had joined; first return entry {last}",
                snapshot.joined
            )),
            _ => Ok(before),
        }
    }

    /// What had gone under import licences. The post's own releases have returned, and are in it.
    fn covers(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let copies = self.snapshot.licences.iter();
        let rows: Vec<CoverRow> = copies
            .flat_map(|copy| copy.covered.iter().map(move |covered| (copy, covered.clone())))
            .map(|(copy, (line, unit, quantity))| CoverRow {
                licence: copy.number.to_string(),
                line,
                unit,
                quantity,
            })
            .collect();
        Ok(storage::covers::put_all(batch.db, &rows)?)
    }

    fn firearms(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        storage::allowances::free_all_serials(batch.db)?;
        for allowance in &self.snapshot.allowances {
            let row = |(line, serial): &(i64, String)| AllowanceSerialRow {
                allowance_id: allowance.id.as_bytes().to_vec(),
                border_post: self.post.clone(),
                log: Some(self.snapshot.log.clone()),
                licence: allowance.licence.to_string(),
                line: *line,
                serial: serial.clone(),
            };
            let rows: Vec<AllowanceSerialRow> = allowance.serials.iter().map(row).collect();
            storage::allowances::insert_serials(batch.db, &rows)?;
        }
        Ok(())
    }

    fn stoppages(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        storage::stoppages::forget(batch.db)?;
        for of in &self.snapshot.stopped {
            let row = StoppageRow {
                alert_id: of.case.as_bytes().to_vec(),
                state: self.state.clone(),
                reference_kind: of.kind.clone(),
                reference: of.reference.clone(),
                ucr: of.ucr.clone(),
                severity: of.severity.clone(),
                at_us: of.at_us,
                lifted_us: None,
            };
            storage::stoppages::insert(batch.db, &row)?;
        }
        Ok(())
    }

    fn keep(&self, batch: &mut Batch<'_>, given_up: Option<u64>) -> Result<(), Stop> {
        let snapshot = &self.snapshot;
        let mut licences: Vec<Text> =
            snapshot.allowances.iter().map(|of| of.licence.clone()).collect();
        licences.dedup();
        let kept = Resting {
            id: snapshot.id,
            as_of: snapshot.taken,
            until: snapshot.ends,
            allowances: snapshot.allowances.iter().map(|of| of.id).collect(),
            licences,
            keys: snapshot.keys.clone(),
            given_up,
        };
        let reference = |(kind, reference, before): &(String, String, _)| {
            let before: &super::cut_off::ReleasedBefore = before;
            Ok(ReferenceRow {
                kind: kind.clone(),
                reference: reference.clone(),
                body: before.kept()?,
            })
        };
        let rows: Vec<ReferenceRow> =
            snapshot.released.iter().map(reference).collect::<Result<_, Error>>()?;
        Ok(storage::posts::put_snapshot(batch.db, &json(&kept)?, &rows)?)
    }

    fn enter(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let (snapshot, nonce) = (&self.snapshot, batch.ids.nonce());
        let edition = batch.lists.edition.clone();
        let listed = snapshot.allowances.iter();
        let entry = LoadedEntry {
            snapshot: snapshot.id.to_string(),
            border_post: &snapshot.post,
            taken: snapshot.taken.to_string(),
            ends: snapshot.ends.to_string(),
            lists: &edition,
            licences: snapshot.licences.len(),
            allowances: listed.map(|of| of.id.to_string()).collect(),
            actor: Actor::service(&self.state, nonce),
            states: [&self.state],
        };
        batch.enter("snapshot_loaded", nonce, &entry)?;
        Ok(())
    }
}

/// Reads the licences before anything is written. Of one that something was set aside of, that is all there is.
fn read(snapshot: &Snapshot) -> Result<Vec<Ready>, Error> {
    let mut left: BTreeMap<(&Text, i64), i64> = BTreeMap::new();
    for allowance in &snapshot.allowances {
        for (line, micros) in &allowance.lines {
            let sum = left.entry((&allowance.licence, *line)).or_default();
            *sum =
                sum.checked_add(*micros).ok_or_else(|| broken("a quantity beyond all bounds"))?;
        }
    }
    let own = |number: &Text| snapshot.allowances.iter().any(|of| of.licence == *number);
    let mut ready = Vec::with_capacity(snapshot.licences.len());
    for copy in &snapshot.licences {
        let licence = Arc::new(book::licence_of(&copy.number, copy.version, &copy.document)?);
        let found = standing(&copy.status, (copy.shipments, copy.decisions), copy.drawn.clone());
        let mut standing = found.ok_or_else(|| broken("a licence's standing"))?;
        for drawn in standing.drawn.iter_mut().filter(|_| own(&copy.number)) {
            let left = left.get(&(&copy.number, i64::from(drawn.line))).copied();
            let left = Quantity::from_micros(left.unwrap_or_default());
            let left = left.ok_or_else(|| broken("a negative quantity"))?;
            let authorised = licence.line(drawn.line).map(|line| line.quantity).unwrap_or_default();
            let used = authorised.saturating_minus(left);
            drawn.reserved = used.saturating_minus(drawn.consumed);
        }
        ready.push(Ready { licence, standing, body: Arc::from(copy.document.as_str()) });
    }
    Ok(ready)
}

/// Writes a licence as the snapshot has it.
fn take_up(batch: &mut Batch<'_>, ready: &Ready) -> Result<(), Stop> {
    let Ready { licence, standing, body } = ready;
    batch.read_licences(std::slice::from_ref(&licence.number))?;
    let known = batch.licence(&licence.number);
    let known = known.map(|entry| (entry.id, entry.held.licence.version));
    let version = LicenceVersion {
        version: licence.version,
        status: standing.status,
        change: ACTOR,
        reason: None,
        body: Some(body),
        actor: ACTOR,
        at: batch.now,
    };
    let id = match known {
        Some((id, same)) if same == licence.version => id,
        Some((id, _)) => {
            storage::licence_versions::update(batch.db, id, &version)?;
            id
        }
        None => insert(batch, licence, &version)?,
    };
    let (version, decisions) = (licence.version, standing.decisions);
    storage::licence_versions::put_decisions(batch.db, id, version, decisions)?;
    write(batch, id, licence, standing)?;
    let held = Held { licence: Arc::clone(licence), standing: standing.clone() };
    batch.put_licence(book::Entry { id, held, body: Arc::clone(body) });
    Ok(())
}

fn insert(
    batch: &mut Batch<'_>,
    licence: &Licence,
    version: &LicenceVersion<'_>,
) -> Result<i64, Stop> {
    let id = storage::licences::insert(
        batch.db,
        &NewLicence {
            number: &licence.number,
            issuing_state: licence.issuing_state.as_str(),
            country_of_export: licence.country_of_export.as_str(),
            country_of_import: licence.country_of_import.as_str(),
            status: version.status.as_str(),
            version: i64::from(version.version),
            body: version.body.unwrap_or_default(),
        },
    )?;
    storage::licence_versions::insert_version(batch.db, id, version)?;
    Ok(id)
}

/// Writes where a licence stands, and its balances into the ledger.
fn write(
    batch: &mut Batch<'_>,
    id: i64,
    licence: &Licence,
    standing: &Standing,
) -> Result<(), Stop> {
    let kept: Vec<i64> = licence.lines.iter().map(|line| i64::from(line.line)).collect();
    storage::licences::remove_lines_except(batch.db, id, &kept)?;
    storage::licences::update_shipments(batch.db, &[(id, standing.shipments)])?;
    let drawn: Vec<Drawn> = licence.lines.iter().map(|line| standing.of(line.line)).collect();
    super::licences::write_lines(batch, id, licence, &drawn, ACTOR)
}

impl App {
    /// Takes a snapshot up at a post that may be cut off.
    pub fn load_snapshot(&self, snapshot: Snapshot) -> Result<Recorded, Error> {
        let (post, state) = self.own_post()?;
        let (lists, licences) = (lists::read(&snapshot.lists)?, read(&snapshot)?);
        self.recorder.submit_blocking(Box::new(Load { snapshot, lists, licences, post, state }))
    }

    /// The post that this process serves, and its State.
    pub(super) fn own_post(&self) -> Result<(String, String), Error> {
        let post = self.config.offline.post.clone();
        if post.is_empty() {
            return Err(Error::Stale("offline.post names no post".to_owned()));
        }
        Ok((post, self.config.node.state.clone()))
    }
}
