//! From the wire to the words of the trade.
use super::Condition;
use super::Consent;
use super::Licence;
use super::Line;
use super::TransitState;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Locode;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::LIST_MAX;
use crate::domain::goods::Category;
use crate::domain::goods::HsCode;
use crate::domain::goods::Movement;
use crate::domain::licence as domain;
use crate::domain::licence::Authenticity;
use crate::domain::licence::ConsentForm;
use crate::domain::licence::LINES_MAX;
use crate::domain::licence::LicenceUse;
use crate::domain::licence::NUMBER_CHARS_MAX;
use crate::domain::party as domain_party;
use crate::domain::party::ID_CHARS_MAX;
use crate::domain::quantity::Dimension;
use crate::domain::quantity::convert;
use crate::wire::declaration::CATEGORIES;
use crate::wire::declaration::MOVEMENTS;
use crate::wire::declaration::PURPOSES;
use crate::wire::declaration::positive;
use crate::wire::declaration::serials_once;
use crate::wire::field::At;
use crate::wire::field::FieldError;
use crate::wire::field::Reader;
use crate::wire::field::TEXT_CHARS_MAX;
use crate::wire::field::date;
use crate::wire::field::one_of;
use crate::wire::party::Party;
use crate::wire::words::Words;
use crate::wire::words::of;

const USES: &[(&str, LicenceUse)] = &[
    ("single", LicenceUse::Single),
    ("multiple", LicenceUse::Multiple),
    ("open", LicenceUse::Open),
];

const CONSENTS: &[(&str, ConsentForm)] = &[
    ("written", ConsentForm::Written),
    ("licence", ConsentForm::Licence),
    ("tacit", ConsentForm::Tacit),
    ("exempt", ConsentForm::Exempt),
    ("objection", ConsentForm::Objection),
];

const AUTHENTICITIES: &[(&str, Authenticity)] = &[
    ("registry", Authenticity::Registry),
    ("validated", Authenticity::Validated),
    ("unverified", Authenticity::Unverified),
    ("failed", Authenticity::Failed),
];

/// Longest maker, model, calibre or control category.
const NAME_CHARS_MAX: usize = 100;

const PROCEDURES: &[(&str, bool)] = &[("permanent", false), ("temporary", true)];

/// The fields that are one of these words.
pub(in crate::wire) fn words() -> Vec<Words> {
    vec![
        ("Consent", "form", of(CONSENTS)),
        ("Licence", "authenticity", of(AUTHENTICITIES)),
        ("Licence", "kind", of(MOVEMENTS)),
        ("Licence", "procedure", of(PROCEDURES)),
        ("Licence", "purpose", of(PURPOSES)),
        ("Licence", "use", of(USES)),
        ("Line", "category", of(CATEGORIES)),
    ]
}

/// Reads a licence whole.
pub(super) fn licence(
    sent: &Licence,
    version: u32,
    prefix: &str,
) -> Result<domain::Licence, Vec<FieldError>> {
    let mut reader = Reader::default();
    let licence = sent.whole(&mut reader, &At::Root(prefix), version);
    reader.finish(licence)
}

/// Reads a licence whole that is to be entered.
pub(super) fn new_licence(
    sent: &Licence,
    prefix: &str,
) -> Result<domain::Licence, Vec<FieldError>> {
    let mut reader = Reader::default();
    let at = At::Root(prefix);
    let licence = sent.whole(&mut reader, &at, 1);
    let lines = at.field("lines");
    for (index, line) in sent.lines.iter().take(LINES_MAX).enumerate() {
        line.must_measure(&mut reader, &lines.index(index));
    }
    reader.finish(licence)
}

