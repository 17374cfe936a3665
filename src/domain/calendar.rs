//! Periods by Regulation (EEC, Euratom) 1182/71: the day of the event does not count, a period
//! in days that ends on a day off ends on the next working day, holidays are data.
use super::Country;
use super::Date;
use super::Timestamp;
use jiff::Span;
use jiff::ToSpan;
use jiff::civil::Weekday;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Public holidays by country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holidays(BTreeMap<Country, BTreeSet<Date>>);

impl Holidays {
    /// Adds a public holiday.
    pub fn add(&mut self, country: Country, day: Date) {
        self.0.entry(country).or_default().insert(day);
    }

    /// Whether offices of a country work on a day.
    pub fn is_working_day(&self, country: Country, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            && !self.0.get(&country).is_some_and(|days| days.contains(&day))
    }

    /// The last day of a period of days after an event, rolled to a working day (article 3(4)).
    pub fn days_after(&self, country: Country, event: Date, days: u16) -> Date {
        let mut end = add(event, i64::from(days).days());
        while !self.is_working_day(country, end) && end < Date::MAX {
            end = add(end, 1.day());
        }
        end
    }

    /// The last day of a period of working days after an event.
    pub fn working_days_after(&self, country: Country, event: Date, days: u16) -> Date {
        let mut end = event;
        let mut left = days;
        while left > 0 && end < Date::MAX {
            end = add(end, 1.day());
            left -= u16::from(self.is_working_day(country, end));
        }
        end
    }

    /// Working days strictly between two days: a period counted backwards from an event does not
    /// roll.
    pub fn working_days_between(&self, country: Country, from: Date, to: Date) -> u32 {
        let mut count = 0;
        let mut day = add(from, 1.day());
        while day < to {
            count += u32::from(self.is_working_day(country, day));
            day = add(day, 1.day());
        }
        count
    }
}

/// The same day so many months later, or the last day of that month (article 3(2)(c)).
pub fn months_after(event: Date, months: u16) -> Date {
    add(event, i64::from(months).months())
}

/// The same day so many years later, or the last day of that month.
pub fn years_after(event: Date, years: u16) -> Date {
    add(event, i64::from(years).years())
}

/// The day of an instant in UTC, where no post's own day is meant.
pub fn utc_day(at: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

fn add(day: Date, span: Span) -> Date {
    day.saturating_add(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const FR: &str = "FR";

    fn fr() -> Country {
        Country::parse(FR).unwrap()
    }

    #[test]
    fn days_do_not_count_the_event_and_roll_over_a_weekend() {
        let none = Holidays::default();
        for (exit, end) in [
            (date(2026, 11, 23), date(2027, 1, 7)),
            (date(2026, 1, 1), date(2026, 2, 16)),
            (date(2027, 1, 7), date(2027, 2, 22)),
        ] {
            assert_eq!(none.days_after(fr(), exit, 45), end, "{exit}");
        }
    }

    #[test]
    fn working_days_pass_over_weekends_and_holidays() {
        let mut days = Holidays::default();
        let from = date(2026, 11, 23);
        assert_eq!(days.working_days_after(fr(), from, 10), date(2026, 12, 7));
        assert_eq!(days.working_days_after(fr(), from, 20), date(2026, 12, 21));
        assert_eq!(days.working_days_after(fr(), from, 30), date(2027, 1, 4));
        for holiday in [date(2026, 12, 25), date(2027, 1, 1)] {
            days.add(fr(), holiday);
        }
        assert_eq!(days.working_days_after(fr(), from, 30), date(2027, 1, 6));
    }

    #[test]
    fn working_days_between_count_neither_end() {
        let none = Holidays::default();
        assert_eq!(none.working_days_between(fr(), date(2026, 11, 23), date(2026, 12, 7)), 9);
        assert_eq!(none.working_days_between(fr(), date(2026, 11, 23), date(2026, 12, 8)), 10);
        assert_eq!(none.working_days_between(fr(), date(2026, 11, 23), date(2026, 11, 23)), 0);
    }

    #[test]
    fn months_end_on_the_last_day_where_there_is_no_such_day() {
        assert_eq!(months_after(date(2026, 1, 31), 1), date(2026, 2, 28));
        assert_eq!(years_after(date(2028, 2, 29), 1), date(2029, 2, 28));
    }
}
