//! What is not told of a licence that does not name the State whose border is crossed: its content is other States'
//! business. That it does not cover this border is told by the codes and by what was declared.
use super::Case;
use super::Code;
use super::Finding;
use crate::domain::Text;

/// Takes out of what was found what only the licence says. It is done with the judgement, so that whoever
/// derives it again comes to the same words.
pub(super) fn withhold(case: &Case<'_>, findings: &mut [Finding]) {
    let is_told = |held: &&crate::domain::licence::Held| {
        case.state.is_some_and(|state| held.licence.names(state))
    };
    let strangers: Vec<&Text> =
        case.held().filter(|held| !is_told(held)).map(|held| &held.licence.number).collect();
    if strangers.is_empty() {
        return;
    }
    for finding in findings {
        let is_its_own = finding.licence.as_ref().is_some_and(|of| strangers.contains(&of));
        let tells_of_others =
            || is_of_another(finding.code) && stands_beside(case, finding.item, &strangers);
        if is_its_own || tells_of_others() {
            let entry = finding.code.entry();
            finding.licensed = None;
            entry.title.clone_into(&mut finding.message);
            finding.remedy = entry.remedy.into();
            // What these call declared is what a licence says: its own, or for one of them another's.
            if is_of_another(finding.code)
                && (is_its_own || finding.code == Code::ImportLicenceIssuedAfterExport)
            {
                finding.declared = None;
            }
        }
    }
}

/// Whether an item, or any where none is named, quotes such a licence.
fn stands_beside(case: &Case<'_>, item: Option<u32>, strangers: &[&Text]) -> bool {
    let of = case.items.iter().filter(|one| item.is_none_or(|number| one.item.number == number));
    of.flat_map(|item| &item.quotes).any(|quote| strangers.contains(&&quote.quote.number))
}

/// Whether a finding tells what another licence says than the one that it names.
fn is_of_another(code: Code) -> bool {
    matches!(
        code,
        Code::ImportLicenceIssuedAfterExport
            | Code::ExportImportLicenceMismatch
            | Code::ExportValidityExceedsImport
            | Code::ValidityPeriodExceedsMaximum
            | Code::FinalRecipientUndeclared
    )
}
