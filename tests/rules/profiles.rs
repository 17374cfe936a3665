//! The profiles of law as a table, parameter by parameter.
use passavant::rules::profile::PROFILES;
use passavant::rules::profile::Profile;
use passavant::rules::profile::Silence;
use std::fmt::Display;
use std::fmt::Write;

/// Parameters that were not read in their source.
pub(crate) const UNCONFIRMED: &str = "the rounds of hunters and of sport shooters; that a \
declaration whose goods have not left after 150 days is invalidated (Delegated Regulation (EU) 2015/2446 art. 248); that working days are all days but \
Saturdays, Sundays and public holidays (Regulation 1182/71 art. 2(2)); \
the oldest licence data on which a verification clears is a limit of this service, not of the law; \
the 24 hours of customs' notice are Regulation 2025/41's and are kept under the other profiles as a practice; \
the 90 and 150 days of an exit that is not confirmed; \
that a period of two days or more holds at least two working days (Regulation 1182/71 art. 3(5)) is not counted, since no period here is so short";

type Row = (&'static str, fn(&Profile) -> String);

const ROWS: &[Row] = &[
    ("is", |p| p.title.to_owned()),
    ("applies from", |p| p.applies_from.to_string()),
    ("applies where", |p| if p.union_only { "in the Union" } else { "everywhere" }.to_owned()),
    ("a transit State's silence", silence),
    ("direct call by sea or air needs consent", |p| yes(!p.direct_transit_exempt)),
    ("temporary export needs transit consent", |p| yes(!p.temporary_transit_exempt)),
    ("armed forces, police and collectors are outside", |p| yes(p.wider_exclusions)),
    ("serials are due before shipment", |p| yes(p.serials_before_shipment)),
    ("a missing ammunition lot", |p| p.lot_severity.as_str().to_owned()),
    ("simplified declarations are ruled out", |p| yes(p.simplified_prohibited)),
    ("a user statement comes with an export", |p| yes(p.end_user_statement)),
    ("final recipient only if known at shipment", |p| yes(p.final_recipient_if_known)),
    ("single import licence, years at most", |p| or_none(p.single_years_max)),
    ("multiple licence, years at most", |p| or_none(p.multiple_years_max)),
    ("export on an open-ended import licence, years at most", |p| {
        or_none(p.export_on_open_import_years_max)
    }),
    ("export on an open-ended import licence, months at least", |p| {
        or_none(p.export_on_open_import_months_min)
    }),
    ("multiple export licences may outlive the import licence", |p| yes(p.outlive_single_only)),
    ("notice of a temporary movement, working days", |p| or_none(p.notice_working_days)),
    ("return of temporary exports, months", |p| or_none(p.return_months)),
    ("re-entry without import licence, days", |p| or_none(p.reentry_days)),
    ("re-export of temporary imports, days", |p| or_none(p.reexport_days)),
    ("goods whose first movement is known return without a licence", |p| yes(p.simplified_returns)),
    ("rounds of a hunter (unconfirmed)", |p| or_none(p.hunter_rounds_max)),
    ("rounds of a sport shooter (unconfirmed)", |p| or_none(p.sport_rounds_max)),
    ("historical re-enactment is a temporary purpose", |p| yes(p.reenactment)),
    ("import marking may follow release", |p| yes(p.import_mark_after_release)),
    ("licences under the former law count until", |p| or_none(p.legacy_until)),
    ("customs inform the authority within, hours", |p| or_none(p.notice_hours)),
    ("the authority decides within; in all, with the longer period", |p| {
        or_none(p.decision.map(|of| {
            let days = if of.working_days { "working days" } else { "days" };
            format!("{} {days}; {}", of.first, of.extended)
        }))
    }),
    ("its silence on a doubt lets an officer release", |p| yes(p.silence_lapses)),
    ("receipt is confirmed within, days from the exit", |p| or_none(p.receipt_days)),
    ("exit is recorded within, days from the release; invalidation (unconfirmed)", |p| {
        or_none(p.exit_days.map(|(first, last)| format!("{first}; {last}")))
    }),
    ("a licence is reviewed after, years", |p| or_none(p.review_years)),
    ("oldest licence data, milliseconds (a limit of this service)", |p| {
        p.data_age_ms_max.to_string()
    }),
    ("days from acceptance to the check (unconfirmed)", |p| p.acceptance_days_max.to_string()),
    ("tolerance for goods by mass, per mille", |p| p.mass_tolerance_permille.to_string()),
];

/// The table in Markdown.
pub(crate) fn table() -> String {
    let mut table = String::from("| parameter |");
    for profile in &PROFILES {
        let _ = write!(table, " `{}` |", profile.id);
    }
    let _ = writeln!(table, "\n| --- |{}", " --- |".repeat(PROFILES.len()));
    for (name, value) in ROWS {
        let _ = write!(table, "| {name} |");
        for profile in &PROFILES {
            let _ = write!(table, " {} |", value(profile));
        }
        table.push('\n');
    }
    table
}

fn silence(profile: &Profile) -> String {
    match profile.silence {
        Silence::Nothing => "is nothing".to_owned(),
        Silence::ConsentWhereOpted => format!(
            "is consent after {} working days where the exporting State has opted for it",
            profile.silence_working_days
        ),
        Silence::Consent => {
            format!("is consent after {} working days", profile.silence_working_days)
        }
    }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
