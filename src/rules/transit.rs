//! Section 3F, first half: whether every State on the way has consented, or need not.
use super::Case;
use super::Code;
use super::Finding;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::passage::Passage;
use super::passage::Source;
use super::profile::Silence;
use crate::domain::Date;
use crate::domain::declaration::Leg;
use crate::domain::declaration::Seen;
use crate::domain::goods::Mode;
use crate::domain::goods::Movement;
use crate::domain::licence::Consent;
use crate::domain::licence::ConsentForm;
use crate::domain::licence::Licence;

/// What a licence holds of one State's answer.
#[derive(Default)]
struct Answers<'a> {
    in_time: bool,
    late: bool,
    late_date: Option<Date>,
    /// A day that has not come, on which it is to be given.
    ahead: Option<Date>,
    silent: Option<&'a Consent>,
    said_exempt: bool,
}

/// 55 TRANSIT_CONSENT_MISSING, 56 TRANSIT_CONSENT_LATE, 57 TRANSIT_OBJECTED, 58
/// TRANSIT_CONSENT_TACIT, 59 TRANSIT_EXEMPT_DIRECT, 60 TRANSIT_EXEMPT_TEMPORARY and 61
/// TRANSIT_EXEMPT_LANDLOCKED: every State that the goods pass, declared or observed, has consented in
/// writing or by a transit licence of its own, with a date before departure that has come: when the goods leave is the
/// declarant's word, so that neither a consent nor the end of a silence counts before its day. The licence's list of
/// transit States is only where consents are looked for; it does not say which States are passed. Where
/// several export licences cover an item, each has its own consents: what a State has let pass under one of them
/// it has not under another, and only a transit licence of its own counts for all.
/// Late consent holds the goods at the exporting State's post and refers them en route; a consent
/// without a date refers, since nothing shows that it came first.
///
/// What excuses the consent replaces the finding that it is missing or late: a registered agreement for
/// a landlocked exporting or importing State (being landlocked excuses nothing by itself); and where Union law
/// governs the export, that is of goods that leave a Member State and never at a transit State's own post: a call by
/// sea or air declared to be without transhipment, judged call by call, from which the goods go on as they came: between a leg by sea and
/// one by air they change their means of transport, and a State without a coast has no call by sea; a temporary export with a purpose and its
/// proof under temporary licences, since a claim that a licence for good contradicts excuses nothing; and silence for
/// the working days of the profile, counted by the transit State's calendar, in the first Regulation only where the
/// exporting State has opted for it. Other Member States are then not transit States at all. An objection outweighs
/// all of these, on whichever licence it stands. Items without an export or transit licence are left to rules 10 to
/// 16 and 38.
pub(super) fn transit_consent(case: &Case<'_>, findings: &mut Findings) {
    if case.passages.is_empty() {
        return;
    }
    for item in &case.items {
        let papers = papers(item);
        if papers.is_empty() || item.is_antique() || item.is_deactivated() {
            continue;
        }
        for passage in &case.passages {
            consent(case, item, &papers, passage, findings);
        }
    }
}

/// The quotes whose licences each need the consents: the export licences of the item, each once; where there
/// is none, the import licences that name transit States, and failing these a transit licence.
fn papers<'c, 'a>(item: &'c ItemCase<'a>) -> Vec<&'c QuoteCase<'a>> {
    let those = |suits: fn(&Licence) -> bool| {
        let mut papers: Vec<&QuoteCase<'_>> = Vec::new();
        for quote in item.quotes.iter().filter(|quote| quote.licence().is_some_and(suits)) {
            if !papers.iter().any(|paper| paper.quote.number == quote.quote.number) {
                papers.push(quote);
            }
        }
        papers
    };
    let exports = those(|licence| licence.kind == Movement::Export);
    if !exports.is_empty() {
        return exports;
    }
    let imports = those(|licence| licence.kind == Movement::Import && !licence.transit.is_empty());
    if !imports.is_empty() {
        return imports;
    }
    those(|licence| licence.kind == Movement::Transit).into_iter().take(1).collect()
}

