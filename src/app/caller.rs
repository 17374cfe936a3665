//! Who asks: the subject of a verified token, with the State and roles that its issuer may give.
use super::Error;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::licence::Licence;
use crate::wire::FieldError;

/// What a caller may do (contract: Roles).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Customs, bound to border posts.
    Officer,
    /// Licensing authority of a State.
    Authority,
    /// Carrier or freight forwarder.
    Carrier,
    /// Reads and verifies the audit trail.
    Auditor,
    /// Operates the service.
    Admin,
    /// Another State's register.
    Register,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Officer, Self::Authority, Self::Carrier, Self::Auditor, Self::Admin, Self::Register];

    /// The word in a token and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Authority => "authority",
            Self::Carrier => "carrier",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Register => "register",
        }
    }

    /// Reads the word in a token or in configuration.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The issuer's `iss`.
    pub issuer: Text,
    /// The token's `sub`, unique within its issuer.
    pub subject: Text,
    /// The issuer's State, from configuration and never from a claim.
    pub state: Country,
    /// The one role that the token carries.
    pub role: Role,
    /// Border posts of an officer (claim `posts`); empty for the other roles.
    pub posts: Box<[Locode]>,
    /// The operator's number of a carrier (claim `operator`).
    pub operator: Option<Text>,
}

impl Caller {
    /// The service itself, where a period has ended and nobody acted.
    pub(super) fn service(state: Country) -> Self {
        Self {
            issuer: "service".into(),
            subject: "service".into(),
            state,
            role: Role::Admin,
            posts: [].into(),
            operator: None,
        }
    }

    /// Whether it is the service itself.
    pub(super) fn is_service(&self) -> bool {
        self.role == Role::Admin && &*self.issuer == "service"
    }

    /// Whether an officer may act at a post.
    pub fn works_at(&self, post: Locode) -> bool {
        self.posts.contains(&post)
    }

    /// One string for the whole identity: keys of idempotency and of rate limits.
    pub fn key(&self) -> String {
        format!("{}#{}", self.issuer, self.subject)
    }
    /// Whether the caller may see a licence's content: authorities and officers of a State it names.
    pub fn may_read(&self, licence: &Licence) -> bool {
        let named = self.is_named_on(licence);
        match self.role {
            Role::Authority | Role::Officer => named,
            Role::Carrier | Role::Auditor | Role::Admin | Role::Register => false,
        }
    }

    /// Whether a licence names the caller's State.
    pub fn is_named_on(&self, licence: &Licence) -> bool {
        licence.names(self.state)
    }

    /// Refuses a licence of another State than the caller's own.
    pub fn must_issue(&self, licence: &Licence) -> Result<(), Error> {
        if licence.issuing_state == self.state {
            return Ok(());
        }
        let detail = format!("your authority issues for {}", self.state);
        Err(Error::Invalid(vec![FieldError::new("/issuing_state", "not_your_state", detail)]))
    }
}
