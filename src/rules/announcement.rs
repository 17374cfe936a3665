//! Section 3K, what has been announced ahead: a pre-clearance is good until its time of presentation ends.
use super::Case;
use super::Code;
use super::Findings;

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
