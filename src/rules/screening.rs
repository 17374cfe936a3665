//! Section 3E, second half: carrier and post, embargoes, watched parties and earlier refusals.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::parties::Named;
use super::parties::parties;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::licence::Licence;
use crate::domain::lists::Effect;
use crate::domain::lists::Embargo;
use crate::domain::lists::Refusal;
use crate::domain::party::Party;

/// 47 CARRIER_NOT_AUTHORISED: where a licence that counts at this border or a later one names carriers, the
/// carrier declared is one of them, by identifier. Another carrier, or none stated, is referred: carriers
/// may lawfully be changed, by amending the licence. A licence that names no carrier leaves the choice
/// open, and the vehicle is compared with nothing.
pub(super) fn carrier(case: &Case<'_>, findings: &mut Findings) {
    let carrier = case.declaration.carrier.as_ref().map(|carrier| &carrier.party);
    for (item, quote, licence) in case.quoting(|licence| licence.clauses.is_some()) {
        let carriers = licence.clauses.as_ref().map(|clauses| &clauses.carriers);
        let Some(carriers) = carriers.filter(|carriers| !carriers.is_empty()) else { continue };
        if !case.is_ahead(licence) || carrier.is_some_and(|party| carriers.contains(&party.id)) {
            continue;
        }
        let finding = findings.add(Code::CarrierNotAuthorised).on(item, quote).at("/carrier");
        finding.severity(Severity::Refer);
        let named = carriers.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        finding.licensed(&named);
        match carrier {
            Some(party) => finding.declared(&party.id).says(format_args!(
                "carrier {} ({}) declared, {} allows {named}",
                party.id, party.name, licence.number
            )),
            None => finding
                .says(format_args!("no carrier is declared, {} allows {named}", licence.number)),
        };
    }
}

/// 48 BORDER_POST_NOT_AUTHORISED: the post is in the register of posts, its State has empowered it for these goods
/// on the day of acceptance, and where a licence names posts of that State, it is one of them. A licence that
/// names posts of another State only says nothing about this one. What is not registered or not
/// empowered is referred, never held: the register is data that may lag behind.
pub(super) fn border_post(case: &Case<'_>, findings: &mut Findings) {
    let code = case.declaration.border_post;
    let empowered = |effect: &Effect| effect.covers(case.reference_date);
    match case.post {
        None => {
            let finding = findings.add(Code::BorderPostNotAuthorised).at("/border_post");
            finding.declared(code).says(format_args!("{code} is not in the register of posts"));
        }
        Some(post) if !post.empowered.as_ref().is_some_and(empowered) => {
            let finding = findings.add(Code::BorderPostNotAuthorised).at("/border_post");
            finding.declared(code).says(format_args!(
                "{code} ({}) is not empowered for these goods on {}",
                post.name, case.reference_date
            ));
        }
        Some(_) => {}
    }
    let elsewhere = move |licence: &Licence| {
        !licence.border_posts.is_empty() && !licence.border_posts.contains(&code)
    };
    for (item, quote, licence) in case.quoting(elsewhere) {
        let here = |post: &&Locode| {
            let known = case.lists.posts.get(post);
            known.map_or_else(|| post.country(), |post| Some(post.country)) == case.state
        };
        if !licence.border_posts.iter().any(|post| here(&post)) {
            continue;
        }
        let posts: Vec<&str> =
            licence.border_posts.iter().filter(here).map(Locode::as_str).collect();
        let posts = posts.join(", ");
        let finding = findings.add(Code::BorderPostNotAuthorised).on(item, quote);
        finding
            .at("/border_post")
            .declared(code)
            .licensed(&posts)
            .says(format_args!("{code} declared, {} allows {posts}", licence.number));
    }
}

/// 49 EMBARGOED_DESTINATION: no State concerned is under an arms embargo on the day of acceptance; an embargo
/// overrides a valid licence, and the list of that day counts, not today's. An embargo on the country of import, on the
/// final recipient's State as its identifier names it, or on a State that the goods pass, declared or observed at
/// whichever post, holds them. Referred are the indications that need a person: a consignee whose identifier is of a
/// State under embargo, a final recipient whose identifier goes on in letters, which may be a name that only begins
/// like a State's code, a transit State that only a licence names, and a country of export under embargo, since not
/// every embargo covers what comes from there. Regimes are data with their dates; none is built in.
pub(super) fn embargo(case: &Case<'_>, findings: &mut Findings) {
    let in_force = |embargo: &&Embargo| embargo.effect.covers(case.reference_date);
    for embargo in case.lists.embargoes.iter().filter(in_force) {
        let declaration = case.declaration;
        let state = embargo.country;
        if declaration.country_of_import == Some(state) {
            embargoed(embargo, "the country of import", "/country_of_import", findings);
        }
        for passage in case.passages.iter().filter(|passage| passage.country == state) {
            embargoed(embargo, "a State passed", passage.path(), findings);
        }
        if declaration.country_of_export == Some(state) {
            embargoed(embargo, "the country of export", "/country_of_export", findings)
                .severity(Severity::Refer);
        }
        let (last, next) = (&declaration.final_recipient, &declaration.consignee);
        let recipients = [
            (last, "the final recipient's State", "/final_recipient/id", true),
            (next, "the consignee's State", "/consignee/id", false),
        ];
        for (party, what, path, is_final) in recipients {
            let Some(id) = party.as_ref().map(|party| party.id.as_str()) else { continue };
            if !id.starts_with(state.as_str()) || declaration.country_of_import == Some(state) {
                continue;
            }
            let finding = embargoed(embargo, what, path, findings);
            if !is_final || id.as_bytes().get(2).is_some_and(u8::is_ascii_alphabetic) {
                finding.severity(Severity::Refer);
            }
        }
        licensed_transit(case, embargo, findings);
    }
}

