//! Section 3C: dates, judged on the day of acceptance in the post's time zone. Each State tests its
//! own licence at its own acceptance: an export licence may lawfully end while the goods travel.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::profile::Profile;
use crate::domain::Date;
use crate::domain::calendar::months_after;
use crate::domain::calendar::years_after;
use crate::domain::goods::Movement;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::LicenceUse;

/// The day on which a licence must be good, and what that day is.
#[derive(Clone, Copy)]
struct Test {
    day: Date,
    kind: Day,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Day {
    Acceptance,
    Departure,
    /// The day of departure is not known, and the day of acceptance stands in for it.
    Assumed,
}

impl Test {
    /// How the licence is tested at this border; `None` where another border tests it.
    fn of(case: &Case<'_>, licence: &Licence) -> Option<Self> {
        let today = Self { day: case.reference_date, kind: Day::Acceptance };
        match (licence.kind, case.declaration.movement) {
            (Movement::Export, Movement::Export) => Some(Self::at_export(case, licence, today)),
            (Movement::Import, _) | (_, Movement::Export) => Some(today),
            (Movement::Transit, _) => case.draws(licence).then_some(today),
            (Movement::Export, _) => Some(match case.departed() {
                Some(day) => Self { day, kind: Day::Departure },
                None => Self { day: case.reference_date, kind: Day::Assumed },
            }),
        }
    }

    /// Goods that had left before acceptance had to be covered when they left.
    fn at_export(case: &Case<'_>, licence: &Licence, today: Self) -> Self {
        let begins = licence.valid_from.max(licence.issued_on);
        match case.departed() {
            Some(day) if day < today.day && day < begins => Self { day, kind: Day::Departure },
            Some(_) | None => today,
        }
    }

    fn words(self) -> &'static str {
        match self.kind {
            Day::Acceptance => "accepted on",
            Day::Departure => "left the exporting State on",
            Day::Assumed => "when the goods left is not known, accepted on",
        }
    }
}

/// 25 LICENCE_NOT_YET_VALID, 26 LICENCE_EXPIRED and DATE_ZONE_AMBIGUOUS: the licence is valid from its first to its last
/// day, both inclusive, to the last hour of the day where the post is. What counts is the day on which the
/// declaration was accepted, not that of the check, of lodging or of arrival. An export licence is
/// tested at export, and must have begun when the goods left where that was before acceptance; at a later border it
/// must have been valid when the goods left, and where that day is
/// not known a person decides. When they left is what a post has recorded, else what the declaration says, and
/// for goods that are here not later than acceptance. An import licence must not have expired at any border; one that becomes
/// valid before the goods are expected there is no finding at export. A transit licence is tested by
/// the State that issued it and at export. Where acceptance falls on another day in the issuing State
/// (its registered posts name its time zones) and validity differs between the two days, neither is picked
/// silently: the finding is DATE_ZONE_AMBIGUOUS instead. Without a registered post of the issuing State
/// only the post's own day is looked at.
pub(super) fn licence_validity(case: &Case<'_>, findings: &mut Findings) {
    let suspect = |licence: &Licence| {
        Test::of(case, licence).is_some_and(|test| {
            Validity::on(licence, test.day) != Validity::Valid || is_near_an_end(licence, test.day)
        })
    };
    for (item, quote, licence) in case.quoting(suspect) {
        let Some(test) = Test::of(case, licence) else { continue };
        let validity = Validity::on(licence, test.day);
        if is_near_an_end(licence, test.day) && test.kind == Day::Acceptance {
            let other =
                days_of_issuer(case, licence).find(|d| Validity::on(licence, *d) != validity);
            if let Some(other) = other {
                let day = test.day;
                let state = licence.issuing_state;
                let finding = findings.add(Code::DateZoneAmbiguous).on(item, quote).declared(day);
                finding.licensed(Span(licence)).says(format_args!(
                    "valid {}; acceptance was on {day} at the post and on {other} in {state}",
                    Span(licence)
                ));
                continue;
            }
        }
        let code = match validity {
            Validity::Valid => continue,
            Validity::NotYet if arrives_in_time(case, licence) => continue,
            Validity::NotYet => Code::LicenceNotYetValid,
            Validity::Over => Code::LicenceExpired,
        };
        let finding = findings.add(code).on(item, quote).declared(test.day);
        if test.kind == Day::Assumed {
            finding.severity(Severity::Refer);
        }
        match (validity, licence.valid_until) {
            (Validity::Over, Some(until)) => finding.licensed(until),
            (Validity::Over | Validity::NotYet | Validity::Valid, _) => {
                finding.licensed(licence.valid_from)
            }
        };
        finding.says(format_args!("valid {}, {} {}", Span(licence), test.words(), test.day));
    }
}

