//! Which State may issue a licence: what is certain of that before the licence is ever quoted. Rules 16 and 35 judge
//! the quote at the border.
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::lists::Lists;

/// The State whose licence this would have to be and whose authority can never have issued it: an export licence
/// is the exporting State's, an import licence the importing State's, and within the Union any Member State's.
/// Nothing where it may be that it can: of a State that is not in the lists nothing is certain, nor of transit,
/// where the State crossed issues and the route is the declaration's to state.
pub fn issued_in_vain(licence: &Licence, lists: &Lists) -> Option<Country> {
    let state = match licence.kind {
        Movement::Export => licence.country_of_export,
        Movement::Import => licence.country_of_import,
        Movement::Transit => return None,
    };
    let issuer = licence.issuing_state;
    let may = issuer == state
        || (may_be_member(lists, issuer, licence) && may_be_member(lists, state, licence));
    (!may).then_some(state)
}

/// Whether Union law may apply in a State on a day on which the licence counts.
fn may_be_member(lists: &Lists, state: Country, licence: &Licence) -> bool {
    let Some(facts) = lists.states.get(&state) else { return true };
    let from = licence.issued_on.min(licence.valid_from);
    let until = licence.valid_until.unwrap_or(Date::MAX);
    facts.european_union.is_some_and(|effect| {
        effect.from.is_none_or(|begins| begins <= until)
            && effect.until.is_none_or(|ends| ends >= from)
    })
}