impl Licence {
    fn whole(&self, r: &mut Reader, at: &At<'_>, version: u32) -> Option<domain::Licence> {
        let number = r.licence_number(&at.field("number"), self.number.as_deref());
        let number = r.required(&at.field("number"), number);
        let kind = r.word(&at.field("kind"), self.kind.as_deref(), |t| one_of(t, MOVEMENTS));
        let kind: Option<Movement> = r.required(&at.field("kind"), kind);
        let usage = r.word(&at.field("use"), self.usage.as_deref(), |t| one_of(t, USES));
        let usage = r.required(&at.field("use"), usage);
        let issuing_state = country(r, &at.field("issuing_state"), self.issuing_state.as_deref());
        let from = country(r, &at.field("country_of_export"), self.country_of_export.as_deref());
        let to = country(r, &at.field("country_of_import"), self.country_of_import.as_deref());
        let (issued_on, valid_from, valid_until) = self.dates(r, at);
        let exporter = party(r, &at.field("exporter"), self.exporter.as_ref());
        let exporter = r.required(&at.field("exporter"), exporter);
        let consignee = party(r, &at.field("consignee"), self.consignee.as_ref());
        let consignee = r.required(&at.field("consignee"), consignee);
        let authenticity = self.authenticity.as_deref();
        let authenticity =
            r.word(&at.field("authenticity"), authenticity, |t| one_of(t, AUTHENTICITIES));
        let rest = self.lists(r, at);
        // Everything is read before anything is given up, so that every error is reported.
        let procedure = self.procedure(r, at);
        let descriptive = self.is_descriptive(r, at);
        let final_recipient = party(r, &at.field("final_recipient"), self.final_recipient.as_ref());
        let clauses = self.clauses(r, at);
        let lines = self.lines(r, at);
        Some(domain::Licence {
            number: number?,
            version,
            kind: kind?,
            issuing_state: issuing_state?,
            issued_on: issued_on?,
            valid_from: valid_from?,
            valid_until,
            usage: usage?,
            procedure,
            authenticity: authenticity.unwrap_or(Authenticity::Registry),
            descriptive,
            country_of_export: from?,
            country_of_import: to?,
            transit: rest.transit,
            exporter: exporter?,
            consignee: consignee?,
            final_recipient,
            border_posts: rest.border_posts,
            linked: rest.linked,
            clauses,
            lines: lines.into(),
        })
    }

    fn dates(&self, r: &mut Reader, at: &At<'_>) -> (Option<Date>, Option<Date>, Option<Date>) {
        let issued_on = r.word(&at.field("issued_on"), self.issued_on.as_deref(), date);
        let valid_from = r.word(&at.field("valid_from"), self.valid_from.as_deref(), date);
        let valid_until = r.word(&at.field("valid_until"), self.valid_until.as_deref(), date);
        if valid_from.zip(valid_until).is_some_and(|(from, until)| until < from) {
            r.error(
                &at.field("valid_until"),
                "before_valid_from",
                "the last day of validity is before the first",
            );
        }
        let issued_on = r.required(&at.field("issued_on"), issued_on);
        (issued_on, r.required(&at.field("valid_from"), valid_from), valid_until)
    }

    /// Whether authority, place of issue and a description of every line stand on it.
    fn is_descriptive(&self, r: &mut Reader, at: &At<'_>) -> bool {
        let authority = self.issuing_authority.as_deref();
        let authority = r.text(&at.field("issuing_authority"), authority, TEXT_CHARS_MAX);
        let place =
            r.text(&at.field("place_of_issue"), self.place_of_issue.as_deref(), TEXT_CHARS_MAX);
        authority.is_some()
            && place.is_some()
            && self.lines.iter().all(|line| line.description.is_some())
    }

    fn lists(&self, r: &mut Reader, at: &At<'_>) -> Lists {
        let linked = at.field("linked_licences");
        Lists {
            transit: r
                .list(&at.field("transit"), &self.transit, LIST_MAX, TransitState::read)
                .into(),
            border_posts: r
                .list(&at.field("border_posts"), &self.border_posts, LIST_MAX, |r, at, text| {
                    r.word(at, Some(text), Locode::parse)
                })
                .into(),
            linked: r
                .list(&linked, &self.linked_licences, LIST_MAX, |r, at, text| {
                    r.licence_number(at, Some(text))
                })
                .into(),
        }
    }

