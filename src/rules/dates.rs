//! Section 3C: dates, judged on the day of acceptance in the post's time zone.
use super::Case;
use super::Code;
use super::Findings;

/// 25 LICENCE_NOT_YET_VALID and 26 LICENCE_EXPIRED: valid from the first to the last day, both
/// inclusive.
pub(super) fn licence_validity(case: &Case<'_>, findings: &mut Findings) {
    let day = case.reference_date;
    for item in &case.items {
        for quote in &item.quotes {
            let Some(licence) = quote.licence() else {
                continue;
            };
            if day < licence.valid_from {
                findings
                    .add(Code::LicenceNotYetValid)
                    .on(item, quote)
                    .declared(day)
                    .licensed(licence.valid_from)
                    .says(format_args!("valid from {}, accepted on {day}", licence.valid_from));
            }
            if let Some(until) = licence.valid_until.filter(|until| *until < day) {
                findings
                    .add(Code::LicenceExpired)
                    .on(item, quote)
                    .declared(day)
                    .licensed(until)
                    .says(format_args!("valid until {until}, accepted on {day}"));
            }
        }
    }
}
