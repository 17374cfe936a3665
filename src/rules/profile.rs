//! Profiles of law: which parameters apply in which jurisdiction on which day. They are data;
//! no rule names a date of application or a period.
use super::finding::Severity;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::lists::DecisionPeriod;
use crate::domain::lists::Lists;
use jiff::civil::date;

/// What a transit State's silence is worth to the exporting State.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing: the Protocol wants it in writing.
    Nothing,
    /// Consent where the exporting State has opted for it (258/2012, 7(2)).
    ConsentWhereOpted,
    /// Consent (2025/41, 20(4)).
    Consent,
}

/// The parameters of one body of law.
#[derive(Debug)]
pub struct Profile {
    /// Its name in every verdict.
    pub id: &'static str,
    /// What it is, for the catalogue's page.
    pub title: &'static str,
    /// First day on which it applies in its jurisdiction.
    pub applies_from: Date,
    /// Whether it applies only where Union law does.
    pub union_only: bool,
    /// What silence of a transit State is worth.
    pub silence: Silence,
    /// Working days after which silence counts.
    pub silence_working_days: u16,
    /// Whether passing through a port or airport without transhipment needs no consent.
    pub direct_transit_exempt: bool,
    /// Whether a temporary export for a lawful purpose needs no transit consent.
    pub temporary_transit_exempt: bool,
    /// Whether armed forces, police and recognised collectors are outside its scope too.
    pub wider_exclusions: bool,
    /// Whether every serial is due before shipment, so that a list that does not add up holds.
    pub serials_before_shipment: bool,
    /// Weight of a missing ammunition lot.
    pub lot_severity: Severity,
    /// Whether simplified declarations and the like are ruled out.
    pub simplified_prohibited: bool,
    /// Whether a user statement is required with an export.
    pub end_user_statement: bool,
    /// Whether final recipients need only be named "if known at the time of the shipment".
    pub final_recipient_if_known: bool,
    /// Longest validity of a single-use import licence, in years.
    pub single_years_max: Option<u16>,
    /// Longest validity of a multiple licence, in years.
    pub multiple_years_max: Option<u16>,
    /// Longest validity of an export licence whose import licence has no end, in years.
    pub export_on_open_import_years_max: Option<u16>,
    /// Least validity that an export licence on an open-ended import licence is given, in months.
    pub export_on_open_import_months_min: Option<u16>,
    /// Whether only single export licences may not outlive their import licence.
    pub outlive_single_only: bool,
    /// Working days of notice before a temporary movement under the simplified route.
    pub notice_working_days: Option<u16>,
    /// Months within which temporarily exported goods return.
    pub return_months: Option<u16>,
    /// Days within which exported goods re-enter without an import authorisation.
    pub reentry_days: Option<u16>,
    /// Days within which temporarily imported goods are re-exported.
    pub reexport_days: Option<u16>,
    /// Days after their exit within which the receipt of exported goods is proven (2025/41, 26).
    pub receipt_days: Option<u16>,
    /// Working days that each further step of asking for a receipt is given (unconfirmed: the law names none).
    pub receipt_step_working_days: u16,
    /// Whether goods return without a licence where their first movement is known.
    pub simplified_returns: bool,
    /// Rounds of a hunter on the simplified route.
    pub hunter_rounds_max: Option<u32>,
    /// Rounds of a sport shooter on the simplified route.
    pub sport_rounds_max: Option<u32>,
    /// Whether historical re-enactment is a lawful temporary purpose.
    pub reenactment: bool,
    /// Whether import marking may follow release (then its absence only informs).
    pub import_mark_after_release: bool,
    /// Last day on which an authorisation granted under 258/2012 still counts.
    pub legacy_until: Option<Date>,
    /// Clock hours in which customs inform the authority of goods held.
    pub notice_hours: Option<u16>,
    /// Days in which the authority then decides.
    pub decision: Option<DecisionPeriod>,
    /// Whether its silence on a doubt lets an officer release.
    pub silence_lapses: bool,
    /// Days from the release in which the exit is recorded, and after which the declaration is to be
    /// invalidated.
    pub exit_days: Option<(u16, u16)>,
    /// Years from the issue after which a licence is reviewed.
    pub review_years: Option<u16>,
    /// Oldest licence data on which a verification may clear, in milliseconds.
    pub data_age_ms_max: u64,
    /// Longest time between acceptance and the check, in days, for which nobody need ask.
    pub acceptance_days_max: u16,
    /// Measurement tolerance for mass goods, in tenths of a per cent; zero by default.
    pub mass_tolerance_permille: u16,
    /// Years for which what was decided under it is kept at the least.
    pub retention_years: u16,
}