/// Judges one State's answer for each of the licences that need it.
fn consent(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    papers: &[&QuoteCase<'_>],
    passage: &Passage<'_>,
    findings: &mut Findings,
) {
    let objection = item.quotes.iter().find_map(|quote| {
        let mut consents = consents(quote.licence()?, passage);
        Some((quote, consents.find(|consent| consent.form == ConsentForm::Objection)?))
    });
    if let Some((quote, objection)) = objection {
        objected(item, quote, passage, objection, findings);
        return;
    }
    let departure = case.departure();
    let lacking: Vec<(&QuoteCase<'_>, Answers<'_>)> = papers
        .iter()
        .filter_map(|paper| {
            Some((*paper, answers(item, paper.licence()?, passage, departure, case.today)))
        })
        .filter(|(_, answers)| !answers.in_time)
        .collect();
    if excused(case, item, &lacking, passage, findings) {
        return;
    }
    for (paper, answers) in &lacking {
        if !silent(case, item, paper, passage, answers, findings) {
            unanswered(case, item, paper, passage, answers, findings);
        }
    }
}

/// What a licence says of a State's answer, with that State's own licence for the item.
fn answers<'a>(
    item: &ItemCase<'_>,
    licence: &'a Licence,
    passage: &Passage<'_>,
    departure: Date,
    today: Date,
) -> Answers<'a> {
    let mut answers = Answers::default();
    for own in own_licences(item, passage) {
        answers.given(Some(own.issued_on), departure, today);
    }
    for consent in consents(licence, passage) {
        match consent.form {
            ConsentForm::Written | ConsentForm::Licence => {
                answers.given(consent.dated, departure, today);
            }
            ConsentForm::Tacit => answers.silent = Some(consent),
            ConsentForm::Exempt => answers.said_exempt = true,
            // It counts wherever it stands, and has been looked for.
            ConsentForm::Objection => {}
        }
    }
    answers
}

/// Transit licences of the State itself that are quoted for the item: they let all of it pass.
pub(super) fn own_licences<'a>(
    item: &ItemCase<'a>,
    passage: &Passage<'_>,
) -> impl Iterator<Item = &'a Licence> {
    let country = passage.country;
    item.quotes.iter().filter_map(QuoteCase::licence).filter(move |licence| {
        licence.kind == Movement::Transit && licence.issuing_state == country
    })
}

fn consents<'a>(licence: &'a Licence, passage: &Passage<'_>) -> impl Iterator<Item = &'a Consent> {
    let country = passage.country;
    let listed = licence.transit.iter().filter(move |transit| transit.country == country);
    listed.filter_map(|transit| transit.consent.as_ref())
}

impl Answers<'_> {
    fn given(&mut self, dated: Option<Date>, departure: Date, today: Date) {
        match dated {
            Some(dated) if dated > today => self.ahead = Some(dated),
            Some(dated) if dated < departure => self.in_time = true,
            Some(_) | None => {
                self.late = true;
                self.late_date = dated;
            }
        }
    }
}

fn objected(
    item: &ItemCase<'_>,
    papers: &QuoteCase<'_>,
    passage: &Passage<'_>,
    objection: &Consent,
    findings: &mut Findings,
) {
    let country = passage.country;
    let reference = objection.reference.as_deref().unwrap_or("without a reference");
    let finding = note(Code::TransitObjected, item, papers, passage, findings);
    match objection.dated {
        Some(dated) => finding.says(format_args!("{country} objected on {dated} ({reference})")),
        None => finding.says(format_args!("{country} has objected ({reference})")),
    };
}

/// Whether the State need not be asked; says why where the law wants that to be known.
fn excused(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    lacking: &[(&QuoteCase<'_>, Answers<'_>)],
    passage: &Passage<'_>,
    findings: &mut Findings,
) -> bool {
    let Some((papers, _)) = lacking.first() else { return true };
    let country = passage.country;
    let of_the_union = is_export_of_the_union(case);
    if of_the_union && case.lists.is_european_union(country, case.reference_date) {
        return true;
    }
    let ends = [case.declaration.country_of_export, case.declaration.country_of_import];
    let agreement = case.lists.agreements.iter().find(|agreement| {
        agreement.transit == country
            && agreement.beneficiary.is_landlocked()
            && ends.contains(&Some(agreement.beneficiary))
            && (agreement.categories.is_empty()
                || agreement.categories.contains(&item.item.category))
            && agreement.effect.covers(case.reference_date)
    });
    if let Some(agreement) = agreement {
        note(Code::TransitExemptLandlocked, item, papers, passage, findings).says(format_args!(
            "agreement {} between {} and {country} covers the crossing",
            agreement.id, agreement.beneficiary
        ));
        return true;
    }
    if !of_the_union {
        return false;
    }
    if is_direct_call(case, passage) {
        note(Code::TransitExemptDirect, item, papers, passage, findings)
            .says(format_args!("the call in {country} is declared to be without transhipment"));
        return true;
    }
    let temporary = |paper: &QuoteCase<'_>| paper.licence().is_some_and(Licence::is_temporary);
    if let Some(evidence) = temporary_evidence(case)
        && lacking.iter().all(|(paper, _)| temporary(paper))
    {
        note(Code::TransitExemptTemporary, item, papers, passage, findings).says(format_args!(
            "{country} need not consent to a temporary export, shown by {evidence}"
        ));
        return true;
    }
    false
}

/// Whether Union law says who is asked: it binds the Member State that exports, no other, and asks third countries
/// alone, so that what is in transit at a Member State's post or comes in from elsewhere is not spared by it.
pub(super) fn is_export_of_the_union(case: &Case<'_>) -> bool {
    let member = |country| case.lists.is_european_union(country, case.reference_date);
    case.profile.union_only && case.declaration.country_of_export.is_some_and(member)
}

