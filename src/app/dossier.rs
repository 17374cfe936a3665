//! The trail of one case: every entry, in whichever log, that belongs to a consignment. A declaration's
//! reference leads to its consignment where something was released under it.
use super::App;
use super::Caller;
use super::Error;
use super::judge::Presented;
use crate::storage;
use crate::storage::Db;
use crate::storage::consignments::By;
use crate::storage::consignments::Concerned;
use crate::wire::audit::EntryReply;
use crate::wire::audit::ProofReply;
use std::collections::BTreeSet;

/// Entries of one case that posts and authorities brought about.
pub const ENTRIES_MAX: usize = 500;
/// Those that its carrier brought about by announcing and withdrawing it.
pub const ANNOUNCED_MAX: usize = 100;
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
        let (places, is_cut) = self.places(caller, sought).await?;
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
        let (places, is_cut) = self.places(caller, sought).await?;
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

    async fn places(&self, caller: &Caller, sought: &str) -> Result<(Vec<Place>, bool), Error> {
        let (sought, state) = (sought.to_owned(), caller.state);
        let to = (!self.audits(caller)).then_some(state);
        let read = move |db: &mut Db| {
            let to = to.as_ref().map(|to| Concerned { state: to.as_str(), carrier: None });
            places(db, &sought, to)
        };
        self.readers.read(read).await
    }
}

fn places(
    db: &mut Db,
    sought: &str,
    to: Option<Concerned<'_>>,
) -> Result<(Vec<Place>, bool), Error> {
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
    let (mut found, mut is_cut) = (BTreeSet::new(), false);
    for (by, most) in [(By::Posts, ENTRIES_MAX), (By::Carriers, ANNOUNCED_MAX)] {
        let (limit, mut of) = (i64::try_from(most + 1).unwrap_or(i64::MAX), BTreeSet::new());
        for ucr in &consignments {
            let events = storage::consignments::events(db, ucr, by, to, limit)?;
            of.extend(events.iter().map(|event| (event.at_us, event.log_id, event.log_index)));
            if by == By::Posts {
                of.extend(storage::alerts::steps_of(db, ucr, limit)?);
            }
        }
        is_cut |= of.len() > most;
        found.extend(of.into_iter().take(most));
    }
    let logs: Vec<(i64, String)> =
        storage::log::all(db)?.into_iter().map(|log| (log.id, log.origin)).collect();
    let mut seen = BTreeSet::new();
    found.retain(|(_, log, index)| seen.insert((*log, *index)));
    let place = |(_, id, index): (i64, i64, i64)| {
        let (_, origin) = logs.iter().find(|(log, _)| *log == id)?;
        Some((origin.clone(), u64::try_from(index).ok()?))
    };
    Ok((found.into_iter().filter_map(place).collect(), is_cut))
}
