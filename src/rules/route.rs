//! Section 3F, second half: whether the journey is the one licensed, declared and announced.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::journey::observed;
use super::passage::Passage;
use super::passage::state_of;
use super::transit::is_export_of_the_union;
use super::transit::own_licences;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Locode;
use crate::domain::Timestamp;
use crate::domain::declaration::Leg;
use crate::domain::declaration::Seen;
use crate::domain::goods::Movement;
use crate::domain::licence::ConsentForm;
use crate::domain::licence::Licence;
use crate::domain::licence::TransitState;

/// 62 ROUTE_COUNTRY_NOT_ON_LICENCE: every State that the goods pass stands on every export licence
/// quoted for the item, and where none is quoted, on one of the other licences that name transit States.
/// A declared State that is missing is referred; a crossing that was observed and never declared holds
/// the goods, whether it is listed with the declaration or a post on the way has recorded it of the consignment. A missing consent (55) is another cause, so both may be found for one State: the one is
/// about the licence, the other about the State's will. The exporting and importing States are never
/// transit States, whatever the route repeats, and neither are other Member States on the way of a Union export.
pub(super) fn route_on_licence(case: &Case<'_>, findings: &mut Findings) {
    if case.passages.is_empty() {
        return;
    }
    for item in &case.items {
        let exports = item.licences_of(Movement::Export).next().is_some();
        for quote in &item.quotes {
            let Some(licence) = quote.licence() else { continue };
            let named = if exports {
                licence.kind == Movement::Export
            } else {
                !licence.transit.is_empty()
            };
            if !named {
                continue;
            }
            for passage in &case.passages {
                if names(licence, passage.country) || is_within_the_union(case, passage.country) {
                    continue;
                }
                let country = passage.country;
                let finding = findings.add(Code::RouteCountryNotOnLicence).on(item, quote);
                finding.at(passage.path()).declared(country).licensed(Listed(licence));
                if passage.is_declared() {
                    finding.says(format_args!(
                        "{country} is on the declared route, the licence names {}",
                        Listed(licence)
                    ));
                } else {
                    finding.severity(Severity::Block).says(format_args!(
                        "the goods were in {country}, which was not declared; the licence names {}",
                        Listed(licence)
                    ));
                }
            }
        }
    }
}

/// Whether it is a Member State on the way of goods that another one exports: no transit State (55).
fn is_within_the_union(case: &Case<'_>, country: Country) -> bool {
    is_export_of_the_union(case) && case.lists.is_european_union(country, case.reference_date)
}

fn names(licence: &Licence, country: Country) -> bool {
    licence.transit.iter().any(|transit| transit.country == country)
        || (licence.kind == Movement::Transit && licence.issuing_state == country)
}

/// The transit States that a licence names, in words.
struct Listed<'a>(&'a Licence);

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.transit.is_empty() {
            return f.write_str("no transit State");
        }
        for (index, transit) in self.0.transit.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, transit.country)?;
        }
        Ok(())
    }
}

/// 63 ROUTE_DEVIATION: the crossings that customs has observed follow the declared route from the
/// exporting to the importing State: each is in a State of it, none comes before one already passed, none
/// is earlier in time than the one before it, and goods that entered one State have left it before they
/// enter the next. A route of which nothing was observed is no deviation, and neither is a State
/// that was crossed and in which only the entry or only the exit was seen. Where the State is not on the
/// licence either, rule 62 is found beside this one: it compares with the licence, this one with what
/// was declared. The post itself is on the journey too: goods are presented for export in the exporting
/// State, for import in the importing one (within the Union, in any Member State), and for transit in
/// neither, where another licence would be needed than the one that is drawn. What posts have recorded
/// here of the same consignment, since it left, is compared with the route declared now in the same way.
pub(super) fn route_deviation(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    misplaced(case, findings);
    observed(case, Code::RouteDeviation, findings);
    if declaration.crossings.is_empty() {
        return;
    }
    let expected: Vec<Country> = declaration
        .country_of_export
        .into_iter()
        .chain(declaration.route.iter().map(|leg| leg.country))
        .chain(declaration.country_of_import)
        .collect();
    let crossings = declaration.crossings.iter().map(|crossing| Passing {
        post: crossing.post,
        state: state_of(crossing, case.lists),
        exit: crossing.exit,
        at: crossing.at,
    });
    let inside = passed(&expected, crossings, |index, reason| {
        let finding = findings.add(Code::RouteDeviation).at(format!("/crossings/{index}"));
        if let Some(crossing) = declaration.crossings.get(index) {
            finding.declared(crossing.post);
        }
        finding.says(reason);
    });
    let here = case.state.filter(|_| declaration.movement != Movement::Export);
    if let (Some(left), Some(here)) = (inside, here)
        && left != here
    {
        findings
            .add(Code::RouteDeviation)
            .at("/border_post")
            .declared(declaration.border_post)
            .says(format_args!(
                "the goods are presented in {here} while no exit from {left} was seen"
            ));
    }
}

