//! Section 3B: existence, authenticity and status of the licences quoted.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::CredentialFact;
use super::case::ItemCase;
use super::case::Lookup;
use super::case::Proof;
use super::case::QuoteCase;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::declaration::Document;
use crate::domain::goods::Movement;
use crate::domain::licence::Authenticity;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;

/// 10 LICENCE_REFERENCE_MISSING: every item of listed goods quotes a licence or the reference of
/// an exemption; an item that quotes any licence needs all of them, whatever exemption stands beside it. Antiques and deactivated firearms need none as long as that claim holds, and where the year of an
/// antique is not stated a person decides (77); a claim that has failed leaves a firearm without a licence,
/// which nobody at a post may release. Movements claimed to be outside the law are left to rule 79, and components
/// of ammunition need none where no State concerned controls them. What kind of licence is quoted is rule 16.
pub(super) fn licence_reference_missing(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        if item.quotes.is_empty() && is_licensed(case, item) {
            let class = item.item.category.as_str();
            let finding = findings.add(Code::LicenceReferenceMissing).on_item(item, "licences");
            finding.says(format_args!(
                "item {} ({class}) quotes neither a licence nor an exemption",
                item.item.number
            ));
        }
    }
}

/// Whether the item is one that a licence must cover.
pub(super) fn is_licensed(case: &Case<'_>, item: &ItemCase<'_>) -> bool {
    !item.is_exempted()
        && !item.is_claimed_outside()
        && case.declaration.scope.is_none()
        && case.is_controlled(item.item)
}

/// 11 LICENCE_NOT_FOUND and 12 ISSUER_UNAVAILABLE: the register has every licence quoted. That it has not is
/// proof of nothing unless the State that would have issued the number keeps its licences here on that day
/// and the data are fresh; only then does the number not exist (11), otherwise the issuing State
/// could not be asked (12), and a person decides: never "not found", and never passed. Who would have issued
/// an unknown number is told by its first two letters where they are those of a State concerned; failing
/// that, every State concerned must be connected. A register that does not answer at all is always 12, and so is one
/// whose reply is not signed by its key. A licence of another State's register that this border would draw
/// upon is 12 too, since its balance cannot be drawn from here.
pub(super) fn licence_not_found(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        for quote in &item.quotes {
            let number = &quote.quote.number;
            match quote.lookup {
                Lookup::Held(held) => foreign_balance(case, item, quote, held, findings),
                // A register that has answered, signed and just now, has no such licence.
                Lookup::NotFound if case.foreign(number).is_some() && case.is_fresh() => {
                    let finding = findings.add(Code::LicenceNotFound).on(item, quote);
                    finding.declared(number).says(format_args!(
                        "{number} is not in the register of its State, which was asked"
                    ));
                }
                Lookup::NotFound => match unconnected_issuer(case, number) {
                    None if case.is_fresh() => {
                        let finding = findings.add(Code::LicenceNotFound).on(item, quote);
                        finding.declared(number).says(format_args!(
                            "{number} is in no register of the States concerned, and all were asked"
                        ));
                    }
                    None => {
                        let finding = findings.add(Code::IssuerUnavailable).on(item, quote);
                        finding.declared(number).says(format_args!(
                            "{number} is not among the data at hand, which are too old to tell"
                        ));
                    }
                    Some(state) => {
                        let finding = findings.add(Code::IssuerUnavailable).on(item, quote);
                        finding.declared(number).says(format_args!(
                            "{number} is not known here, and licences of {state} are not kept here"
                        ));
                    }
                },
                Lookup::Unavailable => {
                    let finding = findings.add(Code::IssuerUnavailable).on(item, quote);
                    finding.declared(number);
                    finding.says(format_args!("the register could not be asked for {number}"));
                }
            }
        }
    }
}

/// A licence of another State's register cannot be drawn upon from here: a person sees to it there.
fn foreign_balance(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    quote: &QuoteCase<'_>,
    held: &Held,
    findings: &mut Findings,
) {
    let number = &quote.quote.number;
    if let Some(foreign) = case.foreign(number).filter(|_| case.draws(&held.licence)) {
        let finding = findings.add(Code::IssuerUnavailable).on(item, quote);
        finding.declared(number).says(format_args!(
            "the balance of {number} is kept in the register of {} and cannot be drawn upon here",
            foreign.state
        ));
    }
}

/// A State that may have issued an unknown number and does not keep its licences here.
fn unconnected_issuer(case: &Case<'_>, number: &str) -> Option<Country> {
    let declaration = case.declaration;
    let ends = [declaration.country_of_export, declaration.country_of_import, case.state];
    let passed = case.passages.iter().map(|passage| passage.country);
    let concerned = || ends.into_iter().flatten().chain(passed.clone());
    let named = number
        .get(..2)
        .and_then(|code| Country::parse(code).ok())
        .filter(|_| !number.as_bytes().get(2).is_some_and(u8::is_ascii_alphabetic))
        .filter(|state| concerned().any(|other| other == *state));
    let unconnected = |state: &Country| !case.lists.is_connected(*state, case.reference_date);
    match named {
        Some(state) => Some(state).filter(unconnected),
        None => concerned().find(unconnected),
    }
}

