//! What officers may release against, and what nobody at a post may.
use super::Code;
use super::Finding;
use super::Severity;

/// Findings that no override reaches. It may answer for what is doubtful, late, missing on paper or more
/// than licensed; it does not stand in for a licence, undo what an authority or another State has
/// decided, let pass what points to a crime, or release twice. A licence for other goods is none for these
/// (70), or a licence for cartridges would let rifles pass that nobody has licensed. A false claim to be an
/// antique or deactivated (77, 78) is not among them: where the firearm is licensed all the same, the claim is an
/// error in the papers; where it is not, the missing licence (10) is found beside it.
const NEVER: &[Code] = &[
    Code::MrnAlreadyUsed,
    Code::LicenceReferenceMissing,
    Code::LicenceNotFound,
    Code::LicenceAuthenticityFailed,
    Code::LicenceTypeMismatch,
    Code::GoodsNotCovered,
    Code::LicenceRevoked,
    Code::LicenceAnnulled,
    Code::LicenceSurrendered,
    Code::LicenceSuspended,
    Code::ImportLicenceMissing,
    Code::EmbargoedDestination,
    Code::TransitObjected,
    Code::MarkingMissing,
    Code::SerialDuplicate,
    Code::SerialReportedSought,
    Code::MarkingAltered,
    Code::StoppedByOfficer,
];

impl Finding {
    /// Whether officers may release against it, under their own responsibility (Implementing Regulation
    /// 2024/2145, article 8). Components of ammunition that nobody controls need no licence, so that one which
    /// does not cover them stands in for none; and that a firearm with a sought one's number is another maker's, officers
    /// see by looking at it.
    pub fn may_be_overridden(&self) -> bool {
        let is_question = self.severity < Severity::Block
            && matches!(self.code, Code::GoodsNotCovered | Code::SerialReportedSought);
        is_question || !NEVER.contains(&self.code)
    }
}

/// The codes that an override of these findings would answer for, each once, the heaviest first; `None`
/// where there is one that none may answer for.
pub fn overridden(findings: &[Finding]) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Inform) {
        if !finding.may_be_overridden() {
            return None;
        }
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    Some(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Findings;

    fn answered(code: Code, severity: Severity) -> Option<Vec<Code>> {
        let finding = Findings::default().add(code).severity(severity).clone();
        overridden(&[finding])
    }

    #[test]
    fn a_licence_for_other_goods_is_none_where_one_is_needed() {
        assert_eq!(answered(Code::GoodsNotCovered, Severity::Block), None);
        let uncontrolled = answered(Code::GoodsNotCovered, Severity::Refer);
        assert_eq!(uncontrolled, Some(vec![Code::GoodsNotCovered]));
        assert_eq!(answered(Code::LicenceReferenceMissing, Severity::Block), None);
        assert_eq!(answered(Code::SerialReportedSought, Severity::Block), None);
        let other_maker = answered(Code::SerialReportedSought, Severity::Refer);
        assert_eq!(other_maker, Some(vec![Code::SerialReportedSought]));
        let licensed = answered(Code::AntiqueClaimInvalid, Severity::Block);
        assert_eq!(licensed, Some(vec![Code::AntiqueClaimInvalid]), "a licence may be quoted");
    }
}