/// Says where the movement declared cannot be one at this post.
fn misplaced(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let Some(here) = case.state else { return };
    let (from, to) = (declaration.country_of_export, declaration.country_of_import);
    let serves = |end: Option<Country>| end.is_none_or(|end| case.may_issue(here, end));
    let (fits, wanted) = match declaration.movement {
        Movement::Export => (serves(from), "a post of the country of export"),
        Movement::Import => (serves(to), "a post of the country of import"),
        Movement::Transit => {
            let ends = [from, to].contains(&Some(here));
            (!ends, "a post of a State that is neither the country of export nor that of import")
        }
    };
    if !fits {
        let finding = findings.add(Code::RouteDeviation).at("/border_post");
        finding.declared(declaration.border_post).licensed(wanted).says(format_args!(
            "declared for {} in {here}, which is not {wanted}",
            declaration.movement.as_str()
        ));
    }
}

/// A border passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    /// The post.
    pub post: Locode,
    /// Its State, where it is known.
    pub state: Option<Country>,
    /// Whether the goods left there.
    pub exit: bool,
    /// When.
    pub at: Timestamp,
}

/// Follows goods over the borders that they passed and says where they left the States expected;
/// gives the State in which they are, where its exit was not seen.
pub(super) fn passed(
    expected: &[Country],
    crossings: impl Iterator<Item = Passing>,
    mut deviates: impl FnMut(usize, std::fmt::Arguments<'_>),
) -> Option<Country> {
    let mut reached = 0;
    let mut inside: Option<Country> = None;
    let mut before: Option<Timestamp> = None;
    for (index, Passing { post, state, exit, at }) in crossings.enumerate() {
        let place = state.and_then(|state| place_of(expected, state, reached));
        match (place, state) {
            (Some(place), _) if place < reached => {
                deviates(
                    index,
                    format_args!("{post} was passed after a State that comes later on the route"),
                );
            }
            (Some(place), _) => reached = place,
            (None, Some(state)) => deviates(
                index,
                format_args!("{post} lies in {state}, which is not on the declared route"),
            ),
            (None, None) => deviates(index, format_args!("the State of {post} is not known")),
        }
        if before.is_some_and(|before| at < before) {
            deviates(
                index,
                format_args!("{post} was passed before the crossing listed ahead of it"),
            );
        }
        if let Some(left) = inside.filter(|inside| !exit && Some(*inside) != state) {
            deviates(index, format_args!("entry at {post} while no exit from {left} was seen"));
        }
        inside = state.filter(|_| !exit);
        before = Some(at);
    }
    inside
}

/// The place of a State on the route: the next one from where the goods have come, else an earlier
/// one.
fn place_of(expected: &[Country], state: Country, reached: usize) -> Option<usize> {
    let ahead = expected.iter().skip(reached).position(|country| *country == state);
    let behind = || expected.iter().position(|country| *country == state);
    ahead.map(|steps| reached + steps).or_else(behind)
}

/// 64 TRANSHIPMENT_UNDECLARED: an officer has seen that the goods changed their means of transport, and
/// no leg of the route declares it: at the post of a State on the route, none of that State, and at the post of
/// export none at all, since nothing on the way has happened yet. A leg that leaves the question open does not declare one.
/// Where it was declared, nothing is found here; whether the transit States needed to consent because of
/// it is a matter of rules 55 and 59. Where posts have recorded the consignment in another vehicle than
/// the one before, and no transhipment is declared for a State between them, that is found as well.
pub(super) fn transhipment(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    observed(case, Code::TranshipmentUndeclared, findings);
    for (index, seen) in declaration.observations.iter().enumerate() {
        if seen.seen != Seen::Transhipped || is_transhipment_declared(case) {
            continue;
        }
        let finding = findings.add(Code::TranshipmentUndeclared);
        finding.at(format!("/observations/{index}")).licensed("no transhipment declared");
        if let Some(item) =
            seen.item.filter(|item| case.items.iter().any(|i| i.item.number == *item))
        {
            finding.item(item);
        }
        if let Some(note) = &seen.note {
            finding.declared(note).says(format_args!(
                "the goods changed their means of transport ({note}); no transhipment is declared"
            ));
        }
    }
}

/// Whether a transhipment is declared that may be the one seen here.
fn is_transhipment_declared(case: &Case<'_>) -> bool {
    let route = &case.declaration.route;
    let of_here = |leg: &Leg| Some(leg.country) == case.state;
    let is_on_the_way = route.iter().any(of_here);
    case.declaration.movement != Movement::Export
        && route
            .iter()
            .any(|leg| leg.transhipment == Some(true) && (!is_on_the_way || of_here(leg)))
}

/// 65 TRANSIT_INFO_NOT_SENT: each transit State on the way was given the particulars of the import
/// licence before departure. A stated day on or after departure, or one that has not come, is referred; so is a missing day where
/// the State has not answered either (tacit consent), since nothing then shows that it knew. Where
/// the day is missing and the State has consented in writing or by a transit licence of its own, or need not
/// be asked, the gap is only made known. A State that is not on the licence (62) or whose consent is
/// missing (55) is not reported a second time here, and licences other than export licences do not carry this duty.
pub(super) fn transit_information(case: &Case<'_>, findings: &mut Findings) {
    if case.passages.is_empty() {
        return;
    }
    let departure = case.departure();
    let mut seen: Vec<*const Licence> = Vec::new();
    for item in &case.items {
        for (quote, held) in item.licences_of(Movement::Export) {
            let licence: *const Licence = std::ptr::from_ref(held.licence.as_ref());
            if seen.contains(&licence) {
                continue;
            }
            seen.push(licence);
            for passage in &case.passages {
                let listed = held.licence.transit.iter().find(|t| t.country == passage.country);
                if let Some(transit) = listed {
                    informed(item, quote, passage, transit, (departure, case.today), findings);
                }
            }
        }
    }
}

fn informed(
    item: &ItemCase<'_>,
    quote: &super::case::QuoteCase<'_>,
    passage: &Passage<'_>,
    transit: &TransitState,
    (departure, today): (Date, Date),
    findings: &mut Findings,
) {
    let country = passage.country;
    let form = transit.consent.as_ref().map(|consent| consent.form);
    let silent = matches!(form, Some(ConsentForm::Tacit));
    let answered =
        matches!(form, Some(ConsentForm::Written | ConsentForm::Licence | ConsentForm::Exempt))
            || own_licences(item, passage).next().is_some();
    match transit.informed_on {
        Some(day) if day < departure && day <= today => {}
        Some(day) => {
            let finding = findings.add(Code::TransitInfoNotSent).on(item, quote);
            finding.at(passage.path()).declared(day).licensed(departure).says(format_args!(
                "{day} is the day on which {country} is told of the import licence, {departure} that of departure"
            ));
        }
        None if silent || answered => {
            let finding = findings.add(Code::TransitInfoNotSent).on(item, quote);
            finding.at(passage.path()).licensed(departure).says(format_args!(
                "nothing states that {country} was told of the import licence before {departure}"
            ));
            if answered {
                finding.severity(Severity::Inform);
            }
        }
        None => {}
    }
}
