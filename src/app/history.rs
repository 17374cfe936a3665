//! A licence's past: pages of its ledger and of its versions, and the list of a State's licences.
use super::App;
use super::Caller;
use super::Error;
use super::book;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Quantity;
use crate::domain::licence::Held;
use crate::domain::number;
use crate::storage;
use crate::storage::Db;
use crate::storage::licences::LedgerRow;
use crate::storage::licences::LicenceRow;
use crate::wire::licence::LedgerReply;
use crate::wire::licence::LicenceReply;
use crate::wire::licence::VersionReply;
use crate::wire::verification::instant;
use serde_json::value::RawValue;
use std::sync::Arc;

/// One page, and the row after which the next one starts.
pub type Paged<T> = (Vec<T>, Option<i64>);

impl App {
    /// A licence's row.
    pub(super) async fn licence_row(&self, number: &str) -> Result<LicenceRow, Error> {
        let asked = number::of_licence(number).map_err(|_e| Error::NotFound)?;
        let read = move |db: &mut Db| storage::licences::read(db, &[asked.as_str()]);
        let found = self.readers.read(read).await?;
        found.into_iter().next().ok_or(Error::NotFound)
    }

    /// The same, of the caller's own State.
    pub(super) async fn own_licence(
        &self,
        caller: &Caller,
        number: &str,
    ) -> Result<LicenceRow, Error> {
        let row = self.licence_row(number).await?;
        let licence = book::licence_of(number, row.version, &row.body)?;
        if licence.issuing_state == caller.state { Ok(row) } else { Err(Error::NotFound) }
    }

    /// A page of the licences of the caller's State.
    pub async fn licences(
        &self,
        caller: &Caller,
        after: i64,
        limit: u16,
    ) -> Result<Paged<LicenceReply>, Error> {
        let (state, most) = (caller.state, i64::from(limit) + 1);
        let page = move |db: &mut Db| {
            let rows = storage::licences::page(db, state.as_str(), after, most)?;
            let (shown, next) = cut(rows, limit, |(id, _)| *id);
            let numbers: Vec<&str> = shown.iter().map(|(_, number)| number.as_str()).collect();
            let mut rows = storage::licences::read(db, &numbers)?;
            rows.sort_by_key(|row| row.id);
            Ok::<_, Error>((rows, next))
        };
        let (rows, next) = self.readers.read(page).await?;
        Ok((rows.into_iter().map(licence_reply).collect::<Result<_, _>>()?, next))
    }

    /// A page of a licence's ledger.
    pub async fn ledger(
        &self,
        caller: &Caller,
        number: &str,
        after: i64,
        limit: u16,
    ) -> Result<Paged<LedgerReply>, Error> {
        let (id, most) = (self.own_licence(caller, number).await?.id, i64::from(limit) + 1);
        let rows =
            self.readers.read(move |db| storage::licences::ledger(db, id, after, most)).await?;
        let (shown, next) = cut(rows, limit, |(id, _)| *id);
        Ok((shown.iter().map(|(_, row)| ledger_reply(row)).collect::<Result<_, _>>()?, next))
    }

    /// A page of a licence's versions.
    pub async fn versions(
        &self,
        caller: &Caller,
        number: &str,
        after: i64,
        limit: u16,
    ) -> Result<Paged<VersionReply>, Error> {
        let (id, most) = (self.own_licence(caller, number).await?.id, i64::from(limit) + 1);
        let rows = self
            .readers
            .read(move |db| storage::licence_versions::versions(db, id, after, most))
            .await?;
        let (shown, next) = cut(rows, limit, |row| row.version);
        let reply = |row: storage::licence_versions::VersionRow| {
            let licence = row.body.map(RawValue::from_string).transpose();
            Ok(VersionReply {
                version: row.version,
                change: row.change,
                status: row.status,
                reason: row.reason,
                actor: row.actor,
                at: instant(timestamp(row.at_us)?),
                licence: licence
                    .map_err(|error| Error::Internal(format!("a stored licence: {error}")))?,
            })
        };
        Ok((shown.into_iter().map(reply).collect::<Result<_, Error>>()?, next))
    }
}

/// A licence as it is shown.
pub(super) fn licence_reply(row: LicenceRow) -> Result<LicenceReply, Error> {
    let licence = Arc::new(book::licence_of(&row.number, row.version, &row.body)?);
    let document = book::document_of(&row.number, &row.body)?;
    Ok(LicenceReply::new(document, &Held { licence, standing: row.standing }))
}

/// Cuts a page that was read with one row too many.
pub(super) fn cut<T>(mut rows: Vec<T>, limit: u16, id: impl Fn(&T) -> i64) -> Paged<T> {
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next = rows.last().map(id).filter(|_| more);
    (rows, next)
}

fn ledger_reply(row: &LedgerRow) -> Result<LedgerReply, Error> {
    let figure = |micros: i64| {
        Quantity::from_micros(micros).map(|quantity| quantity.to_string()).unwrap_or_default()
    };
    let signed =
        |micros: i64| format!("{}{}", if micros < 0 { "-" } else { "" }, figure(micros.abs()));
    let id = |id: Option<&[u8]>| Ok::<_, Error>(id.map(uuid).transpose()?.map(|id| id.to_string()));
    Ok(LedgerReply {
        line: row.line,
        kind: row.kind.clone(),
        consumed_change: signed(row.consumed_change),
        reserved_change: signed(row.reserved_change),
        authorised: figure(row.authorised),
        reserved: figure(row.reserved),
        consumed: figure(row.consumed),
        release: id(row.release_id.as_deref())?,
        preclearance: id(row.preclearance_id.as_deref())?,
        allowance: id(row.allowance_id.as_deref())?,
        at: instant(timestamp(row.at_us)?),
    })
}
