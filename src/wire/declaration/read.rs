//! From the wire to the words of the trade.
use super::Carrier;
use super::Crossing;
use super::Declaration;
use super::Document;
use super::Fulfilment;
use super::Item;
use super::Leg;
use super::Observation;
use super::Reference;
use super::ScopeClaim;
use super::Temporary;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::declaration as domain;
use crate::domain::declaration::CREDENTIAL_CHARS_MAX;
use crate::domain::declaration::CREDENTIALS_MAX;
use crate::domain::declaration::Form;
use crate::domain::declaration::ITEMS_MAX;
use crate::domain::declaration::LIST_MAX;
use crate::domain::declaration::PersonalEffects;
use crate::domain::declaration::ScopeGround;
use crate::domain::declaration::Seen;
use crate::domain::goods::Mode;
use crate::domain::goods::Movement;
use crate::domain::goods::Purpose;
use crate::domain::licence::NUMBER_CHARS_MAX;
use crate::domain::number;
use crate::domain::party;
use crate::domain::reference;
use crate::domain::reference::REFERENCE_CHARS_MAX;
use crate::domain::reference::ReferenceKind;
use crate::wire::credential::FORM;
use crate::wire::credential::has_form;
use crate::wire::field::At;
use crate::wire::field::FieldError;
use crate::wire::field::Reader;
use crate::wire::field::TEXT_CHARS_MAX;
use crate::wire::field::date;
use crate::wire::field::instant;
use crate::wire::field::one_of;
use crate::wire::party::Party;
use crate::wire::words::Words;
use crate::wire::words::of;

/// The movements on the wire; a licence's kinds are the same words.
pub(in crate::wire) const MOVEMENTS: &[(&str, Movement)] =
    &[("export", Movement::Export), ("import", Movement::Import), ("transit", Movement::Transit)];

/// The purposes on the wire.
pub(in crate::wire) const PURPOSES: &[(&str, Purpose)] = &[
    ("hunting", Purpose::Hunting),
    ("sport_shooting", Purpose::SportShooting),
    ("evaluation", Purpose::Evaluation),
    ("exhibition", Purpose::Exhibition),
    ("repair", Purpose::Repair),
    ("historical_reenactment", Purpose::HistoricalReenactment),
];

const REFERENCES: &[(&str, ReferenceKind)] = &[
    ("mrn", ReferenceKind::Mrn),
    ("ucr", ReferenceKind::Ucr),
    ("national", ReferenceKind::National),
];

const MODES: &[(&str, Mode)] = &[
    ("sea", Mode::Sea),
    ("air", Mode::Air),
    ("road", Mode::Road),
    ("rail", Mode::Rail),
    ("inland_water", Mode::InlandWater),
    ("post", Mode::Post),
];

const FORMS: &[(&str, Form)] = &[
    ("standard", Form::Standard),
    ("simplified", Form::Simplified),
    ("entry_in_records", Form::EntryInRecords),
    ("self_assessment", Form::SelfAssessment),
    ("reduced_dataset", Form::ReducedDataset),
    ("oral", Form::Oral),
];

const GROUNDS: &[(&str, ScopeGround)] = &[
    ("state_transfer", ScopeGround::StateTransfer),
    ("armed_forces", ScopeGround::ArmedForces),
    ("collector", ScopeGround::Collector),
];

const EFFECTS: &[(&str, PersonalEffects)] =
    &[("hunter", PersonalEffects::Hunter), ("sport_shooter", PersonalEffects::SportShooter)];

const SEEN: &[(&str, Seen)] =
    &[("marking_altered", Seen::MarkingAltered), ("transhipped", Seen::Transhipped)];

const DIRECTIONS: &[(&str, bool)] = &[("entry", false), ("exit", true)];

/// The fields that are one of these words.
pub(super) fn words() -> Vec<Words> {
    vec![
        ("Crossing", "direction", of(DIRECTIONS)),
        ("Declaration", "form", of(FORMS)),
        ("Declaration", "movement", of(MOVEMENTS)),
        ("Leg", "mode", of(MODES)),
        ("Observation", "type", of(SEEN)),
        ("Reference", "type", of(REFERENCES)),
        ("ScopeClaim", "ground", of(GROUNDS)),
        ("Temporary", "personal_effects", of(EFFECTS)),
        ("Temporary", "purpose", of(PURPOSES)),
    ]
}

