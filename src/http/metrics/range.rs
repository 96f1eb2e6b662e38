//! Query parameters that select a range of history.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::store::metrics::summaries::{MetricsFilter, MetricsQuery};

/// Range that ends now.
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
    /// Returns the start and the end of the range.
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

/// Query parameters that define a range.
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeQuery {
    /// The `window` parameter.
    pub window: Option<RangeName>,
    /// The `from` parameter.
    pub from: Option<Timestamp>,
    /// The `to` parameter.
    pub to: Option<Timestamp>,
}

impl RangeQuery {
    /// Returns the start and the end; `None` if no parameter is given.
    ///
    /// # Errors
    /// 400 naming the invalid parameter.
    pub fn between(self, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
        match (self.window, self.from, self.to) {
            (Some(_), Some(_), _) => Err(ApiError::invalid("from", "cannot be combined with `window`")),
            (_, None, Some(_)) => Err(ApiError::invalid("to", "requires `from`")),
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
