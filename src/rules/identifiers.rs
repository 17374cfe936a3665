//! Section 3A: what the declaration must state, and whether its numbers and codes can be right.
use super::CLOCK_DIFFERENCE_S;
use super::Case;
use super::Code;
use super::Finding;
use super::Findings;
use super::Severity;
use super::case::PriorUse;
use super::case::QuoteCase;
use super::parties::parties;
use super::status::is_licensed;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::codes;
use crate::domain::codes::Tariff;
use crate::domain::declaration::Item;
use crate::domain::goods::Movement;
use crate::domain::reference::MrnFlow;
use crate::domain::reference::ReferenceKind;
use crate::domain::reference::mrn_check_digit;
use crate::domain::reference::mrn_check_digit_agrees;
use crate::domain::reference::mrn_flow;
use crate::domain::reference::ucr_is_sound;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// 1 DECLARATION_FIELD_MISSING and ACCEPTANCE_DATE_IMPLAUSIBLE: the declaration states what the licences are
/// compared with: the instant of acceptance, the countries of export and import, the exporter and the
/// consignee. Each item has a description, be it on the declaration or on a licence quoted for it, since
/// article 10(3) asks for licence and papers together; an item that is to pass without a licence also has its
/// tariff code, by which it can be told from those that need one. Without an instant of acceptance validity is judged
/// on the day of the check, and a person decides whether that is right; goods that a carrier only announces
/// have not been accepted yet and miss nothing by it. An acceptance later than now
/// (five minutes are left to differing clocks) cannot be, and one so long ago that the declaration should have
/// been invalidated meanwhile is referred too: nobody revives an expired licence by an old date. The final recipient is left to rule 45;
/// declarant and carrier are not among the particulars of article 10(3) and may be left out.
pub(super) fn particulars(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let missing = [
        (
            declaration.accepted_at.is_none() && !case.facts.is_announced,
            "/accepted_at",
            "when customs accepted it",
        ),
        (declaration.country_of_export.is_none(), "/country_of_export", "the country of export"),
        (declaration.country_of_import.is_none(), "/country_of_import", "the country of import"),
        (declaration.exporter.is_none(), "/exporter", "the exporter"),
        (declaration.consignee.is_none(), "/consignee", "the consignee"),
    ];
    for (_, path, what) in missing.into_iter().filter(|(missing, ..)| *missing) {
        let finding = findings.add(Code::DeclarationFieldMissing).at(path);
        finding.says(format_args!("the declaration does not state {what}"));
    }
    for item in &case.items {
        let described = |quote: &QuoteCase<'_>| {
            quote.licence().is_some_and(|licence| licence.descriptive && quote.line.is_some())
        };
        if item.item.description.is_none() && !item.quotes.iter().any(described) {
            let finding = findings.add(Code::DeclarationFieldMissing).on_item(item, "description");
            finding.says("neither the declaration nor a licence describes the goods in words");
        }
        if item.item.hs.is_none() && item.quotes.is_empty() && !is_licensed(case, item) {
            let finding = findings.add(Code::DeclarationFieldMissing).on_item(item, "hs");
            finding.says("goods that are to pass without a licence state their tariff code");
        }
    }
    if let Some((at, _)) = declaration.accepted_at {
        acceptance(case, at, findings);
    }
}

fn acceptance(case: &Case<'_>, at: Timestamp, findings: &mut Findings) {
    let (now, days) = (case.now, case.profile.acceptance_days_max);
    let ago_s = now.as_second().saturating_sub(at.as_second());
    let future = ago_s < -CLOCK_DIFFERENCE_S;
    if future || ago_s > i64::from(days) * DAY_S {
        let finding = findings.add(Code::AcceptanceDateImplausible).at("/accepted_at");
        finding.declared(at).licensed(now);
        if future {
            finding.says(format_args!("accepted at {at}, but it is only {now}"));
        } else {
            finding.says(format_args!("accepted at {at}, more than {days} days before {now}"));
        }
    }
}

/// 2 MRN_FORMAT_INVALID, 3 MRN_CHECK_DIGIT_INVALID and 4 MRN_PROCEDURE_MISMATCH: a movement reference
/// number has 18 capitals and digits: two digits of the year, the country that issued it, twelve or thirteen
/// signs, a letter of procedure and a check digit. A wrong check digit is likelier a typing error than a fraud
/// and never holds by itself; a right one says nothing of authenticity. The letter must be of the declared
/// movement: A to E export and exit, J to M transit, R to W import and entry. Numbers of the years up to
/// 2024 may have anything in its place and are not asked for it. A reference of type `ucr` is checked
/// for the form of a UCR instead, under the first of these codes, and a national number for nothing.
/// In which case a number was typed does not matter: it is read in capitals, in which it is printed.
pub(super) fn reference(case: &Case<'_>, findings: &mut Findings) {
    let value = &case.declaration.reference.value;
    match case.declaration.reference.kind {
        ReferenceKind::Mrn => mrn(case, value, findings),
        ReferenceKind::Ucr => {
            if !ucr_is_sound(value) {
                findings
                    .add(Code::MrnFormatInvalid)
                    .at("/reference/value")
                    .declared(value)
                    .by_law("World Customs Organization, guidelines on the unique consignment reference")
                    .says(format_args!(
                        "{value} is no UCR: a digit of the year, a country, an operator, a hyphen, a reference"
                    ));
            }
        }
        ReferenceKind::National => {}
    }
}

