//! Whom a shipment or a licence concerns: the States that may read its entries and are told of it.
use crate::domain::Country;
use crate::domain::declaration::Declaration;
use crate::domain::licence::Licence;
use crate::rules::case::Facts;
use crate::rules::case::Lookup;

/// Most States taken from routes and licences; an entry has no room for more.
const OTHERS_MAX: usize = 80;

/// The States that a shipment concerns: they may read its entries (contract: audit trail).
pub(super) fn states_of(
    declaration: &Declaration,
    issuing: impl IntoIterator<Item = Country>,
) -> Vec<String> {
    let route = declaration.route.iter().map(|leg| leg.country);
    let ends = [declaration.country_of_export, declaration.country_of_import];
    concerned(ends.into_iter().flatten(), route.chain(issuing))
}

/// The States that issued the licences that facts hold.
pub(super) fn issuing_states(facts: &Facts) -> impl Iterator<Item = Country> {
    facts.licences.iter().filter_map(|fact| match &fact.lookup {
        Lookup::Held(held) => Some(held.licence.issuing_state),
        Lookup::NotFound | Lookup::Unavailable => None,
    })
}

/// The States that a licence concerns.
pub(super) fn states_named(licence: &Licence) -> Vec<String> {
    let ends = [licence.country_of_export, licence.country_of_import];
    let transit = licence.transit.iter().map(|transit| transit.country);
    concerned(ends, transit.chain([licence.issuing_state]))
}

/// Sorted, each once, and never more than an entry has room for.
fn concerned(
    ends: impl IntoIterator<Item = Country>,
    others: impl IntoIterator<Item = Country>,
) -> Vec<String> {
    let mut states: Vec<Country> =
        ends.into_iter().chain(others.into_iter().take(OTHERS_MAX)).collect();
    states.sort_unstable();
    states.dedup();
    states.iter().map(ToString::to_string).collect()
}