/// Where a day lies with respect to a licence's validity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Validity {
    NotYet,
    Valid,
    Over,
}

impl Validity {
    fn on(licence: &Licence, day: Date) -> Self {
        if day < licence.valid_from {
            Self::NotYet
        } else if licence.valid_until.is_some_and(|until| until < day) {
            Self::Over
        } else {
            Self::Valid
        }
    }
}

/// A licence's validity in words.
struct Span<'a>(&'a Licence);

impl std::fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "from {}", self.0.valid_from)?;
        self.0.valid_until.map_or(Ok(()), |until| write!(f, " until {until}"))
    }
}

/// An import licence that begins after export and before arrival does what it is for.
fn arrives_in_time(case: &Case<'_>, licence: &Licence) -> bool {
    licence.kind == Movement::Import
        && case.declaration.movement != Movement::Import
        && case.declaration.arrives_on.is_some_and(|arrival| licence.valid_from <= arrival)
}

/// Whether a day either way could make a difference.
fn is_near_an_end(licence: &Licence, day: Date) -> bool {
    let near = |end: Date| {
        end == day
            || end.tomorrow().is_ok_and(|d| d == day)
            || end.yesterday().is_ok_and(|d| d == day)
    };
    near(licence.valid_from) || licence.valid_until.is_some_and(near)
}

/// The days on which acceptance fell in the issuing State, by the zones of its posts.
fn days_of_issuer<'c>(case: &'c Case<'_>, licence: &'c Licence) -> impl Iterator<Item = Date> + 'c {
    let at = case.declaration.accepted_at.map_or(case.now, |(at, _)| at);
    let elsewhere = (case.state != Some(licence.issuing_state))
        .then(|| case.lists.posts.values().filter(|post| post.country == licence.issuing_state));
    elsewhere.into_iter().flatten().map(move |post| post.zone.to_datetime(at).date())
}

/// 27 LICENCE_ISSUED_AFTER_ACCEPTANCE: the licence had been issued when the declaration was accepted; on the
/// very day is in time. A licence never covers goods retroactively. At a later border the export licence
/// is compared with the day on which the goods left. Transit licences of other States than the
/// post's are left to rule 56, which compares them with departure. Where it had been issued by the day of only one
/// of the post and the issuing State, that is DATE_ZONE_AMBIGUOUS, unless its validity begins then and 25 has said so.
pub(super) fn issued_before(case: &Case<'_>, findings: &mut Findings) {
    let near =
        |licence: &Licence| Test::of(case, licence).filter(|test| licence.issued_on >= test.day);
    for (item, quote, licence) in case.quoting(move |licence| near(licence).is_some()) {
        let Some(test) = near(licence) else { continue };
        let (issued, day) = (licence.issued_on, test.day);
        let is_other = |other: &Date| (issued > *other) != (issued > day);
        let is_tested_here = test.kind == Day::Acceptance;
        if let Some(other) = days_of_issuer(case, licence).find(|o| is_tested_here && is_other(o)) {
            if licence.valid_from != issued {
                let finding = findings.add(Code::DateZoneAmbiguous).on(item, quote).declared(day);
                finding.licensed(issued).says(format_args!(
                    "issued on {issued}; acceptance was on {day} at the post and on {other} in {}",
                    licence.issuing_state
                ));
            }
            continue;
        }
        if issued == day {
            continue;
        }
        let finding = findings.add(Code::LicenceIssuedAfterAcceptance).on(item, quote);
        finding.declared(day).licensed(issued);
        finding.says(format_args!("issued on {issued}, {} {day}", test.words()));
    }
}

