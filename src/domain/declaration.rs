//! A shipment as its declarant states it to customs. Only what makes an evaluation impossible is
//! required; a fact that is missing is a finding for the rules.
use super::Country;
use super::Date;
use super::Locode;
use super::Quantity;
use super::Text;
use super::Timestamp;
use super::Unit;
use super::goods::Category;
use super::goods::HsCode;
use super::goods::Mode;
use super::goods::Movement;
use super::goods::PartKind;
use super::goods::Purpose;
use super::party::Party;
use super::reference::Reference;
use super::serial::Serial;
use std::borrow::Cow;

/// Most goods items of one declaration (customs systems allow 999).
pub const ITEMS_MAX: usize = 999;
/// Most serials of one item.
pub const ITEM_SERIALS_MAX: usize = 10_000;
/// Most licences quoted for one item.
pub const ITEM_QUOTES_MAX: usize = 9;
/// Most countries of a route, crossings, documents, brokers and the like.
pub const LIST_MAX: usize = 99;

/// A call or passage on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The State crossed.
    pub country: Country,
    /// How, where declared.
    pub mode: Option<Mode>,
    /// Whether the goods change their means of transport there, where declared.
    pub transhipment: Option<bool>,
}

/// Who carries, and in what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The carrier.
    pub party: Party,
    /// Registration of the lorry, IMO number, flight.
    pub vehicle: Option<Text>,
}

/// A licence quoted for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The licence's number.
    pub number: Text,
    /// Its line; without one, the line is the only one of the licence's that fits.
    pub line: Option<u32>,
    /// The part of the item that this licence covers, in the item's unit; without it, all.
    pub quantity: Option<Quantity>,
    /// The version that the declarant holds, where stated.
    pub version: Option<u32>,
}

/// What stands on one firearm beside its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The serial of the firearm.
    pub serial: Serial,
    /// Import marking: country (article 8(1)(b)).
    pub import_country: Option<Country>,
    /// Import marking: year.
    pub import_year: Option<u16>,
    /// Marking on transfer from government stocks: the State (article 8(1)(c)).
    pub stock_country: Option<Country>,
}

/// A lot of ammunition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Lot number.
    pub number: Text,
    /// Its maker.
    pub manufacturer: Option<Text>,
    /// Its calibre.
    pub calibre: Option<Text>,
    /// Its type (ball, tracer, shot).
    pub kind: Option<Text>,
}

/// The proof that a firearm has been deactivated (article 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deactivation {
    /// Number of the certificate.
    pub certificate: Option<Text>,
    /// The authority that gave it.
    pub authority: Option<Text>,
    /// The serials that it covers.
    pub serials: Vec<Serial>,
}

/// One goods item: the unit of decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number on the declaration.
    pub number: u32,
    /// Class of the goods.
    pub category: Category,
    /// Tariff code.
    pub hs: Option<HsCode>,
    /// Description in words.
    pub description: Option<Text>,
    /// Maker.
    pub make: Option<Text>,
    /// Model.
    pub model: Option<Text>,
    /// Calibre.
    pub calibre: Option<Text>,
    /// Country of manufacture (not of export).
    pub manufactured_in: Option<Country>,
    /// How much.
    pub quantity: Quantity,
    /// In what.
    pub unit: Unit,
    /// What one group holds, where the unit counts groups.
    pub content: Option<(Quantity, Unit)>,
    /// Serial numbers.
    pub serials: Vec<Serial>,
    /// Alternative markings of firearms without a serial number (article 8(1)(a)).
    pub alternative_markings: Vec<Text>,
    /// Licences quoted.
    pub licences: Vec<Quote>,
    /// The reference of an exemption from licensing.
    pub exemption: Option<Text>,
    /// Military or civil control category.
    pub control: Option<Text>,
    /// Year of manufacture.
    pub manufacture_year: Option<u16>,
    /// Whether the item is claimed to be an antique.
    pub antique: bool,
    /// Whether the firearms are claimed to be deactivated, and by what proof.
    pub deactivation: Option<Deactivation>,
    /// Which essential part, for parts.
    pub part: Option<PartKind>,
    /// Whether the goods leave government stocks for civilian use for good.
    pub from_government_stock: bool,
    /// Marks on single firearms.
    pub marks: Vec<Mark>,
    /// Lots, for ammunition.
    pub lots: Vec<Lot>,
}

/// How the declaration is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A full declaration.
    Standard,
    /// Simplified declaration.
    Simplified,
    /// Entry in the declarant's records.
    EntryInRecords,
    /// Self-assessment.
    SelfAssessment,
    /// Reduced data set.
    ReducedDataset,
    /// Oral.
    Oral,
}

/// The ground on which a movement is claimed to be outside the law's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeGround {
    /// State to State (article 4(2)).
    StateTransfer,
    /// Armed forces, police or public authorities.
    ArmedForces,
    /// Recognised collectors and museums.
    Collector,
}

/// A claim to be outside the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeClaim {
    /// Its ground.
    pub ground: ScopeGround,
    /// What proves it.
    pub evidence: Option<Text>,
}

