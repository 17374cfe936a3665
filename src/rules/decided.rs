//! Section 3B: what the authority has decided on the licences quoted, and whether it is the version in force.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use crate::domain::licence::Held;
use crate::domain::licence::Status;

/// 17 LICENCE_REVOKED, LICENCE_ANNULLED, LICENCE_SURRENDERED, 18 LICENCE_SUSPENDED and 19
/// LICENCE_SUPERSEDED: the licence is active at the instant of the check. A revoked licence counts no more from
/// the decision on; an annulled one never did, so that earlier releases under it are to be looked at again;
/// a suspended one may come back and keeps what it has reserved. All three hold the goods at every
/// border. A licence given back by its holder holds them too, but where it is only shown as proof of
/// a movement it has already covered, that is merely made known. A licence replaced by another one, and
/// a quote of a version whose document has been amended since, or of one that there is not yet, are referred; a version
/// that was only suspended, reinstated or otherwise decided upon since says what the one in force says.
pub(super) fn licence_status(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        for quote in &item.quotes {
            let Some(held) = quote.held() else { continue };
            if held.standing.status != Status::Active {
                inactive(case, item, quote, held, findings);
            }
            let version = held.licence.version;
            let in_force = version.saturating_sub(held.standing.decisions)..=version;
            if let Some(quoted) = quote.quote.version.filter(|quoted| !in_force.contains(quoted)) {
                let finding = findings.add(Code::LicenceSuperseded).on(item, quote);
                finding.declared(quoted).licensed(version).says(format_args!(
                    "version {quoted} of {} is quoted, in force is {version}",
                    quote.quote.number
                ));
            }
        }
    }
}

fn inactive(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    quote: &QuoteCase<'_>,
    held: &Held,
    findings: &mut Findings,
) {
    let (status, number) = (held.standing.status, &quote.quote.number);
    let code = match status {
        Status::Active => return,
        Status::Suspended => Code::LicenceSuspended,
        Status::Revoked => Code::LicenceRevoked,
        Status::Annulled => Code::LicenceAnnulled,
        Status::Surrendered => Code::LicenceSurrendered,
        Status::Superseded => Code::LicenceSuperseded,
    };
    let finding = findings.add(code).on(item, quote).declared(number).licensed(status.as_str());
    match (status, &held.licence.clauses().superseded_by) {
        (Status::Annulled, _) => {
            finding.says(format_args!("{number} has been annulled and never was valid"))
        }
        (Status::Superseded, Some(by)) => {
            finding.says(format_args!("{number} has been replaced by {by}"))
        }
        (
            Status::Active
            | Status::Suspended
            | Status::Revoked
            | Status::Surrendered
            | Status::Superseded,
            _,
        ) => finding.says(format_args!("{number} is {}", status.as_str())),
    };
    if status == Status::Surrendered && !case.is_ahead(&held.licence) {
        finding.severity(Severity::Inform);
    }
}
