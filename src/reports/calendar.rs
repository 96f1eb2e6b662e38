//! Due times and periods of reports, in the local time of a time zone.

use jiff::civil::{Date, Weekday as CivilWeekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::models::report::{Cadence, Period, Schedule, Weekday};

/// Maximum number of due dates to try. Zones that cross the date line skip one day.
const DATES_MAX: usize = 4;

/// Time at which a report is due, and the period that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Time at which the report is due.
    pub at: Timestamp,
    /// Period from the local midnight of the previous due date to that of this one, so that consecutive reports neither
    /// overlap nor leave a gap.
    pub period: Period,
}

/// Returns the time zone of a schedule, or `None` if its name is unknown.
pub fn zone(schedule: &Schedule) -> Option<TimeZone> {
    TimeZone::get(&schedule.tz).ok()
}

/// Returns the latest occurrence up to a time, inclusive; `None` at the edges of the calendar.
///
/// Each due date has one occurrence, also if its local time is skipped or occurs twice on that day.
pub fn latest(schedule: &Schedule, zone: &TimeZone, until: Timestamp) -> Option<Occurrence> {
    // A skipped time counts as a later one, so the due date may be the day after the local one.
    let mut date = zone.to_datetime(until).date().tomorrow().ok()?;
    for _ in 0..DATES_MAX {
        let due = due_until(schedule, date)?;
        let at = at(schedule, zone, due)?;
        if at <= until {
            return Some(Occurrence { at, period: period(schedule, zone, due)? });
        }
        date = due.yesterday().ok()?;
    }
    None
}

/// Returns the first time after the given one at which the report is due; `None` at the edges of the calendar.
pub fn next(schedule: &Schedule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut date = zone.to_datetime(after).date().checked_sub(2.days()).ok()?;
    for _ in 0..DATES_MAX {
        date = due_after(schedule, date)?;
        let at = at(schedule, zone, date)?;
        if at > after {
            return Some(at);
        }
    }
    None
}

