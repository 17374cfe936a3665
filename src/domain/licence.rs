//! A licence as the rules read it, apart from the document that its authority issued: what a
//! version says never changes; what has been drawn from it is its [`Standing`].
use super::Country;
use super::Date;
use super::Locode;
use super::Quantity;
use super::Text;
use super::Unit;
use super::goods::Category;
use super::goods::HsCode;
use super::goods::Movement;
use super::goods::Purpose;
use super::packing::day;
use super::packing::word;
use super::party::Party;
use super::serial::Serial;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// Longest licence number.
pub const NUMBER_CHARS_MAX: usize = 50;
/// Most lines of one licence.
pub const LINES_MAX: usize = 200;
/// Most serials of one line.
pub const LINE_SERIALS_MAX: usize = 10_000;

/// How often a licence may be drawn upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LicenceUse {
    /// One shipment; what it leaves is lost.
    Single,
    /// Many shipments up to the quantity.
    Multiple,
    /// Many shipments, often without a quantity that could run out.
    Open,
}

/// Whether the goods come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Procedure {
    /// They stay.
    Permanent,
    /// They return; the purpose, where the licence names one.
    Temporary(Option<Purpose>),
}

/// Where a licence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// It can be drawn upon.
    Active,
    /// Not for now; reservations are kept.
    Suspended,
    /// Not from the decision on.
    Revoked,
    /// Never was valid.
    Annulled,
    /// Given back by its holder.
    Surrendered,
    /// Replaced by another licence.
    Superseded,
}

impl Status {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Annulled => "annulled",
            Self::Surrendered => "surrendered",
            Self::Superseded => "superseded",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Suspended,
            Self::Revoked,
            Self::Annulled,
            Self::Surrendered,
            Self::Superseded,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

/// How far the document's authenticity is established (article 10(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authenticity {
    /// Issued in this register by the authority itself.
    Registry,
    /// Validated with the issuing State (signature or diplomatic channel).
    Validated,
    /// Seen on paper only.
    Unverified,
    /// A check of its signature, seal or digest has failed.
    Failed,
}

/// How a transit State consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentForm {
    /// Notice of no objection in writing.
    Written,
    /// A transit licence of its own.
    Licence,
    /// Silence.
    Tacit,
    /// None needed, says the licence.
    Exempt,
    /// It has objected.
    Objection,
}

/// A transit State's consent as the licence or its papers state it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Its form.
    pub form: ConsentForm,
    /// The notice's own number, or the agreement's.
    pub reference: Option<Text>,
    /// The day of the notice.
    pub dated: Option<Date>,
    /// The day on which consent was asked for in writing.
    pub requested_on: Option<Date>,
}

/// A State that the licence expects the goods to cross.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitState {
    /// The State.
    pub country: Country,
    /// Its consent, where there is one.
    pub consent: Option<Consent>,
    /// The day on which it was told of the import licence (article 10(3), last sentence).
    pub informed_on: Option<Date>,
}

/// A condition that the licence sets and a declaration can show to be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its short name, such as `escort`.
    pub code: Text,
    /// Whether goods may not move while it is unmet (otherwise a person decides).
    pub blocking: bool,
}

/// One line of goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number on the licence.
    pub line: u32,
    /// Class of the goods.
    pub category: Category,
    /// Tariff code, where the licence gives one.
    pub hs: Option<HsCode>,
    /// Military or civil control category (`ML1`, `B`), where given.
    #[serde(with = "word")]
    pub control: Option<Text>,
    /// Maker, where given.
    #[serde(with = "word")]
    pub make: Option<Text>,
    /// Model, where given.
    #[serde(with = "word")]
    pub model: Option<Text>,
    /// Calibre, where given.
    #[serde(with = "word")]
    pub calibre: Option<Text>,
    /// Country of manufacture, where given.
    pub manufactured_in: Option<Country>,
    /// What may move in all.
    pub quantity: Quantity,
    /// The unit of that quantity.
    pub unit: Unit,
    /// The serials that alone may move; empty where the licence lists none.
    pub serials: Box<[Serial]>,
}

/// The rarer clauses of a licence, kept apart so that the many that have none stay small.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Clauses {
    /// Brokers disclosed (article 15).
    pub brokers: Box<[Party]>,
    /// Identifiers of the carriers that alone may carry; empty where any may.
    pub carriers: Box<[Text]>,
    /// Identifiers of further carriers that the holder has authorised to reserve from it.
    pub mandated: Box<[Text]>,
    /// Conditions.
    pub conditions: Box<[Condition]>,
    /// The number of the licence that replaces this one.
    pub superseded_by: Option<Text>,
}