    fn procedure(&self, r: &mut Reader, at: &At<'_>) -> domain::Procedure {
        let temporary =
            r.word(&at.field("procedure"), self.procedure.as_deref(), |t| one_of(t, PROCEDURES));
        let purpose =
            r.word(&at.field("purpose"), self.purpose.as_deref(), |t| one_of(t, PURPOSES));
        match temporary {
            Some(true) => domain::Procedure::Temporary(purpose),
            Some(false) | None => {
                if self.purpose.is_some() {
                    r.error(
                        &at.field("purpose"),
                        "not_temporary",
                        "only a temporary procedure has a purpose",
                    );
                }
                domain::Procedure::Permanent
            }
        }
    }

    fn clauses(&self, r: &mut Reader, at: &At<'_>) -> Option<Box<domain::Clauses>> {
        let clauses = domain::Clauses {
            brokers: r
                .list(&at.field("brokers"), &self.brokers, LIST_MAX, |r, at, party| {
                    party.read(r, at)
                })
                .into(),
            carriers: ids(r, &at.field("carriers"), &self.carriers),
            mandated: ids(r, &at.field("mandated_carriers"), &self.mandated_carriers),
            conditions: r
                .list(&at.field("conditions"), &self.conditions, LIST_MAX, Condition::read)
                .into(),
            superseded_by: r
                .licence_number(&at.field("superseded_by"), self.superseded_by.as_deref()),
        };
        (clauses != domain::Clauses::default()).then(|| Box::new(clauses))
    }

    fn lines(&self, r: &mut Reader, at: &At<'_>) -> Vec<domain::Line> {
        let list = at.field("lines");
        if self.lines.is_empty() {
            r.error(&list, "required", "a licence has at least one line");
        }
        let lines = r.list(&list, &self.lines, LINES_MAX, Line::read);
        let mut seen = std::collections::HashSet::with_capacity(lines.len());
        for (index, line) in self.lines.iter().enumerate().take(LINES_MAX) {
            let Some(number) = line.line else { continue };
            if !seen.insert(number) {
                r.error(
                    &list.index(index).field("line"),
                    "duplicate",
                    format!("line {number} stands twice"),
                );
            }
        }
        lines
    }
}

struct Lists {
    transit: Box<[domain::TransitState]>,
    border_posts: Box<[Locode]>,
    linked: Box<[Text]>,
}

fn ids(r: &mut Reader, at: &At<'_>, ids: &[String]) -> Box<[Text]> {
    r.list(at, ids, LIST_MAX, |r, at, text| r.number(at, Some(text), ID_CHARS_MAX)).into()
}

fn country(r: &mut Reader, at: &At<'_>, text: Option<&str>) -> Option<Country> {
    let country = r.word(at, text, Country::parse);
    r.required(at, country)
}

fn party(r: &mut Reader, at: &At<'_>, party: Option<&Party>) -> Option<domain_party::Party> {
    party.and_then(|party| party.read(r, at))
}

impl TransitState {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::TransitState> {
        let country = r.word(&at.field("country"), sent.country.as_deref(), Country::parse);
        let informed_on = r.word(&at.field("informed_on"), sent.informed_on.as_deref(), date);
        let consent =
            sent.consent.as_ref().and_then(|consent| consent.read(r, &at.field("consent")));
        let country = r.required(&at.field("country"), country)?;
        Some(domain::TransitState { country, consent, informed_on })
    }
}

impl Consent {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<domain::Consent> {
        let form = r.word(&at.field("form"), self.form.as_deref(), |t| one_of(t, CONSENTS));
        let reference = r.text(&at.field("reference"), self.reference.as_deref(), TEXT_CHARS_MAX);
        let dated = r.word(&at.field("dated"), self.dated.as_deref(), date);
        let requested_on = r.word(&at.field("requested_on"), self.requested_on.as_deref(), date);
        let form = r.required(&at.field("form"), form)?;
        Some(domain::Consent { form, reference, dated, requested_on })
    }
}