fn at(schedule: &Schedule, zone: &TimeZone, date: Date) -> Option<Timestamp> {
    let local = date.at(schedule.hour, schedule.minute, 0, 0);
    local.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

fn period(schedule: &Schedule, zone: &TimeZone, due: Date) -> Option<Period> {
    let midnight = |date: Date| date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let to = midnight(due)?;
    let mut before = due;
    for _ in 0..DATES_MAX {
        before = due_until(schedule, before.yesterday().ok()?)?;
        // A day that never existed begins when the next one does.
        let from = midnight(before).filter(|from| *from < to);
        if let Some(from) = from {
            return Some(Period { from, to });
        }
    }
    None
}

/// Returns the latest due date up to a date, inclusive.
fn due_until(schedule: &Schedule, date: Date) -> Option<Date> {
    match schedule.cadence {
        Cadence::Daily => Some(date),
        Cadence::Weekly => {
            let n_days = date.weekday().since(civil(schedule.weekday));
            date.checked_sub(i64::from(n_days).days()).ok()
        }
        Cadence::Monthly => {
            let due = in_month(schedule, date)?;
            if due <= date {
                return Some(due);
            }
            in_month(schedule, date.first_of_month().yesterday().ok()?)
        }
    }
}

fn due_after(schedule: &Schedule, date: Date) -> Option<Date> {
    match schedule.cadence {
        Cadence::Daily => date.tomorrow().ok(),
        Cadence::Weekly => due_until(schedule, date)?.checked_add(7.days()).ok(),
        Cadence::Monthly => {
            let due = in_month(schedule, date)?;
            if due > date {
                return Some(due);
            }
            in_month(schedule, date.last_of_month().tomorrow().ok()?)
        }
    }
}

/// Returns the due date in the month of a date: the requested day, or the last one if the month is shorter.
fn in_month(schedule: &Schedule, date: Date) -> Option<Date> {
    Date::new(date.year(), date.month(), schedule.day.min(date.days_in_month())).ok()
}

fn civil(weekday: Weekday) -> CivilWeekday {
    match weekday {
        Weekday::Monday => CivilWeekday::Monday,
        Weekday::Tuesday => CivilWeekday::Tuesday,
        Weekday::Wednesday => CivilWeekday::Wednesday,
        Weekday::Thursday => CivilWeekday::Thursday,
        Weekday::Friday => CivilWeekday::Friday,
        Weekday::Saturday => CivilWeekday::Saturday,
        Weekday::Sunday => CivilWeekday::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cadence: Cadence, (hour, minute): (i8, i8), tz: &str) -> Schedule {
        Schedule { cadence, weekday: Weekday::Monday, day: 31, hour, minute, tz: tz.to_owned() }
    }

    /// Checks the next times after `from`, and that each of them is also the latest occurrence at that moment.
    fn check(schedule: &Schedule, from: &str, expected: &[&str]) {
        let zone = zone(schedule).unwrap();
        let mut after: Timestamp = from.parse().unwrap();
        for expected in expected {
            let at = next(schedule, &zone, after).unwrap();
            assert_eq!(at.to_string(), *expected, "after {after} in {}", schedule.tz);
            assert_eq!(latest(schedule, &zone, at).unwrap().at, at);
            let just_before = at - jiff::SignedDuration::from_nanos(1);
            assert!(latest(schedule, &zone, just_before).unwrap().at < at);
            after = at;
        }
    }

    fn covers(schedule: &Schedule, until: &str, expected: (&str, &str)) {
        let zone = zone(schedule).unwrap();
        let Period { from, to } = latest(schedule, &zone, until.parse().unwrap()).unwrap().period;
        assert_eq!((from.to_string().as_str(), to.to_string().as_str()), expected);
    }

    #[test]
    fn a_time_that_is_skipped_or_occurs_twice_is_due_once() {
        let daily = schedule(Cadence::Daily, (2, 30), "Europe/Berlin");
        // On 29 March, 02:00 becomes 03:00.
        check(
            &daily,
            "2026-03-28T00:00:00Z",
            &["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
        );
        // On 25 October, 03:00 becomes 02:00.
        check(
            &daily,
            "2026-10-24T00:00:00Z",
            &["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        );
        // The second 02:30 of that day belongs to the first.
        let zone = zone(&daily).unwrap();
        let second = "2026-10-25T01:30:00Z".parse().unwrap();
        assert_eq!(latest(&daily, &zone, second).unwrap().at.to_string(), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn a_day_that_was_skipped_has_no_report_of_its_own() {
        let daily = schedule(Cadence::Daily, (8, 0), "Pacific/Apia");
        check(
            &daily,
            "2011-12-29T00:00:00Z",
            &["2011-12-29T18:00:00Z", "2011-12-30T18:00:00Z", "2011-12-31T18:00:00Z"],
        );
        covers(&daily, "2011-12-30T18:00:00Z", ("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"));
    }

    #[test]
    fn a_daily_report_covers_the_local_day_before_whatever_its_length() {
        let daily = schedule(Cadence::Daily, (8, 0), "Europe/Berlin");
        covers(&daily, "2026-11-22T12:00:00Z", ("2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"));
        covers(&daily, "2026-11-22T06:59:59Z", ("2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"));
        // 23 and 25 hours.
        covers(&daily, "2026-03-30T12:00:00Z", ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        covers(&daily, "2026-10-26T12:00:00Z", ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"));
    }

    #[test]
    fn a_weekly_report_covers_seven_local_days() {
        let weekly = schedule(Cadence::Weekly, (9, 15), "America/New_York");
        check(&weekly, "2026-11-16T14:15:00Z", &["2026-11-23T14:15:00Z", "2026-11-30T14:15:00Z"]);
        covers(&weekly, "2026-11-22T12:00:00Z", ("2026-11-09T05:00:00Z", "2026-11-16T05:00:00Z"));
        let sunday = Schedule { weekday: Weekday::Sunday, ..weekly };
        check(&sunday, "2026-11-16T14:15:00Z", &["2026-11-22T14:15:00Z"]);
    }

    #[test]
    fn a_monthly_report_on_the_31st_is_due_on_the_last_day_of_each_month() {
        let monthly = schedule(Cadence::Monthly, (8, 0), "UTC");
        check(
            &monthly,
            "2028-01-31T07:00:00Z",
            &["2028-01-31T08:00:00Z", "2028-02-29T08:00:00Z", "2028-03-31T08:00:00Z", "2028-04-30T08:00:00Z"],
        );
        covers(&monthly, "2027-03-01T00:00:00Z", ("2027-01-31T00:00:00Z", "2027-02-28T00:00:00Z"));
        let first = Schedule { day: 1, ..monthly };
        check(&first, "2026-12-01T08:00:00Z", &["2027-01-01T08:00:00Z", "2027-02-01T08:00:00Z"]);
        covers(&first, "2026-12-15T00:00:00Z", ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"));
    }

    #[test]
    fn the_edges_of_the_calendar_have_no_occurrence() {
        let monthly = schedule(Cadence::Monthly, (8, 0), "UTC");
        assert_eq!(next(&monthly, &TimeZone::UTC, Timestamp::MAX), None);
        assert_eq!(latest(&monthly, &TimeZone::UTC, Timestamp::MIN), None);
    }
}
