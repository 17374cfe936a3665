//! Single firearms on the wire: their trail, and reports of those lost, stolen, seized or found.
use super::declaration::serial;
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::TEXT_CHARS_MAX;
use super::field::one_of;
use super::verification::AuditReference;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::serial::FirearmKey;
use crate::domain::serial::Serial;
use crate::domain::serial::folded_name;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest maker, model or case number.
const NAME_CHARS_MAX: usize = 100;

const REPORTS: &[(&str, &str)] =
    &[("lost", "lost"), ("stolen", "stolen"), ("seized", "seized"), ("found", "found")];

/// `POST /v1/serials/reports`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SerialReportRequest {
    /// `lost`, `stolen`, `seized` or `found`; what was found is no longer sought.
    pub report: Option<String>,
    /// The serial.
    pub serial: Option<String>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Country of manufacture.
    pub country_of_manufacture: Option<String>,
    /// The case's number.
    pub reference: Option<String>,
    /// The post, where it happened at one.
    pub border_post: Option<String>,
    /// In words.
    pub note: Option<String>,
}

/// A report as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialReport {
    /// `lost`, `stolen`, `seized` or `found`.
    pub report: &'static str,
    /// Of which firearm.
    pub firearm: FirearmKey,
    /// The case's number.
    pub reference: Text,
    /// The post.
    pub post: Option<Locode>,
    /// In words.
    pub note: Option<Text>,
}

/// A firearm as it is described in words.
#[derive(Debug, Clone, Default)]
pub struct Described<'a> {
    /// The serial.
    pub serial: Option<&'a str>,
    /// Maker.
    pub make: Option<&'a str>,
    /// Model.
    pub model: Option<&'a str>,
    /// Country of manufacture.
    pub country: Option<&'a str>,
}

impl Described<'_> {
    /// Reads the description, its fields under these names.
    pub fn read(&self, r: &mut Reader, country_field: &str) -> Option<FirearmKey> {
        let root = At::Root("");
        let number = r.required(&root.field("serial"), self.serial);
        let number: Option<Serial> = number.and_then(|text| serial(r, &root.field("serial"), text));
        let folded = |text: Option<Text>| text.map(|text| folded_name(&text)).unwrap_or_default();
        let make = folded(r.text(&root.field("make"), self.make, NAME_CHARS_MAX));
        let model = folded(r.text(&root.field("model"), self.model, NAME_CHARS_MAX));
        let country = r.word(&root.field(country_field), self.country, Country::parse);
        let country = country.map(|country| country.to_string()).unwrap_or_default();
        Some(FirearmKey { make, model, country, serial: number? })
    }
}

impl SerialReportRequest {
    /// Reads it.
    pub fn read(&self) -> Result<SerialReport, Vec<FieldError>> {
        let mut r = Reader::default();
        let root = At::Root("");
        let report =
            r.word(&root.field("report"), self.report.as_deref(), |text| one_of(text, REPORTS));
        let report = r.required(&root.field("report"), report);
        let described = Described {
            serial: self.serial.as_deref(),
            make: self.make.as_deref(),
            model: self.model.as_deref(),
            country: self.country_of_manufacture.as_deref(),
        };
        let firearm = described.read(&mut r, "country_of_manufacture");
        let reference = self.reference.as_deref();
        let reference = r.text(&root.field("reference"), reference, NAME_CHARS_MAX);
        let reference = r.required(&root.field("reference"), reference);
        let post = self.border_post.as_deref();
        let post = r.word(&root.field("border_post"), post, Locode::parse);
        let note = r.text(&root.field("note"), self.note.as_deref(), TEXT_CHARS_MAX);
        let read = report.zip(firearm).zip(reference).map(|((report, firearm), reference)| {
            SerialReport { report, firearm, reference, post, note }
        });
        r.finish(read)
    }
}

/// A report as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SerialReportReply {
    /// Its identifier.
    pub id: String,
    /// `lost`, `stolen`, `seized` or `found`.
    pub report: String,
    /// The serial, in the form in which it is compared.
    pub serial: String,
    /// The case's number.
    pub reference: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// Where the audit trail holds the record.
    pub audit: AuditReference,
}

/// Something that happened to a firearm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SerialEvent {
    /// `licensed`, `released`, `left`, `arrived`, `re_exported`, `lost`, `stolen`, `seized`, `found`.
    pub kind: String,
    /// When, an instant; for `licensed` the day of issue.
    pub at: String,
    /// Whose licence, border or report.
    pub state: String,
    /// The post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border_post: Option<String>,
    /// `export`, `import` or `transit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<String>,
    /// The licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// The declaration's, the consignment's or the case's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The release, arrival or report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `GET /v1/serials`: the trail of one firearm, as far as it concerns the caller's State.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SerialTrail {
    /// The serial, in the form in which it is compared.
    pub serial: String,
    /// What is reported of it and stands: `lost`, `stolen` or `seized`.
    pub reported: Vec<String>,
    /// What happened to it, in order.
    pub items: Vec<SerialEvent>,
}
