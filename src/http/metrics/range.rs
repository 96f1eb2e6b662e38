//! Query parameters that select a range of history.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::store::metrics::series::CompareTo;
use crate::store::metrics::summaries::{MetricsFilter, MetricsQuery};

/// First day of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum WeekStart {
    #[default]
    Monday,
    Saturday,
    Sunday,
}

impl WeekStart {
    /// Returns the day.
    pub fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Monday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

/// Range that ends now, or calendar range in a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum RangeName {
    /// The last hour.
    #[serde(rename = "1h")]
    Hour,
    /// The last day.
    #[serde(rename = "24h")]
    Day,
    /// The last week.
    #[serde(rename = "7d")]
    Week,
    /// The last 30 days.
    #[serde(rename = "30d")]
    Month,
    /// The last 90 days.
    #[serde(rename = "90d")]
    Quarter,
    /// The current day so far.
    #[serde(rename = "today")]
    Today,
    /// The previous day.
    #[serde(rename = "yesterday")]
    Yesterday,
    /// The current week so far.
    #[serde(rename = "week")]
    WeekToDate,
    /// The current month so far.
    #[serde(rename = "month")]
    MonthToDate,
}

impl RangeName {
    /// Returns the start and end of the range at `now`; calendar ranges follow UTC.
    pub fn until(self, now: Timestamp) -> (Timestamp, Timestamp) {
        self.at(&now.to_zoned(TimeZone::UTC), WeekStart::default())
    }

    /// Returns the start and end of the range at `now`. A range that is not over includes the posts of the unfinished
    /// bucket.
    pub fn at(self, now: &Zoned, week_start: WeekStart) -> (Timestamp, Timestamp) {
        if let Some(from) = self.first_moment(now, week_start) {
            let to = match self {
                Self::Yesterday => Self::Today.first_moment(now, week_start),
                _ => None,
            };
            return (from, to.unwrap_or_else(|| Self::Day.until(now.timestamp()).1));
        }
        let seconds = match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Quarter => 90 * 86_400,
            Self::Today | Self::Yesterday | Self::WeekToDate | Self::MonthToDate => 86_400,
        };
        let now = now.timestamp();
        let MetricsQuery { from, to, .. } = MetricsQuery::until_now(seconds, now, MetricsFilter::default());
        (from, to)
    }

    /// Returns the start of a calendar range; `None` for one that has a fixed length.
    fn first_moment(self, now: &Zoned, week_start: WeekStart) -> Option<Timestamp> {
        let today = now.date();
        let first = match self {
            Self::Today => today,
            Self::Yesterday => today.saturating_sub(1.day()),
            Self::WeekToDate => {
                today.saturating_sub(i64::from(today.weekday().since(week_start.weekday())).days())
            }
            Self::MonthToDate => today.first_of_month(),
            Self::Hour | Self::Day | Self::Week | Self::Month | Self::Quarter => return None,
        };
        first.to_zoned(now.time_zone().clone()).ok().map(|first| first.timestamp())
    }

    /// Returns the default comparison for a calendar range: the same part of the day, week or month before. `None` for
    /// a range of a fixed length, which is compared with the preceding one.
    pub fn compared_with(self, now: &Zoned) -> Option<CompareTo> {
        match self {
            Self::Today | Self::Yesterday => Some(CompareTo::DaysEarlier(1)),
            Self::WeekToDate => Some(CompareTo::DaysEarlier(7)),
            Self::MonthToDate => {
                let month = now.date().first_of_month();
                let before = month.saturating_sub(1.month());
                let n_days = before.until(month).ok()?.get_days();
                Some(CompareTo::DaysEarlier(n_days))
            }
            Self::Hour | Self::Day | Self::Week | Self::Month | Self::Quarter => None,
        }
    }
}

/// Query parameters that together define a range.
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeQuery {
    /// Value of `window`, which cannot be combined with the other two.
    pub window: Option<RangeName>,
    /// Value of `from`, the start of the range, inclusive.
    pub from: Option<Timestamp>,
    /// Value of `to`, the end of the range, exclusive.
    pub to: Option<Timestamp>,
    /// Value of `week_start`, the first day of the week.
    pub week_start: WeekStart,
}

