//! The trail of one case: every entry, in whichever log, that belongs to a consignment. A declaration's
//! reference leads to its consignment where something was released under it.
use super::App;
use super::Caller;
use super::Error;
use super::judge::Presented;
use crate::storage;
use crate::storage::Db;
use crate::wire::audit::EntryReply;
use crate::wire::audit::ProofReply;
use std::collections::BTreeSet;

/// Entries of one case.
pub const ENTRIES_MAX: usize = 500;
/// Releases of a reference that are asked for their consignment.
const RELEASES_MAX: i64 = 20;

/// A case's entries.
#[derive(Debug)]
pub struct Dossier<T> {
    /// The entries, as far as they concern the caller.
    pub entries: Vec<T>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// A place in a log.
type Place = (String, u64);

impl App {
    /// The entries of a case.
    pub async fn dossier(
        &self,
        caller: &Caller,
        sought: &str,
    ) -> Result<Dossier<EntryReply>, Error> {
        let (places, is_cut) = self.places(sought).await?;
        let mut entries = Vec::with_capacity(places.len());
        for (log, index) in places {
            let (mut page, _) = self.entries(caller, Some(&log), index, 1).await?;
            entries.append(&mut page);
        }
        Ok(Dossier { entries, is_cut })
    }

    /// The same, each with its proof.
    pub async fn proven_dossier(
        &self,
        caller: &Caller,
        sought: &str,
    ) -> Result<Dossier<ProofReply>, Error> {
        let (places, is_cut) = self.places(sought).await?;
        let mut entries = Vec::with_capacity(places.len());
        for (log, index) in places {
            match self.proof(caller, &log, index).await {
                Ok(proof) => entries.push(proof),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Dossier { entries, is_cut })
    }

    async fn places(&self, sought: &str) -> Result<(Vec<Place>, bool), Error> {
        let sought = sought.to_owned();
        self.readers.read(move |db| places(db, &sought)).await
    }
}

fn places(db: &mut Db, sought: &str) -> Result<(Vec<Place>, bool), Error> {
    let most = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX);
    let mut consignments = BTreeSet::from([sought.to_owned()]);
    for id in storage::releases::under(db, sought, RELEASES_MAX)? {
        let row = storage::releases::read(db, super::release::uuid(&id)?)?;
        let declared = row.map(|row| Presented::read(row.declaration, "")).transpose();
        let declared = declared.map_err(|error| {
            Error::Internal(format!("a release's declaration does not read: {error}"))
        })?;
        let ucr = declared.and_then(|d| d.declaration.consignment().map(ToString::to_string));
        consignments.extend(ucr);
    }
    let mut found = BTreeSet::new();
    for ucr in &consignments {
        let events = storage::consignments::events(db, ucr, most)?;
        found.extend(events.iter().map(|event| (event.at_us, event.log_id, event.log_index)));
        found.extend(storage::alerts::steps_of(db, ucr, most)?);
    }
    let logs: Vec<(i64, String)> =
        storage::log::all(db)?.into_iter().map(|log| (log.id, log.origin)).collect();
    let mut seen = BTreeSet::new();
    found.retain(|(_, log, index)| seen.insert((*log, *index)));
    let is_cut = found.len() > ENTRIES_MAX;
    let place = |(_, id, index): (i64, i64, i64)| {
        let (_, origin) = logs.iter().find(|(log, _)| *log == id)?;
        Some((origin.clone(), u64::try_from(index).ok()?))
    };
    Ok((found.into_iter().take(ENTRIES_MAX).filter_map(place).collect(), is_cut))
}
