//! Handlers that return history over any range, as series and breakdowns.

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::ToSchema;

use super::filter_parameters::filter_parameters;
use super::range::{RangeName, RangeQuery};
use crate::anomaly::chart_peaks;
use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::explore::{BreakdownBy, ExploreBreakdown, ExploreLines, SeriesWithPeaks, Step};
use crate::store::metrics::breakdown;
use crate::store::metrics::lines;
use crate::store::metrics::series::{self, CompareTo, ExploreQuery};
use crate::store::posts::filter::PostFilter;

/// Maximum number of keys in a breakdown.
const ITEMS_MAX: usize = 500;

/// Requested width of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    /// Chosen according to the length of the range.
    #[default]
    Auto,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One calendar day in the time zone.
    Day,
    /// One calendar week in the time zone, beginning on `week_start`.
    Week,
}

impl StepName {
    fn step(self) -> Option<Step> {
        match self {
            Self::Auto => None,
            Self::Minute => Some(Step::Minute),
            Self::Hour => Some(Step::Hour),
            Self::Day => Some(Step::Day),
            Self::Week => Some(Step::Week),
        }
    }
}

/// Earlier period to compare a range with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The preceding period of the same length; for calendar ranges, the same part of the day, week or month before.
    Previous,
    /// The same period a week earlier.
    Week,
}

/// Maximum number of lines. More colours could not be told apart.
const LINES_MAX: usize = 8;

/// Number of lines by default.
const LINES_DEFAULT: usize = 5;

filter_parameters! {
    /// Filters and steps of a series.
    SeriesParameters {
        /// IANA time zone that determines when days and weeks begin, such as `Europe/Berlin`; defaults to UTC.
        tz: Option<String>,
        /// Width of the steps; by default chosen according to the length of the range. A series has at most 1500 steps.
        step: Option<StepName>,
        /// Other period to return as well, for comparison.
        compare: Option<Compare>,
        /// Start of another period to return as well, instead of `compare`, in RFC 3339; rounded down to a minute. It
        /// is as long as the range.
        compare_from: Option<Timestamp>,
    }
}

filter_parameters! {
    /// Filters and dimension of a breakdown.
    BreakdownParameters {
        /// Dimension by which to break down the posts.
        by: BreakdownBy,
        /// IANA time zone used to determine the preceding period; defaults to UTC.
        tz: Option<String>,
        /// Maximum number of keys to return, 1 to 500; defaults to 50.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
        /// Other period whose counts are returned as well, for comparison.
        compare: Option<Compare>,
        /// Start of another period whose counts are returned as well, instead of `compare`, in RFC 3339; rounded down
        /// to a minute. It is as long as the range.
        compare_from: Option<Timestamp>,
    }
}

filter_parameters! {
    /// Filters, dimension and steps of lines.
    LinesParameters {
        /// Dimension by which to break down the posts.
        by: BreakdownBy,
        /// IANA time zone that determines when days and weeks begin, such as `Europe/Berlin`; defaults to UTC.
        tz: Option<String>,
        /// Width of the steps; by default chosen according to the length of the range. There are at most 1500 steps.
        step: Option<StepName>,
        /// Maximum number of lines, 1 to 8; defaults to 5.
        #[param(minimum = 1, maximum = 8)]
        limit: Option<usize>,
    }
}

/// Get metrics over a range, step by step
///
/// Days and weeks begin in the given time zone. Results are exact for any range with at most one of product, platform,
/// channel and city. Other filters count individual posts, so the range can hold up to 100,000 posts. A search with
/// more than 20,000 hits is estimated from a `sample`. Steps without posts are included. `peaks` are the completed steps
/// that stand out from the others.
#[utoipa::path(get, path = "/api/v1/explore/series", tag = "explore", operation_id = "explore_series", params(SeriesParameters), responses(
    (status = 200, body = SeriesWithPeaks, description = "The series, and the peaks among its steps"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn series(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<SeriesParameters>,
) -> Result<Json<SeriesWithPeaks>, ApiError> {
    let compare = compare_to(parameters.compare, parameters.compare_from)?;
    let query = query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), compare))?;
    let step = parameters.step.unwrap_or_default().step();
    let series = series::series(&state.store, &query, step).await?;
    Ok(Json(SeriesWithPeaks { peaks: chart_peaks::of_series(&series.items), series }))
}

