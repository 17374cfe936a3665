//! The reference data that an authority loads: one document with a section for each list, every
//! entry with the days from which and until which it counts.
use super::field;
use super::field::FieldError;
use crate::domain::lists::Lists;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;
use sha2::Digest;
use std::collections::BTreeMap;
use utoipa::ToSchema;

mod read;

/// Whether something counts: always, never, or on certain days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Counts {
    /// Always or never.
    Always(bool),
    /// On certain days.
    Between(Period),
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        // Not derived: that would also take a list for a period, and say less of what is wrong.
        reader.deserialize_any(CountsVisitor)
    }
}

struct CountsVisitor;

impl<'de> Visitor<'de> for CountsVisitor {
    type Value = Counts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("true, false or the days")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Counts, E> {
        Ok(Counts::Always(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Counts, A::Error> {
        Period::deserialize(MapAccessDeserializer::new(map)).map(Counts::Between)
    }
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

/// The document. Each list is named, also where it is empty: what was left out by mistake would be out of
/// force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ReferenceLists)]
pub struct Document {
    /// What this edition is, in words.
    pub note: Option<String>,
    /// Arms embargoes.
    #[schema(required = true, nullable = false)]
    pub embargoes: Option<Vec<Embargo>>,
    /// Watch list.
    #[schema(required = true, nullable = false)]
    pub watched: Option<Vec<Watched>>,
    /// Sought firearms.
    #[schema(required = true, nullable = false)]
    pub sought: Option<Vec<Sought>>,
    /// Groups of names of one calibre.
    #[schema(required = true, nullable = false)]
    pub calibres: Option<Vec<Vec<String>>>,
    /// Border posts.
    #[schema(required = true, nullable = false)]
    pub posts: Option<Vec<Post>>,
    /// Agreements that favour landlocked States.
    #[schema(required = true, nullable = false)]
    pub agreements: Option<Vec<Agreement>>,
    /// Public holidays.
    #[schema(required = true, nullable = false)]
    pub holidays: Option<Vec<Holidays>>,
    /// Refusals.
    #[schema(required = true, nullable = false)]
    pub refusals: Option<Vec<Refusal>>,
    /// States.
    #[schema(required = true, nullable = false)]
    pub states: Option<Vec<State>>,
}

/// Reads a document of lists, or says everything that cannot be used. The edition is named by the
/// first 16 hexadecimal digits of the document's SHA-256.
pub fn read(bytes: &[u8]) -> Result<Lists, Vec<FieldError>> {
    field::read(bytes, |document: Document| read::lists(&document, edition(bytes)))
}

/// The name of a document's edition.
pub fn edition(bytes: &[u8]) -> String {
    let digest = sha2::Sha256::digest(bytes);
    let first: [u8; 8] = digest.first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(first))
}

/// How many entries each section holds.
pub fn counts(document: &Document) -> BTreeMap<&'static str, usize> {
    fn len<T>(list: Option<&Vec<T>>) -> usize {
        list.map_or(0, Vec::len)
    }
    BTreeMap::from([
        ("agreements", len(document.agreements.as_ref())),
        ("calibres", len(document.calibres.as_ref())),
        ("embargoes", len(document.embargoes.as_ref())),
        ("holidays", len(document.holidays.as_ref())),
        ("posts", len(document.posts.as_ref())),
        ("refusals", len(document.refusals.as_ref())),
        ("sought", len(document.sought.as_ref())),
        ("states", len(document.states.as_ref())),
        ("watched", len(document.watched.as_ref())),
    ])
}
