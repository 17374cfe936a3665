//! Arrivals on the wire: what the importing post found, and how it compares with what left.
use super::consignment::JourneyFinding;
use super::declaration::CATEGORIES;
use super::declaration::Content;
use super::declaration::positive;
use super::declaration::serial;
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::instant;
use super::field::one_of;
use super::verification::AuditReference;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::Unit;
use crate::domain::declaration::ITEM_SERIALS_MAX;
use crate::domain::declaration::ITEMS_MAX;
use crate::domain::quantity::convert;
use crate::domain::reference::REFERENCE_CHARS_MAX;
use crate::rules::receipt::Found;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest maker, model, calibre or vehicle.
const NAME_CHARS_MAX: usize = 100;

/// Goods that were found.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArrivedItem {
    /// The item of the export declaration against which they are stated, where that is clear.
    pub item: Option<u32>,
    /// `firearm`, `part`, `ammunition` or `ammunition_component`.
    pub category: Option<String>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Calibre.
    pub calibre: Option<String>,
    /// Country of manufacture.
    pub country_of_manufacture: Option<String>,
    /// How much, a decimal string.
    pub quantity: Option<String>,
    /// Rec 20 code.
    pub unit: Option<String>,
    /// What one group holds, where the unit counts groups.
    pub content: Option<Content>,
    /// Serials as read on the firearms.
    pub serials: Vec<String>,
}

/// `POST /v1/arrivals`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ArrivalRequest {
    /// The consignment's reference (UCR); it, or the export declaration's, or both.
    pub ucr: Option<String>,
    /// The export declaration's reference.
    pub reference: Option<String>,
    /// The post.
    pub border_post: Option<String>,
    /// When.
    pub arrived_at: Option<String>,
    /// In what.
    pub vehicle: Option<String>,
    /// Whether nothing more is expected.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// What was found; nothing, where it is only said that nothing more is expected.
    pub items: Vec<ArrivedItem>,
}

/// An arrival as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The consignment's reference.
    pub ucr: Option<Text>,
    /// The export declaration's reference.
    pub reference: Option<Text>,
    /// The post.
    pub post: Locode,
    /// When.
    pub at: Timestamp,
    /// In what.
    pub vehicle: Option<Text>,
    /// Whether nothing more is expected.
    pub is_final: bool,
    /// What was found.
    pub items: Vec<Found>,
}

impl ArrivalRequest {
    /// Reads it.
    pub fn read(&self) -> Result<Arrival, Vec<FieldError>> {
        let mut r = Reader::default();
        let root = At::Root("");
        let ucr = r.number(&root.field("ucr"), self.ucr.as_deref(), REFERENCE_CHARS_MAX);
        let reference = self.reference.as_deref();
        let reference = r.number(&root.field("reference"), reference, REFERENCE_CHARS_MAX);
        if reference.is_none() {
            r.required(&root.field("ucr"), ucr.as_ref());
        }
        let post = self.border_post.as_deref();
        let post = r.word(&root.field("border_post"), post, Locode::parse);
        let post = r.required(&root.field("border_post"), post);
        let at = r.word(&root.field("arrived_at"), self.arrived_at.as_deref(), instant);
        let at = r.required(&root.field("arrived_at"), at);
        let vehicle = r.text(&root.field("vehicle"), self.vehicle.as_deref(), NAME_CHARS_MAX);
        let items = r.list(&root.field("items"), &self.items, ITEMS_MAX, ArrivedItem::read);
        if self.items.is_empty() && !self.is_final {
            let words = "state what was found, or that nothing more is expected";
            r.error(&root.field("items"), "required", words);
        }
        let is_final = self.is_final;
        let read = post.zip(at).map(|(post, (at, _))| Arrival {
            ucr,
            reference,
            post,
            at,
            vehicle,
            is_final,
            items,
        });
        r.finish(read)
    }
}