/// 13 LICENCE_DATA_STALE: the licence data are no older than the profile allows, and the register could
/// be asked what it knows of the reference, the firearms and an earlier movement. An age that cannot
/// be told counts as too old: the service fails closed. Each answer states the age of its data, whether it
/// is found or not. A post that is cut off judges on its snapshot until that ends.
pub(super) fn data_stale(case: &Case<'_>, findings: &mut Findings) {
    let limit = case.profile.data_age_ms_max;
    if !case.is_fresh() {
        let finding = findings.add(Code::LicenceDataStale).at("/items").licensed(limit);
        match case.facts.data_age_ms {
            Some(age) if case.facts.offline.is_some() => finding
                .declared(age)
                .says(format_args!("the post's snapshot has ended; it is {age} ms old")),
            Some(age) => finding.declared(age).says(format_args!(
                "the licence data are {age} ms old, at most {limit} ms are allowed"
            )),
            None => finding.says("how old the licence data are cannot be told"),
        };
    }
    if !case.facts.history_available {
        let finding = findings.add(Code::LicenceDataStale).at("/reference");
        finding.says("the register cannot be asked for earlier releases and known firearms");
    }
}

/// 14 LICENCE_AUTHENTICITY_FAILED and 15 LICENCE_AUTHENTICITY_UNVERIFIED: the licence was issued in
/// this register by its authority, or was verified or validated with it, by signature or through
/// diplomatic channels. A failed check of signature, seal or digest holds the goods; a paper that
/// nobody has validated yet is referred. A credential that comes with the declaration is checked on the
/// spot: one that its authority signed, that stands and says what the register has validates the licence; one
/// that is not its authority's, or no longer stands, holds the goods whatever the register says; one that cannot be
/// checked (its key is not known, its status list is too old) leaves the licence as it was, and refers one
/// that is not in the register. It says nothing of what is left of a licence. Quoting a licence of a
/// State that is not connected is no finding once it is validated.
pub(super) fn authenticity(case: &Case<'_>, findings: &mut Findings) {
    let checked = &case.facts.credentials;
    let quotes = case.items.iter().flat_map(|item| item.quotes.iter().map(move |of| (item, of)));
    for (item, quote) in quotes {
        let number = &quote.quote.number;
        let known = quote.licence().map(|licence| licence.authenticity);
        let Some((code, why)) = doubt(known, number, checked) else { continue };
        let finding = findings.add(code).on(item, quote);
        finding.declared(number).says(format_args!("{number}: {why}"));
    }
    let quoted = |number: &Text| {
        case.items.iter().flat_map(|item| &item.quotes).any(|quote| quote.quote.number == *number)
    };
    for fact in checked.iter().filter(|fact| fact.proof == Proof::Failed) {
        if !fact.licence.as_ref().is_some_and(quoted) {
            let finding = findings.add(Code::LicenceAuthenticityFailed);
            finding.at(format!("/credentials/{}", fact.index));
            finding.says(format_args!("a credential presented is not authentic: {}", fact.why));
        }
    }
}

/// What speaks against a licence's authenticity: the worst that a credential shows, and what the register
/// knows where none shows that it is sound.
fn doubt<'f>(
    known: Option<Authenticity>,
    number: &Text,
    checked: &'f [CredentialFact],
) -> Option<(Code, &'f str)> {
    let shown = |proof| {
        let of = |fact: &&CredentialFact| fact.licence.as_ref() == Some(number);
        checked.iter().filter(of).find(|fact| fact.proof == proof)
    };
    if known == Some(Authenticity::Failed) {
        return Some((
            Code::LicenceAuthenticityFailed,
            "a check of its signature, seal or digest has failed",
        ));
    }
    if let Some(fact) = shown(Proof::Failed) {
        return Some((Code::LicenceAuthenticityFailed, &fact.why));
    }
    if shown(Proof::Validated).is_some()
        || matches!(known, Some(Authenticity::Registry | Authenticity::Validated))
    {
        return None;
    }
    let unverified = Code::LicenceAuthenticityUnverified;
    match (shown(Proof::Unverified), known) {
        (Some(fact), _) => Some((unverified, &fact.why)),
        (None, Some(_)) => Some((unverified, "its authority has not confirmed it")),
        (None, None) => None,
    }
}

