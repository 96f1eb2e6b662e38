//! Boundaries of the steps in a series, in the local time of a time zone. Pure.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::time_window::at;
use crate::models::explore::Step;
use crate::models::metrics::Window;
use crate::store::StoreError;

/// Maximum number of steps in a series. It is enough for every minute of a day; more points would not fit on a screen
/// and would slow browsers down.
pub const STEPS_MAX: i64 = 1_500;

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;

/// Returns the default step for a range. Ranges of up to a year have at most about 120 such steps.
pub(in crate::store) fn step_for(window: Window) -> Step {
    match window.seconds {
        ..=7_200 => Step::Minute,
        7_201..=432_000 => Step::Hour,
        432_001..=10_368_000 => Step::Day,
        _ => Step::Week,
    }
}

/// Returns the start of each step of a range, ascending. The first step starts with the range and may therefore be
/// shorter.
///
/// Days start at local midnight, or at the first moment of the day if midnight is skipped. A day may therefore have 23
/// or 25 hours. Minutes and hours are aligned to the local clock at the start of the range. Fails
/// with `StepTooFine`.
pub(in crate::store) fn starts_of(
    window: Window,
    step: Step,
    (zone, week_starts): (&TimeZone, Weekday),
) -> Result<Vec<Timestamp>, StoreError> {
    let seconds = match step {
        Step::Minute => 60,
        Step::Hour => HOUR_SECONDS,
        Step::Day => DAY_SECONDS,
        Step::Week => 7 * DAY_SECONDS,
    };
    if window.seconds / seconds > STEPS_MAX {
        return Err(StoreError::StepTooFine { steps_max: STEPS_MAX });
    }
    let mut starts = vec![window.from];
    match step {
        Step::Minute | Step::Hour => {
            let offset = i64::from(zone.to_offset(window.from).seconds());
            let from = window.from.as_second();
            let first = (from + offset).div_euclid(seconds) * seconds - offset + seconds;
            let n_rest = (window.to.as_second() - first + seconds - 1).div_euclid(seconds).max(0);
            starts.extend((0..n_rest).map(|n| at(first + n * seconds)));
        }
        Step::Day | Step::Week => {
            let mut day = zone.to_datetime(window.from).date();
            if step == Step::Week {
                day = day.saturating_sub(i64::from(day.weekday().since(week_starts)).days());
            }
            let n_days = if step == Step::Week { 7 } else { 1 };
            loop {
                day = day.saturating_add(n_days.days());
                let Some(start) = start_of(day, zone).filter(|start| *start < window.to) else { break };
                // Some days never existed, because zones have moved across the date line.
                if starts.last().is_some_and(|last| *last < start) {
                    starts.push(start);
                }
            }
        }
    }
    Ok(starts)
}

/// Returns the first moment of a local day; `None` at the end of the calendar.
fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp())
}

/// Distance from a range back to the one that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Shift {
    /// A number of local days, so that each day is compared with one that covers the same local hours.
    Days(i64),
    Duration(SignedDuration),
}

impl Shift {
    /// Returns the shift by the length of a range. A range of whole days is shifted by as many local days.
    pub(in crate::store) fn by_length(range: Window) -> Self {
        if range.seconds % DAY_SECONDS == 0 {
            return Self::Days(range.seconds / DAY_SECONDS);
        }
        Self::Duration(SignedDuration::from_secs(range.seconds))
    }

