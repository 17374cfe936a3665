//! Everything that the rules may look at: the declaration, the licences it quotes as they stood,
//! the lists of the day, the profile of law and what the register knows of these goods.
use super::cover::CoverFact;
use super::likeness::AlikeFact;
use super::offline::Offline;
use super::offline::SetAside;
use super::outward::Outward;
use super::parts::PartFact;
use super::passage::Passage;
use super::passage::passages;
use super::profile::Profile;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::consignment::Sighting;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Item;
use crate::domain::declaration::Quote;
use crate::domain::goods::Movement;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::Line;
use crate::domain::lists::BorderPost;
use crate::domain::lists::Lists;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;

/// What the register answers to a licence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It stands in the register.
    Held(Held),
    /// The register was asked and has no such licence.
    NotFound,
    /// The register could not be asked.
    Unavailable,
}

/// A quoted number with the register's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceFact {
    /// The number as quoted.
    pub number: Text,
    /// The answer.
    pub lookup: Lookup,
}

/// A quoted number that was looked up in the register of another State.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFact {
    /// The number as quoted.
    pub number: Text,
    /// The State whose register it is.
    pub state: Country,
    /// As of when it has answered; `None` where it has not, or nothing that could be believed.
    pub as_of: Option<Timestamp>,
    /// The document that it has shown.
    pub document: Option<std::sync::Arc<str>>,
}

/// An earlier release of the same declaration reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorUse {
    /// The item released then.
    pub item: u32,
    /// The release; empty where it is another State's business.
    pub release: Text,
    /// When.
    pub at: Timestamp,
    /// Whether the declaration was the same to the byte.
    pub same_content: bool,
    /// The licences that the item drew.
    pub licences: Vec<Text>,
    /// Whether it cannot have been of the declaration that is presented now.
    pub is_another: bool,
    /// The item of now whose goods are those of that item, numbered anew.
    pub renumbered: Option<u32>,
}

/// What the register knows of one declared serial; only serials of which it knows something
/// stand here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialFact {
    /// The item's number.
    pub item: u32,
    /// The serial.
    pub serial: Serial,
    /// The licence and line under which the same firearm has moved or to which it is bound; empty where another
    /// State let it through and the declaration does not quote it.
    pub licence: Text,
    /// That line.
    pub line: u32,
    /// Which way it moved.
    pub movement: Movement,
    /// Whether it has come back, or been received, since.
    pub settled: bool,
}

/// A report that stands of a declared firearm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFact {
    /// The item's number.
    pub item: u32,
    /// The serial.
    pub serial: Serial,
    /// `lost`, `stolen` or `seized`.
    pub what: Text,
    /// Whose report it is.
    pub state: Text,
    /// The case's number.
    pub reference: Text,
    /// Whether nothing differs that both the report and the item state of the firearm.
    pub is_described_alike: bool,
}

/// That an officer has stopped the goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopFact {
    /// The case in which that ends.
    pub case: Text,
    /// Since when.
    pub at: Timestamp,
    /// Whether they are held, and not only referred.
    pub holds: bool,
}

/// What a check of a credential has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Its authority signed it, it stands, and it says what the register has.
    Validated,
    /// It is not its authority's, or does not stand.
    Failed,
    /// That cannot be told.
    Unverified,
}

/// A credential that the declaration carries, as it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFact {
    /// Its place in the declaration's list.
    pub index: u32,
    /// The licence that it claims to be; none where it does not read.
    pub licence: Option<Text>,
    /// What the check has shown.
    pub proof: Proof,
    /// Why, in words.
    pub why: Text,
}

