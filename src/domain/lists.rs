//! Reference data that an authority loads: every entry has its dates of effect, so that an old
//! declaration is judged by the lists of its own day.
use super::Country;
use super::Date;
use super::Locode;
use super::Text;
use super::calendar::Holidays;
use super::goods::Category;
use super::party::names_agree;
use super::serial::Serial;
use super::watch::RefusalList;
use super::watch::WatchList;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;

/// Days from which and until which an entry counts, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effect {
    /// First day; `None` from the beginning.
    pub from: Option<Date>,
    /// Last day; `None` without end.
    pub until: Option<Date>,
}

impl Effect {
    /// Whether the entry counts on a day.
    pub fn covers(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// An arms embargo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargo {
    /// The State under embargo.
    pub country: Country,
    /// The resolution or act that says so.
    pub instrument: Text,
    /// Its dates.
    pub effect: Effect,
}

/// A party to be looked at by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its identifier, where known.
    pub id: Option<Text>,
    /// Its name, where known.
    pub name: Option<Text>,
    /// Where the entry comes from.
    pub source: Text,
    /// Its dates.
    pub effect: Effect,
}

impl Watched {
    /// Whether a party is the one watched: by identifier, or by name where it agrees.
    pub fn matches(&self, id: &str, name: &str) -> bool {
        self.id.as_deref() == Some(id)
            || self.name.as_deref().is_some_and(|watched| names_agree(watched, name))
    }
}

/// A firearm reported lost, stolen or otherwise sought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// Maker, where known, folded as names are compared.
    pub make: Option<String>,
    /// Model, where known, folded likewise.
    pub model: Option<String>,
    /// Who seeks it and under which number.
    pub reference: Text,
    /// Its dates.
    pub effect: Effect,
}

/// Sought firearms by serial, also to be found by what their serials look like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoughtList {
    by_serial: HashMap<Serial, Vec<Sought>>,
    by_look: HashMap<u64, Vec<Serial>, BuildHasherDefault<AsIs>>,
}

/// A hasher for keys that are hashes already, or write one.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl SoughtList {
    /// Adds a sought firearm.
    pub fn add(&mut self, serial: Serial, sought: Sought) {
        let alike = self.by_look.entry(serial.look()).or_default();
        if !alike.contains(&serial) {
            alike.push(serial.clone());
        }
        self.by_serial.entry(serial).or_default().push(sought);
    }

    /// Whether nothing is sought.
    pub fn is_empty(&self) -> bool {
        self.by_serial.is_empty()
    }

    /// Everything sought under a serial or under one that looks like it.
    pub fn near<'a>(&'a self, serial: &Serial) -> impl Iterator<Item = (&'a Serial, &'a Sought)> {
        let near = self.by_look.get(&serial.look()).map(Vec::as_slice).unwrap_or_default();
        near.iter().flat_map(|other| {
            let sought = self.by_serial.get(other).map(Vec::as_slice).unwrap_or_default();
            sought.iter().map(move |sought| (other, sought))
        })
    }
}

/// A customs office at a border.
#[derive(Debug, Clone)]
pub struct BorderPost {
    /// Its UN/LOCODE.
    pub code: Locode,
    /// Its name.
    pub name: Text,
    /// Its State.
    pub country: Country,
    /// The time zone in which its days are counted.
    pub zone: jiff::tz::TimeZone,
    /// Whether its State has empowered it for these goods, and when.
    pub empowered: Option<Effect>,
}

/// A registered agreement that favours a landlocked State (article 10(2)(b)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitAgreement {
    /// Its number.
    pub id: Text,
    /// The landlocked State.
    pub beneficiary: Country,
    /// The State that lets its goods cross.
    pub transit: Country,
    /// Classes that it covers; empty for all.
    pub categories: Vec<Category>,
    /// Its dates.
    pub effect: Effect,
}

/// A refusal of another State of an essentially identical transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The State that refused.
    pub state: Country,
    /// Its number.
    pub reference: Text,
    /// Identifier of the consignee or final recipient refused.
    pub recipient: Text,
    /// Identifier of the exporter, where the refusal names one.
    pub exporter: Option<Text>,
    /// Class of the goods, where it names one.
    pub category: Option<Category>,
    /// Its dates.
    pub effect: Effect,
}

/// The days in which an authority decides on goods held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionPeriod {
    /// At first.
    pub first: u16,
    /// In all, where it takes the longer period.
    pub extended: u16,
    /// Whether they are working days.
    pub working_days: bool,
}

/// What is known of a State.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateFacts {
    /// Whether its licences stand in this register, and when: only then does absence mean "not found".
    pub connected: Option<Effect>,
    /// Whether Union law applies there, and when.
    pub european_union: Option<Effect>,
    /// Whether it is a party to the Protocol, and when.
    pub party: Option<Effect>,
    /// Whether it subjects components of ammunition to authorisation (article 3(c)).
    pub controls_components: bool,
    /// Whether it has opted to take a transit State's silence as consent (Regulation 258/2012, 7(2)).
    pub accepts_tacit_consent: bool,
    /// Measurement tolerance that its overlay grants for mass goods, in tenths of a per cent.
    pub mass_tolerance_permille: u16,
    /// Days in which its authority decides on goods held, where it has laid them down.
    pub decision: Option<DecisionPeriod>,
    /// Days after an exit in which its authority checks, where it has laid them down.
    pub post_shipment_check_days: Option<u16>,
}

/// Everything that the rules read beside the declaration and the licences.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Names this edition in every record: a digest of the content.
    pub edition: Text,
    /// Arms embargoes.
    pub embargoes: Vec<Embargo>,
    /// Watch list.
    pub watched: WatchList,
    /// Sought firearms by serial.
    pub sought: SoughtList,
    /// Calibre names as [`folded_calibre`](super::goods::folded_calibre) writes them, to the number
    /// of their group of equals.
    pub calibres: HashMap<String, u32>,
    /// Border posts.
    pub posts: HashMap<Locode, BorderPost>,
    /// Agreements.
    pub agreements: Vec<TransitAgreement>,
    /// Public holidays.
    pub holidays: Holidays,
    /// Refusals.
    pub refusals: RefusalList,
    /// States.
    pub states: HashMap<Country, StateFacts, BuildHasherDefault<AsIs>>,
}

impl Default for Text {
    fn default() -> Self {
        Self::new("")
    }
}

impl Lists {
    /// Whether licences of a State stand in this register on a day.
    pub fn is_connected(&self, state: Country, day: Date) -> bool {
        self.states
            .get(&state)
            .and_then(|facts| facts.connected)
            .is_some_and(|effect| effect.covers(day))
    }

    /// Whether Union law applies in a State on a day.
    pub fn is_european_union(&self, state: Country, day: Date) -> bool {
        self.states
            .get(&state)
            .and_then(|facts| facts.european_union)
            .is_some_and(|effect| effect.covers(day))
    }
}
