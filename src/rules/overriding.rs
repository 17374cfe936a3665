//! What officers may release against, and what nobody at a post may.
use super::Code;
use super::Finding;
use super::Severity;

/// Findings that no override reaches. It may answer for what is doubtful, late, missing on paper or more
/// than licensed; it does not stand in for a licence, undo what an authority or another State has
/// decided, let pass what points to a crime, or release twice.
const NEVER: &[Code] = &[
    Code::MrnAlreadyUsed,
    Code::LicenceReferenceMissing,
    Code::LicenceNotFound,
    Code::LicenceAuthenticityFailed,
    Code::LicenceTypeMismatch,
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

impl Code {
    /// Whether officers may release against it, under their own responsibility (Implementing Regulation
    /// 2024/2145, article 8).
    pub fn may_be_overridden(self) -> bool {
        !NEVER.contains(&self)
    }
}

/// The codes that an override of these findings would answer for, each once, the heaviest first; `None`
/// where there is one that none may answer for.
pub fn overridden(findings: &[Finding]) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Inform) {
        if !finding.code.may_be_overridden() {
            return None;
        }
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    Some(codes)
}
