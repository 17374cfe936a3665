//! The judgement. [`evaluate`] takes a declaration with every fact about it and gives a verdict
//! with all its reasons; it cannot fail, and no rule can be skipped. A fact that is missing or
//! stale is a finding.
pub mod case;
pub mod catalogue;
pub mod cover;
pub mod finding;
pub mod issuing;
pub mod journey;
pub mod likeness;
pub mod offline;
pub mod outward;
pub mod overriding;
pub mod parts;
pub mod passage;
pub mod profile;
pub mod receipt;
pub mod timers;

mod allocation;
mod announcement;
mod chain;
mod claims;
mod dates;
mod decided;
mod goods;
mod identifiers;
mod markings;
mod parties;
mod quantity;
mod questions;
mod returning;
mod route;
mod screening;
mod serials;
mod status;
mod strangers;
mod temporary;
mod transit;

pub use case::Case;
pub use case::Facts;
pub use catalogue::Code;
pub use finding::Finding;
pub use finding::Findings;
pub use finding::Outcome;
pub use finding::Severity;
pub use finding::Verdict;

/// Names the rules in every record. It changes with anything that could change a verdict.
pub const RULESET: &str = "unfp@1";
/// How far two clocks may differ, in seconds, before an instant of the one lies in the future of the other.
pub const CLOCK_DIFFERENCE_S: i64 = 300;

/// One rule of the catalogue: it looks at a case and adds what it finds.
pub type Rule = fn(&Case<'_>, &mut Findings);

/// Every rule, in the catalogue's order. Each one's doc comment opens with its numbers and codes.
const RULES: &[Rule] = &[
    identifiers::particulars,
    identifiers::reference,
    identifiers::already_used,
    identifiers::codes,
    identifiers::operators,
    status::licence_reference_missing,
    status::licence_not_found,
    status::data_stale,
    status::authenticity,
    status::licence_type,
    decided::licence_status,
    status::licence_content,
    status::conditions,
    dates::licence_validity,
    dates::issued_before,
    dates::alive_at_arrival,
    dates::validity_against_import,
    dates::validity_period,
    dates::legacy,
    chain::import_licence,
    chain::import_first,
    chain::one_transaction,
    chain::export_licence,
    parties::countries,
    parties::exporter,
    parties::consignee,
    parties::final_recipient,
    parties::brokers,
    screening::carrier,
    screening::border_post,
    screening::embargo,
    screening::watch_list,
    screening::prior_refusal,
    transit::transit_consent,
    route::route_on_licence,
    route::route_deviation,
    route::transhipment,
    route::transit_information,
    goods::goods_covered,
    goods::tariff_code,
    claims::tariff_plausible,
    goods::make_and_model,
    goods::calibre,
    goods::control_category,
    parts::complete_as_parts,
    claims::antique_claim,
    claims::deactivation,
    claims::scope_claim,
    quantity::balance,
    quantity::unit,
    quantity::shipment_count,
    allocation::allocation,
    allocation::serial_count,
    quantity::personal_ammunition,
    markings::marking,
    markings::import_mark,
    markings::stock_mark,
    serials::serials_on_licence,
    likeness::duplicates,
    serials::already_moved,
    serials::sought,
    likeness::alike,
    markings::marking_altered,
    markings::lots,
    temporary::purpose,
    temporary::notice,
    temporary::overstay,
    outward::first_movement,
    returning::goods_differ,
    temporary::person,
    temporary::simplified,
    temporary::user_statement,
    announcement::lapsed,
    announcement::stopped,
    offline::offline_verdict,
    offline::not_set_aside,
    offline::firearm_set_aside,
];

/// Judges a case by all rules.
pub fn evaluate(case: &Case<'_>) -> Verdict {
    let mut findings = Findings::default();
    for rule in RULES {
        rule(case, &mut findings);
    }
    let mut verdict = findings.into_verdict(case);
    strangers::withhold(case, &mut verdict.findings);
    verdict
}
