//! Goods items as they are sent.
use crate::domain::Country;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration as domain;
use crate::domain::declaration::ITEM_QUOTES_MAX;
use crate::domain::declaration::ITEM_SERIALS_MAX;
use crate::domain::declaration::LIST_MAX;
use crate::domain::goods::Category;
use crate::domain::goods::HsCode;
use crate::domain::goods::PartKind;
use crate::domain::licence::LINE_SERIALS_MAX;
use crate::domain::serial::SERIAL_CHARS_MAX;
use crate::domain::serial::Serial;
use crate::wire::field::At;
use crate::wire::field::Reader;
use crate::wire::field::TEXT_CHARS_MAX;
use crate::wire::field::one_of;
use crate::wire::words::Words;
use crate::wire::words::of;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// The classes of goods on the wire.
pub const CATEGORIES: &[(&str, Category)] = &[
    ("firearm", Category::Firearm),
    ("part", Category::Part),
    ("ammunition", Category::Ammunition),
    ("ammunition_component", Category::AmmunitionComponent),
];

const PARTS: &[(&str, PartKind)] = &[
    ("barrel", PartKind::Barrel),
    ("frame_or_receiver", PartKind::FrameOrReceiver),
    ("slide_or_cylinder", PartKind::SlideOrCylinder),
    ("bolt_or_breech_block", PartKind::BoltOrBreechBlock),
    ("suppressor", PartKind::Suppressor),
    ("other", PartKind::Other),
];

/// The fields that are one of these words.
pub(super) fn words() -> Vec<Words> {
    vec![("Item", "category", of(CATEGORIES)), ("Item", "part", of(PARTS))]
}

/// Longest maker, model, calibre or control category.
const NAME_CHARS_MAX: usize = 100;

/// A licence quoted for an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quote {
    /// The licence's number.
    pub number: Option<String>,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The part of the item that it covers, in the item's unit; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// The version that the declarant holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// What one group of a `SET`, `NMP` or `10` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// How much.
    pub quantity: Option<String>,
    /// In what (Rec 20).
    pub unit: Option<String>,
}

/// What stands on one firearm beside its serial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mark {
    /// Its serial.
    pub serial: Option<String>,
    /// Import mark: country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_country: Option<String>,
    /// Import mark: year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_year: Option<u16>,
    /// Mark on transfer from government stocks: the State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock_country: Option<String>,
}

/// A lot of ammunition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lot {
    /// Lot number.
    pub number: Option<String>,
    /// Maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Calibre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibre: Option<String>,
    /// Type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The proof of a deactivation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deactivation {
    /// Number of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The authority that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The serials covered.
    pub serials: Vec<String>,
}

/// One goods item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Item {
    /// Its number, from 1.
    pub item: Option<u32>,
    /// `firearm`, `part`, `ammunition` or `ammunition_component`.
    pub category: Option<String>,
    /// HS at 6 digits or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hs: Option<String>,
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
    /// How much, a decimal string.
    pub quantity: Option<String>,
    /// Rec 20 code.
    pub unit: Option<String>,
    /// What one group holds, where the unit counts groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Serial numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serials: Vec<String>,
    /// Alternative markings of firearms without a serial number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternative_markings: Vec<String>,
    /// Licences quoted.
    pub licences: Vec<Quote>,
    /// Reference of an exemption from licensing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<String>,
    /// Control category, such as `ML1` or `B`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_list: Option<String>,
    /// Year of manufacture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacture_year: Option<u16>,
    /// Whether it is claimed to be an antique.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub antique: bool,
    /// Whether it is claimed to be deactivated, and by what proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deactivation: Option<Deactivation>,
    /// Which essential part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Whether it leaves government stocks for civilian use for good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_government_stock: bool,
    /// Marks on single firearms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Lots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<Lot>,
}

impl Item {
    /// Reads an item; where something that it needs is missing, the reader holds the error.
    pub(super) fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Item> {
        let number = r.required(&at.field("item"), sent.item);
        if number == Some(0) {
            r.error(&at.field("item"), "not_positive", "items are numbered from 1");
        }
        let category =
            r.word(&at.field("category"), sent.category.as_deref(), |t| one_of(t, CATEGORIES));
        let category = r.required(&at.field("category"), category);
        let quantity = r.word(&at.field("quantity"), sent.quantity.as_deref(), positive);
        let quantity = r.required(&at.field("quantity"), quantity);
        let unit = r.word(&at.field("unit"), sent.unit.as_deref(), Unit::parse);
        let unit = r.required(&at.field("unit"), unit);
        let rest = sent.rest(r, at);
        Some(domain::Item {
            number: number?,
            category: category?,
            quantity: quantity?,
            unit: unit?,
            ..rest
        })
    }

