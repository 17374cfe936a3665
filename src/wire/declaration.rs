//! Declarations as they are sent. Every field is optional in shape: what the evaluation cannot do
//! without is insisted upon here, the rest is for the rules to miss.
use super::field::FieldError;
use super::party::Party;
use super::words::Words;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

mod goods;
mod read;

pub(in crate::wire) use goods::CATEGORIES;
pub(in crate::wire) use goods::Content;
pub use goods::Item;
pub(in crate::wire) use goods::positive;
pub(in crate::wire) use goods::serial;
pub(in crate::wire) use goods::serials_once;
pub(in crate::wire) use read::MOVEMENTS;
pub(in crate::wire) use read::PURPOSES;

/// The number that the customs office gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reference {
    /// `mrn`, `ucr` or `national`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The number; in either case of its letters it is the same one.
    pub value: Option<String>,
}

/// A State crossed on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Leg {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// `sea`, `air`, `road`, `rail`, `inland_water`, `post`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether the goods change their means of transport there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transhipment: Option<bool>,
}

/// Who carries, and in what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Carrier {
    /// Operator's number.
    pub id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Registration, IMO number or flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
}

/// A claim to be outside the law's scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeClaim {
    /// `state_transfer`, `armed_forces` or `collector`.
    pub ground: Option<String>,
    /// What proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// A paper presented with the goods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Paper)]
pub struct Document {
    /// UNTDID 1001 code, or a word such as `end_user_statement`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its number.
    pub reference: Option<String>,
    /// Its day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
}

/// A temporary movement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Temporary {
    /// `hunting`, `sport_shooting`, `evaluation`, `exhibition`, `repair`, `historical_reenactment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What proves the purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The day on which the authority was notified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified_on: Option<String>,
    /// The reference of the outward declaration, where the goods now return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outward_reference: Option<String>,
    /// Identifier of the person who travels with the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// `hunter` or `sport_shooter`, for accompanied personal effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal_effects: Option<String>,
}

/// A border crossing that customs has observed on this journey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Crossing {
    /// UN/LOCODE of the post.
    pub border_post: Option<String>,
    /// `entry` or `exit`.
    pub direction: Option<String>,
    /// When.
    pub at: Option<String>,
}

/// What an officer has seen on the goods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Observation {
    /// `marking_altered` or `transhipped`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The item's number, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// In the officer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A licence condition shown to be met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fulfilment {
    /// The licence.
    pub licence: Option<String>,
    /// The condition's code on that licence.
    pub condition: Option<String>,
    /// What proves it.
    pub evidence: Option<String>,
}

/// A shipment declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Declaration {
    /// Its reference.
    pub reference: Option<Reference>,
    /// The consignment's reference over all borders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// `export`, `import` or `transit`, as seen from the post.
    pub movement: Option<String>,
    /// UN/LOCODE of the post.
    pub border_post: Option<String>,
    /// When customs accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<String>,
    /// Country of export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_export: Option<String>,
    /// Country of import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_import: Option<String>,
    /// States between the two, in order.
    pub route: Vec<Leg>,
    /// Who declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declarant: Option<Party>,
    /// Who carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Carrier>,
    /// Who holds the contract to export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<Party>,
    /// Who receives at the border.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignee: Option<Party>,
    /// Who keeps the goods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_recipient: Option<Party>,
    /// The owner, where the exporter is a broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Party>,
    /// Brokers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brokers: Vec<Party>,
    /// `standard` (the default), `simplified`, `entry_in_records`, `self_assessment`,
    /// `reduced_dataset` or `oral`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Day of departure from the exporting State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departs_on: Option<String>,
    /// Day on which the goods are expected at the next border.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives_on: Option<String>,
    /// Papers presented.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// A claim to be outside the law's scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_claim: Option<ScopeClaim>,
    /// A temporary movement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporary: Option<Temporary>,
    /// Border crossings observed so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crossings: Vec<Crossing>,
    /// What officers have seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation>,
    /// Licence conditions shown to be met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fulfilments: Vec<Fulfilment>,
    /// Credentials of licences quoted, JWS or as scanned from paper (`PV1:...`); at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    /// The goods.
    pub items: Vec<Item>,
}

/// The fields of declarations that are one of a closed list of words.
pub(super) fn words() -> Vec<Words> {
    read::words().into_iter().chain(goods::words()).collect()
}

impl Declaration {
    /// Reads it into the words of the trade, or says everything that cannot be used; paths start
    /// with `prefix`.
    pub fn read(
        &self,
        prefix: &str,
    ) -> Result<crate::domain::declaration::Declaration, Vec<FieldError>> {
        read::declaration(self, prefix)
    }
}
