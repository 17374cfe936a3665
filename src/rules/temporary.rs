//! Section 3J: temporary movements, goods that return, simplified declarations and user statements.
use super::Case;
use super::Code;
use super::Findings;
use super::case::ItemCase;
use super::profile::Profile;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Text;
use crate::domain::calendar::months_after;
use crate::domain::calendar::years_after;
use crate::domain::declaration::Form;
use crate::domain::declaration::Temporary;
use crate::domain::goods::Movement;
use crate::domain::goods::Purpose;
use crate::domain::licence::Procedure;
use crate::domain::lists::Lists;
use crate::domain::party::names_agree;

/// Documents that are a user statement: the word, and UNTDID 1001 code 990 (end use authorization).
const USER_STATEMENTS: [&str; 2] = ["end_user_statement", "990"];

/// 100 TEMPORARY_PURPOSE_INVALID: a temporary movement has one of the purposes that the law applied knows
/// (hunting, sport shooting, evaluation, exhibition, repair; historical re-enactment under the Regulation of 2025
/// alone) and states what proves it, and the purpose is that of the temporary licence quoted. A temporary
/// licence quoted for goods that are not declared to return is found too. That an exhibition is
/// no sale cannot be told from the declaration. A permanent licence may be used for goods that come back.
pub(super) fn purpose(case: &Case<'_>, findings: &mut Findings) {
    if let Some(temporary) = &case.declaration.temporary {
        stated_purpose(case, temporary, findings);
    }
    for item in &case.items {
        for quote in &item.quotes {
            let Some(Procedure::Temporary(licensed)) = quote.licence().map(|l| l.procedure) else {
                continue;
            };
            let declared = case.declaration.temporary.as_ref();
            match (declared, declared.and_then(|temporary| temporary.purpose), licensed) {
                (None, _, _) => {
                    findings.add(Code::TemporaryPurposeInvalid).on(item, quote).says(format_args!(
                        "{} is for a temporary movement and the goods are not declared to return",
                        quote.quote.number
                    ));
                }
                (Some(_), Some(declared), Some(licensed)) if declared != licensed => {
                    let finding = findings.add(Code::TemporaryPurposeInvalid).on(item, quote);
                    finding.declared(declared.as_str()).licensed(licensed.as_str());
                    finding.says(format_args!(
                        "{} declared, {} is for {}",
                        declared.as_str(),
                        quote.quote.number,
                        licensed.as_str()
                    ));
                }
                (Some(_), _, _) => {}
            }
        }
    }
}

fn stated_purpose(case: &Case<'_>, temporary: &Temporary, findings: &mut Findings) {
    match temporary.purpose {
        None => {
            let finding = findings.add(Code::TemporaryPurposeInvalid).at("/temporary/purpose");
            finding.says("the goods are declared to return and no purpose is stated");
        }
        Some(Purpose::HistoricalReenactment) if !case.profile.reenactment => {
            let finding = findings.add(Code::TemporaryPurposeInvalid).at("/temporary/purpose");
            finding.declared(Purpose::HistoricalReenactment.as_str()).says(format_args!(
                "historical re-enactment is no purpose under {}",
                case.profile.id
            ));
        }
        Some(purpose) if temporary.evidence.is_none() => {
            let finding = findings.add(Code::TemporaryPurposeInvalid).at("/temporary/evidence");
            finding.declared(purpose.as_str()).says(format_args!(
                "purpose {} is stated without what proves it",
                purpose.as_str()
            ));
        }
        Some(_) => {}
    }
}

