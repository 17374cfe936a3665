//! What is due after the border (rules 102, 110 to 114 and 116): by when, by which law, and what is said when the
//! time has passed. Periods are the profile's; the days off are those of the State. No timer releases
//! anything: what the law attaches to silence is put before a person.
use super::profile::Profile;
use super::temporary::return_period;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Locode;
use crate::domain::Timestamp;
use crate::domain::calendar::years_after;
use crate::domain::deadline::Kind;
use crate::domain::goods::Movement;
use crate::domain::lists::DecisionPeriod;
use crate::domain::lists::Lists;
use jiff::ToSpan;
use jiff::tz::TimeZone;

/// A rule that watches over a period.
#[derive(Debug)]
pub struct Timer {
    /// The catalogue's number.
    pub number: u16,
    /// The code on the wire.
    pub code: &'static str,
    /// What is due.
    pub kind: Kind,
    /// What has happened when it is raised.
    pub title: &'static str,
    /// The legal source.
    pub legal_basis: &'static str,
    /// What it counts from, and what is done when the time has passed.
    pub does: &'static str,
}

/// Every timer, in the catalogue's order.
pub const TIMERS: &[Timer] = &[
    Timer {
        number: 102,
        code: "TEMPORARY_OVERSTAY",
        kind: Kind::Return,
        title: "goods let through for a time have not come back in time",
        legal_basis: "Regulation (EU) No 258/2012 art. 2(11); Regulation (EU) 2025/41 art. 12(1), 23",
        does: "From the day of the first movement, as rule 102 counts. Set by a temporary release that names no earlier \
               one, done with once every firearm and part that moved is back, or, where none did, with the first return. The post \
               and the authority are alerted",
    },
    Timer {
        number: 110,
        code: "CUSTOMS_NOTICE_DUE",
        kind: Kind::CustomsNotice,
        title: "goods are referred or held and the authority has not been informed in time",
        legal_basis: "Regulation (EU) 2025/41 art. 29(5), 30(1)",
        does: "Clock hours from the verdict. The officer informs the authority by a referral, or resolves the alert; \
               otherwise the post and the authority of its State are alerted",
    },
    Timer {
        number: 111,
        code: "AUTHORITY_DECISION_DUE",
        kind: Kind::DecisionOnBreach,
        title: "the authority has not decided in time",
        legal_basis: "Regulation (EU) 2025/41 art. 29(5), 30; Regulation (EU) No 258/2012 art. 17(3), 17(4)",
        does: "From the day of the referral; the authority may take the longer period once, with its reason. The \
               authority and the post are alerted; the goods stay where they are",
    },
    Timer {
        number: 111,
        code: "DECISION_LAPSED",
        kind: Kind::DecisionOnDoubt,
        title: "the authority's time to decide on a doubt has passed in silence",
        legal_basis: "Regulation (EU) 2025/41 art. 29(5)",
        does: "Where the profile gives silence this weight, and only for a doubt under article 29(5), never for a \
               movement that is not compliant under article 30. The post and the authority are alerted; an officer \
               decides on the release, nothing is released here",
    },
    Timer {
        number: 112,
        code: "RECEIPT_CONFIRMATION_OVERDUE",
        kind: Kind::Receipt,
        title: "no receipt of goods that have left was confirmed in time",
        legal_basis: "Regulation (EU) 2025/41 art. 26; Firearms Protocol art. 10(4)",
        does: "Days from the exit, not from the release. The authorities of both States are alerted, and the exporting \
               one asks the exporter; then, each time so many working days later as the profile says, the post of exit is asked \
               whether the goods have left, the importing State whether they were received, and in the end it is \
               recorded that nobody has shown it. The importing State is left alone once it has answered",
    },
    Timer {
        number: 113,
        code: "NOT_ARRIVED",
        kind: Kind::Arrival,
        title: "goods have left and nothing of them was recorded as arrived",
        legal_basis: "Firearms Protocol art. 10(4), 11",
        does: "With the last hour of the day of arrival that the export declaration states, or of the forty-fifth \
               after the exit. The post and the authority of the exporting State and the authority of the importing one are \
               alerted; a first arrival, however small, ends the wait, and what is short is told when it is recorded",
    },
    Timer {
        number: 114,
        code: "EXIT_NOT_CONFIRMED",
        kind: Kind::Exit,
        title: "goods were released for export and no exit is recorded",
        legal_basis: "Union Customs Code art. 174; delegated and implementing acts (unconfirmed)",
        does: "Days from the release. The post and the authority are alerted, and once more at the day on which the \
               declaration is to be invalidated; what was drawn is given back by a reversal alone",
    },
    Timer {
        number: 116,
        code: "POST_SHIPMENT_CHECK_DUE",
        kind: Kind::PostShipmentCheck,
        title: "the authority's check after the shipment is due",
        legal_basis: "Regulation (EU) 2025/41 art. 27",
        does: "Where the State's data give it a period, in days from the exit. The authority is told",
    },
    Timer {
        number: 116,
        code: "REVIEW_AFTER_2_YEARS",
        kind: Kind::Review,
        title: "a licence is due to be reviewed",
        legal_basis: "Regulation (EU) 2025/41 art. 24(5)",
        does: "Years from the day of issue, for as long as the licence is in force. The authority is told",
    },
];