fn licensed_transit(case: &Case<'_>, embargo: &Embargo, findings: &mut Findings) {
    let state: Country = embargo.country;
    if case.passages.iter().any(|passage| passage.country == state) {
        return;
    }
    let crosses = move |licence: &Licence| licence.transit.iter().any(|t| t.country == state);
    for (item, quote, _) in case.quoting(crosses) {
        let what = "a transit State of the licence";
        let finding = embargoed(embargo, what, "", findings).on(item, quote);
        finding.severity(Severity::Refer);
    }
}

fn embargoed<'f>(
    embargo: &Embargo,
    what: &str,
    path: impl Into<String>,
    findings: &'f mut Findings,
) -> &'f mut super::Finding {
    let (state, act) = (embargo.country, &embargo.instrument);
    let finding = findings.add(Code::EmbargoedDestination).at(path).declared(state);
    finding.licensed(act).says(format_args!("{state}, {what}, is under an arms embargo ({act})"))
}

/// 50 PARTY_WATCHLIST_HIT: no party of the declaration stands on the watch list, on the day of acceptance or today, the
/// declarant, the carrier, brokers and the person who travels with the goods included. An entry is matched by identifier, or by name with case, accents, strokes and
/// punctuation set aside; a name alone may be another trader's, so that a person always decides. Parties that
/// only a licence names are not asked for: where they differ from those declared, that is a finding
/// of its own.
pub(super) fn watch_list(case: &Case<'_>, findings: &mut Findings) {
    if case.lists.watched.is_empty() {
        return;
    }
    let declaration = case.declaration;
    let temporary = declaration.temporary.as_ref();
    let traveller = temporary.and_then(|temporary| temporary.person.as_ref());
    // Whom a passport's number does not name, a name may.
    let traveller = traveller.map(|id| Party { id: id.clone(), name: id.clone() });
    let traveller = traveller.iter().map(|party| Named::of(party, "temporary/person"));
    for named in parties(declaration).chain(traveller) {
        let hits = case.lists.watched.of(named.party);
        for watched in hits.filter(|watched| case.is_known(watched.effect)) {
            let by_id = watched.id.as_ref() == Some(&named.party.id);
            let by = if by_id { "identifier" } else { "name" };
            let finding = findings.add(Code::PartyWatchlistHit).at(named.path());
            finding.declared(if by_id { &named.party.id } else { &named.party.name });
            finding.licensed(&watched.source).says(format_args!(
                "the {} {} ({}) stands on the watch list by {by} ({})",
                named.role(),
                named.party.name,
                named.party.id,
                watched.source
            ));
        }
    }
}

/// 51 PRIOR_REFUSAL_SIMILAR: no State has refused an essentially identical transaction: the same consignee or final
/// recipient and, where the refusal names them, the same exporter and class of goods, by a refusal that stands on the
/// day of acceptance or today. Quantities and models are not compared, since they are what a second attempt would
/// change. The State that refused is to be consulted; the refusal does not bind another State, so that
/// nothing is held.
pub(super) fn prior_refusal(case: &Case<'_>, findings: &mut Findings) {
    if case.lists.refusals.is_empty() {
        return;
    }
    let declaration = case.declaration;
    let recipients = [
        (declaration.consignee.as_ref(), "/consignee"),
        (declaration.final_recipient.as_ref(), "/final_recipient"),
    ];
    let exporter = declaration.exporter.as_ref().map(|exporter| &exporter.id);
    let alike = |refusal: &&Refusal| {
        case.is_known(refusal.effect)
            && refusal.exporter.as_ref().is_none_or(|refused| Some(refused) == exporter)
    };
    let mut last = None;
    for (party, path) in recipients {
        let Some(party) = party.filter(|party| last != Some(&party.id)) else { continue };
        last = Some(&party.id);
        for refusal in case.lists.refusals.of(&party.id).iter().filter(alike) {
            let of_class =
                |item: &&ItemCase<'_>| refusal.category.is_none_or(|c| c == item.item.category);
            for item in case.items.iter().filter(of_class) {
                let finding = findings.add(Code::PriorRefusalSimilar).on_item(item, "");
                finding.at(path).declared(&party.id).licensed(&refusal.reference);
                finding.says(format_args!(
                    "{} refused {} to {} ({})",
                    refusal.state,
                    item.item.category.as_str(),
                    party.id,
                    refusal.reference
                ));
            }
        }
    }
}
