//! Handlers that return live metrics: overall, and by city, product, channel, platform, emotion and time.

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::anomaly::chart_peaks;
use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::metrics::{Breakdowns, Emotions, Overall, TrendWithPeaks};
use crate::models::rollup::Dimension;
use crate::store::metrics::summaries::{self, MetricsFilter, MetricsQuery};

/// Length of a period that consists of complete buckets and ends with the newest one. Buckets are ten seconds long, or
/// a minute in periods of a day or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum WindowName {
    /// The last minute.
    #[serde(rename = "60s")]
    Minute,
    /// The last five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// The last hour.
    #[serde(rename = "1h")]
    Hour,
    /// The last day.
    #[serde(rename = "24h")]
    Day,
    /// The last week.
    #[serde(rename = "7d")]
    Week,
}

impl WindowName {
    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
        }
    }
}

/// Period and filters of a metrics call. Absent filters match everything; empty ones match posts without a value.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MetricsParameters {
    /// Length of the newest complete period; defaults to one minute.
    window: Option<WindowName>,
    /// Start of the period in RFC 3339, instead of `window`; rounded down to ten seconds, or to a minute if it is far
    /// in the past.
    from: Option<Timestamp>,
    /// End of the period in RFC 3339, used together with `from` and rounded up in the same way; defaults to now.
    to: Option<Timestamp>,
    /// Product that posts must be about.
    product: Option<String>,
    /// Platform on which posts were published.
    platform: Option<String>,
    /// Support or marketing channel of the posts.
    channel: Option<String>,
    /// City that posts come from.
    city: Option<String>,
    /// Source through which posts entered Groundswell, such as `http` or `replay`.
    source: Option<String>,
}

impl MetricsParameters {
    fn query(self, now: Timestamp) -> Result<MetricsQuery, ApiError> {
        let Self { window, from, to, product, platform, channel, city, source } = self;
        let filter = MetricsFilter { product, platform, channel, city, source };
        match (window, from, to) {
            (Some(_), Some(_), _) => Err(ApiError::invalid("from", "cannot be combined with `window`")),
            (_, None, Some(_)) => Err(ApiError::invalid("to", "requires `from`")),
            (window, None, None) => {
                let seconds = window.unwrap_or(WindowName::Minute).seconds();
                Ok(MetricsQuery::last(seconds, now, filter))
            }
            (None, Some(from), to) => {
                let to = to.unwrap_or(now);
                if from >= to {
                    return Err(ApiError::invalid("from", "must be before `to`"));
                }
                Ok(MetricsQuery { from, to, filter })
            }
        }
    }
}

/// Checks the query of a metrics call.
///
/// # Errors
/// 400 naming the invalid parameter.
pub fn check(query_string: &str) -> Result<(), ApiError> {
    let parameters: MetricsParameters = extract::parameters(query_string)?;
    parameters.query(Timestamp::now()).map(drop)
}

