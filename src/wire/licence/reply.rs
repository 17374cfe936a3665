//! A licence as it is read back: the document, where it stands, and the balance of each line.
use super::Licence;
use super::Line;
use crate::domain::licence::Balance;
use crate::domain::licence::Held;
use serde::Deserialize;
use serde::Serialize;
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
