//! The reference data that an authority loads: one document with a section for each list, every
//! entry with the days from which and until which it counts.
use super::field::FieldError;
use super::field::shape;
use crate::domain::lists::Lists;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use std::collections::BTreeMap;
use utoipa::ToSchema;

mod read;

/// Whether something counts: always, never, or on certain days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Counts {
    /// Always or never.
    Always(bool),
    /// On certain days.
    Between(Period),
}

/// Days, both inclusive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Period {
    /// First day.
    pub from: Option<String>,
    /// Last day.
    pub until: Option<String>,
}

/// Declares an entry: optional texts, and the two days that every entry has.
macro_rules! entry {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// First day on which it counts.
            pub from: Option<String>,
            /// Last day on which it counts.
            pub until: Option<String>,
        }
    };
}

entry! {
    /// An arms embargo.
    Embargo {
        /// The State.
        country: Option<String>,
        /// The act that says so.
        instrument: Option<String>,
    }
}

entry! {
    /// A party to be looked at by a person.
    Watched {
        /// Its identifier.
        id: Option<String>,
        /// Its name.
        name: Option<String>,
        /// Where the entry comes from.
        source: Option<String>,
    }
}

entry! {
    /// A firearm reported lost, stolen or sought.
    Sought {
        /// Its serial.
        serial: Option<String>,
        /// Maker, where known.
        make: Option<String>,
        /// Model, where known.
        model: Option<String>,
        /// Who seeks it and under which number.
        reference: Option<String>,
    }
}

entry! {
    /// An agreement that favours a landlocked State.
    Agreement {
        /// Its number.
        id: Option<String>,
        /// The landlocked State.
        beneficiary: Option<String>,
        /// The State that lets its goods cross.
        transit: Option<String>,
        /// Classes covered; all where none is named.
        categories: Vec<String>,
    }
}

entry! {
    /// A refusal by another State.
    Refusal {
        /// The State that refused.
        state: Option<String>,
        /// Its number.
        reference: Option<String>,
        /// Identifier of the consignee or final recipient refused.
        recipient: Option<String>,
        /// Identifier of the exporter, where it names one.
        exporter: Option<String>,
        /// Class of the goods, where it names one.
        category: Option<String>,
    }
}

/// A border post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Post {
    /// UN/LOCODE.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its State.
    pub country: Option<String>,
    /// IANA time zone in which its days are counted.
    pub zone: Option<String>,
    /// Whether its State has empowered it for these goods (the default).
    pub empowered: Option<Counts>,
}

/// Public holidays of a State.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Holidays {
    /// The State.
    pub country: Option<String>,
    /// The days.
    pub days: Vec<String>,
}

/// What is known of a State.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The State.
    pub country: Option<String>,
    /// Whether its licences stand in this register.
    pub connected: Option<Counts>,
    /// Whether Union law applies.
    pub european_union: Option<Counts>,
    /// Whether it is a party to the Protocol.
    pub party: Option<Counts>,
    /// Whether it subjects components of ammunition to authorisation; it does as long as nothing is said.
    pub controls_components: Option<bool>,
    /// Whether it takes a transit State's silence as consent (Regulation 258/2012, 7(2)).
    pub accepts_tacit_consent: bool,
    /// Measurement tolerance for goods by mass, in tenths of a per cent.
    pub mass_tolerance_permille: u16,
    /// Days in which its authority decides on goods held, in place of the profile's.
    pub decision_days: Option<u16>,
    /// Days in all, where the authority takes the longer period; as many as at first without it.
    pub decision_extended_days: Option<u16>,
    /// Whether those are working days; else every day counts.
    pub decision_in_working_days: bool,
    /// Days after an exit in which its authority checks.
    pub post_shipment_check_days: Option<u16>,
}

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ReferenceLists)]
pub struct Document {
    /// What this edition is, in words.
    pub note: Option<String>,
    /// Arms embargoes.
    pub embargoes: Vec<Embargo>,
    /// Watch list.
    pub watched: Vec<Watched>,
    /// Sought firearms.
    pub sought: Vec<Sought>,
    /// Groups of names of one calibre.
    pub calibres: Vec<Vec<String>>,
    /// Border posts.
    pub posts: Vec<Post>,
    /// Agreements that favour landlocked States.
    pub agreements: Vec<Agreement>,
    /// Public holidays.
    pub holidays: Vec<Holidays>,
    /// Refusals.
    pub refusals: Vec<Refusal>,
    /// States.
    pub states: Vec<State>,
}

/// Reads a document of lists, or says everything that cannot be used. The edition is named by the
/// first 16 hexadecimal digits of the document's SHA-256.
pub fn read(bytes: &[u8]) -> Result<Lists, Vec<FieldError>> {
    let document: Document = shape(bytes)?;
    let digest = sha2::Sha256::digest(bytes);
    let first: [u8; 8] = digest.first_chunk().copied().unwrap_or_default();
    let digest = format!("{:016x}", u64::from_be_bytes(first));
    read::lists(&document, digest)
}

/// How many entries each section holds.
pub fn counts(document: &Document) -> BTreeMap<&'static str, usize> {
    BTreeMap::from([
        ("agreements", document.agreements.len()),
        ("calibres", document.calibres.len()),
        ("embargoes", document.embargoes.len()),
        ("holidays", document.holidays.len()),
        ("posts", document.posts.len()),
        ("refusals", document.refusals.len()),
        ("sought", document.sought.len()),
        ("states", document.states.len()),
        ("watched", document.watched.len()),
    ])
}