impl Condition {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Condition> {
        let code = r.text(&at.field("code"), sent.code.as_deref(), NUMBER_CHARS_MAX);
        r.text(&at.field("text"), sent.text.as_deref(), TEXT_CHARS_MAX);
        let code = r.required(&at.field("code"), code)?;
        Some(domain::Condition { code, blocking: sent.blocking })
    }
}

impl Line {
    /// Firearms are licensed in pieces, and nothing in groups of which the licence cannot state the content.
    fn must_measure(&self, r: &mut Reader, at: &At<'_>) {
        let unit = self.unit.as_deref().and_then(|unit| Unit::parse(unit).ok());
        let Some((unit, dimension)) = unit.and_then(|unit| Some((unit, unit.dimension()?))) else {
            return;
        };
        let category = self.category.as_deref().and_then(|text| one_of(text, CATEGORIES).ok());
        let is_firearm = category == Some(Category::Firearm);
        let detail = match dimension {
            Dimension::Count => {
                let quantity = self.quantity.as_deref().and_then(|text| Quantity::parse(text).ok());
                let pieces = quantity.and_then(|sent| convert(sent, unit, None, Unit::C62));
                if pieces.is_some_and(|pieces| pieces.as_count().is_none()) {
                    let detail = "what is counted is licensed in whole pieces";
                    r.error(&at.field("quantity"), "not_whole", detail);
                }
                return;
            }
            Dimension::Mass if !is_firearm => return,
            Dimension::Group if !is_firearm => {
                format!("{unit} counts groups, and a licence does not state what one holds")
            }
            Dimension::Mass | Dimension::Group => {
                format!(
                    "firearms are licensed in pieces (C62, PR, DZN, CEN), and {unit} counts none"
                )
            }
        };
        r.error(&at.field("unit"), "unknown_unit", detail);
    }

    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Line> {
        let name = |r: &mut Reader, field, text: &Option<String>| {
            r.text(&at.field(field), text.as_deref(), NAME_CHARS_MAX)
        };
        let line = r.required(&at.field("line"), sent.line);
        if line == Some(0) {
            r.error(&at.field("line"), "not_positive", "lines are numbered from 1");
        }
        let category =
            r.word(&at.field("category"), sent.category.as_deref(), |t| one_of(t, CATEGORIES));
        let category = r.required(&at.field("category"), category);
        let quantity = r.word(&at.field("quantity"), sent.quantity.as_deref(), positive);
        let quantity = r.required(&at.field("quantity"), quantity);
        let unit = r.word(&at.field("unit"), sent.unit.as_deref(), Unit::parse);
        let unit = r.required(&at.field("unit"), unit);
        if let Some(unit) = unit.filter(|unit| unit.dimension().is_none()) {
            r.error(
                &at.field("unit"),
                "unknown_unit",
                format!("{unit} is not a unit in which such goods are licensed"),
            );
        }
        r.text(&at.field("description"), sent.description.as_deref(), TEXT_CHARS_MAX);
        let list = at.field("serials");
        let serials = serials_once(r, &list, &sent.serials);
        let hs = r.word(&at.field("hs"), sent.hs.as_deref(), HsCode::parse);
        let control = name(r, "control_list", &sent.control_list);
        let make = name(r, "make", &sent.make);
        let model = name(r, "model", &sent.model);
        let calibre = name(r, "calibre", &sent.calibre);
        let made_in = sent.country_of_manufacture.as_deref();
        let manufactured_in = r.word(&at.field("country_of_manufacture"), made_in, Country::parse);
        Some(domain::Line {
            line: line?,
            category: category?,
            hs,
            control,
            make,
            model,
            calibre,
            manufactured_in,
            quantity: quantity?,
            unit: unit?,
            serials: serials.into(),
        })
    }
}
