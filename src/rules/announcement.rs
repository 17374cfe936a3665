//! Section 3K, what was said of these goods before: a pre-clearance is good until its time of presentation
//! ends, and goods that an officer has stopped stay until the case is closed.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;

/// 115 PRECLEARANCE_LAPSED: goods announced by a carrier are presented within thirty days of lodging. The day of lodging
/// does not count, and a period that ends on a day off ends with the next working day at the post. What is
/// presented under the code of a lapsed pre-clearance is judged all the same, but nothing is held for it any
/// more, and a person decides: the declaration counts as never lodged. What is declared without such a
/// code is none of this rule's business.
pub(super) fn lapsed(case: &Case<'_>, findings: &mut Findings) {
    if let Some(lapsed) = case.facts.lapsed {
        let finding = findings.add(Code::PreclearanceLapsed).at("/reference");
        finding.declared(case.now).licensed(lapsed);
        finding
            .says(format_args!("the pre-clearance lapsed at {lapsed}, presented at {}", case.now));
    }
}

/// 117 STOPPED_BY_OFFICER: an officer who has grounds to suspect what no register knows stops goods that clear. They are
/// held, or referred where the officer has only asked the authority, whatever else is found and at whichever
/// post of the State they are presented under the same reference, until the case is closed by an outcome that
/// lets them go. Under another reference of the same consignment they may be the same goods, and are referred; so are
/// their firearms, and those on which an altered marking was seen (97), under whatever reference they come meanwhile.
/// Goods that are only announced are not told of it: their carrier could be warned.
pub(super) fn stopped(case: &Case<'_>, findings: &mut Findings) {
    let Some(stopped) = case.facts.stopped.as_ref().filter(|_| !case.facts.is_announced) else {
        return;
    };
    let finding = findings.add(Code::StoppedByOfficer).at("/reference");
    if !stopped.holds {
        finding.severity(Severity::Refer);
    }
    finding.declared(&case.declaration.reference.value);
    finding.says(format_args!("stopped at {}, case {}", stopped.at, stopped.case));
}