/// Where and under which law a period runs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The lists in force: days off, time zones, what a State has laid down.
    pub lists: &'a Lists,
    /// The State whose calendar counts.
    pub state: Country,
    /// The post whose clock counts; UTC without one.
    pub post: Option<Locode>,
    /// The profile of law.
    pub profile: &'static Profile,
}

impl<'a> Place<'a> {
    /// A place with the profile that applies there on the day of an event.
    pub fn on_day_of(
        lists: &'a Lists,
        state: Country,
        post: Option<Locode>,
        event: Timestamp,
    ) -> Self {
        let [baseline, ..] = &super::profile::PROFILES;
        let bare = Self { lists, state, post, profile: baseline };
        Self { profile: Profile::applying(lists, Some(state), bare.day(event)), ..bare }
    }

    fn zone(&self) -> TimeZone {
        let post = self.post.and_then(|post| self.lists.posts.get(&post));
        post.map_or(TimeZone::UTC, |post| post.zone.clone())
    }

    /// The day of an event by the clock of the post.
    pub fn day(&self, event: Timestamp) -> Date {
        self.zone().to_datetime(event).date()
    }

    /// A period ends with the last hour of its last day: at this instant it is over.
    fn end_of(&self, day: Date) -> Timestamp {
        let next = day.saturating_add(1.day()).to_datetime(jiff::civil::Time::midnight());
        self.zone().to_timestamp(next).unwrap_or(Timestamp::MAX)
    }

    fn days(&self, event: Timestamp, days: u16) -> Timestamp {
        self.end_of(self.lists.holidays.days_after(self.state, self.day(event), days))
    }

    /// When customs must have informed the authority (rule 110): clock hours, so days off count.
    pub fn notice_due(&self, held: Timestamp) -> Option<Timestamp> {
        let hours = jiff::SignedDuration::from_hours(i64::from(self.profile.notice_hours?));
        held.checked_add(hours).ok()
    }

    /// The period in which the authority decides: what the State has laid down, or the profile's.
    pub fn decision_period(&self) -> Option<DecisionPeriod> {
        let own = self.lists.states.get(&self.state).and_then(|state| state.decision);
        own.or(self.profile.decision)
    }

    /// When the authority must have decided (rule 111), at first or by the longer period.
    pub fn decision_due(&self, informed: Timestamp, extended: bool) -> Option<Timestamp> {
        let period = self.decision_period()?;
        let days = if extended { period.extended } else { period.first };
        if !period.working_days {
            return Some(self.days(informed, days));
        }
        let holidays = &self.lists.holidays;
        Some(self.end_of(holidays.working_days_after(self.state, self.day(informed), days)))
    }

    /// When a receipt must have been confirmed (rule 112), from the exit on.
    pub fn receipt_due(&self, exit: Timestamp) -> Option<Timestamp> {
        Some(self.days(exit, self.profile.receipt_days?))
    }

    /// When the next in the chain of rule 112 is asked, once one has been.
    pub fn receipt_step_due(&self, asked: Timestamp) -> Timestamp {
        let (holidays, days) = (&self.lists.holidays, self.profile.receipt_step_working_days);
        self.end_of(holidays.working_days_after(self.state, self.day(asked), days))
    }

