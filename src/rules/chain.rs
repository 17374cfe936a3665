//! Section 3D: the chain of licences, from the importing State's to the exporting State's.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::cover;
use super::status::is_licensed;
use crate::domain::Country;
use crate::domain::Quantity;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::licence::LicenceUse;
use crate::domain::licence::Line;
use crate::domain::party::names_agree;
use crate::domain::quantity::convert;
use std::fmt::Display;

/// Whether every licence quoted is known, and none is of a kind issued by or for a State.
fn lacks(case: &Case<'_>, item: &ItemCase<'_>, kind: Movement, state: Country) -> bool {
    // Whether the item needs a licence at all is asked last: nearly every one has it.
    !item.quotes.is_empty()
        && item.quotes.iter().all(|quote| {
            quote.licence().is_some_and(|licence| {
                licence.kind != kind || !case.may_issue(licence.issuing_state, state)
            })
        })
        && is_licensed(case, item)
}

/// 35 IMPORT_LICENCE_MISSING: an item that is exported quotes a licence by which the importing State has
/// authorised its import: the exporting State verifies that before it issues its own. An import licence of
/// another State does not do, nor does the final recipient's word. A number that was not found, or of
/// which nothing is known, could be the one: rules 11 and 12 judge it. Items without any quote are left
/// to rule 10, and those under an exemption in their licences' place to whoever granted it. Temporary exports are not excused: what
/// the law spares them is the transit consent.
pub(super) fn import_licence(case: &Case<'_>, findings: &mut Findings) {
    let Some(state) = case.declaration.country_of_import else { return };
    if case.declaration.movement != Movement::Export {
        return;
    }
    for item in &case.items {
        if lacks(case, item, Movement::Import, state) {
            let finding = findings.add(Code::ImportLicenceMissing).on_item(item, "licences");
            finding.licensed(format_args!("an import licence of {state}")).says(format_args!(
                "item {} quotes no import licence of {state}",
                item.item.number
            ));
        }
    }
}

/// 38 EXPORT_LICENCE_UNPROVEN: at import, the exporting State's licence is shown. The importing State may ask
/// for it, so its absence is for a person to decide and never holds by itself. Under Union law the duty to
/// give it on request is the importer's; elsewhere it follows from article 10(1). Transit is left to
/// rule 16, goods under an exemption to whoever granted it, and a quote of which nothing is known to rules 11
/// and 12.
pub(super) fn export_licence(case: &Case<'_>, findings: &mut Findings) {
    let Some(state) = case.declaration.country_of_export else { return };
    if case.declaration.movement != Movement::Import {
        return;
    }
    for item in &case.items {
        if lacks(case, item, Movement::Export, state) {
            let finding = findings.add(Code::ExportLicenceUnproven).on_item(item, "licences");
            finding.licensed(format_args!("the export licence of {state}")).says(format_args!(
                "item {} does not quote the export licence of {state}",
                item.item.number
            ));
            if !case.profile.union_only {
                finding.by_law("Firearms Protocol art. 10(1)");
            }
        }
    }
}

/// An export licence of an item with an import licence of it.
struct Pair<'c, 'a> {
    item: &'c ItemCase<'a>,
    quote: &'c QuoteCase<'a>,
    export: &'a Licence,
    import: &'a Licence,
    lines: Option<(&'a Line, &'a Line)>,
}

fn pairs<'c, 'a>(case: &'c Case<'a>) -> impl Iterator<Item = Pair<'c, 'a>> {
    case.items.iter().flat_map(|item| {
        item.licences_of(Movement::Export).flat_map(move |(quote, export)| {
            item.licences_of(Movement::Import).map(move |(other, import)| Pair {
                item,
                quote,
                export: &export.licence,
                import: &import.licence,
                lines: quote.line.zip(other.line),
            })
        })
    })
}

/// 36 IMPORT_LICENCE_ISSUED_AFTER_EXPORT: the importing State issued its licence before the exporting State
/// issued the export licence that rests on it; the same day is in time. A defect of issue, found at
/// export only. An import licence that renews an earlier one is none: it is taken for a renewal where both
/// licences name one and the same third licence as linked.
pub(super) fn import_first(case: &Case<'_>, findings: &mut Findings) {
    let late = |export: &Licence, import: &Licence| import.issued_on > export.issued_on;
    if case.declaration.movement != Movement::Export || !any_pair(case, late) {
        return;
    }
    for pair in pairs(case) {
        let (export, import) = (pair.export, pair.import);
        let renewed = || {
            export
                .linked
                .iter()
                .any(|number| *number != import.number && import.linked.contains(number))
        };
        if late(export, import) && !renewed() {
            let finding =
                findings.add(Code::ImportLicenceIssuedAfterExport).on(pair.item, pair.quote);
            finding.declared(import.issued_on).licensed(export.issued_on).says(format_args!(
                "import licence {} was issued on {}, export licence {} on {}",
                import.number, import.issued_on, export.number, export.issued_on
            ));
        }
    }
}

