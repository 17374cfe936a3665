//! How often a carrier may announce goods: so many within an hour, fewer that name what is not there, and so many
//! that wait.
use super::Caller;
use super::Error;
use super::preclear::carrier;
use crate::config;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;

/// Over how long misses and lodgings are counted.
const COUNTED_WITHIN_US: i64 = 3_600_000_000;

/// Refuses a carrier that has missed or lodged too often lately, or has too much waiting; gives its misses.
pub(super) fn may_lodge(
    db: &mut Db,
    caller: &Caller,
    limits: &config::Preclearance,
    now: Timestamp,
) -> Result<i64, Error> {
    let (issuer, operator) = carrier(caller)?;
    let since = now.as_microsecond() - COUNTED_WITHIN_US;
    let (lodged, misses) = storage::preclearances::lodged(db, issuer, operator, since)?;
    let (misses_max, lodged_max) =
        (i64::from(limits.misses_per_hour_max), i64::from(limits.lodgings_per_hour_max));
    let words = if misses >= misses_max {
        Some(
            "too many of your pre-clearances of the last hour named licences that are not there or do not fit",
        )
    } else {
        (lodged >= lodged_max)
            .then_some("you have lodged too many pre-clearances within the last hour")
    };
    if let Some(words) = words {
        // Either count comes below its limit once the last lodging of so many is an hour old.
        let missed = storage::preclearances::nth_lodged(db, (issuer, operator), &[1], misses_max)?;
        let any = storage::preclearances::nth_lodged(db, (issuer, operator), &[0, 1], lodged_max)?;
        let last_us = missed.into_iter().chain(any).filter(|at_us| *at_us > since).max();
        let wait_us = last_us.map_or(COUNTED_WITHIN_US, |at_us| at_us - since);
        let wait_s = u32::try_from((wait_us + 999_999) / 1_000_000).unwrap_or(u32::MAX);
        return Err(Error::TooOften(words, wait_s));
    }
    let waiting = storage::preclearances::waiting(db, issuer, operator)?;
    if waiting >= i64::from(limits.waiting_max) {
        return Err(Error::Stale(format!(
            "{waiting} of your pre-clearances wait for presentation; withdraw what will not come"
        )));
    }
    Ok(misses)
}