    /// When goods that have left must have arrived.
    pub fn arrival_due(&self, expected: Date) -> Timestamp {
        self.end_of(expected)
    }

    /// When goods that were first let through on a day must have come back (rule 102).
    pub fn return_due(
        &self,
        first: Date,
        movement: Movement,
        unlicensed: bool,
    ) -> Option<Timestamp> {
        let back = match movement {
            Movement::Export => Movement::Import,
            Movement::Import => Movement::Export,
            Movement::Transit => return None,
        };
        let (end, _) =
            return_period(self.profile, self.lists, self.state, back, first, unlicensed)?;
        Some(self.end_of(end))
    }

    /// When the exit must have been recorded (rule 114), and when the declaration is to be invalidated.
    pub fn exit_due(&self, released: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = self.profile.exit_days?;
        Some((self.days(released, first), self.days(released, last)))
    }

    /// When the check after a shipment is due (rule 116), where the State has laid a period down.
    pub fn post_shipment_check_due(&self, exit: Timestamp) -> Option<Timestamp> {
        let own = self.lists.states.get(&self.state)?.post_shipment_check_days?;
        Some(self.days(exit, own))
    }

    /// When a licence is to be reviewed (rule 116).
    pub fn review_due(&self, issued_on: Date) -> Option<Timestamp> {
        Some(self.end_of(years_after(issued_on, self.profile.review_years?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::domain::lists::BorderPost;
    use crate::domain::lists::Effect;
    use crate::domain::lists::StateFacts;
    use crate::rules::profile::PROFILES;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn lists() -> Lists {
        let mut lists = Lists::default();
        let union = StateFacts { european_union: Some(Effect::default()), ..StateFacts::default() };
        lists.states.insert(country("FR"), union);
        lists.states.insert(country("KE"), StateFacts::default());
        let code = Locode::parse("FRLEH").unwrap();
        let post = BorderPost {
            code,
            name: "Le Havre".into(),
            country: country("FR"),
            zone: TimeZone::get("Europe/Paris").unwrap(),
            empowered: None,
        };
        lists.posts.insert(code, post);
        for day in ["2026-12-25", "2027-01-01", "2029-04-02"] {
            lists.holidays.add(country("FR"), day.parse().unwrap());
        }
        lists
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn place<'a>(lists: &'a Lists, state: &str, event: &str) -> Place<'a> {
        let post = (state == "FR").then(|| Locode::parse("FRLEH").unwrap());
        Place::on_day_of(lists, country(state), post, at(event))
    }

    #[test]
    fn a_notice_is_due_after_clock_hours_whatever_the_day() {
        let lists = lists();
        for (held, due) in [
            ("2026-11-27T15:00:00Z", "2026-11-28T15:00:00Z"),
            ("2026-12-24T23:30:00Z", "2026-12-25T23:30:00Z"),
            ("2029-03-24T12:00:00Z", "2029-03-25T12:00:00Z"),
        ] {
            let due = Some(at(due));
            assert_eq!(place(&lists, "FR", held).notice_due(at(held)), due, "{held}");
            assert_eq!(place(&lists, "KE", held).notice_due(at(held)), due, "{held}");
        }
    }

    #[test]
    fn the_regulation_of_2012_counts_days_and_rolls_the_last() {
        let lists = lists();
        for (informed, extended, due) in [
            ("2026-11-23T10:00:00Z", false, "2026-12-03T23:00:00Z"),
            ("2026-11-26T10:00:00Z", false, "2026-12-07T23:00:00Z"),
            // Half past midnight in Le Havre: the next day is the event's.
            ("2026-11-23T23:30:00Z", false, "2026-12-04T23:00:00Z"),
            ("2026-11-23T10:00:00Z", true, "2026-12-23T23:00:00Z"),
            ("2026-11-25T10:00:00Z", true, "2026-12-28T23:00:00Z"),
        ] {
            let place = place(&lists, "FR", informed);
            assert_eq!(place.profile.id, "EU-258");
            assert_eq!(place.decision_due(at(informed), extended), Some(at(due)), "{informed}");
        }
    }

    #[test]
    fn the_regulation_of_2025_counts_working_days_of_the_state() {
        let lists = lists();
        for (informed, extended, due) in [
            ("2029-03-19T10:00:00Z", false, "2029-04-03T22:00:00Z"),
            ("2029-03-05T10:00:00Z", false, "2029-03-19T23:00:00Z"),
            ("2029-03-05T10:00:00Z", true, "2029-04-17T22:00:00Z"),
        ] {
            let place = place(&lists, "FR", informed);
            assert_eq!(place.profile.id, "EU-2025-41");
            assert_eq!(place.decision_due(at(informed), extended), Some(at(due)), "{informed}");
        }
    }

    #[test]
    fn the_protocol_sets_no_period_unless_the_state_does() {
        let mut lists = lists();
        let informed = "2026-11-23T10:00:00Z";
        assert_eq!(place(&lists, "KE", informed).decision_due(at(informed), false), None);
        let own = StateFacts {
            decision: Some(DecisionPeriod { first: 10, extended: 20, working_days: true }),
            post_shipment_check_days: Some(10),
            ..StateFacts::default()
        };
        lists.states.insert(country("KE"), own);
        let place = place(&lists, "KE", informed);
        assert_eq!(place.decision_due(at(informed), false), Some(at("2026-12-08T00:00:00Z")));
        assert_eq!(place.decision_due(at(informed), true), Some(at("2026-12-22T00:00:00Z")));
        assert_eq!(place.post_shipment_check_due(at(informed)), Some(at("2026-12-04T00:00:00Z")));
    }

    #[test]
    fn receipts_and_reviews_are_due_on_the_worked_days() {
        let lists = lists();
        let later = PROFILES.iter().find(|profile| profile.id == "EU-2025-41").unwrap();
        for (exit, due) in [
            ("2026-11-23T10:00:00Z", "2027-01-07T23:00:00Z"),
            ("2026-01-01T10:00:00Z", "2026-02-16T23:00:00Z"),
            ("2027-01-07T10:00:00Z", "2027-02-22T23:00:00Z"),
        ] {
            let now = place(&lists, "FR", exit);
            assert_eq!(now.receipt_due(at(exit)), None, "today a receipt is due on request only");
            let place = Place { profile: later, ..now };
            assert_eq!(place.receipt_due(at(exit)), Some(at(due)), "{exit}");
        }
        let place = place(&lists, "FR", "2029-03-19T10:00:00Z");
        let review = place.review_due("2028-02-29".parse().unwrap());
        assert_eq!(review, Some(at("2030-02-28T23:00:00Z")));
    }

    #[test]
    fn goods_let_through_for_a_time_are_back_by_the_law_of_the_day() {
        let lists = lists();
        let due = |event: &str, movement, unlicensed| {
            let place = place(&lists, "FR", event);
            place.return_due(place.day(at(event)), movement, unlicensed)
        };
        let (now, later) = ("2026-11-23T10:00:00Z", "2029-03-01T10:00:00Z");
        assert_eq!(due(now, Movement::Export, true), Some(at("2028-11-23T23:00:00Z")));
        assert_eq!(due(now, Movement::Import, false), None, "no such period yet");
        assert_eq!(due(later, Movement::Export, false), Some(at("2031-03-03T23:00:00Z")));
        assert_eq!(due(later, Movement::Export, true), Some(at("2029-05-30T22:00:00Z")));
        assert_eq!(due(later, Movement::Import, false), Some(at("2029-08-28T22:00:00Z")));
        assert_eq!(due(later, Movement::Transit, false), None);
        let kenya = place(&lists, "KE", later);
        assert_eq!(kenya.return_due(kenya.day(at(later)), Movement::Export, false), None);
    }

    #[test]
    fn an_exit_is_asked_for_twice() {
        let lists = lists();
        let released = "2026-11-23T10:00:00Z";
        let here = place(&lists, "FR", released);
        let (first, last) = here.exit_due(at(released)).unwrap();
        assert_eq!(first, at("2027-02-22T23:00:00Z"), "the ninetieth day is a Sunday");
        assert_eq!(last, at("2027-04-22T22:00:00Z"));
        assert_eq!(place(&lists, "KE", released).exit_due(at(released)), None);
    }
}