/// 37 EXPORT_IMPORT_LICENCE_MISMATCH: the export and the import licence quoted for an item are of one transaction.
/// Different countries of export or import, or different final recipients by identifier, hold the goods.
/// The lines quoted are compared in class, tariff code, make, model and calibre, but only where the
/// declaration leaves the particular open: otherwise rules 70 to 74 have compared each licence with the
/// goods already. A difference there is referred, and so is an export line for more than the import lines
/// of the item together authorise, where their units convert; open licences have no quantity, and under
/// Regulation (EU) 2025/41 a multiple export authorisation may span several import licences. A final
/// recipient that only one of the two names is no mismatch.
/// At export, what goes under a line of an import licence is referred too where it is more than the line authorises
/// together with what was released for export under it before, by this or other export licences; an item that
/// quotes several import licences counts with each by the share stated for it.
pub(super) fn one_transaction(case: &Case<'_>, findings: &mut Findings) {
    let left_open = |item: &ItemCase<'_>| {
        let goods = item.item;
        goods.hs.is_none()
            || goods.make.is_none()
            || goods.model.is_none()
            || goods.calibre.is_none()
    };
    let compared = any_pair(case, differ_at_large) || case.items.iter().any(left_open);
    for pair in compared.then(|| pairs(case)).into_iter().flatten() {
        let (export, import) = (pair.export, pair.import);
        let ends = [
            ("country of export", export.country_of_export, import.country_of_export),
            ("country of import", export.country_of_import, import.country_of_import),
        ];
        for (what, left, right) in ends.into_iter().filter(|(_, left, right)| left != right) {
            differ(&pair, what, left, right, findings);
        }
        if let (Some(left), Some(right)) = (&export.final_recipient, &import.final_recipient)
            && left.id != right.id
        {
            differ(&pair, "final recipient", &left.id, &right.id, findings);
        }
        if let Some((left, right)) = pair.lines {
            lines(&pair, left, right, findings);
        }
    }
    for item in &case.items {
        quantities(case, item, findings);
    }
    cover::exceeded(case, findings);
}

fn differ_at_large(export: &Licence, import: &Licence) -> bool {
    let recipients = export.final_recipient.as_ref().zip(import.final_recipient.as_ref());
    export.country_of_export != import.country_of_export
        || export.country_of_import != import.country_of_import
        || recipients.is_some_and(|(left, right)| left.id != right.id)
}

/// Whether any export and import licence, quoted together or not, stand to each other as tested.
fn any_pair(case: &Case<'_>, test: impl Fn(&Licence, &Licence) -> bool) -> bool {
    let of = |kind| {
        case.held().map(|held| held.licence.as_ref()).filter(move |licence| licence.kind == kind)
    };
    of(Movement::Export).any(|export| of(Movement::Import).any(|import| test(export, import)))
}

fn differ<'f>(
    pair: &Pair<'_, '_>,
    what: &str,
    export: impl Display,
    import: impl Display,
    findings: &'f mut Findings,
) -> &'f mut super::Finding {
    let finding = findings.add(Code::ExportImportLicenceMismatch).on(pair.item, pair.quote);
    finding.declared(&export).licensed(&import).says(format_args!(
        "{what}: {export} on {}, {import} on {}",
        pair.export.number, pair.import.number
    ))
}

fn lines(pair: &Pair<'_, '_>, left: &Line, right: &Line, findings: &mut Findings) {
    let goods = pair.item.item;
    if left.category != goods.category || right.category != goods.category {
        return;
    }
    if let (None, Some(export), Some(import)) = (goods.hs, left.hs, right.hs)
        && export.six() != import.six()
    {
        differ(pair, "tariff code", export, import, findings).severity(Severity::Refer);
    }
    for (what, declared, left, right) in [
        ("make", &goods.make, &left.make, &right.make),
        ("model", &goods.model, &left.model, &right.model),
        ("calibre", &goods.calibre, &left.calibre, &right.calibre),
    ] {
        if let (None, Some(left), Some(right)) = (declared, left, right)
            && !names_agree(left, right)
        {
            differ(pair, what, left, right, findings).severity(Severity::Refer);
        }
    }
}

/// Compares what the export lines authorise with what the import lines of the item do.
fn quantities(case: &Case<'_>, item: &ItemCase<'_>, findings: &mut Findings) {
    for (quote, held) in item.licences_of(Movement::Export) {
        let export = &held.licence;
        let spans = case.profile.outlive_single_only && export.usage == LicenceUse::Multiple;
        let Some(line) = quote.line.filter(|line| line.category == item.item.category) else {
            continue;
        };
        if spans || export.usage == LicenceUse::Open {
            continue;
        }
        let mut authorised = Quantity::ZERO;
        let mut first = None;
        for (other, import) in item.licences_of(Movement::Import) {
            let part = other.line.filter(|other| other.category == line.category);
            let part = part.and_then(|part| convert(part.quantity, part.unit, None, line.unit));
            let (LicenceUse::Single | LicenceUse::Multiple, Some(part)) =
                (import.licence.usage, part)
            else {
                return;
            };
            first.get_or_insert(&import.licence);
            authorised = authorised.plus(part).unwrap_or(Quantity::MAX);
        }
        let Some(import) = first.filter(|_| line.quantity > authorised) else { continue };
        let unit = line.unit;
        let finding = findings.add(Code::ExportImportLicenceMismatch).on(item, quote);
        finding.severity(Severity::Refer).declared(line.quantity).licensed(authorised);
        finding.says(format_args!(
            "quantity: {} {unit} on line {} of {}, {authorised} {unit} to be imported under {}",
            line.quantity, line.line, export.number, import.number
        ));
    }
}
