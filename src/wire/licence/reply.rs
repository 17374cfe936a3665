//! A licence as it is read back: the document, where it stands, and the balance of each line.
use super::Licence;
use super::Line;
use crate::domain::licence::Balance;
use crate::domain::licence::Held;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The four figures of a line, decimal strings in the line's unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceReply {
    /// What may move in all.
    pub authorised: String,
    /// Held for announced goods.
    pub reserved: String,
    /// Used up by releases.
    pub consumed: String,
    /// What is left to draw.
    pub available: String,
}

impl From<Balance> for BalanceReply {
    fn from(balance: Balance) -> Self {
        Self {
            authorised: balance.authorised.to_string(),
            reserved: balance.reserved.to_string(),
            consumed: balance.consumed.to_string(),
            available: balance.available.to_string(),
        }
    }
}

/// A line with its balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineReply {
    /// The line.
    #[serde(flatten)]
    pub line: Line,
    /// Its balance.
    pub balance: BalanceReply,
}

/// A licence as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LicenceReply {
    /// The document.
    #[serde(flatten)]
    pub licence: Licence,
    /// `active`, `suspended`, `revoked`, `annulled`, `surrendered` or `superseded`.
    pub status: String,
    /// Counts from 1 with each change; quote it in `If-Match`.
    pub version: u32,
    /// Whether a single-use licence has had its shipment.
    pub closed: bool,
    /// Releases that stand against it.
    pub shipments: u32,
    /// The goods with their balances.
    pub lines: Vec<LineReply>,
}

/// A decision of the authority: `POST /v1/licences/{number}/suspension` and the like.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionRequest {
    /// Why.
    pub reason: Option<String>,
}

/// Every kind of movement of a balance.
pub const MOVEMENTS: [&str; 17] = [
    "issue",
    "amendment",
    "release",
    "release_amendment",
    "reversal",
    "override",
    "reservation",
    "reservation_taken_over",
    "reservation_lapsed",
    "reservation_withdrawn",
    "allowance",
    "allowance_drawn",
    "allowance_returned",
    "allowance_withdrawn",
    "allowance_lost",
    "snapshot",
    "allowances_given_up",
];

/// A movement of a line's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerReply {
    /// The line.
    pub line: i64,
    /// `issue`, `amendment`, `release`, `release_amendment`, `reversal`, `override`, `reservation`,
    /// `reservation_taken_over`, `reservation_lapsed`, `reservation_withdrawn`; of what is set aside for a post that
    /// may be cut off `allowance`, `allowance_drawn`, `allowance_returned`, `allowance_withdrawn` or `allowance_lost`; at such a post
    /// `snapshot` or `allowances_given_up`.
    pub kind: String,
    /// By how much consumption moved, signed.
    pub consumed_change: String,
    /// By how much what is held moved, signed.
    pub reserved_change: String,
    /// Authorised after it.
    pub authorised: String,
    /// Reserved after it.
    pub reserved: String,
    /// Consumed after it.
    pub consumed: String,
    /// The release that moved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The pre-clearance for which it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preclearance: Option<String>,
    /// The allowance of a post as which it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowance: Option<String>,
    /// When.
    pub at: String,
}

/// A version in a licence's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionReply {
    /// Its number.
    pub version: i64,
    /// What happened.
    pub change: String,
    /// Where the licence stood after it.
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at: String,
    /// The document, where this change altered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Licence>)]
    pub licence: Option<Box<RawValue>>,
}

impl LicenceReply {
    /// Puts the document and its standing together.
    pub fn new(mut document: Licence, held: &Held) -> Self {
        let lines = std::mem::take(&mut document.lines)
            .into_iter()
            .zip(held.licence.lines.iter())
            .map(|(line, read)| LineReply { line, balance: held.balance(read).into() })
            .collect();
        Self {
            licence: document,
            status: held.standing.status.as_str().to_owned(),
            version: held.licence.version,
            closed: held.is_closed(),
            shipments: held.standing.shipments,
            lines,
        }
    }
}