fn is_direct_call(case: &Case<'_>, passage: &Passage<'_>) -> bool {
    let Source::Declared(index, leg) = passage.source else {
        return false;
    };
    case.profile.direct_transit_exempt
        && matches!(leg.mode, Some(Mode::Sea | Mode::Air))
        && leg.transhipment == Some(false)
        && !(leg.mode == Some(Mode::Sea) && leg.country.is_landlocked())
        && !changes_means(case, index, leg)
        && !case.declaration.observations.iter().any(|seen| seen.seen == Seen::Transhipped)
}

/// Whether the goods come from the leg before, or go on by the next, in another way: they then change their means
/// of transport in one of the two States, and which it is nothing says. In a Member State they may.
fn changes_means(case: &Case<'_>, index: usize, leg: &Leg) -> bool {
    let route = &case.declaration.route;
    let other_way = |other: &&Leg| other.mode.is_some() && other.mode != leg.mode;
    let before = index.checked_sub(1).and_then(|before| route.get(before)).filter(other_way);
    let member = |leg: &Leg| case.lists.is_european_union(leg.country, case.reference_date);
    before.is_some_and(|before| !member(before))
        || route.get(index + 1).is_some_and(|next| other_way(&next))
}

fn temporary_evidence<'a>(case: &Case<'a>) -> Option<&'a str> {
    let temporary = case.declaration.temporary.as_ref()?;
    let purpose = temporary.purpose.is_some() && case.profile.temporary_transit_exempt;
    temporary.evidence.as_deref().filter(|_| purpose)
}

/// Whether silence counts as consent; says so.
fn silent(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    papers: &QuoteCase<'_>,
    passage: &Passage<'_>,
    answers: &Answers<'_>,
    findings: &mut Findings,
) -> bool {
    let country = passage.country;
    let Some(asked) = answers.silent.and_then(|consent| consent.requested_on) else {
        return false;
    };
    if !silence_counts(case) {
        return false;
    }
    let days = case.profile.silence_working_days;
    let end = case.lists.holidays.working_days_after(country, asked, days);
    let over = case.departure().min(case.today) > end;
    if over {
        note(Code::TransitConsentTacit, item, papers, passage, findings).says(format_args!(
            "{country} was asked on {asked} and had not answered by {end}, after {days} working days"
        ));
    }
    over
}

fn silence_counts(case: &Case<'_>) -> bool {
    let opted =
        |state| case.lists.states.get(&state).is_some_and(|facts| facts.accepts_tacit_consent);
    let counts = match case.profile.silence {
        Silence::Nothing => false,
        Silence::ConsentWhereOpted => case.declaration.country_of_export.is_some_and(opted),
        Silence::Consent => true,
    };
    counts && is_export_of_the_union(case)
}

/// Says that the consent is late, or that there is none.
fn unanswered(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    papers: &QuoteCase<'_>,
    passage: &Passage<'_>,
    answers: &Answers<'_>,
    findings: &mut Findings,
) {
    let (country, departure) = (passage.country, case.departure());
    if !answers.late {
        let finding = note(Code::TransitConsentMissing, item, papers, passage, findings);
        let silent = answers.silent.map(|consent| consent.requested_on);
        match (answers.ahead, silent, answers.said_exempt) {
            (Some(day), ..) => finding.says(format_args!(
                "the consent of {country} bears the date {day}, which has not come"
            )),
            (None, Some(Some(asked)), _) => finding.says(format_args!(
                "{country} was asked on {asked} and has not answered; silence is no consent here, or not yet"
            )),
            (None, Some(None), _) => finding.says(format_args!(
                "consent of {country} is said to be tacit, but not since when it was asked"
            )),
            (None, None, true) => finding.says(format_args!(
                "{country} is said to need not consent, but no ground for that holds"
            )),
            (None, None, false) => finding
                .says(format_args!("{country} is on the way and its consent is not on the papers")),
        };
        return;
    }
    let finding = note(Code::TransitConsentLate, item, papers, passage, findings);
    finding.declared(departure);
    if let Some(dated) = answers.late_date {
        finding.licensed(dated).says(format_args!(
            "{country} consented on {dated}, departure is on {departure}: consent comes before shipment"
        ));
    } else {
        finding.severity(Severity::Refer).says(format_args!(
            "the consent of {country} bears no date; departure is on {departure}"
        ));
    }
    let leaving = case.declaration.movement == Movement::Export
        || (case.state.is_some() && case.state == case.declaration.country_of_export);
    if !leaving {
        finding.severity(Severity::Refer);
    }
}

fn note<'f>(
    code: Code,
    item: &ItemCase<'_>,
    papers: &QuoteCase<'_>,
    passage: &Passage<'_>,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    findings.add(code).on(item, papers).at(passage.path()).declared(passage.country)
}