/// 101 TEMPORARY_NOTICE_LATE: where goods move under the simplified route, that is without a licence, the authority
/// was notified at least as many working days ahead as the profile asks, counted strictly between the day of
/// notice and the day of departure (at import, of acceptance). A period counted backwards does not roll over
/// a weekend, and holidays are those of the post's State. A missing notice is found as a late one, and so is
/// one of a day that has not come; goods under a licence need none, nor does a law without such a period.
pub(super) fn notice(case: &Case<'_>, findings: &mut Findings) {
    let (Some(temporary), Some(days), Some(state)) =
        (&case.declaration.temporary, case.profile.notice_working_days, case.state)
    else {
        return;
    };
    if case.items.iter().all(|item| !item.quotes.is_empty()) {
        return;
    }
    let event = match case.declaration.movement {
        Movement::Import => case.reference_date,
        Movement::Export | Movement::Transit => case.departure(),
    };
    let Some(notified) = temporary.notified_on.filter(|day| *day <= case.today) else {
        let finding = findings.add(Code::TemporaryNoticeLate).at("/temporary/notified_on");
        let stated = match temporary.notified_on {
            None => "no notice is stated",
            Some(day) => {
                finding.declared(day);
                "the day of the notice has not come"
            }
        };
        finding
            .licensed(format_args!("{days} working days before {event}"))
            .says(format_args!("{stated}; {days} working days before {event} are asked for"));
        return;
    };
    if years_after(notified, 1) < event {
        return;
    }
    let between = case.lists.holidays.working_days_between(state, notified, event);
    if between < u32::from(days) {
        let finding = findings.add(Code::TemporaryNoticeLate).at("/temporary/notified_on");
        finding.declared(notified).licensed(format_args!("{days} working days before {event}"));
        finding.says(format_args!(
            "notified on {notified}, {between} working days before {event}; {days} are asked for"
        ));
    }
}

/// 102 TEMPORARY_OVERSTAY: goods that went out temporarily return in time: within the profile's months, or where they
/// re-enter without an import licence and the law has a shorter period for that, within its days; goods that
/// came in temporarily leave again within theirs. A period in months ends on the same day of the month or
/// on its last one, every period ends on the next working day where it would end on a day off, and the last day
/// is in time. Of several releases under the reference the earliest counts of which firearms or parts are still out. Goods of which the register knows no first movement are rule 103's matter.
pub(super) fn overstay(case: &Case<'_>, findings: &mut Findings) {
    let (Some(outward), Some(state)) = (case.first_movement(), case.state) else {
        return;
    };
    let first = outward.released_on;
    let unlicensed = case.items.iter().any(|item| item.quotes.is_empty());
    let (lists, back) = (case.lists, case.declaration.movement);
    let Some((end, period)) = return_period(case.profile, lists, state, back, first, unlicensed)
    else {
        return;
    };
    let today = case.reference_date;
    if today > end {
        let finding = findings.add(Code::TemporaryOverstay).at("/temporary/outward_reference");
        finding.declared(today).licensed(end).says(format_args!(
            "first moved on {first}, {period} ended on {end}, presented on {today}"
        ));
    }
}

/// By which day goods that moved first on `first` return by a movement, and the period in words.
pub(super) fn return_period(
    profile: &Profile,
    lists: &Lists,
    state: Country,
    back: Movement,
    first: Date,
    unlicensed: bool,
) -> Option<(Date, String)> {
    let rolled = |day: Date, days: u16| lists.holidays.days_after(state, day, days);
    let in_days = |days: u16| (rolled(first, days), format!("{days} days"));
    match back {
        Movement::Import => match profile.reentry_days.filter(|_| unlicensed) {
            Some(days) => Some(in_days(days)),
            None => profile
                .return_months
                .map(|months| (rolled(months_after(first, months), 0), format!("{months} months"))),
        },
        Movement::Export => profile.reexport_days.map(in_days),
        Movement::Transit => None,
    }
}

