//! The sample service's choice of roles: its own issuers mint a token for whoever is chosen.
use crate::app::Error;
use crate::domain::Timestamp;
use crate::outbound::local_issuer::Claims;
use crate::outbound::local_issuer::LocalIssuer;
use serde::Serialize;

/// How long a chosen role lasts.
const LIFE_S: i64 = 900;

/// Somebody who can be chosen.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// Its short name.
    pub id: String,
    /// Who the token is about.
    pub subject: String,
    /// The State of its issuer.
    pub state: String,
    /// Its one role.
    pub role: String,
    /// Posts of an officer.
    pub posts: Vec<String>,
    /// The operator's number of a carrier.
    pub operator: Option<String>,
}

/// A declaration to try the console with.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// `clear`, `refer` or `hold`.
    pub verdict: String,
    /// The declaration, JSON.
    pub declaration: String,
}

/// Who can be chosen, and the issuers that vouch for them.
pub struct Chooser {
    audience: String,
    issuers: Vec<(String, LocalIssuer, String)>,
    people: Vec<Person>,
    samples: Vec<Sample>,
}

impl Chooser {
    /// A choice of people; each issuer is given with its State and its name.
    pub fn new(
        audience: &str,
        issuers: Vec<(String, LocalIssuer, String)>,
        people: Vec<Person>,
        samples: Vec<Sample>,
    ) -> Self {
        Self { audience: audience.to_owned(), issuers, people, samples }
    }

    /// Declarations to try the console with.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Who can be chosen.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// A token for one of them.
    pub fn mint(&self, id: &str, now: Timestamp) -> Result<String, Error> {
        let person = self.people.iter().find(|person| person.id == id).ok_or(Error::NotFound)?;
        let issuer = self.issuers.iter().find(|(state, _, _)| *state == person.state);
        let (_, issuer, name) = issuer.ok_or(Error::NotFound)?;
        let claims = Claims {
            iss: name,
            aud: &self.audience,
            sub: &person.subject,
            role: &person.role,
            posts: &person.posts,
            operator: person.operator.as_deref(),
        };
        issuer.mint(&claims, now, LIFE_S).map_err(Error::Internal)
    }
}
