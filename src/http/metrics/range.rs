//! Which stretch of history a call is about.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::store::metrics::live::{MetricsFilter, MetricsQuery};

/// A range of history that ends now.
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
}

impl RangeName {
    /// Its start and end.
    pub fn until(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let seconds = match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Quarter => 90 * 86_400,
        };
        let MetricsQuery { from, to, .. } = MetricsQuery::last(seconds, now, MetricsFilter::default());
        (from, to)
    }
}

/// What the parameters say about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeWish {
    /// `window`
    pub window: Option<RangeName>,
    /// `from`
    pub from: Option<Timestamp>,
    /// `to`
    pub to: Option<Timestamp>,
}

impl RangeWish {
    /// Start and end; nothing where nothing was said.
    ///
    /// # Errors
    /// 400 naming the parameter that makes no range.
    pub fn between(self, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
        match (self.window, self.from, self.to) {
            (Some(_), Some(_), _) => Err(ApiError::invalid("from", "and `window` exclude each other")),
            (_, None, Some(_)) => Err(ApiError::invalid("to", "needs `from`")),
            (None, None, None) => Ok(None),
            (Some(window), None, None) => Ok(Some(window.until(now))),
            (None, Some(from), to) => {
                let to = to.unwrap_or(now);
                if from >= to {
                    return Err(ApiError::invalid("from", "must be before `to`"));
                }
                Ok(Some((from, to)))
            }
        }
    }
}