fn mrn(case: &Case<'_>, mrn: &str, findings: &mut Findings) {
    let issuer = mrn.get(2..4).and_then(|code| Country::parse(code).ok());
    let (Some(flow), Some(_)) = (mrn_flow(mrn), issuer.filter(|issuer| issuer.is_assigned()))
    else {
        on_reference(Code::MrnFormatInvalid, mrn, findings).says(format_args!(
            "{mrn} is no MRN: 18 capitals and digits with year, country, letter of procedure and check digit"
        ));
        return;
    };
    if !mrn_check_digit_agrees(mrn) {
        let wanted = mrn_check_digit(mrn).map_or_else(String::new, |digit| digit.to_string());
        let last = mrn.get(17..).unwrap_or_default();
        on_reference(Code::MrnCheckDigitInvalid, mrn, findings)
            .licensed(&wanted)
            .says(format_args!("{mrn} ends in {last}, its other signs ask for {wanted}"));
    }
    let movement = match flow {
        MrnFlow::Export => Movement::Export,
        MrnFlow::Transit => Movement::Transit,
        MrnFlow::Import => Movement::Import,
        MrnFlow::Unstated => return,
    };
    let declared = case.declaration.movement;
    if movement != declared {
        let letter = mrn.get(16..17).unwrap_or_default();
        on_reference(Code::MrnProcedureMismatch, mrn, findings)
            .declared(declared.as_str())
            .licensed(movement.as_str())
            .says(format_args!(
                "{mrn} is a number of {} (letter {letter}), declared is {}",
                movement.as_str(),
                declared.as_str()
            ));
    }
}

fn on_reference<'f>(code: Code, value: &str, findings: &'f mut Findings) -> &'f mut Finding {
    findings.add(code).at("/reference/value").declared(value)
}

/// 5 MRN_ALREADY_USED: the item has not been released under this reference before, and what has been is of the
/// same declaration. Customs accept one declaration under a number, whose items may be released one after the other:
/// a further item is of it where all that its items share agrees (acceptance, movement, countries, route, days, form, parties, carrier and means of transport, UCR,
/// temporary movement, claims) and no item that both have is of other goods. Else another declaration has used the number,
/// and every item is held. An item whose goods are those of one that was released under another
/// item's number is referred: it may be the same paper numbered anew. The finding says whether
/// it was the very same declaration, scanned again, or one of another content under the same
/// number. A retry of one request, an amendment and a reversed release are told apart before the rules run
/// and are not found here. A UCR may stand for many shipments: only the same declaration counts as its use. An MRN is used
/// in the whole customs territory, that is in every Member State of the Union, but for transit, where each State lets the goods
/// through once.
pub(super) fn already_used(case: &Case<'_>, findings: &mut Findings) {
    let reference = &case.declaration.reference.value;
    for prior in &case.facts.prior_uses {
        let Some(item) = case.items.iter().find(|item| item.item.number == prior.item) else {
            continue;
        };
        let finding = findings.add(Code::MrnAlreadyUsed).on_item(item, "");
        finding.at("/reference/value").declared(reference);
        let by = by(finding, prior);
        if prior.same_content {
            finding
                .says(format_args!(
                    "item {} of this very declaration was released at {}{by}",
                    prior.item, prior.at
                ))
                .remedy("If these goods are those released, nothing is left to do; otherwise examine them");
        } else {
            finding.says(format_args!(
                "item {} was released at {} under {reference} with another content{by}",
                prior.item, prior.at
            ));
        }
    }
    for item in case.items.iter().filter(|item| !case.is_released(item.item)) {
        let mut uses = case.facts.prior_uses.iter();
        if let Some(prior) = uses.clone().find(|prior| prior.is_another) {
            let finding = findings.add(Code::MrnAlreadyUsed).on_item(item, "");
            finding.at("/reference/value").declared(reference);
            let by = by(finding, prior);
            finding.says(format_args!(
                "another declaration was released under {reference} at {}{by}",
                prior.at
            ));
        } else if let Some(prior) = uses.find(|prior| prior.renumbered == Some(item.item.number)) {
            let finding = findings.add(Code::MrnAlreadyUsed).on_item(item, "item");
            finding.severity(Severity::Refer).declared(item.item.number);
            let by = by(finding, prior);
            finding
                .says(format_args!(
                    "the goods of item {} were released as item {} under {reference} at {}{by}",
                    item.item.number, prior.item, prior.at
                ))
                .remedy("Examine whether these are further goods of the declaration");
        }
    }
}