    /// Returns the shift that moves `from` to `to`: by days if the local clock shows the same time at both.
    pub(in crate::store) fn between(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Self {
        let (local, local_to) = (zone.to_datetime(from), zone.to_datetime(to));
        match local_to.date().until(local.date()) {
            Ok(days) if local.time() == local_to.time() => Self::Days(i64::from(days.get_days())),
            _ => Self::Duration(from.duration_since(to)),
        }
    }

    /// Moves a time back.
    pub(in crate::store) fn back(self, moment: Timestamp, zone: &TimeZone) -> Timestamp {
        let by = |duration| moment.saturating_sub(duration).unwrap_or(Timestamp::MIN);
        match self {
            Self::Duration(duration) => by(duration),
            Self::Days(n_days) => match moment.to_zoned(zone.clone()).checked_sub(n_days.days()) {
                Ok(earlier) => earlier.timestamp(),
                Err(_) => by(SignedDuration::from_secs(n_days.saturating_mul(DAY_SECONDS))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn window(from: &str, to: &str) -> Window {
        let (from, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
        Window { from, to, seconds: to.as_second() - from.as_second() }
    }

    fn check(between: (&str, &str), step: Step, name: &str, expected: &[&str]) {
        let starts = starts_of(window(between.0, between.1), step, (&zone(name), Weekday::Monday)).unwrap();
        let shown: Vec<String> = starts.iter().map(Timestamp::to_string).collect();
        assert_eq!(shown, expected, "{between:?} {step:?} {name}");
    }

    #[test]
    fn days_and_weeks_begin_by_the_local_clock() {
        // The clocks in Berlin go forward on 29 March: that day has 23 hours.
        let march = ("2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z");
        check(march, Step::Day, "Europe/Berlin", &["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        check(
            march,
            Step::Day,
            "UTC",
            &["2026-03-28T23:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"],
        );
        // And back on 25 October: 25 hours.
        let october = ("2026-10-24T22:00:00Z", "2026-10-26T22:00:00Z");
        check(october, Step::Day, "Europe/Berlin", &["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
        check(
            ("2026-11-18T12:00:00Z", "2026-11-25T12:00:00Z"),
            Step::Week,
            "America/New_York",
            &["2026-11-18T12:00:00Z", "2026-11-23T05:00:00Z"],
        );
        // If the clocks go forward at midnight, the day begins at one.
        check(
            ("2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z"),
            Step::Day,
            "Africa/Cairo",
            &["2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"],
        );
    }

    #[test]
    fn hours_of_a_zone_may_begin_at_half_past() {
        check(
            ("2026-11-21T00:00:00Z", "2026-11-21T02:00:00Z"),
            Step::Hour,
            "Asia/Kolkata",
            &["2026-11-21T00:00:00Z", "2026-11-21T00:30:00Z", "2026-11-21T01:30:00Z"],
        );
        check(
            ("2026-11-21T00:00:00Z", "2026-11-21T02:00:00Z"),
            Step::Hour,
            "UTC",
            &["2026-11-21T00:00:00Z", "2026-11-21T01:00:00Z"],
        );
        check(
            ("2026-11-21T00:00:10Z", "2026-11-21T00:01:10Z"),
            Step::Minute,
            "UTC",
            &["2026-11-21T00:00:10Z", "2026-11-21T00:01:00Z"],
        );
    }

    #[test]
    fn a_day_that_never_existed_is_not_a_step() {
        check(
            ("2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z"),
            Step::Day,
            "Pacific/Apia",
            &["2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
        );
    }

    #[test]
    fn a_step_too_fine_for_its_range_is_refused() {
        let utc = (&TimeZone::UTC, Weekday::Monday);
        let quarter = window("2026-08-01T00:00:00Z", "2026-10-30T00:00:00Z");
        let refused = starts_of(quarter, Step::Minute, utc);
        assert!(matches!(refused, Err(StoreError::StepTooFine { .. })));
        assert_eq!(starts_of(quarter, Step::Day, utc).unwrap().len(), 90);
        assert_eq!(step_for(quarter), Step::Day);
        let day = window("2026-10-29T00:00:00Z", "2026-10-30T00:00:00Z");
        assert_eq!(starts_of(day, Step::Minute, utc).unwrap().len(), 1_440);
    }

    #[test]
    fn the_week_before_begins_at_the_same_hour_of_the_clock() {
        let week = window("2026-03-23T23:00:00Z", "2026-03-30T23:00:00Z");
        let to = "2026-03-29T22:00:00Z".parse().unwrap();
        let earlier = |moment, range, zone: &TimeZone| Shift::by_length(range).back(moment, zone).to_string();
        assert_eq!(earlier(to, week, &zone("Europe/Berlin")), "2026-03-22T23:00:00Z");
        assert_eq!(earlier(to, week, &TimeZone::UTC), "2026-03-22T22:00:00Z");
        let hour = window("2026-03-23T23:00:00Z", "2026-03-24T00:00:00Z");
        assert_eq!(earlier(to, hour, &zone("Europe/Berlin")), "2026-03-29T21:00:00Z");
    }

    #[test]
    fn a_chosen_period_is_aligned_by_days_if_it_begins_at_the_same_hour_of_the_clock() {
        let ts = |text: &str| text.parse::<Timestamp>().unwrap();
        let berlin = zone("Europe/Berlin");
        // Midnight in Berlin, before and after the clocks go forward.
        let (from, to) = (ts("2026-03-31T22:00:00Z"), ts("2026-03-17T23:00:00Z"));
        assert_eq!(Shift::between(from, to, &berlin), Shift::Days(14));
        assert_eq!(Shift::Days(14).back(from, &berlin), to);
        let shift = Shift::between(from, to, &TimeZone::UTC);
        assert_eq!(shift, Shift::Duration(SignedDuration::from_hours(14 * 24 - 1)));
        assert_eq!(shift.back(from, &TimeZone::UTC), to);
        // A later period moves the other way.
        assert_eq!(Shift::between(to, from, &berlin), Shift::Days(-14));
    }

    #[test]
    fn weeks_begin_on_the_chosen_day() {
        let fortnight = window("2026-11-18T12:00:00Z", "2026-11-25T12:00:00Z");
        for (day, start) in
            [(Weekday::Sunday, "2026-11-22T00:00:00Z"), (Weekday::Saturday, "2026-11-21T00:00:00Z")]
        {
            let starts = starts_of(fortnight, Step::Week, (&TimeZone::UTC, day)).unwrap();
            assert_eq!(starts.last().unwrap().to_string(), start);
        }
    }
}