/// Break down the posts in a range by a dimension
///
/// Returns the keys with the most posts. Breakdowns by language or author count individual posts, as do filters that
/// the rollups do not cover.
#[utoipa::path(get, path = "/api/v1/explore/breakdown", tag = "explore", operation_id = "explore_breakdown", params(BreakdownParameters), responses(
    (status = 200, body = ExploreBreakdown, description = "The breakdown"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn breakdown(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<BreakdownParameters>,
) -> Result<Json<ExploreBreakdown>, ApiError> {
    let limit = extract::limit(parameters.limit, ITEMS_MAX)?;
    let compare = compare_to(parameters.compare, parameters.compare_from)?;
    let query = query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), compare))?;
    Ok(Json(breakdown::breakdown(&state.store, &query, parameters.by, limit).await?))
}

/// Break down the posts in a range over time
///
/// Returns one line for each of the keys with the most posts in the range, and one for all other posts. By product there
/// is no such line, because a post may be about several products. Limits are the same as for a series.
#[utoipa::path(get, path = "/api/v1/explore/lines", tag = "explore", operation_id = "explore_lines", params(LinesParameters), responses(
    (status = 200, body = ExploreLines, description = "The lines"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn lines(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<LinesParameters>,
) -> Result<Json<ExploreLines>, ApiError> {
    let limit = extract::limit(parameters.limit.or(Some(LINES_DEFAULT)), LINES_MAX)?;
    let query = query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), None))?;
    let step = parameters.step.unwrap_or_default().step();
    Ok(Json(lines::lines(&state.store, &query, step, (parameters.by, limit)).await?))
}

/// Returns the period to compare with.
///
/// # Errors
/// 400 naming `compare_from` if both parameters are given.
fn compare_to(compare: Option<Compare>, from: Option<Timestamp>) -> Result<Option<CompareTo>, ApiError> {
    match (compare, from) {
        (Some(_), Some(_)) => Err(ApiError::invalid("compare_from", "cannot be combined with `compare`")),
        (Some(Compare::Previous), None) => Ok(Some(CompareTo::Previous)),
        (Some(Compare::Week), None) => Ok(Some(CompareTo::DaysEarlier(7))),
        (None, from) => Ok(from.map(CompareTo::From)),
    }
}

/// Builds the query for a range, which is the last day if none is given.
///
/// # Errors
/// 400 naming the invalid parameter.
pub(super) fn query(
    filter: PostFilter,
    range: RangeQuery,
    (tz, compare): (Option<&str>, Option<CompareTo>),
) -> Result<ExploreQuery, ApiError> {
    let zone = zone(tz)?;
    let now = Timestamp::now().to_zoned(zone.clone());
    let (from, to) = range.between_in(&now)?.unwrap_or(RangeName::Day.until(now.timestamp()));
    let compare = match compare {
        Some(CompareTo::Previous) => {
            let usual = range.window.and_then(|window| window.compared_with(&now));
            Some(usual.unwrap_or(CompareTo::Previous))
        }
        other => other,
    };
    Ok(ExploreQuery { from, to, zone, week_starts: range.week_start.weekday(), filter, compare })
}

/// Checks the query of a series.
///
/// # Errors
/// 400 naming the invalid parameter.
pub fn check_series(query_string: &str) -> Result<(), ApiError> {
    let parameters: SeriesParameters = extract::parameters(query_string)?;
    let compare = compare_to(parameters.compare, parameters.compare_from)?;
    query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), compare)).map(drop)
}

/// Checks the query of a breakdown.
///
/// # Errors
/// 400 naming the invalid parameter.
pub fn check_breakdown(query_string: &str) -> Result<(), ApiError> {
    let parameters: BreakdownParameters = extract::parameters(query_string)?;
    let compare = compare_to(parameters.compare, parameters.compare_from)?;
    query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), compare)).map(drop)
}