/// What was looked up for a declaration before it is judged. A replay needs exactly this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Every number quoted, once. A standing counts as reserved only what **others** hold: what this
    /// declaration's own pre-clearance holds is left out before it comes here.
    pub licences: Vec<LicenceFact>,
    /// How old the licence data may be; `None` where that cannot be told, and then nothing clears.
    pub data_age_ms: Option<u64>,
    /// Releases of the same reference.
    pub prior_uses: Vec<PriorUse>,
    /// Known serials.
    pub serials: Vec<SerialFact>,
    /// Reports that stand of declared firearms.
    pub reported: Vec<ReportFact>,
    /// Declared serials that only look like known ones.
    pub alike: Vec<AlikeFact>,
    /// The release that the declaration names as its goods' first movement.
    pub outward: Option<Outward>,
    /// Credentials, as they were checked.
    pub credentials: Vec<CredentialFact>,
    /// Whether the register could be asked for all of the above but the licences.
    pub history_available: bool,
    /// Whether the goods are only announced: customs have accepted nothing yet.
    pub is_announced: bool,
    /// The instant at which the pre-clearance under which the goods are presented had lapsed.
    pub lapsed: Option<Timestamp>,
    /// Crossings of the goods' consignment that customs has recorded on its way, in their order.
    pub observed: Vec<Sighting>,
    /// What stands against a release by an officer's word.
    pub stopped: Option<StopFact>,
    /// Which of the numbers were looked up in another State's register.
    pub foreign: Vec<ForeignFact>,
    /// What the post rests on, where it is cut off from the register.
    pub offline: Option<Offline>,
    /// Parts that other declarations of the consignment had released before.
    pub linked: Vec<PartFact>,
    /// What has gone for export under the licences quoted, by whichever declarations.
    pub covered: Vec<CoverFact>,
    /// Rounds released before as personal effects under the same number; the most there is where they do not count.
    pub carried: Quantity,
    /// Declared firearms that are set aside for other posts.
    pub set_aside: Vec<SetAside>,
    /// Licences for one shipment of which something is held for goods of another declaration.
    pub spoken_for: Vec<Text>,
}

/// An item's quote together with what it leads to.
#[derive(Debug)]
pub struct QuoteCase<'a> {
    /// The quote.
    pub quote: &'a Quote,
    /// Its place in the item's list.
    pub index: usize,
    /// The register's answer.
    pub lookup: &'a Lookup,
    /// The licence line quoted, or the only one of the item's class where none is named.
    pub line: Option<&'a Line>,
}

impl<'a> QuoteCase<'a> {
    /// The licence, where it was found.
    pub fn held(&self) -> Option<&'a Held> {
        match self.lookup {
            Lookup::Held(held) => Some(held),
            Lookup::NotFound | Lookup::Unavailable => None,
        }
    }

    /// What the licence says, where it was found.
    pub fn licence(&self) -> Option<&'a Licence> {
        self.held().map(|held| held.licence.as_ref())
    }
}

/// A goods item together with its quotes.
#[derive(Debug)]
pub struct ItemCase<'a> {
    /// The item.
    pub item: &'a Item,
    /// Its place in the declaration.
    pub index: usize,
    /// Its quotes.
    pub quotes: Vec<QuoteCase<'a>>,
}

impl<'a> ItemCase<'a> {
    /// JSON Pointer to the item, or to a field of it: `item.path("quantity")`.
    pub fn path(&self, field: &str) -> String {
        match field {
            "" => format!("/items/{}", self.index),
            field => format!("/items/{}/{field}", self.index),
        }
    }

    /// JSON Pointer to one of its quotes.
    pub fn quote_path(&self, quote: &QuoteCase<'_>) -> String {
        format!("/items/{}/licences/{}", self.index, quote.index)
    }

    /// Quotes of licences of one kind that were found.
    pub fn licences_of(&self, kind: Movement) -> impl Iterator<Item = (&QuoteCase<'a>, &'a Held)> {
        self.quotes
            .iter()
            .filter_map(|quote| quote.held().map(|held| (quote, held)))
            .filter(move |(_, held)| held.licence.kind == kind)
    }

    /// The share of the item that a quote covers, in the unit of the licence line; `None` where
    /// the units do not convert.
    pub fn drawn_by(&self, quote: &QuoteCase<'_>, line: &Line) -> Option<Quantity> {
        let share = quote.quote.quantity.unwrap_or(self.item.quantity);
        convert(share, self.item.unit, self.item.content, line.unit)
    }
}

