//! Section 3B: existence, authenticity and status of the licences quoted.
use super::Case;
use super::Code;
use super::Findings;
use super::case::Lookup;
use crate::domain::licence::Status;

/// 10 LICENCE_REFERENCE_MISSING: every item of listed goods quotes a licence or the reference of
/// an exemption. Goods claimed to be antique or deactivated, and movements claimed to be outside the
/// law, are left to rules 77 to 79, and components of ammunition need none where no State concerned
/// controls them.
pub(super) fn licence_reference_missing(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        if item.quotes.is_empty()
            && item.item.exemption.is_none()
            && !item.is_claimed_outside()
            && case.declaration.scope.is_none()
            && case.is_controlled(item.item)
        {
            findings.add(Code::LicenceReferenceMissing).on_item(item, "licences");
        }
    }
}

/// 11 LICENCE_NOT_FOUND and 12 ISSUER_UNAVAILABLE: a number that the register does not have is only
/// "not found" where its issuing State keeps its licences here and the register has answered.
pub(super) fn licence_not_found(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        for quote in &item.quotes {
            match quote.lookup {
                Lookup::Held(_) => {}
                Lookup::NotFound => {
                    findings
                        .add(Code::LicenceNotFound)
                        .on(item, quote)
                        .declared(&quote.quote.number)
                        .says(format_args!("{} is not in the register", quote.quote.number));
                }
                Lookup::Unavailable => {
                    findings.add(Code::IssuerUnavailable).on(item, quote);
                }
            }
        }
    }
}

/// 17 LICENCE_REVOKED, LICENCE_ANNULLED, LICENCE_SURRENDERED, 18 LICENCE_SUSPENDED and 19
/// LICENCE_SUPERSEDED: the licence's status, now.
pub(super) fn licence_status(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        for quote in &item.quotes {
            let Some(held) = quote.held() else { continue };
            let code = match held.standing.status {
                Status::Active => continue,
                Status::Suspended => Code::LicenceSuspended,
                Status::Revoked => Code::LicenceRevoked,
                Status::Annulled => Code::LicenceAnnulled,
                Status::Surrendered => Code::LicenceSurrendered,
                Status::Superseded => Code::LicenceSuperseded,
            };
            findings
                .add(code)
                .on(item, quote)
                .licensed(held.standing.status.as_str())
                .says(format_args!("{} is {}", quote.quote.number, held.standing.status.as_str()));
        }
    }
}