/// One version of a licence, complete and unchanging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// The authority's number, unique in the register.
    pub number: Text,
    /// Counts from 1 with each change.
    pub version: u32,
    /// Which movement it authorises.
    pub kind: Movement,
    /// The State that issued it.
    pub issuing_state: Country,
    /// Day of issue.
    #[serde(with = "day")]
    pub issued_on: Date,
    /// First day of validity.
    #[serde(with = "day")]
    pub valid_from: Date,
    /// Last day of validity, inclusive; `None` for open-ended import licences.
    #[serde(with = "day::optional")]
    pub valid_until: Option<Date>,
    /// How often it may be drawn upon.
    pub usage: LicenceUse,
    /// Permanent or temporary.
    pub procedure: Procedure,
    /// How far it is known to be authentic.
    pub authenticity: Authenticity,
    /// Whether place of issue, authority and a description of every line stand on it.
    pub descriptive: bool,
    /// From.
    pub country_of_export: Country,
    /// To.
    pub country_of_import: Country,
    /// Across.
    pub transit: Box<[TransitState]>,
    /// Who holds the contract to export.
    pub exporter: Party,
    /// Who receives at the border.
    pub consignee: Party,
    /// Who keeps the goods, where the licence names one.
    pub final_recipient: Option<Party>,
    /// Posts that alone may be used; empty where any empowered post may.
    pub border_posts: Box<[Locode]>,
    /// Licences that belong to the same transaction.
    pub linked: Box<[Text]>,
    /// Rarer clauses, where there are any.
    pub clauses: Option<Box<Clauses>>,
    /// The goods.
    pub lines: Box<[Line]>,
}

impl Licence {
    /// Whether a State is one that it concerns: its issuer's, or one of the movement.
    pub fn names(&self, state: Country) -> bool {
        self.issuing_state == state
            || self.country_of_export == state
            || self.country_of_import == state
            || self.transit.iter().any(|transit| transit.country == state)
    }

    /// A line by its number.
    pub fn line(&self, number: u32) -> Option<&Line> {
        self.lines.iter().find(|line| line.line == number)
    }

    /// How a licence stands under this document that stood otherwise, or not at all, before: one that names what
    /// has replaced it is replaced, for as long as it does.
    pub fn standing_after(&self, before: Option<Status>) -> Status {
        match (before, &self.clauses().superseded_by) {
            (_, Some(_)) => Status::Superseded,
            (Some(Status::Suspended), None) => Status::Suspended,
            (_, None) => Status::Active,
        }
    }

    /// The rarer clauses, empty where there are none.
    pub fn clauses(&self) -> &Clauses {
        static NONE: std::sync::LazyLock<Clauses> = std::sync::LazyLock::new(Clauses::default);
        self.clauses.as_deref().unwrap_or(&NONE)
    }

    /// Whether a carrier may have quantities held: one that the licence or its holder names.
    pub fn may_be_reserved_by(&self, carrier: &str) -> bool {
        let Clauses { carriers, mandated, .. } = self.clauses();
        carriers.iter().chain(mandated).any(|named| named.as_str() == carrier)
    }

    /// Whether the goods are to come back.
    pub fn is_temporary(&self) -> bool {
        matches!(self.procedure, Procedure::Temporary(_))
    }
}

/// What has been held and used of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Drawn {
    /// The line's number.
    pub line: u32,
    /// Held for goods announced and not yet presented.
    pub reserved: Quantity,
    /// Used up by releases.
    pub consumed: Quantity,
}

/// What has happened to a licence so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stands.
    pub status: Status,
    /// Releases that stand against it.
    pub shipments: u32,
    /// Decisions taken since its document last changed: so many versions before the present one say the same.
    pub decisions: u32,
    /// What has been drawn, by line.
    pub drawn: Box<[Drawn]>,
}

impl Standing {
    /// What has been drawn from a line.
    pub fn of(&self, line: u32) -> Drawn {
        self.drawn
            .iter()
            .find(|drawn| drawn.line == line)
            .copied()
            .unwrap_or(Drawn { line, ..Drawn::default() })
    }
}

/// A licence version together with where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What it says.
    pub licence: Arc<Licence>,
    /// What has happened to it.
    pub standing: Standing,
}

/// The four figures of a line (contract: balance).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// What may move in all.
    pub authorised: Quantity,
    /// Held for announced goods.
    pub reserved: Quantity,
    /// Used up.
    pub consumed: Quantity,
    /// What is left to draw.
    pub available: Quantity,
}

impl Held {
    /// Whether a single-use licence has had its one shipment.
    pub fn is_closed(&self) -> bool {
        self.licence.usage == LicenceUse::Single && self.standing.shipments > 0
    }

    /// The balance of a line; nothing is available once a single-use licence has had its shipment.
    pub fn balance(&self, line: &Line) -> Balance {
        let drawn = self.standing.of(line.line);
        let left = line.quantity.saturating_minus(drawn.reserved).saturating_minus(drawn.consumed);
        Balance {
            authorised: line.quantity,
            reserved: drawn.reserved,
            consumed: drawn.consumed,
            available: if self.is_closed() { Quantity::ZERO } else { left },
        }
    }
}