/// A declaration with all that the rules may look at.
#[derive(Debug)]
pub struct Case<'a> {
    /// The declaration.
    pub declaration: &'a Declaration,
    /// What was looked up.
    pub facts: &'a Facts,
    /// The lists of the day.
    pub lists: &'a Lists,
    /// The profile of law that applies at the post on the reference date.
    pub profile: &'static Profile,
    /// The post, where it is registered.
    pub post: Option<&'a BorderPost>,
    /// The State whose border is crossed at the post.
    pub state: Option<Country>,
    /// The day of acceptance in the post's time zone.
    pub reference_date: Date,
    /// The day of the evaluation there.
    pub today: Date,
    /// The instant of the evaluation.
    pub now: Timestamp,
    /// The States passed between export and import.
    pub passages: Vec<Passage<'a>>,
    /// The goods with their quotes.
    pub items: Vec<ItemCase<'a>>,
}

impl<'a> Case<'a> {
    /// Puts a case together.
    pub fn new(
        declaration: &'a Declaration,
        facts: &'a Facts,
        lists: &'a Lists,
        now: Timestamp,
    ) -> Self {
        let post = lists.posts.get(&declaration.border_post);
        let state =
            post.map_or_else(|| declaration.border_post.country(), |post| Some(post.country));
        let (reference_date, today) = days(declaration, post, now);
        Self {
            declaration,
            facts,
            lists,
            profile: Profile::applying(lists, state, reference_date),
            post,
            state,
            reference_date,
            today,
            now,
            passages: passages(declaration, &facts.observed, lists, state),
            items: items(declaration, facts),
        }
    }

    /// How a number was looked up in another State's register, where it was.
    pub fn foreign(&self, number: &str) -> Option<&'a ForeignFact> {
        self.facts.foreign.iter().find(|fact| fact.number.as_str() == number)
    }

    /// Every licence found, once, with the fact it came from.
    pub fn held(&self) -> impl Iterator<Item = &'a Held> {
        self.facts.licences.iter().filter_map(|fact| match &fact.lookup {
            Lookup::Held(held) => Some(held),
            Lookup::NotFound | Lookup::Unavailable => None,
        })
    }
}

/// The day of acceptance, which decides (UCC 172(2)), and today, both counted in the post's own time zone.
/// Where the post is not registered, the offset that the declaration states decides, and rule 48 refers it.
fn days(declaration: &Declaration, post: Option<&BorderPost>, now: Timestamp) -> (Date, Date) {
    let (at, offset_s) = declaration.accepted_at.unwrap_or((now, 0));
    let zone = match post {
        Some(post) => post.zone.clone(),
        None => jiff::tz::Offset::from_seconds(offset_s)
            .map_or(jiff::tz::TimeZone::UTC, jiff::tz::Offset::to_time_zone),
    };
    (zone.to_datetime(at).date(), zone.to_datetime(now).date())
}

fn items<'a>(declaration: &'a Declaration, facts: &'a Facts) -> Vec<ItemCase<'a>> {
    declaration
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| ItemCase {
            item,
            index,
            quotes: item
                .licences
                .iter()
                .enumerate()
                .map(|(index, quote)| {
                    let lookup = facts
                        .licences
                        .iter()
                        .find(|fact| fact.number == quote.number)
                        .map_or(&Lookup::Unavailable, |fact| &fact.lookup);
                    QuoteCase { quote, index, lookup, line: line(item, quote, lookup) }
                })
                .collect(),
        })
        .collect()
}

/// The line quoted; where none is, the only line of the item's class. Two that fit are not
/// chosen between: allocation is explicit (rule 84).
fn line<'a>(item: &Item, quote: &Quote, lookup: &'a Lookup) -> Option<&'a Line> {
    let Lookup::Held(held) = lookup else {
        return None;
    };
    if let Some(number) = quote.line {
        return held.licence.line(number);
    }
    let mut fitting = held.licence.lines.iter().filter(|line| line.category == item.category);
    match (fitting.next(), fitting.next()) {
        (Some(line), None) => Some(line),
        _ => None,
    }
}
