//! Rows that no entry records. Where an entry was walked, what it records was found; so as many states of
//! releases name entries that were walked as there were such entries, or somebody has added one.
use super::Error;
use super::acts::Counted;
use super::releases::named;
use crate::app::lists;
use crate::app::release::timestamp;
use crate::app::release::uuid;
use crate::app::territory::Territory;
use crate::app::timeline::country;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use crate::storage::recorded::ShortVersion;
use crate::storage::serials::SerialUse;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Releases, or firearms, looked at at a time.
const PAGE: i64 = 500;

/// A log as far as it was walked.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Walked {
    /// Its row.
    pub log_id: i64,
    /// The first entry that has not been archived.
    pub from: u64,
    /// The first entry that was not walked.
    pub upto: u64,
    /// Entries among them that record an act upon a release.
    pub releases: u64,
    /// Exits, entries, arrivals and reports of firearms that they record.
    pub acts: Counted,
}

impl Walked {
    fn has(&self, version: &ShortVersion) -> bool {
        let index = u64::try_from(version.log_index);
        self.log_id == version.log_id && index.is_ok_and(|at| (self.from..self.upto).contains(&at))
    }
}

/// The first release, or firearm moved, that no entry records.
pub(super) fn fault(db: &mut Db, walked: &[Walked]) -> Result<Option<String>, Error> {
    let mut counts: HashMap<i64, u64> = HashMap::new();
    let found = releases(db, &mut |_, version| {
        if walked.iter().any(|of| of.has(version)) {
            *counts.entry(version.log_id).or_default() += 1;
        }
        Ok(None)
    })?;
    if found.is_some() {
        return Ok(found);
    }
    let fits = |of: &&Walked| counts.get(&of.log_id).copied().unwrap_or_default() == of.releases;
    if !walked.iter().all(|of| fits(&of)) {
        let found = releases(db, &mut |db, version| {
            let is_walked = walked.iter().any(|of| of.has(version));
            if !is_walked || is_recorded(db, version)? {
                return Ok(None);
            }
            let (id, index) = (uuid(&version.release_id)?, version.log_index);
            let words = format!("version {} of release {id} names entry {index}", version.version);
            Ok(Some(format!("{words}, which does not record it")))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    firearms(db)
}

/// Whether the entry that a state of a release names records it.
fn is_recorded(db: &mut Db, version: &ShortVersion) -> Result<bool, Error> {
    let index = u64::try_from(version.log_index).unwrap_or_default();
    let Some(body) = storage::log::entry(db, version.log_id, index)? else { return Ok(false) };
    let entry: Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok(named(&entry) == Some((version.release_id.clone(), version.version)))
}

/// What is said of a state of a release.
type Say<'a> = dyn FnMut(&mut Db, &ShortVersion) -> Result<Option<String>, Error> + 'a;

/// Looks at every state of every release, page by page, each as of one instant; gives the first release that
/// does not stand as its last state says, or what is said of a state.
fn releases(db: &mut Db, look: &mut Say<'_>) -> Result<Option<String>, Error> {
    let mut after = Vec::new();
    loop {
        let (page, versions, logs) = storage::snapshot(db, |db| {
            let page = storage::recorded::page(db, &after, PAGE)?;
            let ids: Vec<Vec<u8>> = page.iter().map(|(id, ..)| id.clone()).collect();
            let versions = storage::recorded::histories(db, &ids)?;
            Ok::<_, storage::Error>((page, versions, storage::log::all(db)?))
        })?;
        let Some((last, ..)) = page.last() else { return Ok(None) };
        after.clone_from(last);
        let mut of: HashMap<&[u8], Vec<&ShortVersion>> = HashMap::new();
        for version in &versions {
            of.entry(&version.release_id).or_default().push(version);
        }
        for (id, status, version) in &page {
            let history = of.remove(id.as_slice()).unwrap_or_default();
            let name = || Ok::<_, Error>(format!("release {}", uuid(id)?));
            let numbers = history.iter().map(|of| of.version);
            let stands = history.last().map(|of| (of.status.as_str(), of.version));
            if !numbers.eq(1..=*version) || stands != Some((status, *version)) {
                let words = format!("it is {status} at version {version}, and its history is not");
                return Ok(Some(format!("{}: {words}", name()?)));
            }
            for version in history {
                let is_there = |log: &&storage::log::LogRow| {
                    log.id == version.log_id && (0..log.size).contains(&version.log_index)
                };
                if logs.iter().find(is_there).is_none() {
                    let index = version.log_index;
                    let words = format!("version {} of {}", version.version, name()?);
                    return Ok(Some(format!("{words} names entry {index}, which is in no log")));
                }
                if let Some(words) = look(db, version)? {
                    return Ok(Some(words));
                }
            }
        }
    }
}

/// The first firearm that a release has moved which does not stand, or that came back by one that did not
/// move it.
fn firearms(db: &mut Db) -> Result<Option<String>, Error> {
    let lists = storage::lists::latest(db)?.map(|(_, body)| lists::read(&body)).transpose()?;
    let lists = Arc::new(lists.unwrap_or_default());
    let mut after = 0;
    loop {
        let (page, found) = storage::snapshot(db, |db| {
            let page = storage::recorded::moved(db, after, PAGE)?;
            let settled = page.iter().filter_map(|(_, of)| of.settled_by.clone());
            let mut ids: Vec<Vec<u8>> =
                page.iter().map(|(_, of)| of.release_id.clone()).chain(settled).collect();
            ids.sort_unstable();
            ids.dedup();
            let standing = storage::releases::standing_ids(db, &ids)?;
            let back = storage::recorded::firearms(db, &ids)?;
            Ok::<_, storage::Error>((page, (standing, back)))
        })?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        after = *last;
        let (standing, back) = found;
        for (_, of) in &page {
            let words = format!("firearm {} of release {}", of.serial, uuid(&of.release_id)?);
            if !standing.contains(&of.release_id) {
                return Ok(Some(format!(
                    "{words} is held to have moved, the release does not stand"
                )));
            }
            let Some(by) = &of.settled_by else { continue };
            let mut comes_back = false;
            for back in back.iter().filter(|back| back.release_id == *by) {
                comes_back |= back.serial == of.serial
                    && back.movement != of.movement
                    && is_one_border(db, &lists, back, of)?;
            }
            if !standing.contains(by) || !comes_back {
                return Ok(Some(format!(
                    "{words} is held to have come back by another, which did not move it"
                )));
            }
        }
    }
}

/// Whether a firearm came back over the border that it had crossed: the State's, or another's that was the same
/// when it did.
fn is_one_border(
    db: &mut Db,
    lists: &Arc<Lists>,
    back: &SerialUse,
    of: &SerialUse,
) -> Result<bool, Error> {
    if back.state == of.state {
        return Ok(true);
    }
    let Some(by) = storage::releases::read(db, uuid(&back.release_id)?)? else { return Ok(false) };
    let territory = Territory::new(country(&back.state)?, lists, timestamp(by.at_us)?);
    Ok(territory.includes(&of.state))
}