impl ArrivedItem {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<Found> {
        let category = sent.category.as_deref();
        let category = r.word(&at.field("category"), category, |text| one_of(text, CATEGORIES));
        let category = r.required(&at.field("category"), category);
        let quantity = r.word(&at.field("quantity"), sent.quantity.as_deref(), positive);
        let quantity = r.required(&at.field("quantity"), quantity);
        let unit = r.word(&at.field("unit"), sent.unit.as_deref(), Unit::parse);
        let unit = r.required(&at.field("unit"), unit);
        let content =
            sent.content.as_ref().and_then(|content| content.read(r, &at.field("content")));
        let made_in = sent.country_of_manufacture.as_deref();
        let mut name = |field: &str, text: &Option<String>| {
            r.text(&at.field(field), text.as_deref(), NAME_CHARS_MAX)
        };
        let (make, model) = (name("make", &sent.make), name("model", &sent.model));
        let calibre = name("calibre", &sent.calibre);
        let manufactured_in = r.word(&at.field("country_of_manufacture"), made_in, Country::parse);
        let serials =
            r.list(&at.field("serials"), &sent.serials, ITEM_SERIALS_MAX, |r, at, text| {
                serial(r, at, text)
            });
        let (category, quantity, unit) = (category?, quantity?, unit?);
        let pieces = convert(quantity, unit, content, Unit::C62);
        if !serials.is_empty() && pieces.is_none_or(|pieces| pieces.floor() < serials.len()) {
            let words = format!("{} serials of {quantity} {unit}", serials.len());
            r.error(&at.field("serials"), "more_than_quantity", words);
        }
        Some(Found {
            item: sent.item,
            category,
            make,
            model,
            calibre,
            manufactured_in,
            quantity,
            unit,
            content,
            serials,
        })
    }
}

/// One item compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComparedItem {
    /// Its number on the export declaration.
    pub item: u32,
    /// How much left.
    pub left: String,
    /// How much has arrived so far.
    pub arrived: String,
    /// In what.
    pub unit: String,
    /// `nothing`, `partial`, `complete`, `short`, `differs` or `surplus`.
    pub result: String,
    /// Serials that left and have not arrived.
    pub missing: Vec<String>,
    /// Serials that arrived and never left; while others are missing, in their place.
    pub unknown: Vec<String>,
    /// Firearms of which no serial was read.
    pub unread: u32,
}

/// Goods that arrived and belong to nothing that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StrangeGoods {
    /// Class of the goods.
    pub category: String,
    /// How much.
    pub quantity: String,
    /// In what.
    pub unit: String,
    /// Their serials.
    pub serials: Vec<String>,
    /// `not_shipped`, `wrong_category`, `unit_not_convertible` or `arrived_twice`.
    pub reason: String,
}

/// What has arrived of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reconciled {
    /// The receipt.
    pub receipt: String,
    /// The export declaration's reference.
    pub declaration: String,
    /// Whether the exporting State has confirmed that the goods left.
    pub exit_confirmed: bool,
    /// How it turned out so far: `nothing`, `partial`, `complete`, `short`, `differs` or `surplus`.
    pub result: String,
    /// Item by item.
    pub items: Vec<ComparedItem>,
    /// Goods that belong to nothing that left.
    pub strange: Vec<StrangeGoods>,
}

/// An arrival as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ArrivalReply {
    /// Its identifier.
    pub id: String,
    /// The consignment's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// The export declaration's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The post.
    pub border_post: String,
    /// When they arrived.
    pub at: String,
    /// Whether nothing more is expected.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Whether anything is known here to have left for this State under that reference.
    pub known: bool,
    /// How it turned out over all: as in `receipts`, or `unknown`.
    pub result: String,
    /// Release by release.
    pub receipts: Vec<Reconciled>,
    /// What the arrival shows of the journey that is not as it was declared.
    pub findings: Vec<JourneyFinding>,
    /// When it was recorded.
    pub recorded_at: String,
    /// Where the audit trail holds the record.
    pub audit: AuditReference,
}