/// 16 LICENCE_TYPE_MISMATCH: among the licences quoted for an item is one of the kind that this
/// border needs, issued by the State that may: at export an export licence of the exporting State, at import an
/// import licence of the importing State, in transit a transit licence of the State crossed or the exporting State's
/// licence on which the transit States' consents stand; whether this State has consented is then rule 55. Within the
/// Union an authority of any Member State may have issued it. A quote that was not found, or of which nothing is known,
/// could be the one: rules 11 and 12 judge it and this rule stays silent. Items without any quote are
/// left to rule 10, and the other State's licence to rules 35 and 38.
pub(super) fn licence_type(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let (wanted, state) = match declaration.movement {
        Movement::Export => ("an export licence", declaration.country_of_export),
        Movement::Import => ("an import licence", declaration.country_of_import),
        Movement::Transit => {
            ("a transit licence, or the exporting State's licence with the consent,", case.state)
        }
    };
    let Some(state) = state else { return };
    // Where it is not stated, rule 1 asks for the exporting State.
    let exporting = |issuer| declaration.country_of_export.unwrap_or(issuer);
    let fits = |quote: &QuoteCase<'_>| {
        let Some(licence) = quote.licence() else { return true };
        let issuer = licence.issuing_state;
        match (declaration.movement, licence.kind) {
            (Movement::Transit, Movement::Export) => case.may_issue(issuer, exporting(issuer)),
            (movement, kind) => kind == movement && case.may_issue(issuer, state),
        }
    };
    for item in case.items.iter().filter(|item| !item.quotes.is_empty()) {
        if !item.quotes.iter().any(fits) && is_licensed(case, item) {
            let finding = findings.add(Code::LicenceTypeMismatch).on_item(item, "licences");
            finding.declared(Kinds(item)).licensed(format_args!("{wanted} of {state}"));
            finding.says(format_args!(
                "{} needs {wanted} of {state}; quoted: {}",
                declaration.movement.as_str(),
                Kinds(item)
            ));
        }
    }
}

/// The licences of an item by kind and State, in words.
struct Kinds<'c, 'a>(&'c ItemCase<'a>);

impl std::fmt::Display for Kinds<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let licences = self.0.quotes.iter().filter_map(QuoteCase::licence);
        for (index, licence) in licences.enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} licence of {}", licence.kind.as_str(), licence.issuing_state)?;
        }
        Ok(())
    }
}

/// 20 LICENCE_CONTENT_INCOMPLETE: licence and accompanying papers together state what article 10(3) asks
/// for. Of that, number, day of issue, countries, parties and quantity are demanded when a licence is entered;
/// this rule finds a licence on which the authority, the place of issue or a description of a line is
/// missing, and an export or transit licence without a last day of validity. The licence on paper, presented as
/// document 811, 911 or 628 under the licence's number, makes up for what the register lacks.
/// An import licence may be open-ended. The final recipient is rule 45, the transit States rule 62.
pub(super) fn licence_content(case: &Case<'_>, findings: &mut Findings) {
    let endless =
        |licence: &Licence| licence.valid_until.is_none() && licence.kind != Movement::Import;
    let incomplete = move |licence: &Licence| {
        (!licence.descriptive || endless(licence)) && !is_presented(case, licence)
    };
    for (item, quote, licence) in case.quoting(incomplete) {
        let finding = findings.add(Code::LicenceContentIncomplete).on(item, quote);
        let what = if endless(licence) {
            "a day of expiry"
        } else {
            "its authority, its place of issue or a description of every line"
        };
        finding.licensed(what).says(format_args!("{} does not state {what}", licence.number));
    }
}

/// Whether the licence is presented on paper (UNTDID 1001).
fn is_presented(case: &Case<'_>, licence: &Licence) -> bool {
    let kind = match licence.kind {
        Movement::Export => "811",
        Movement::Import => "911",
        Movement::Transit => "628",
    };
    let paper = |paper: &Document| *paper.kind == *kind && paper.reference == licence.number;
    case.declaration.documents.iter().any(paper)
}

/// 21 LICENCE_CONDITION_UNMET: every condition that a licence sets is shown to be met: the declaration
/// cites the condition with the evidence for it. A condition that the authority has marked as blocking holds the
/// goods, any other is referred. Asked for are the conditions of the licence that this border draws
/// upon; those of the other States' licences are for their own borders. Whether the evidence is
/// good is for the officer: the rule sees that there is some.
pub(super) fn conditions(case: &Case<'_>, findings: &mut Findings) {
    let sets_some = |licence: &Licence| licence.clauses.is_some() && case.draws(licence);
    for (item, quote, licence) in case.quoting(sets_some) {
        for condition in &licence.clauses().conditions {
            let met =
                case.declaration.fulfilments.iter().any(|shown| {
                    shown.licence == licence.number && shown.condition == condition.code
                });
            if met {
                continue;
            }
            let finding = findings.add(Code::LicenceConditionUnmet).on(item, quote);
            finding.licensed(&condition.code).says(format_args!(
                "{} sets the condition {:?} and nothing shows that it is met",
                licence.number,
                condition.code.as_str()
            ));
            if condition.blocking {
                finding.severity(Severity::Block);
            }
        }
    }
}
