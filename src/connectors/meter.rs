//! Quotas and prices of networks, and how much a source may use.
//!
//! Quotas are counted per account of a network, across all sources and processes that share it. Money is counted per
//! source, because each source has its own budget.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

pub use crate::models::source::usage::Unit;

/// Period for which a network grants an allowance, or bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Day that begins at midnight Pacific Time, as for Google's quotas.
    PacificDay,
    /// Calendar month in UTC.
    Month,
    /// Week that begins on Monday at midnight UTC.
    Week,
    /// Ten minutes, of which six begin in each hour.
    TenMinutes,
}

/// Length of [`Period::TenMinutes`] in seconds.
const TEN_MINUTES_S: i64 = 600;

impl Period {
    /// Returns the start and end of the period that contains a time.
    pub fn around(self, at: Timestamp) -> (Timestamp, Timestamp) {
        // Fails only at the limits of representable time, or without time zone data.
        self.bounds(at).unwrap_or_else(|_| {
            let day = SignedDuration::from_hours(24);
            (at.saturating_sub(day).unwrap_or(at), at.saturating_add(day).unwrap_or(at))
        })
    }

    fn bounds(self, at: Timestamp) -> Result<(Timestamp, Timestamp), jiff::Error> {
        let time_zone = match self {
            Self::PacificDay => TimeZone::get("America/Los_Angeles")?,
            Self::Month | Self::Week | Self::TenMinutes => TimeZone::UTC,
        };
        let date = at.to_zoned(time_zone.clone()).date();
        let (start, length) = match self {
            Self::PacificDay => (date, 1.day()),
            Self::Month => (date.first_of_month(), 1.month()),
            Self::Week => {
                let n_days = i64::from(date.weekday().to_monday_zero_offset());
                (date.checked_sub(n_days.days())?, 7.days())
            }
            Self::TenMinutes => {
                let start = at.as_second().div_euclid(TEN_MINUTES_S) * TEN_MINUTES_S;
                return Ok((Timestamp::from_second(start)?, Timestamp::from_second(start + TEN_MINUTES_S)?));
            }
        };
        let instant = |date: jiff::civil::Date| {
            time_zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight())).compatible()
        };
        Ok((instant(start)?, instant(start.checked_add(length)?)?))
    }
}

/// Quota that a network grants, or budget that a person sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Name that is unique within the network, such as `posts` or `search.list`.
    pub name: &'static str,
    /// Unit in which it is counted.
    pub unit: Unit,
    /// Maximum per period.
    pub limit: u64,
    /// Period after which it is renewed.
    pub period: Period,
}

/// Reason why an allowance could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// The rest of the allowance is too small until this time.
    #[error("the allowance `{name}` is used up until {until}")]
    UsedUp {
        /// Name of the allowance.
        name: &'static str,
        /// End of the period.
        until: Timestamp,
    },
    /// Usage cannot be counted at present.
    #[error("the usage of the network cannot be counted: {0}")]
    Unavailable(String),
}

/// Counts what a source uses of its allowances.
pub trait Meter: Send + Sync {
    /// Uses an amount before the request is made, if that much is left.
    fn reserve(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<(), MeterError>>;

    /// Counts an amount that was already used. Returns how much is left: 0 if the limit is exceeded.
    fn charge(&self, allowance: Allowance, amount: u64) -> BoxFuture<'_, Result<u64, MeterError>>;
}

/// Meter that refuses every use, for connectors that are created only to check their settings.
pub struct Unmetered;

impl Unmetered {
    fn refusal<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, MeterError>> {
        std::future::ready(Err(MeterError::Unavailable("there is no meter".to_owned()))).boxed()
    }
}

impl Meter for Unmetered {
    fn reserve(&self, _: Allowance, _: u64) -> BoxFuture<'_, Result<(), MeterError>> {
        Self::refusal()
    }

    fn charge(&self, _: Allowance, _: u64) -> BoxFuture<'_, Result<u64, MeterError>> {
        Self::refusal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(period: Period, at: &str) -> (String, String) {
        let (start, end) = period.around(at.parse().unwrap());
        (start.to_string(), end.to_string())
    }

    #[test]
    fn periods_begin_and_end_as_the_networks_count() {
        let expected = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(
            around(Period::PacificDay, "2026-11-23T07:59:59Z"),
            expected("2026-11-22T08:00:00Z", "2026-11-23T08:00:00Z")
        );
        // The day on which daylight saving time ends has 25 hours.
        assert_eq!(
            around(Period::PacificDay, "2026-11-01T12:00:00Z"),
            expected("2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z")
        );
        assert_eq!(
            around(Period::Month, "2026-02-28T23:59:59Z"),
            expected("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")
        );
        assert_eq!(
            around(Period::Week, "2026-11-22T23:00:00Z"),
            expected("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z")
        );
        assert_eq!(
            around(Period::TenMinutes, "2026-11-22T23:59:59.5Z"),
            expected("2026-11-22T23:50:00Z", "2026-11-23T00:00:00Z")
        );
    }
}