/// Get all metrics for all posts
#[utoipa::path(get, path = "/api/metrics/overall", tag = "metrics", operation_id = "metrics_overall", params(MetricsParameters), responses(
    (status = 200, body = Overall, description = "The metrics"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn overall(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<MetricsParameters>,
) -> Result<Json<Overall>, ApiError> {
    Ok(Json(summaries::overall(&state.store, &parameters.query(Timestamp::now())?).await?))
}

/// Get metrics by city, most posts first
#[utoipa::path(get, path = "/api/metrics/geo", tag = "metrics", operation_id = "metrics_geo", params(MetricsParameters), responses(
    (status = 200, body = Breakdowns, description = "The metrics by city"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn geo(
    _: Viewer,
    state: Data<AppState>,
    parameters: Parameters<MetricsParameters>,
) -> Result<Json<Breakdowns>, ApiError> {
    breakdown(&state, parameters, Dimension::City).await
}

/// Get metrics by product, most posts first
#[utoipa::path(get, path = "/api/metrics/products", tag = "metrics", operation_id = "metrics_products", params(MetricsParameters), responses(
    (status = 200, body = Breakdowns, description = "The metrics by product"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn products(
    _: Viewer,
    state: Data<AppState>,
    parameters: Parameters<MetricsParameters>,
) -> Result<Json<Breakdowns>, ApiError> {
    breakdown(&state, parameters, Dimension::Product).await
}

/// Get metrics by channel, most posts first
#[utoipa::path(get, path = "/api/metrics/channels", tag = "metrics", operation_id = "metrics_channels", params(MetricsParameters), responses(
    (status = 200, body = Breakdowns, description = "The metrics by channel"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn channels(
    _: Viewer,
    state: Data<AppState>,
    parameters: Parameters<MetricsParameters>,
) -> Result<Json<Breakdowns>, ApiError> {
    breakdown(&state, parameters, Dimension::Channel).await
}

/// Get metrics by platform, most posts first
#[utoipa::path(get, path = "/api/metrics/platforms", tag = "metrics", operation_id = "metrics_platforms", params(MetricsParameters), responses(
    (status = 200, body = Breakdowns, description = "The metrics by platform"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn platforms(
    _: Viewer,
    state: Data<AppState>,
    parameters: Parameters<MetricsParameters>,
) -> Result<Json<Breakdowns>, ApiError> {
    breakdown(&state, parameters, Dimension::Platform).await
}

async fn breakdown(
    state: &AppState,
    Parameters(parameters): Parameters<MetricsParameters>,
    by: Dimension,
) -> Result<Json<Breakdowns>, ApiError> {
    Ok(Json(summaries::breakdown(&state.store, &parameters.query(Timestamp::now())?, by).await?))
}

/// Get the number of posts by emotion
#[utoipa::path(get, path = "/api/metrics/emotions", tag = "metrics", operation_id = "metrics_emotions", params(MetricsParameters), responses(
    (status = 200, body = Emotions, description = "The number of posts by emotion"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn emotions(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<MetricsParameters>,
) -> Result<Json<Emotions>, ApiError> {
    Ok(Json(summaries::emotions(&state.store, &parameters.query(Timestamp::now())?).await?))
}

/// Get all metrics step by step, oldest first
///
/// The period is divided into at most a hundred steps, as narrow as possible. Steps without posts are included. A step
/// that is not `complete` still gains posts: divide its counts by its `seconds`. `peaks` are the completed steps that
/// stand out from the others.
#[utoipa::path(get, path = "/api/metrics/trend", tag = "metrics", operation_id = "metrics_trend", params(MetricsParameters), responses(
    (status = 200, body = TrendWithPeaks, description = "The metrics of each step, and the peaks among the steps"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the window is too long for its filters"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn trend(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<MetricsParameters>,
) -> Result<Json<TrendWithPeaks>, ApiError> {
    let trend = summaries::trend(&state.store, &parameters.query(Timestamp::now())?).await?;
    Ok(Json(TrendWithPeaks { peaks: chart_peaks::of_trend(&trend.items), trend }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-01T12:00:00Z";

    fn query(query: &str) -> Result<MetricsQuery, ApiError> {
        let parameters: MetricsParameters = crate::http::extract::parameters(query)?;
        parameters.query(NOW.parse().unwrap())
    }

    #[test]
    fn every_window_is_as_long_as_its_name_says() {
        for (name, seconds) in [("60s", 60), ("5m", 300), ("1h", 3_600), ("24h", 86_400), ("7d", 604_800)] {
            let query = query(&format!("window={name}")).unwrap();
            assert_eq!(query.to.as_second() - query.from.as_second(), seconds, "{name}");
        }
        let default = query("").unwrap();
        assert_eq!(default.to.as_second() - default.from.as_second(), 60);
    }

    #[test]
    fn a_window_without_an_end_lasts_until_now() {
        let query = query("from=2026-05-01T11:00:00Z&product=&city=Oslo").unwrap();
        assert_eq!(
            (query.from.to_string().as_str(), query.to.to_string().as_str()),
            ("2026-05-01T11:00:00Z", NOW)
        );
        assert_eq!((query.filter.product.as_deref(), query.filter.city.as_deref()), (Some(""), Some("Oslo")));
    }

    #[test]
    fn an_invalid_window_is_rejected_with_the_parameter() {
        for (wrong, named) in [
            ("window=90s", "`window`"),
            ("window=5m&from=2026-05-01T11:00:00Z", "`from`"),
            ("to=2026-05-01T11:00:00Z", "`to`"),
            ("from=yesterday", "`from`"),
            ("from=2026-05-01T12:00:01Z", "`from`"),
            ("from=2026-05-01T11:00:00Z&to=2026-05-01T10:00:00Z", "`from`"),
            ("windows=5m", "`windows`"),
        ] {
            let refusal = query(wrong).unwrap_err().to_string();
            assert!(refusal.contains(named), "{wrong}: {refusal}");
        }
    }
}