    /// Everything but the four fields that an item cannot be without.
    fn rest(&self, r: &mut Reader, at: &At<'_>) -> domain::Item {
        let name = |r: &mut Reader, field, text: &Option<String>| {
            r.text(&at.field(field), text.as_deref(), NAME_CHARS_MAX)
        };
        let made_in = self.country_of_manufacture.as_deref();
        let description = self.description.as_deref();
        domain::Item {
            number: 0,
            category: Category::Firearm,
            hs: r.word(&at.field("hs"), self.hs.as_deref(), HsCode::parse),
            description: r.text(&at.field("description"), description, TEXT_CHARS_MAX),
            make: name(r, "make", &self.make),
            model: name(r, "model", &self.model),
            calibre: name(r, "calibre", &self.calibre),
            manufactured_in: r.word(&at.field("country_of_manufacture"), made_in, Country::parse),
            quantity: Quantity::ZERO,
            unit: Unit::C62,
            content: self
                .content
                .as_ref()
                .and_then(|content| content.read(r, &at.field("content"))),
            serials: r.list(
                &at.field("serials"),
                &self.serials,
                ITEM_SERIALS_MAX,
                |r, at, text| serial(r, at, text),
            ),
            alternative_markings: r.list(
                &at.field("alternative_markings"),
                &self.alternative_markings,
                ITEM_SERIALS_MAX,
                |r, at, text| marking(r, at, text),
            ),
            licences: r.list(&at.field("licences"), &self.licences, ITEM_QUOTES_MAX, Quote::read),
            exemption: name(r, "exemption", &self.exemption),
            control: name(r, "control_list", &self.control_list),
            manufacture_year: self.manufacture_year,
            antique: self.antique,
            deactivation: self
                .deactivation
                .as_ref()
                .map(|proof| proof.read(r, &at.field("deactivation"))),
            part: r.word(&at.field("part"), self.part.as_deref(), |t| one_of(t, PARTS)),
            from_government_stock: self.from_government_stock,
            marks: r.list(&at.field("marks"), &self.marks, ITEM_SERIALS_MAX, Mark::read),
            lots: r.list(&at.field("lots"), &self.lots, LIST_MAX, Lot::read),
        }
    }
}

/// Reads a quantity that is more than nothing.
pub(in crate::wire) fn positive(text: &str) -> Result<Quantity, crate::domain::Invalid> {
    let quantity = Quantity::parse(text)?;
    if quantity.is_zero() {
        return Err(crate::domain::Invalid::new("not_positive", "the quantity is zero"));
    }
    Ok(quantity)
}

/// Reads a serial number, or an alternative marking that stands in for one.
pub(in crate::wire) fn serial(r: &mut Reader, at: &At<'_>, text: &str) -> Option<Serial> {
    let text = r.text(at, Some(text), SERIAL_CHARS_MAX)?;
    let serial = Serial::parse(&text);
    if serial.is_none() {
        r.error(
            at,
            "not_a_serial",
            format!(
                "{:?} holds neither a letter nor a digit nor a geometric symbol",
                text.as_str()
            ),
        );
    }
    serial
}

/// Reads an alternative marking, which is kept as it was sent and has to be one that can be read off.
fn marking(r: &mut Reader, at: &At<'_>, text: &str) -> Option<Text> {
    let marking = r.text(at, Some(text), NAME_CHARS_MAX)?;
    serial(r, at, &marking).map(|_| marking)
}

/// Reads the serials of a licence's line, each of which stands there once.
pub(in crate::wire) fn serials_once(r: &mut Reader, at: &At<'_>, sent: &[String]) -> Vec<Serial> {
    let mut seen = std::collections::HashSet::new();
    r.list(at, sent, LINE_SERIALS_MAX, |r, at, text| {
        let number = serial(r, at, text)?;
        if !seen.insert(number.clone()) {
            r.error(at, "duplicate", format!("serial {number} stands twice"));
        }
        Some(number)
    })
}

impl Quote {
    fn read(r: &mut Reader, at: &At<'_>, quote: &Self) -> Option<domain::Quote> {
        let number = r.licence_number(&at.field("number"), quote.number.as_deref());
        let number = r.required(&at.field("number"), number);
        let quantity = r.word(&at.field("quantity"), quote.quantity.as_deref(), positive);
        Some(domain::Quote { number: number?, line: quote.line, quantity, version: quote.version })
    }
}

impl Content {
    pub(in crate::wire) fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<(Quantity, Unit)> {
        let quantity = r.word(&at.field("quantity"), self.quantity.as_deref(), positive);
        let unit = r.word(&at.field("unit"), self.unit.as_deref(), Unit::parse);
        let quantity = r.required(&at.field("quantity"), quantity);
        let unit = r.required(&at.field("unit"), unit);
        Some((quantity?, unit?))
    }
}

impl Mark {
    fn read(r: &mut Reader, at: &At<'_>, mark: &Self) -> Option<domain::Mark> {
        let text = r.required(&at.field("serial"), mark.serial.as_ref());
        let number = text.and_then(|text| serial(r, &at.field("serial"), text));
        let import_country =
            r.word(&at.field("import_country"), mark.import_country.as_deref(), Country::parse);
        let stock_country =
            r.word(&at.field("stock_country"), mark.stock_country.as_deref(), Country::parse);
        Some(domain::Mark {
            serial: number?,
            import_country,
            import_year: mark.import_year,
            stock_country,
        })
    }
}

impl Lot {
    fn read(r: &mut Reader, at: &At<'_>, lot: &Self) -> Option<domain::Lot> {
        let number = r.text(&at.field("number"), lot.number.as_deref(), NAME_CHARS_MAX);
        let number = r.required(&at.field("number"), number);
        let manufacturer =
            r.text(&at.field("manufacturer"), lot.manufacturer.as_deref(), NAME_CHARS_MAX);
        let calibre = r.text(&at.field("calibre"), lot.calibre.as_deref(), NAME_CHARS_MAX);
        let kind = r.text(&at.field("type"), lot.kind.as_deref(), NAME_CHARS_MAX);
        Some(domain::Lot { number: number?, manufacturer, calibre, kind })
    }
}

impl Deactivation {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> domain::Deactivation {
        domain::Deactivation {
            certificate: r.text(
                &at.field("certificate"),
                self.certificate.as_deref(),
                NAME_CHARS_MAX,
            ),
            authority: r.text(&at.field("authority"), self.authority.as_deref(), TEXT_CHARS_MAX),
            serials: r.list(
                &at.field("serials"),
                &self.serials,
                ITEM_SERIALS_MAX,
                |r, at, text| serial(r, at, text),
            ),
        }
    }
}