impl RangeQuery {
    /// Returns the start and end of the range, or `None` if no parameter is given. Calendar ranges follow UTC.
    ///
    /// # Errors
    /// 400 naming the invalid parameter.
    pub fn between(self, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
        self.between_in(&now.to_zoned(TimeZone::UTC))
    }

    /// Like [`Self::between`], with calendar ranges in the time zone of `now`.
    ///
    /// # Errors
    /// 400 naming the invalid parameter.
    pub fn between_in(self, now: &Zoned) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
        match (self.window, self.from, self.to) {
            (Some(_), Some(_), _) => Err(ApiError::invalid("from", "cannot be combined with `window`")),
            (_, None, Some(_)) => Err(ApiError::invalid("to", "requires `from`")),
            (None, None, None) => Ok(None),
            (Some(window), None, None) => Ok(Some(window.at(now, self.week_start))),
            (None, Some(from), to) => {
                let to = to.unwrap_or(now.timestamp());
                if from >= to {
                    return Err(ApiError::invalid("from", "must be before `to`"));
                }
                Ok(Some((from, to)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(window: RangeName, week_start: WeekStart, now: &str, expected: (&str, &str)) {
        let now: Zoned = now.parse().unwrap();
        let (from, to) = window.at(&now, week_start);
        assert_eq!((from.to_string().as_str(), to.to_string().as_str()), expected, "{window:?} at {now}");
    }

    #[test]
    fn calendar_ranges_begin_by_the_local_clock_and_end_with_a_whole_bucket() {
        use RangeName::{MonthToDate, Today, WeekToDate, Yesterday};
        let (monday, sunday, saturday) = (WeekStart::Monday, WeekStart::Sunday, WeekStart::Saturday);
        // A Sunday in Berlin: two hours ahead of UTC until the clocks go back at three.
        let now = "2026-10-25T01:10:05+02:00[Europe/Berlin]";
        check(Today, monday, now, ("2026-10-24T22:00:00Z", "2026-10-24T23:11:00Z"));
        check(Yesterday, monday, now, ("2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z"));
        check(WeekToDate, monday, now, ("2026-10-18T22:00:00Z", "2026-10-24T23:11:00Z"));
        check(WeekToDate, sunday, now, ("2026-10-24T22:00:00Z", "2026-10-24T23:11:00Z"));
        check(WeekToDate, saturday, now, ("2026-10-23T22:00:00Z", "2026-10-24T23:11:00Z"));
        check(MonthToDate, monday, now, ("2026-09-30T22:00:00Z", "2026-10-24T23:11:00Z"));
        // By the end of that day, 25 hours have passed.
        let now = "2026-10-26T08:00:00+01:00[Europe/Berlin]";
        check(Yesterday, monday, now, ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"));
        // At midnight, the day has just begun, and is not empty.
        let now = "2026-10-26T00:00:00+01:00[Europe/Berlin]";
        check(Today, monday, now, ("2026-10-25T23:00:00Z", "2026-10-25T23:01:00Z"));
        // In Cairo, this day begins at one.
        let now = "2026-04-24T10:00:30+03:00[Africa/Cairo]";
        check(Today, monday, now, ("2026-04-23T22:00:00Z", "2026-04-24T07:01:00Z"));
    }

    #[test]
    fn a_calendar_range_is_compared_with_the_same_part_of_the_one_before() {
        let now: Zoned = "2026-03-31T10:00:00+02:00[Europe/Berlin]".parse().unwrap();
        assert_eq!(RangeName::Today.compared_with(&now), Some(CompareTo::DaysEarlier(1)));
        assert_eq!(RangeName::WeekToDate.compared_with(&now), Some(CompareTo::DaysEarlier(7)));
        assert_eq!(RangeName::MonthToDate.compared_with(&now), Some(CompareTo::DaysEarlier(28)));
        assert_eq!(RangeName::Day.compared_with(&now), None);
    }
}
