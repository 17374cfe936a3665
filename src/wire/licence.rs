//! Licences as authorities send and read them.
use super::field::FieldError;
use super::party::Party;
use crate::domain::licence as domain;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

mod read;
mod reply;

pub(in crate::wire) use read::words;
pub use reply::BalanceReply;
pub use reply::DecisionRequest;
pub use reply::LedgerReply;
pub use reply::LicenceReply;
pub use reply::MOVEMENTS;
pub use reply::VersionReply;

/// A transit State's consent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// `written`, `licence`, `tacit`, `exempt` or `objection`.
    pub form: Option<String>,
    /// The notice's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The day of the notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// The day on which consent was asked for in writing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_on: Option<String>,
}

/// A State that the goods are expected to cross.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransitState {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Its consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The day on which it was told of the import licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub informed_on: Option<String>,
}

/// A condition set by the licence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Its short name, which a declaration's `fulfilments` cite.
    pub code: Option<String>,
    /// Whether goods may not move while it is unmet.
    pub blocking: bool,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One line of goods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// Its number, from 1.
    pub line: Option<u32>,
    /// `firearm`, `part`, `ammunition` or `ammunition_component`.
    pub category: Option<String>,
    /// HS at 6 digits or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hs: Option<String>,
    /// Control category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_list: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Calibre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibre: Option<String>,
    /// Country of manufacture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_manufacture: Option<String>,
    /// How much may move, a decimal string.
    pub quantity: Option<String>,
    /// Rec 20 code.
    pub unit: Option<String>,
    /// The serials that alone may move.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serials: Vec<String>,
}

/// A licence as its authority issues it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Licence {
    /// The authority's number; in either case of its letters it is the same one.
    pub number: Option<String>,
    /// `export`, `import` or `transit`.
    pub kind: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub issuing_state: Option<String>,
    /// The authority's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuing_authority: Option<String>,
    /// Place of issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_of_issue: Option<String>,
    /// Day of issue.
    pub issued_on: Option<String>,
    /// First day of validity.
    pub valid_from: Option<String>,
    /// Last day of validity, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// `single`, `multiple` or `open`.
    #[serde(rename = "use")]
    pub usage: Option<String>,
    /// `permanent` (the default) or `temporary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The purpose of a temporary movement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Country of export.
    pub country_of_export: Option<String>,
    /// Country of import.
    pub country_of_import: Option<String>,
    /// States crossed, with their consents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transit: Vec<TransitState>,
    /// Who holds the contract to export.
    pub exporter: Option<Party>,
    /// Who receives at the border.
    pub consignee: Option<Party>,
    /// Who keeps the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_recipient: Option<Party>,
    /// Brokers disclosed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brokers: Vec<Party>,
    /// Posts that alone may be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub border_posts: Vec<String>,
    /// Identifiers of the carriers that alone may carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carriers: Vec<String>,
    /// Identifiers of further carriers that the holder has authorised to reserve quantities; the
    /// choice of the carrier stays open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mandated_carriers: Vec<String>,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Licences of the same transaction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub linked_licences: Vec<String>,
    /// `registry` (the default), `validated`, `unverified` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticity: Option<String>,
    /// The number of the licence that replaces this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// The goods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
}

impl Licence {
    /// Reads it as a version into the words of the trade, or says everything that cannot be used;
    /// paths start with `prefix`.
    pub fn read(&self, version: u32, prefix: &str) -> Result<domain::Licence, Vec<FieldError>> {
        read::licence(self, version, prefix)
    }

    /// Reads it as one that is to be entered into the register, of which more is asked than of one that
    /// stands there or in another: that its lines measure what they license.
    pub fn read_new(&self, prefix: &str) -> Result<domain::Licence, Vec<FieldError>> {
        read::new_licence(self, prefix)
    }
}
