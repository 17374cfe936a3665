//! Credentials: issued for licences of this State, so that another State can check them alone; and checked
//! when others' are presented.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::judge::Presented;
use super::judge::json;
use super::licences::own;
use super::record::Actor;
use super::record::states_named;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::trust;
use super::trust::Checked;
use crate::credential;
use crate::credential::KeyError;
use crate::credential::PublicKey;
use crate::credential::Signer;
use crate::credential::claims::Place;
use crate::credential::opened;
use crate::credential::status::ENTRIES;
use crate::credential::status::Standing;
use crate::domain::Date;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::licence::Status;
use crate::domain::number;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::Db;
use crate::storage::credentials::CredentialRow;
use crate::storage::credentials::Fallen;
use crate::wire::credential::CredentialCheckReply;
use crate::wire::credential::CredentialReply;
use crate::wire::credential::ListedReply;
use crate::wire::credential::SignedByReply;
use crate::wire::verification::instant;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How long others are waited for.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);
/// Days after a licence's last one on which its credential still reads: the day ends later elsewhere.
const DAYS_AFTER: i64 = 2;

/// What the trail says of a credential.
#[derive(Serialize)]
struct CredentialEntry<'a> {
    licence: &'a str,
    version: u32,
    place: u64,
    actor: Actor,
    states: Vec<String>,
}

struct Issue {
    number: Text,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Issue {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.licence(&self.number);
        claims.name("credential", self.number.as_bytes());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let entry = own(batch, &self.number, &self.caller)?;
        let status = entry.held.standing.status;
        if status != Status::Active {
            let words = format!("the licence is {}: nothing is signed of it", status.as_str());
            return Err(Error::Stale(words).into());
        }
        let version = storage::credentials::document_version(batch.db, entry.id)?
            .ok_or_else(|| Error::Internal(format!("licence {} has no document", self.number)))?;
        let found = storage::credentials::find(batch.db, entry.id, version)?;
        // One for each document: asking again gives the same.
        let (row, outcome) = match found {
            Some(row) => (row, Done::Done),
            None => (self.issue(batch, &entry, version)?, Done::Created),
        };
        Ok(Recorded { outcome, reply: json(&(row.place, row.version, row.at_us))?, version: None })
    }
}

impl Issue {
    fn issue(
        &self,
        batch: &mut Batch<'_>,
        entry: &book::Entry,
        version: u32,
    ) -> Result<CredentialRow, Stop> {
        let (actor, at_us) = (self.caller.key(), batch.now.as_microsecond());
        let row = storage::credentials::insert(batch.db, entry.id, version, &actor, at_us)?;
        let nonce = batch.ids.nonce();
        let body = CredentialEntry {
            licence: &self.number,
            version,
            place: row.place,
            actor: Actor::new(&self.caller, nonce),
            states: states_named(&entry.held.licence),
        };
        batch.enter("credential", nonce, &body)?;
        Ok(row)
    }
}

/// The place over all lists of an entry of one.
pub(super) fn place(list: u64, idx: u64) -> Option<u64> {
    list.checked_mul(ENTRIES)?.checked_add(idx).filter(|_| idx < ENTRIES)
}

/// What a status list says of a credential that no longer simply stands.
pub(super) fn standing(fallen: &Fallen) -> Standing {
    match fallen.status {
        Status::Active => Standing::Amended,
        Status::Suspended => Standing::Suspended,
        Status::Revoked | Status::Annulled | Status::Surrendered | Status::Superseded => {
            Standing::Invalid
        }
    }
}

/// The instant after which a credential is of no use.
fn expiry(last: Date) -> Option<i64> {
    let end = last.checked_add(jiff::Span::new().try_days(DAYS_AFTER + 1).ok()?).ok()?;
    let midnight = end.to_datetime(jiff::civil::Time::midnight());
    Some(jiff::tz::TimeZone::UTC.to_timestamp(midnight).ok()?.as_second())
}