/// Reads a declaration whole.
pub(super) fn declaration(
    sent: &Declaration,
    prefix: &str,
) -> Result<domain::Declaration, Vec<FieldError>> {
    let mut reader = Reader::default();
    let r = &mut reader;
    let at = At::Root(prefix);
    let reference = sent.reference.as_ref().and_then(|sent| sent.read(r, &at.field("reference")));
    let reference = r.required(&at.field("reference"), reference);
    let movement =
        r.word(&at.field("movement"), sent.movement.as_deref(), |t| one_of(t, MOVEMENTS));
    let movement = r.required(&at.field("movement"), movement);
    let border_post = r.word(&at.field("border_post"), sent.border_post.as_deref(), Locode::parse);
    let border_post = r.required(&at.field("border_post"), border_post);
    let items = r.list(&at.field("items"), &sent.items, ITEMS_MAX, Item::read);
    if sent.items.is_empty() {
        r.error(&at.field("items"), "required", "a declaration has at least one item");
    }
    item_numbers(r, &at, &sent.items);
    let rest = rest(r, &at, sent, items);
    let whole =
        reference.zip(movement).zip(border_post).map(|((reference, movement), border_post)| {
            domain::Declaration { reference, movement, border_post, ..rest }
        });
    reader.finish(whole)
}

/// Everything but the three fields that decide what is asked; those hold a place here.
fn rest(
    r: &mut Reader,
    at: &At<'_>,
    sent: &Declaration,
    items: Vec<domain::Item>,
) -> domain::Declaration {
    let country = |r: &mut Reader, field, text: &Option<String>| {
        r.word(&at.field(field), text.as_deref(), Country::parse)
    };
    let day = |r: &mut Reader, field, text: &Option<String>| {
        r.word(&at.field(field), text.as_deref(), date)
    };
    let party = |r: &mut Reader, field, party: &Option<Party>| {
        party.as_ref().and_then(|party| party.read(r, &at.field(field)))
    };
    let form = r.word(&at.field("form"), sent.form.as_deref(), |t| one_of(t, FORMS));
    domain::Declaration {
        reference: reference::Reference {
            kind: ReferenceKind::Ucr,
            value: crate::domain::Text::default(),
        },
        movement: Movement::Export,
        border_post: Locode::UNKNOWN,
        ucr: r.number(&at.field("ucr"), sent.ucr.as_deref(), REFERENCE_CHARS_MAX),
        accepted_at: r.word(&at.field("accepted_at"), sent.accepted_at.as_deref(), instant),
        country_of_export: country(r, "country_of_export", &sent.country_of_export),
        country_of_import: country(r, "country_of_import", &sent.country_of_import),
        route: r.list(&at.field("route"), &sent.route, LIST_MAX, Leg::read),
        declarant: party(r, "declarant", &sent.declarant),
        carrier: sent.carrier.as_ref().and_then(|carrier| carrier.read(r, &at.field("carrier"))),
        exporter: party(r, "exporter", &sent.exporter),
        consignee: party(r, "consignee", &sent.consignee),
        final_recipient: party(r, "final_recipient", &sent.final_recipient),
        owner: party(r, "owner", &sent.owner),
        brokers: r
            .list(&at.field("brokers"), &sent.brokers, LIST_MAX, |r, at, party| party.read(r, at)),
        form: form.unwrap_or(Form::Standard),
        departs_on: day(r, "departs_on", &sent.departs_on),
        arrives_on: day(r, "arrives_on", &sent.arrives_on),
        documents: r.list(&at.field("documents"), &sent.documents, LIST_MAX, Document::read),
        scope: sent.scope_claim.as_ref().and_then(|claim| claim.read(r, &at.field("scope_claim"))),
        temporary: sent
            .temporary
            .as_ref()
            .map(|temporary| temporary.read(r, &at.field("temporary"))),
        crossings: r.list(&at.field("crossings"), &sent.crossings, LIST_MAX, Crossing::read),
        observations: r.list(
            &at.field("observations"),
            &sent.observations,
            LIST_MAX,
            Observation::read,
        ),
        fulfilments: r.list(
            &at.field("fulfilments"),
            &sent.fulfilments,
            LIST_MAX,
            Fulfilment::read,
        ),
        credentials: r.list(
            &at.field("credentials"),
            &sent.credentials,
            CREDENTIALS_MAX,
            |r, at, text| credential(r, at, text),
        ),
        items,
    }
}

fn credential(r: &mut Reader, at: &At<'_>, text: &str) -> Option<Text> {
    let text = r.text(at, Some(text), CREDENTIAL_CHARS_MAX)?;
    if !has_form(&text) {
        r.error(at, "not_a_credential", FORM);
        return None;
    }
    Some(text)
}

/// As they were sent: what could not be read has its place all the same.
fn item_numbers(r: &mut Reader, at: &At<'_>, items: &[Item]) {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for (index, item) in items.iter().enumerate().take(ITEMS_MAX) {
        let Some(number) = item.item else { continue };
        if !seen.insert(number) {
            let list = at.field("items");
            r.error(
                &list.index(index).field("item"),
                "duplicate",
                format!("item {number} stands twice"),
            );
        }
    }
}

impl Reference {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<reference::Reference> {
        let kind = r.word(&at.field("type"), self.kind.as_deref(), |t| one_of(t, REFERENCES));
        let value = r.number(&at.field("value"), self.value.as_deref(), REFERENCE_CHARS_MAX);
        let kind = r.required(&at.field("type"), kind);
        let value = r.required(&at.field("value"), value);
        Some(reference::Reference::new(kind?, value?))
    }
}