/// A paper presented with the goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// UNTDID 1001 code, or `end_user_statement`, `broker_disclosure` and the like.
    pub kind: Text,
    /// Its number.
    pub reference: Text,
    /// Its day.
    pub dated: Option<Date>,
}

/// Who moves personal arms under the simplified route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalEffects {
    /// A hunter.
    Hunter,
    /// A sport shooter.
    SportShooter,
}

/// What the declarant says of a temporary movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// Its purpose, where it is one that the law knows.
    pub purpose: Option<Purpose>,
    /// What proves the purpose: invitation, match entry, repair order.
    pub evidence: Option<Text>,
    /// The day on which the authority was notified.
    pub notified_on: Option<Date>,
    /// The reference of the outward declaration, where the goods now return.
    pub outward: Option<Text>,
    /// The person who travels with the goods.
    pub person: Option<Text>,
    /// Whether they are accompanied personal effects, and whose.
    pub effects: Option<PersonalEffects>,
}

/// A border crossing that customs has observed on this journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// The post.
    pub post: Locode,
    /// Whether the goods left there (otherwise they entered).
    pub exit: bool,
    /// When.
    pub at: Timestamp,
}

/// What an officer has seen on the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A marking falsified, obliterated, removed or altered (article 5(1)(c)).
    MarkingAltered,
    /// The goods have changed their means of transport on the way.
    Transhipped,
}

/// An officer's observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What was seen.
    pub seen: Seen,
    /// On which item, where it concerns one.
    pub item: Option<u32>,
    /// In the officer's words.
    pub note: Option<Text>,
}

/// Most credentials of one declaration.
pub const CREDENTIALS_MAX: usize = 20;
/// Longest credential in either envelope.
pub const CREDENTIAL_CHARS_MAX: usize = 32 * 1024;

/// A licence condition that the declarant shows to be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// The licence.
    pub licence: Text,
    /// The condition's short name.
    pub condition: Text,
    /// What proves it.
    pub evidence: Text,
}

/// A shipment declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its reference.
    pub reference: Reference,
    /// The consignment's reference over all borders.
    pub ucr: Option<Text>,
    /// Which way it crosses the post's border.
    pub movement: Movement,
    /// The post.
    pub border_post: Locode,
    /// When customs accepted it, and the offset from UTC that was stated, in seconds.
    pub accepted_at: Option<(Timestamp, i32)>,
    /// From.
    pub country_of_export: Option<Country>,
    /// To.
    pub country_of_import: Option<Country>,
    /// States between the two, in order.
    pub route: Vec<Leg>,
    /// Who declares (never compared with the licensee).
    pub declarant: Option<Party>,
    /// Who carries.
    pub carrier: Option<Carrier>,
    /// Who holds the contract to export.
    pub exporter: Option<Party>,
    /// Who receives at the border.
    pub consignee: Option<Party>,
    /// Who keeps the goods.
    pub final_recipient: Option<Party>,
    /// The owner, where the exporter is a broker.
    pub owner: Option<Party>,
    /// Brokers.
    pub brokers: Vec<Party>,
    /// How it is declared.
    pub form: Form,
    /// The day of departure from the exporting State, where known.
    pub departs_on: Option<Date>,
    /// The day on which the goods are expected at the next border.
    pub arrives_on: Option<Date>,
    /// Papers.
    pub documents: Vec<Document>,
    /// A claim to be outside the scope.
    pub scope: Option<ScopeClaim>,
    /// A temporary movement.
    pub temporary: Option<Temporary>,
    /// Crossings observed so far, in order.
    pub crossings: Vec<Crossing>,
    /// What officers have seen.
    pub observations: Vec<Observation>,
    /// Conditions shown to be met.
    pub fulfilments: Vec<Fulfilment>,
    /// Credentials of licences quoted, as they were scanned or sent.
    pub credentials: Vec<Text>,
    /// The goods.
    pub items: Vec<Item>,
}

impl Item {
    /// What tells each of its articles from others: serial numbers, and the alternative markings that
    /// stand in for them.
    pub fn marks_of_identity(&self) -> Cow<'_, [Serial]> {
        if self.alternative_markings.is_empty() {
            return Cow::Borrowed(&self.serials);
        }
        let alternative = self.alternative_markings.iter().map(Serial::of_marking);
        self.serials.iter().cloned().chain(alternative).collect()
    }

    /// The list of the declaration in which one of these marks stands, and its place there.
    pub fn place_of_mark(&self, index: usize) -> (&'static str, usize) {
        match index.checked_sub(self.serials.len()) {
            None => ("serials", index),
            Some(index) => ("alternative_markings", index),
        }
    }
}

impl Declaration {
    /// Numbers of all licences quoted, each once, in the order in which they first occur.
    pub fn licence_numbers(&self) -> Vec<Text> {
        let mut numbers: Vec<Text> = Vec::with_capacity(2);
        for quote in self.items.iter().flat_map(|item| &item.licences) {
            if !numbers.contains(&quote.number) {
                numbers.push(quote.number.clone());
            }
        }
        numbers
    }
}