impl App {
    /// The credential of a licence of the caller's State: issued where there is none of this document yet.
    /// Both envelopes, the picture for paper, and where its status is published.
    pub async fn credential(
        &self,
        caller: &Caller,
        number: &str,
        once: Option<Once>,
    ) -> Result<CredentialReply, Error> {
        if caller.state.as_str() != self.config.node.state || caller.role != Role::Authority {
            return Err(Error::NotFound);
        }
        // Without a key that signs nothing is recorded either.
        self.trust.signer()?;
        let number = &number::of_licence(number).map_err(|_e| Error::NotFound)?;
        let command = Issue { number: number.clone(), caller: caller.clone(), once };
        let recorded = self.recorder.submit(Box::new(command)).await?;
        let (place, version, at_us): (u64, u32, i64) = serde_json::from_str(&recorded.reply)
            .map_err(|error| Error::Internal(format!("a credential's record: {error}")))?;
        let asked = number.clone();
        let body =
            move |db: &mut Db| storage::licence_versions::body_of_version(db, &asked, version);
        let body = self.readers.read(body).await?.ok_or(Error::NotFound)?;
        let licence = book::licence_of(number, version, &body)?;
        let broken = |error: &dyn std::fmt::Display| {
            Error::Internal(format!("the credential of {number}: {error}"))
        };
        let issued_at = super::release::timestamp(at_us)?;
        let (list, idx) = (place / ENTRIES, place % ENTRIES);
        let claims = credential::Claims {
            iss: self.trust.issuer().to_owned(),
            sub: number.to_string(),
            iat: issued_at.as_second(),
            exp: licence.valid_until.and_then(expiry),
            status: credential::claims::Status {
                status_list: Place { idx, uri: self.trust.list_uri(list) },
            },
            licence_version: version,
            licence: serde_json::from_str(&body).map_err(|error| broken(&error))?,
        };
        let (issuer, status_list) = (claims.iss.clone(), claims.status.status_list.uri.clone());
        let signed = self.trust.sign(move |signer| both(&claims, signer)).await?;
        let (jws, paper, key) = signed;
        Ok(CredentialReply {
            licence: number.to_string(),
            version,
            issued_at: instant(issued_at),
            issuer,
            key: key.kid(),
            algorithm: key.algorithm().as_str().to_owned(),
            status_list,
            status_index: idx,
            jws,
            paper,
        })
    }

    /// Checks a credential that somebody presents. It says nothing of what is left of the licence.
    pub async fn check_credential(&self, text: String) -> Result<CredentialCheckReply, Error> {
        let now = self.clock.now();
        let text = Text::from(text);
        self.look_up(std::slice::from_ref(&text), now).await;
        let trust = Arc::clone(&self.trust);
        let checked = self.readers.read(move |db| trust.check(db, &text, now)).await?;
        Ok(reply(&checked, now))
    }

    /// Adds a declaration's credentials to the facts. Where the register cannot be asked about them, that
    /// is a fact too, and refers.
    pub(super) async fn check_credentials(
        &self,
        presented: &Arc<Presented>,
        facts: &mut Facts,
        now: Timestamp,
    ) {
        if presented.declaration.credentials.is_empty() {
            return;
        }
        self.look_up(&presented.declaration.credentials, now).await;
        let (trust, asked) = (Arc::clone(&self.trust), Arc::clone(presented));
        let held = facts.licences.clone();
        let check = move |db: &mut Db| trust.facts(db, &asked.declaration.credentials, &held, now);
        match self.readers.read(check).await {
            Ok(checked) => facts.credentials = checked,
            Err(error) => {
                tracing::error!(%error, "credentials cannot be checked");
                facts.history_available = false;
            }
        }
    }

    /// Asks others for what is not known yet, for as long as a caller can wait.
    async fn look_up(&self, texts: &[Text], now: Timestamp) {
        if tokio::time::timeout(LOOK_UP_WITHIN, self.trust.look_up(texts, now)).await.is_err() {
            tracing::warn!("other authorities take long: what is known of them serves");
        }
    }
}

/// Both envelopes, and the key that signed them. A licence of thousands of firearms has no room on paper;
/// its file has.
fn both(
    claims: &credential::Claims,
    signer: &dyn Signer,
) -> Result<(String, Option<String>, PublicKey), KeyError> {
    let jws = opened::sign_jws(claims, signer)?;
    let paper = match opened::sign_paper(claims, signer) {
        Ok(paper) => Some(paper),
        Err(KeyError::Unusable(_)) => None,
        Err(silent @ KeyError::Unavailable(_)) => return Err(silent),
    };
    Ok((jws, paper, signer.public().clone()))
}

/// A check as it is answered.
pub fn reply(checked: &Checked, now: Timestamp) -> CredentialCheckReply {
    let claims = checked.opened.as_ref().map(credential::Opened::claims);
    let key = checked.opened.as_ref().map(|opened| SignedByReply {
        id: opened.kid_text(),
        algorithm: opened.algorithm().as_str().to_owned(),
        state: checked.key.map(|(state, _)| state.to_string()),
        known_from: checked.key.map(|(_, from)| from.to_owned()),
    });
    let status = checked.status.as_ref().map(|seen| ListedReply {
        standing: seen.standing.as_str().to_owned(),
        as_of: instant(Timestamp::from_second(seen.as_of).unwrap_or(now)),
        age_s: seen.age_s,
    });
    // What nobody has signed is not shown as if somebody had.
    let shown = claims.filter(|_| checked.key.is_some());
    CredentialCheckReply {
        result: trust::word(checked.proof).to_owned(),
        code: checked.code.to_owned(),
        detail: checked.why.clone(),
        form: checked.opened.as_ref().map(|opened| opened.form().to_owned()),
        issuer: claims.map(|claims| claims.iss.clone()),
        key,
        status,
        licence: claims.map(|claims| claims.sub.clone()),
        version: shown.map(|claims| claims.licence_version),
        document: shown.map(|claims| claims.licence.clone()),
        checked_at: instant(now),
        balance: CredentialCheckReply::BALANCE.to_owned(),
    }
}
