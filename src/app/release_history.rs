//! Every state in which a release ever stood: what was decided, why, and what it drew then.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::judge::json;
use super::overriding;
use super::recorder::Stop;
use super::release::Act;
use super::release::released_at;
use super::release::timestamp;
use super::release::uuid;
use crate::audit::entry::hex;
use crate::audit::entry::salted;
use crate::storage;
use crate::storage::Db;
use crate::storage::overrides::OverrideRow;
use crate::storage::overrides::VersionRow;
use crate::storage::releases::ReleaseRow;
use crate::wire::release::DrawReply;
use crate::wire::release::DrewReply;
use crate::wire::release::ReleaseHistory;
use crate::wire::release::ReleaseVersionReply;
use crate::wire::verification::instant;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Most states shown of one release.
const VERSIONS_MAX: i64 = 1000;

/// Writes the state in which an act leaves a release.
pub(super) fn write(
    batch: &mut Batch<'_>,
    act: &Act<'_>,
    draws: &[DrawReply],
    index: u64,
) -> Result<(), Stop> {
    let drew = |draw: &DrawReply| DrewReply {
        item: draw.item,
        licence: draw.licence.clone(),
        line: draw.line,
        quantity: draw.quantity.clone(),
        unit: draw.unit.clone(),
    };
    let (log_id, log_index) = batch.place(index)?;
    let row = VersionRow {
        release_id: act.row.id.clone(),
        version: act.row.version,
        change: act.kind.to_owned(),
        status: act.row.status.clone(),
        reason: act.reason.map(str::to_owned),
        // The release itself has it, until another one takes its place.
        declaration: None,
        draws: json(&draws.iter().map(drew).collect::<Vec<_>>())?,
        actor: act.caller.key(),
        at_us: act.joined.map_or(batch.now.as_microsecond(), |_| act.row.at_us),
        log_id,
        log_index,
    };
    batch.insert_version(row)
}

/// The digest of a release as it stands, but for its declaration, which has one of its own.
pub(super) fn digest(nonce: [u8; 16], row: &ReleaseRow) -> Result<String, Error> {
    let about = (&row.state, &row.border_post, &row.status, row.version, &row.caller, row.at_us);
    let declared = (&row.reference_kind, &row.reference, &row.items, &row.outward, &row.states);
    let bytes = (hex(&row.id), hex(&row.verification_id), hex(&row.content_sha256));
    Ok(salted(nonce, json(&(bytes, about, declared))?.as_bytes()))
}

/// The digest of an override as it stands.
pub(super) fn digest_of_override(nonce: [u8; 16], row: &OverrideRow) -> Result<String, Error> {
    let asked = (&row.reason, &row.codes, &row.caller, row.due_us);
    let confirmed = (&row.beyond, &row.confirmed_by, row.confirmed_us);
    Ok(salted(nonce, json(&(asked, confirmed))?.as_bytes()))
}

/// The same for the entry of an act.
pub(super) fn override_sha256(
    batch: &mut Batch<'_>,
    nonce: [u8; 16],
    act: &Act<'_>,
) -> Result<Option<String>, Error> {
    let row = match act.against {
        Some(_) => storage::overrides::read(batch.db, &act.row.id)?,
        None => None,
    };
    row.map(|row| digest_of_override(nonce, &row)).transpose()
}

fn version(row: VersionRow) -> Result<ReleaseVersionReply, Error> {
    let broken = |error: serde_json::Error| Error::Internal(format!("a kept release: {error}"));
    Ok(ReleaseVersionReply {
        version: row.version,
        change: row.change,
        status: row.status,
        reason: row.reason,
        draws: serde_json::from_str(&row.draws).map_err(broken)?,
        declaration: row.declaration.map(RawValue::from_string).transpose().map_err(broken)?,
        at: instant(timestamp(row.at_us)?),
    })
}

/// The State that released, and every State that the shipment concerns.
fn may_read(caller: &Caller, row: &ReleaseRow) -> Result<bool, Error> {
    let states = super::timeline::states_in(&row.states)?;
    let own = caller.state.as_str();
    Ok(row.state == own || states.iter().any(|state| state == own))
}

impl App {
    /// A release as it stands, with every state in which it stood.
    pub async fn read_release(&self, caller: &Caller, id: Uuid) -> Result<ReleaseHistory, Error> {
        let read = move |db: &mut Db| {
            let Some(row) = storage::releases::read(db, id)? else { return Ok(None) };
            let against = storage::overrides::read(db, &row.id)?;
            let versions = storage::overrides::versions(db, &row.id, VERSIONS_MAX)?;
            Ok::<_, Error>(Some((row, against, versions)))
        };
        let (row, against, versions) = self.readers.read(read).await?.ok_or(Error::NotFound)?;
        if !may_read(caller, &row)? {
            return Err(Error::NotFound);
        }
        let waits = against.as_ref().is_some_and(|against| against.confirmed_us.is_none());
        let released_at = released_at(&row, waits)?;
        Ok(ReleaseHistory {
            id: uuid(&row.id)?.to_string(),
            verification: uuid(&row.verification_id)?.to_string(),
            status: row.status,
            version: row.version,
            declaration: row.reference,
            border_post: row.border_post,
            released_at,
            against: against.as_ref().map(overriding::reply).transpose()?,
            history: versions.into_iter().map(version).collect::<Result<_, _>>()?,
        })
    }
}