/// Names an earlier release where it may be told: as what was found, and in words.
fn by(finding: &mut Finding, prior: &PriorUse) -> String {
    if prior.release.is_empty() {
        return String::new();
    }
    finding.licensed(&prior.release);
    format!(" (release {})", prior.release)
}

/// 6 CODE_UNKNOWN: countries are assigned today by ISO 3166-1 or used by customs beside it (XK, XI and the
/// like). `UK` and `EL` are reserved, not assigned: the finding names the code that is meant. A country of
/// manufacture may also be one that no longer exists (SU, YU, DD). Tariff codes of chapter 93 and of the
/// headings around it are codes of the 2022 nomenclature at six digits, and one that an older edition had
/// is found with what replaced it; other chapters are not kept here and are left to rule 72. A unit is one
/// of Recommendation 20 for these goods or a code that is known to count nothing, which rule 82 judges.
/// Modes of transport and the form of places are refused when the declaration is read; whether a place is a
/// customs post is rule 48.
pub(super) fn codes(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let ends = [
        (declaration.country_of_export, "/country_of_export"),
        (declaration.country_of_import, "/country_of_import"),
        (declaration.border_post.country(), "/border_post"),
    ];
    for (country, path) in ends {
        if let Some(country) = country.filter(|country| !country.is_assigned()) {
            unassigned(country, findings).at(path);
        }
    }
    for (index, leg) in declaration.route.iter().enumerate() {
        if !leg.country.is_assigned() {
            unassigned(leg.country, findings).at(format!("/route/{index}/country"));
        }
    }
    for (index, crossing) in declaration.crossings.iter().enumerate() {
        if let Some(country) = crossing.post.country().filter(|country| !country.is_assigned()) {
            unassigned(country, findings).at(format!("/crossings/{index}/border_post"));
        }
    }
    for item in &case.items {
        let goods = item.item;
        if let Some(country) =
            goods.manufactured_in.filter(|c| !c.is_assigned() && !c.is_withdrawn())
        {
            unassigned(country, findings).on_item(item, "country_of_manufacture");
        }
        if !codes::unit_is_known(goods.unit) {
            let finding =
                findings.add(Code::CodeUnknown).on_item(item, "unit").declared(goods.unit);
            finding.says(format_args!(
                "{} is no unit of Recommendation 20 in which these goods are counted or weighed",
                goods.unit
            ));
        }
        if let Some((index, mark)) = unassigned_mark(goods) {
            unassigned(mark, findings).on_item(item, &format!("marks/{index}"));
        }
        tariff(goods, findings, |finding| {
            finding.on_item(item, "hs");
        });
    }
}

fn unassigned_mark(item: &Item) -> Option<(usize, Country)> {
    item.marks.iter().enumerate().find_map(|(index, mark)| {
        let countries = [mark.import_country, mark.stock_country].into_iter().flatten();
        let unknown = countries.into_iter().find(|c| !c.is_assigned() && !c.is_withdrawn());
        unknown.map(|country| (index, country))
    })
}

fn unassigned(country: Country, findings: &mut Findings) -> &mut Finding {
    let finding = findings.add(Code::CodeUnknown).declared(country);
    match country.meant() {
        Some(meant) => finding
            .licensed(meant)
            .says(format_args!("{country} is reserved, not assigned; {meant} is probably meant")),
        None => finding.says(format_args!("{country} is the code of no country")),
    }
}

fn tariff(goods: &Item, findings: &mut Findings, place: impl FnOnce(&mut Finding)) {
    let Some(hs) = goods.hs else { return };
    match codes::tariff(hs) {
        Tariff::Usable => {}
        Tariff::Replaced(by) => {
            let finding = findings.add(Code::CodeUnknown).declared(hs);
            place(finding);
            match by {
                Some(by) => finding
                    .licensed(by)
                    .says(format_args!("{hs} is of an older nomenclature; {by} replaced it")),
                None => {
                    finding.says(format_args!("{hs} is of an older nomenclature and was divided"))
                }
            };
        }
        Tariff::Unknown => {
            let finding = findings.add(Code::CodeUnknown).declared(hs);
            place(finding);
            finding.says(format_args!("{hs} is no code of the nomenclature of 2022"));
        }
    }
}

/// 7 OPERATOR_ID_INVALID: the identifier of every party named has the form of an operator's number: an
/// assigned country followed by 1 to 33 printable signs without spaces. An EORI number of Greece starts
/// with GR, one of Northern Ireland with XI. There is no common check digit, and no register of operators
/// is asked whether the number exists. Identifiers are of the party's own State, whatever way the goods go.
pub(super) fn operators(case: &Case<'_>, findings: &mut Findings) {
    for party in parties(case.declaration).filter(|named| !named.party.id_is_plausible()) {
        let id = &party.party.id;
        let finding = findings.add(Code::OperatorIdInvalid).at(format!("{}/id", party.path()));
        finding.declared(id);
        finding.says(format_args!(
            "{id} is not the number of an operator: a country and 1 to 33 signs"
        ));
    }
}
