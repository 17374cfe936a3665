//! What an authority decides on a licence: suspended, in force again, revoked, annulled, given back.
//! A suspended licence keeps what is held from it; under an annulled one nothing was ever licensed.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::licences::Change;
use super::licences::enter;
use super::licences::matches_version;
use super::licences::own;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::Text;
use crate::domain::licence::Status;
use crate::domain::number;
use crate::storage;
use crate::storage::Db;
use crate::storage::licence_versions::LicenceVersion;
use std::sync::Arc;

/// A change of status that an authority decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Active to suspended.
    Suspension,
    /// Suspended to active.
    Reinstatement,
    /// To revoked.
    Revocation,
    /// To annulled.
    Annulment,
    /// To surrendered.
    Surrender,
}

impl Decision {
    /// The word in the history and in the path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspension => "suspension",
            Self::Reinstatement => "reinstatement",
            Self::Revocation => "revocation",
            Self::Annulment => "annulment",
            Self::Surrender => "surrender",
        }
    }

    /// Reads the word in a path.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Suspension, Self::Reinstatement, Self::Revocation, Self::Annulment, Self::Surrender]
            .into_iter()
            .find(|decision| decision.as_str() == text)
    }

    /// The status that it leads to, where it may be taken from this one.
    fn from(self, status: Status) -> Option<Status> {
        match (self, status) {
            (Self::Suspension, Status::Active) => Some(Status::Suspended),
            (Self::Reinstatement, Status::Suspended) => Some(Status::Active),
            (Self::Revocation, Status::Active | Status::Suspended | Status::Superseded) => {
                Some(Status::Revoked)
            }
            (
                Self::Annulment,
                Status::Active | Status::Suspended | Status::Revoked | Status::Superseded,
            ) => Some(Status::Annulled),
            (Self::Surrender, Status::Active | Status::Suspended) => Some(Status::Surrendered),
            (
                Self::Suspension
                | Self::Reinstatement
                | Self::Revocation
                | Self::Annulment
                | Self::Surrender,
                _,
            ) => None,
        }
    }
}

struct Decide {
    number: Text,
    decision: Decision,
    if_match: Option<u32>,
    reason: Text,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Decide {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.licence(&self.number);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let mut entry = own(batch, &self.number, &self.caller)?;
        if let Some(version) = self.if_match {
            matches_version(&entry, version)?;
        }
        let was = entry.held.standing.status;
        let status = self.decision.from(was).ok_or_else(|| {
            Error::Stale(format!(
                "a licence that is {} takes no {}",
                was.as_str(),
                self.decision.as_str()
            ))
        })?;
        let version = LicenceVersion {
            version: entry.held.licence.version + 1,
            status,
            change: self.decision.as_str(),
            reason: Some(&self.reason),
            body: None,
            actor: &self.caller.key(),
            at: batch.now,
        };
        storage::licence_versions::update(batch.db, entry.id, &version)?;
        let mut licence = entry.held.licence.as_ref().clone();
        licence.version = version.version;
        entry.held.licence = Arc::new(licence);
        entry.held.standing.status = status;
        entry.held.standing.decisions += 1;
        if self.decision == Decision::Annulment {
            super::notice::annulled(batch, entry.id, &self.number)?;
        }
        let change = Change {
            caller: &self.caller,
            change: self.decision.as_str(),
            reason: Some(&self.reason),
        };
        enter(batch, entry, &change, Done::Done)
    }
}

impl App {
    /// Changes a licence's status.
    pub async fn decide(
        &self,
        caller: &Caller,
        number: Text,
        decision: Decision,
        reason: Text,
        if_match: Option<u32>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let number = number::of_licence(&number).map_err(|_e| Error::NotFound)?;
        let command = Decide { number, decision, if_match, reason, caller: caller.clone(), once };
        self.recorder.submit(Box::new(command)).await
    }
}