/// Returns the time zone with this IANA name; UTC without one.
///
/// # Errors
/// 400 naming `tz` if there is no such zone.
pub fn zone(name: Option<&str>) -> Result<TimeZone, ApiError> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name)
        .map_err(|_| ApiError::invalid("tz", "must be an IANA time zone such as `Europe/Berlin`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::score::{EMOTIONS, SentimentLabel};
    use crate::store::posts::key_filter::KeyFilter;

    fn refused(query_string: &str, naming: &str) {
        let outcome = extract::parameters::<SeriesParameters>(query_string).and_then(|parameters| {
            let compare = compare_to(parameters.compare, parameters.compare_from)?;
            query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), compare)).map(drop)
        });
        let refusal = outcome.unwrap_err().to_string();
        assert!(refusal.contains(naming), "{query_string}: {refusal}");
    }

    #[test]
    fn an_invalid_parameter_is_named() {
        refused("tz=Mars/Olympus", "`tz`");
        refused("tz=../../etc/passwd", "`tz`");
        refused("tz=", "`tz`");
        refused("from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "`from`");
        refused("from=2026-05-02T00:00:00Z&window=7d", "`from`");
        refused("to=2026-05-02T00:00:00Z", "`to`");
        refused("window=8d", "`window`");
        refused("step=second", "`step`");
        refused("compare=next", "`compare`");
        refused("compare=week&compare_from=2026-05-01T00:00:00Z", "`compare_from`");
        refused("window=week&week_start=friday", "`week_start`");
        refused("window=today&tz=Mars/Olympus", "`tz`");
        refused("emotion=bliss", "`emotion`");
        refused("label=angry", "`label`");
        refused("label=positive&label_not=angry", "`label_not`");
        refused("emotion_not=joy&emotion_not=bliss", "`emotion_not`");
        refused("min_churn=0.5&min_churn=0.6", "`min_churn`");
        refused("min_virality=101", "`min_virality`");
        refused("min_churn=-0.1", "`min_churn`");
        refused("min_churn=NaN", "`min_churn`");
        refused(&format!("q={}", "x".repeat(501)), "`q`");
        refused("dimension=city", "`dimension`");
        let many: String = (0..21).map(|n| format!("&city_not={n}")).collect();
        refused(&many, "`city_not` must be given at most 20 times");
    }

    #[test]
    fn a_filter_takes_several_values_and_those_to_exclude() {
        let query = "product=a&product=b&product=a&product=&city_not=Berlin&label_not=neutral&lang=en";
        let parameters = extract::parameters::<SeriesParameters>(query).unwrap();
        let filter = parameters.filter().unwrap();
        let expected = PostFilter {
            product: KeyFilter::new(&["a".to_owned(), "b".to_owned(), String::new()], &[]),
            city: KeyFilter::new(&[], &["Berlin".to_owned()]),
            label: KeyFilter::new(&[], &[SentimentLabel::Neutral]),
            lang: KeyFilter::only("en"),
            ..PostFilter::default()
        };
        assert_eq!(filter, expected);
        let twenty: String = (0..20).map(|n| format!("&city={n}&city_not={n}")).collect();
        let parameters = extract::parameters::<SeriesParameters>(&twenty).unwrap();
        assert!(parameters.filter().is_ok());
    }

    #[test]
    fn emotions_have_the_names_of_the_store() {
        let query: String = EMOTIONS.iter().map(|emotion| format!("&emotion={emotion}")).collect();
        let parameters = extract::parameters::<SeriesParameters>(&query).unwrap();
        assert_eq!(parameters.filter().unwrap().emotion.any_of, EMOTIONS);
    }

    #[test]
    fn time_zones_come_from_the_bundled_database() {
        for name in ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Argentina/Buenos_Aires"] {
            assert!(zone(Some(name)).is_ok(), "{name}");
            let bundled = jiff::tz::TimeZoneDatabase::bundled().get(name);
            assert!(bundled.is_ok(), "{name}");
        }
    }
}