/// 28 LICENCE_EXPIRES_BEFORE_ARRIVAL: where the day of arrival at the next border is declared, the licences still
/// run then. For an export or transit licence that only informs, since each State tests its own at its own
/// border; an import licence that will have ended when the goods arrive is referred. At import the
/// goods have arrived and nothing is found, and a licence that has ended already is left to rule 26.
pub(super) fn alive_at_arrival(case: &Case<'_>, findings: &mut Findings) {
    let Some(arrival) = case.declaration.arrives_on else { return };
    if case.declaration.movement == Movement::Import {
        return;
    }
    let ends = |licence: &Licence| {
        let until = licence.valid_until.filter(|until| *until < arrival);
        until.filter(|until| case.reference_date <= *until && case.is_ahead(licence))
    };
    for (item, quote, licence) in case.quoting(move |licence| ends(licence).is_some()) {
        let Some(until) = ends(licence) else { continue };
        let finding = findings.add(Code::LicenceExpiresBeforeArrival).on(item, quote);
        finding.declared(arrival).licensed(until);
        finding.says(format_args!("valid until {until}, arrival is expected on {arrival}"));
        if licence.kind == Movement::Import {
            finding.severity(Severity::Refer);
        }
    }
}

/// The law under which a State issued a licence.
fn law_of(case: &Case<'_>, licence: &Licence) -> &'static Profile {
    Profile::applying(case.lists, Some(licence.issuing_state), licence.issued_on)
}

fn imports<'c, 'a>(item: &'c ItemCase<'a>) -> impl Iterator<Item = &'a Licence> + 'c {
    item.licences_of(Movement::Import).map(|(_, held)| held.licence.as_ref())
}

/// 29 EXPORT_VALIDITY_EXCEEDS_IMPORT: an export licence issued under Union law does not outlive the import
/// licence it rests on; of several import licences for the item the longest counts. Under Regulation (EU)
/// 2025/41 only a single export authorisation is bound so: a multiple one may outlive successive import
/// licences. It is a defect of issue, judged by the law of the State and of the day of issue, and
/// only found at export. Licences of States outside the Union and open-ended import licences are not
/// compared.
pub(super) fn validity_against_import(case: &Case<'_>, findings: &mut Findings) {
    if case.declaration.movement != Movement::Export {
        return;
    }
    let outlives = |export: &Licence| {
        let ends = |held: &Held| {
            held.licence.kind == Movement::Import && held.licence.valid_until < export.valid_until
        };
        export.kind == Movement::Export && case.held().any(ends)
    };
    for (item, quote, export) in case.quoting(outlives) {
        let Some(until) = export.valid_until else { continue };
        let exceeded = imports(item).all(|import| import.valid_until.is_some_and(|u| u < until));
        let longest = imports(item).max_by_key(|import| import.valid_until);
        let (true, Some(import)) = (exceeded, longest) else { continue };
        let law = law_of(case, export);
        let bound = !law.outlive_single_only || export.usage == LicenceUse::Single;
        if law.union_only && bound {
            let end = import.valid_until.unwrap_or(until);
            let finding = findings.add(Code::ExportValidityExceedsImport).on(item, quote);
            finding.declared(until).licensed(end).says(format_args!(
                "{} is valid until {until}, import licence {} until {end}",
                export.number, import.number
            ));
        }
    }
}

/// 30 VALIDITY_PERIOD_EXCEEDS_MAXIMUM: the licence's period is one that the law of its day of issue
/// allows. Regulation (EU) 2025/41: at most one year for a single import authorisation, three years for a
/// multiple authorisation, one year for an export authorisation on an open-ended import licence. Regulation
/// (EU) No 258/2012 instead: at least nine months for an export authorisation on an open-ended import licence.
/// A year ends with the same date of the next year, that day included. The Protocol sets no period, and general (open)
/// authorisations are not measured. Licences that this border only sees as proof are left alone.
pub(super) fn validity_period(case: &Case<'_>, findings: &mut Findings) {
    let open_import = case
        .held()
        .any(|held| held.licence.kind == Movement::Import && held.licence.valid_until.is_none());
    let suspect = move |licence: &Licence| {
        case.is_ahead(licence)
            && licence.usage != LicenceUse::Open
            && (open_import
                || Period::of(case, licence, false).is_some_and(|p| p.is_wrong(licence)))
    };
    for (item, quote, licence) in case.quoting(suspect) {
        let on_open_import = licence.kind == Movement::Export
            && imports(item).next().is_some()
            && imports(item).all(|import| import.valid_until.is_none());
        let period = Period::of(case, licence, on_open_import);
        let Some(period) = period.filter(|period| period.is_wrong(licence)) else { continue };
        let finding = findings.add(Code::ValidityPeriodExceedsMaximum).on(item, quote);
        let (limit, bound) = match (period.least, period.most) {
            (Some(least), _) => {
                finding.by_law("Regulation (EU) No 258/2012 art. 7(5)");
                (least, "at least")
            }
            (None, most) => (most.unwrap_or(licence.valid_from), "at most"),
        };
        finding.licensed(limit).says(format_args!(
            "valid {}; the law in force at issue ({}) allows {bound} until {limit}",
            Span(licence),
            period.law
        ));
        if let Some(until) = licence.valid_until {
            finding.declared(until);
        }
    }
}

/// The first and the last day on which the law lets a licence end.
struct Period {
    law: &'static str,
    least: Option<Date>,
    most: Option<Date>,
}

impl Period {
    /// What the law of the day of issue allows; `None` where it says nothing.
    fn of(case: &Case<'_>, licence: &Licence, on_open_import: bool) -> Option<Self> {
        let law = law_of(case, licence);
        if !law.union_only {
            return None;
        }
        let most = match (licence.kind, licence.usage) {
            (Movement::Export, _) if on_open_import => law.export_on_open_import_years_max,
            (_, LicenceUse::Multiple) => law.multiple_years_max,
            (Movement::Import, LicenceUse::Single) => law.single_years_max,
            (Movement::Export | Movement::Import | Movement::Transit, _) => None,
        };
        let least = law.export_on_open_import_months_min.filter(|_| on_open_import);
        Some(Self {
            law: law.id,
            least: least.map(|months| months_after(licence.valid_from, months)),
            most: most.map(|years| years_after(licence.valid_from, years)),
        })
    }

    fn is_wrong(&self, licence: &Licence) -> bool {
        match licence.valid_until {
            Some(until) => {
                self.most.is_some_and(|most| most < until)
                    || self.least.is_some_and(|least| until < least)
            }
            None => self.most.is_some(),
        }
    }
}

/// 31 LEGACY_AUTHORISATION_LAPSED: an export authorisation granted in the Union before Regulation (EU) 2025/41
/// applied counts for twelve months from then on and no longer, whatever its own last day. It is tested where the
/// goods leave the Union. Licences of States outside the Union and those granted later are not touched. An
/// application that was pending on the day of change is granted under the old law and keeps the same term, but
/// by its date of issue it cannot be told from others and is not found.
pub(super) fn legacy(case: &Case<'_>, findings: &mut Findings) {
    let day = case.reference_date;
    let Some(last) = case.profile.legacy_until.filter(|last| *last < day) else { return };
    if case.declaration.movement != Movement::Export {
        return;
    }
    let lapsed = move |licence: &Licence| {
        licence.kind == Movement::Export
            && licence.issued_on < case.profile.applies_from
            && case.lists.is_european_union(licence.issuing_state, day)
    };
    for (item, quote, licence) in case.quoting(lapsed) {
        let issued = licence.issued_on;
        let finding = findings.add(Code::LegacyAuthorisationLapsed).on(item, quote);
        finding.declared(day).licensed(last).says(format_args!(
            "issued on {issued} under the former Regulation, counted until {last}, accepted on {day}"
        ));
    }
}