impl Leg {
    fn read(r: &mut Reader, at: &At<'_>, leg: &Self) -> Option<domain::Leg> {
        let country = r.word(&at.field("country"), leg.country.as_deref(), Country::parse);
        let mode = r.word(&at.field("mode"), leg.mode.as_deref(), |t| one_of(t, MODES));
        let country = r.required(&at.field("country"), country)?;
        Some(domain::Leg { country, mode, transhipment: leg.transhipment })
    }
}

impl Carrier {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<domain::Carrier> {
        let party = Party { id: self.id.clone(), name: self.name.clone(), address: None };
        let vehicle = r.text(&at.field("vehicle"), self.vehicle.as_deref(), TEXT_CHARS_MAX);
        Some(domain::Carrier { party: party.read(r, at)?, vehicle })
    }
}

impl ScopeClaim {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<domain::ScopeClaim> {
        let ground = r.word(&at.field("ground"), self.ground.as_deref(), |t| one_of(t, GROUNDS));
        let evidence = r.text(&at.field("evidence"), self.evidence.as_deref(), TEXT_CHARS_MAX);
        let ground = r.required(&at.field("ground"), ground)?;
        Some(domain::ScopeClaim { ground, evidence })
    }
}

impl Document {
    fn read(r: &mut Reader, at: &At<'_>, document: &Self) -> Option<domain::Document> {
        let kind = r.text(&at.field("type"), document.kind.as_deref(), NUMBER_CHARS_MAX);
        let reference =
            r.text(&at.field("reference"), document.reference.as_deref(), TEXT_CHARS_MAX);
        let dated = r.word(&at.field("dated"), document.dated.as_deref(), date);
        let kind = r.required(&at.field("type"), kind);
        let reference = r.required(&at.field("reference"), reference);
        // Where it is a licence's or a trader's number it is compared as one.
        let reference = reference.map(|text| number::of_licence(&text).unwrap_or(text));
        Some(domain::Document { kind: kind?, reference: reference?, dated })
    }
}

impl Temporary {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> domain::Temporary {
        domain::Temporary {
            purpose: r.word(&at.field("purpose"), self.purpose.as_deref(), |t| one_of(t, PURPOSES)),
            evidence: r.text(&at.field("evidence"), self.evidence.as_deref(), TEXT_CHARS_MAX),
            notified_on: r.word(&at.field("notified_on"), self.notified_on.as_deref(), date),
            outward: r.number(
                &at.field("outward_reference"),
                self.outward_reference.as_deref(),
                REFERENCE_CHARS_MAX,
            ),
            person: r.number(&at.field("person"), self.person.as_deref(), party::ID_CHARS_MAX),
            effects: r.word(&at.field("personal_effects"), self.personal_effects.as_deref(), |t| {
                one_of(t, EFFECTS)
            }),
        }
    }
}

impl Crossing {
    fn read(r: &mut Reader, at: &At<'_>, crossing: &Self) -> Option<domain::Crossing> {
        let post = r.word(&at.field("border_post"), crossing.border_post.as_deref(), Locode::parse);
        let exit = r
            .word(&at.field("direction"), crossing.direction.as_deref(), |t| one_of(t, DIRECTIONS));
        let time = r.word(&at.field("at"), crossing.at.as_deref(), instant);
        let post = r.required(&at.field("border_post"), post);
        let exit = r.required(&at.field("direction"), exit);
        let time = r.required(&at.field("at"), time);
        Some(domain::Crossing { post: post?, exit: exit?, at: time?.0 })
    }
}

impl Observation {
    fn read(r: &mut Reader, at: &At<'_>, observation: &Self) -> Option<domain::Observation> {
        let seen = r.word(&at.field("type"), observation.kind.as_deref(), |t| one_of(t, SEEN));
        let note = r.text(&at.field("note"), observation.note.as_deref(), TEXT_CHARS_MAX);
        let seen = r.required(&at.field("type"), seen)?;
        Some(domain::Observation { seen, item: observation.item, note })
    }
}

impl Fulfilment {
    fn read(r: &mut Reader, at: &At<'_>, fulfilment: &Self) -> Option<domain::Fulfilment> {
        let licence = r.licence_number(&at.field("licence"), fulfilment.licence.as_deref());
        let condition =
            r.text(&at.field("condition"), fulfilment.condition.as_deref(), NUMBER_CHARS_MAX);
        let evidence =
            r.text(&at.field("evidence"), fulfilment.evidence.as_deref(), TEXT_CHARS_MAX);
        let licence = r.required(&at.field("licence"), licence);
        let condition = r.required(&at.field("condition"), condition);
        let evidence = r.required(&at.field("evidence"), evidence);
        Some(domain::Fulfilment { licence: licence?, condition: condition?, evidence: evidence? })
    }
}