const UNFP: Profile = Profile {
    id: "UNFP",
    title: "Firearms Protocol baseline (UNTS 2326)",
    applies_from: date(2005, 7, 3),
    union_only: false,
    silence: Silence::Nothing,
    silence_working_days: 20,
    direct_transit_exempt: false,
    temporary_transit_exempt: false,
    wider_exclusions: false,
    serials_before_shipment: false,
    lot_severity: Severity::Inform,
    simplified_prohibited: false,
    end_user_statement: false,
    final_recipient_if_known: false,
    single_years_max: None,
    multiple_years_max: None,
    export_on_open_import_years_max: None,
    export_on_open_import_months_min: None,
    outlive_single_only: false,
    notice_working_days: None,
    return_months: None,
    reentry_days: None,
    reexport_days: None,
    simplified_returns: false,
    receipt_days: None,
    receipt_step_working_days: 10,
    hunter_rounds_max: None,
    sport_rounds_max: None,
    reenactment: false,
    import_mark_after_release: false,
    legacy_until: None,
    notice_hours: Some(24),
    decision: None,
    silence_lapses: false,
    exit_days: None,
    review_years: None,
    data_age_ms_max: 5_000,
    acceptance_days_max: 150,
    mass_tolerance_permille: 0,
    retention_years: 10,
};

const EU_258: Profile = Profile {
    id: "EU-258",
    title: "Regulation (EU) No 258/2012, applied until 11 February 2029",
    applies_from: date(2013, 9, 30),
    union_only: true,
    silence: Silence::ConsentWhereOpted,
    direct_transit_exempt: true,
    temporary_transit_exempt: true,
    wider_exclusions: true,
    serials_before_shipment: true,
    lot_severity: Severity::Refer,
    final_recipient_if_known: true,
    export_on_open_import_months_min: Some(9),
    return_months: Some(24),
    simplified_returns: true,
    hunter_rounds_max: Some(800),
    sport_rounds_max: Some(1200),
    retention_years: 20,
    decision: Some(DecisionPeriod { first: 10, extended: 30, working_days: false }),
    exit_days: Some((90, 150)),
    ..UNFP
};

const EU_2025_41: Profile = Profile {
    id: "EU-2025-41",
    title: "Regulation (EU) 2025/41, applied from 12 February 2029",
    applies_from: date(2029, 2, 12),
    silence: Silence::Consent,
    simplified_prohibited: true,
    end_user_statement: true,
    single_years_max: Some(1),
    multiple_years_max: Some(3),
    export_on_open_import_years_max: Some(1),
    export_on_open_import_months_min: None,
    outlive_single_only: true,
    notice_working_days: Some(10),
    reentry_days: Some(90),
    reexport_days: Some(180),
    receipt_days: Some(45),
    reenactment: true,
    import_mark_after_release: true,
    legacy_until: Some(date(2030, 2, 12)),
    decision: Some(DecisionPeriod { first: 10, extended: 30, working_days: true }),
    silence_lapses: true,
    review_years: Some(2),
    ..EU_258
};

/// Every profile, the latest of a jurisdiction last.
pub static PROFILES: [Profile; 3] = [UNFP, EU_258, EU_2025_41];

/// Years for which what was decided under a profile is kept at the least.
pub fn retention_years(id: &str) -> u16 {
    let [baseline, ..] = &PROFILES;
    PROFILES.iter().find(|profile| profile.id == id).unwrap_or(baseline).retention_years
}

impl Profile {
    /// The profile of a name.
    pub fn named(id: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.id == id)
    }

    /// The profile that applies in a State on a day: the latest of Union law where that applies,
    /// otherwise the Protocol's baseline.
    pub fn applying(lists: &Lists, state: Option<Country>, day: Date) -> &'static Self {
        let union = state.is_some_and(|state| lists.is_european_union(state, day));
        let [baseline, ..] = &PROFILES;
        PROFILES
            .iter()
            .rfind(|profile| profile.applies_from <= day && (union || !profile.union_only))
            .unwrap_or(baseline)
    }
}