/// 104 TEMPORARY_PERSON_DIFFERS: the person who returns the goods is the one who took them out, compared by
/// identifier; nobody stated now where somebody was then is referred too. Whoever sent the goods then, the exporter, is who receives them
/// now, as consignee or final recipient, or the travelling person does: to be their exporter again is not enough. Of goods that leave
/// again the exporter is who had received them, or who had sent them. Where the register knows no first movement
/// there is nobody to compare with.
pub(super) fn person(case: &Case<'_>, findings: &mut Findings) {
    let Some(outward) = case.first_movement() else {
        return;
    };
    let declaration = case.declaration;
    let now = declaration.temporary.as_ref().and_then(|temporary| temporary.person.as_deref());
    if let Some(then) = &outward.person
        && !now.is_some_and(|now| names_agree(now, then))
    {
        let finding = findings.add(Code::TemporaryPersonDiffers).at("/temporary/person");
        let now = now.unwrap_or("nobody");
        finding.declared(now).licensed(then);
        finding.says(format_args!("{then} took the goods out, {now} returns them"));
    }
    let Some(then) = &outward.exporter else { return };
    let travels = |id: &Text| outward.person.as_ref().is_some_and(|person| names_agree(person, id));
    let receivers = [&declaration.consignee, &declaration.final_recipient];
    if !receivers.into_iter().flatten().any(|party| party.id == *then || travels(&party.id)) {
        let finding = findings.add(Code::TemporaryPersonDiffers).at("/consignee");
        if let Some(now) = &declaration.consignee {
            finding.declared(&now.id);
        }
        finding
            .licensed(then)
            .says(format_args!("{then} sent the goods then and does not receive them now"));
    }
    let sender = declaration.exporter.as_ref().filter(|_| declaration.movement == Movement::Export);
    if let (Some(now), Some(received)) = (sender, &outward.consignee)
        && now.id != *received
        && now.id != *then
        && !travels(&now.id)
    {
        let finding = findings.add(Code::TemporaryPersonDiffers).at("/exporter");
        finding.declared(&now.id).licensed(received);
        finding
            .says(format_args!("{received} received the goods then, {} sends them back", now.id));
    }
}

/// 105 SIMPLIFIED_DECLARATION_PROHIBITED: where the profile rules it out, these goods are not declared in simplified
/// form, by entry in the declarant's records, by self-assessment, with a reduced data set or orally. A standard
/// declaration, and any form under a law that allows it, is no finding.
pub(super) fn simplified(case: &Case<'_>, findings: &mut Findings) {
    if !case.profile.simplified_prohibited {
        return;
    }
    let form = match case.declaration.form {
        Form::Standard => return,
        Form::Simplified => "a simplified declaration",
        Form::EntryInRecords => "entry in the declarant's records",
        Form::SelfAssessment => "self-assessment",
        Form::ReducedDataset => "a reduced data set",
        Form::Oral => "an oral declaration",
    };
    let finding = findings.add(Code::SimplifiedDeclarationProhibited).at("/form");
    finding
        .declared(form)
        .licensed("a standard declaration")
        .says(format_args!("declared by {form}; {} wants a standard declaration", case.profile.id));
}

/// 106 END_USER_STATEMENT_MISSING: under a law that asks for it, goods exported for good come with a statement of
/// their user, presented as `end_user_statement` or as document 990. Temporary exports, imports, goods in transit and
/// those that go back whence the register knows that they came need none, and a statement presented is not read here. Whether
/// an export is temporary its licences say; only where none is quoted does the declaration.
pub(super) fn user_statement(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    if !case.profile.end_user_statement
        || declaration.movement != Movement::Export
        || !case.items.iter().any(|item| leaves_for_good(case, item))
        || declaration.documents.iter().any(|paper| USER_STATEMENTS.contains(&paper.kind.as_str()))
    {
        return;
    }
    findings.add(Code::EndUserStatementMissing).at("/documents");
}

fn leaves_for_good(case: &Case<'_>, item: &ItemCase<'_>) -> bool {
    let mut licences = item.licences_of(Movement::Export).map(|(_, held)| &held.licence);
    match licences.next() {
        None => case.declaration.temporary.is_none(),
        Some(first) => {
            case.first_movement().is_none()
                && !(first.is_temporary() && licences.all(|licence| licence.is_temporary()))
        }
    }
}
