//! Handlers for history over any range: series and breakdowns.

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::ToSchema;

use super::range::{RangeName, RangeQuery};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::explore::{BreakdownBy, ExploreBreakdown, ExploreSeries, Step};
use crate::models::score::EMOTIONS;
use crate::store::metrics::breakdown;
use crate::store::metrics::series::{self, ExploreQuery};
use crate::store::posts::filter::PostFilter;

/// Maximum search length in characters. PostgreSQL matches every word of a search against every post.
pub const SEARCH_CHARS_MAX: usize = 500;

/// Maximum number of parts in a breakdown.
const ITEMS_MAX: usize = 500;

/// Width of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    /// The width that suits the range best.
    #[default]
    Auto,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days of the time zone.
    Day,
    /// Weeks, beginning on Monday.
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

/// Period to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The preceding period of the same length.
    Previous,
}

/// Defines the query parameters that filter posts, in addition to the given ones. This is a macro because a flattened
/// struct cannot deny unknown fields, and unknown parameters must be rejected.
macro_rules! filter_parameters {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Start of the range by event time, RFC 3339.
            from: Option<jiff::Timestamp>,
            /// End of the range, exclusive, RFC 3339; defaults to now.
            to: Option<jiff::Timestamp>,
            /// Range that ends now, instead of `from` and `to`.
            window: Option<$crate::http::metrics::range::RangeName>,
            /// Search terms in web search syntax: `"a phrase"`, `or`, `-without`; at most 500 characters.
            #[param(max_length = 500)]
            q: Option<String>,
            /// Source of the posts, such as `http` or `replay`.
            source: Option<String>,
            /// Platform of the posts.
            platform: Option<String>,
            /// Product that the posts are about; empty for posts about none.
            product: Option<String>,
            /// Channel of the posts; empty for posts without one.
            channel: Option<String>,
            /// City of the posts; empty for posts without one.
            city: Option<String>,
            /// Sentiment that the model gave the posts.
            label: Option<$crate::models::score::SentimentLabel>,
            /// Strongest emotion of the posts, one of the seven.
            #[param(pattern = "^(anger|disgust|fear|joy|neutral|sadness|surprise)$")]
            emotion: Option<String>,
            /// Language of the posts, ISO 639-1; empty for posts of unknown language.
            lang: Option<String>,
            /// Author of the posts: the handle, or the id where no handle is known; empty for posts without either.
            author: Option<String>,
            /// Minimum predicted virality, 0 to 100.
            #[param(minimum = 0, maximum = 100)]
            min_virality: Option<f32>,
            /// Minimum churn risk, 0 to 1.
            #[param(minimum = 0, maximum = 1)]
            min_churn: Option<f32>,
            $($(#[$field_about])* $field: $type,)*
        }

        impl $name {
            fn filter(&self) -> Result<$crate::store::posts::filter::PostFilter, $crate::http::error::ApiError> {
                let Self {
                    q, source, platform, product, channel, city, label, emotion, lang, author, min_virality, min_churn, ..
                } = self;
                $crate::http::metrics::explore::checked($crate::store::posts::filter::PostFilter {
                    q: q.clone(),
                    source: source.clone(),
                    platform: platform.clone(),
                    product: product.clone(),
                    channel: channel.clone(),
                    city: city.clone(),
                    label: *label,
                    emotion: emotion.clone(),
                    lang: lang.clone(),
                    author: author.clone(),
                    min_virality: *min_virality,
                    min_churn: *min_churn,
                })
            }

            fn range(&self) -> $crate::http::metrics::range::RangeQuery {
                $crate::http::metrics::range::RangeQuery { window: self.window, from: self.from, to: self.to }
            }
        }
    };
}
pub(in crate::http) use filter_parameters;

/// Validates a filter's values.
///
/// # Errors
/// 400 naming the invalid parameter.
pub fn checked(filter: PostFilter) -> Result<PostFilter, ApiError> {
    if filter.q.as_ref().is_some_and(|q| q.chars().count() > SEARCH_CHARS_MAX) {
        return Err(ApiError::invalid("q", format!("must be at most {SEARCH_CHARS_MAX} characters")));
    }
    if filter.emotion.as_deref().is_some_and(|emotion| !EMOTIONS.contains(&emotion)) {
        return Err(ApiError::invalid("emotion", format!("must be one of {}", EMOTIONS.join(", "))));
    }
    for (name, value, most) in
        [("min_virality", filter.min_virality, 100.0), ("min_churn", filter.min_churn, 1.0)]
    {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(ApiError::invalid(name, format!("must be between 0 and {most}")));
        }
    }
    Ok(filter)
}

filter_parameters! {
    /// Parameters of a series.
    SeriesParameters {
        /// IANA time zone in which days and weeks begin, such as `Europe/Berlin`; defaults to UTC.
        tz: Option<String>,
        /// Width of a step; defaults to the width that suits the range best. A series has at most 1500 steps.
        step: Option<StepName>,
        /// Whether to return the preceding period as well.
        compare: Option<Compare>,
    }
}

filter_parameters! {
    /// Parameters of a breakdown.
    BreakdownParameters {
        /// Dimension to break down by.
        by: BreakdownBy,
        /// IANA time zone that determines the preceding period; defaults to UTC.
        tz: Option<String>,
        /// Maximum number of parts, 1 to 500; defaults to 50.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
        /// Whether to return the preceding period as well.
        compare: Option<Compare>,
    }
}

/// Get a range step by step
///
/// Days and weeks begin in the given time zone. With at most one of product, platform, channel and city, any range is
/// exact; other filters count single posts, up to 100,000 in the range, or 20,000 with a search. Steps without posts
/// are included.
#[utoipa::path(get, path = "/api/v1/explore/series", tag = "explore", operation_id = "explore_series", params(SeriesParameters), responses(
    (status = 200, body = ExploreSeries, description = "The series"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn series(
    state: Data<AppState>,
    Parameters(parameters): Parameters<SeriesParameters>,
) -> Result<Json<ExploreSeries>, ApiError> {
    let query =
        query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), parameters.compare))?;
    let step = parameters.step.unwrap_or_default().step();
    Ok(Json(series::series(&state.store, &query, step).await?))
}

/// Break a range down by a dimension
///
/// Returns the parts with the most posts. Languages and authors are counted from single posts, like filters that the
/// rollups do not cover.
#[utoipa::path(get, path = "/api/v1/explore/breakdown", tag = "explore", operation_id = "explore_breakdown", params(BreakdownParameters), responses(
    (status = 200, body = ExploreBreakdown, description = "The breakdown"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn breakdown(
    state: Data<AppState>,
    Parameters(parameters): Parameters<BreakdownParameters>,
) -> Result<Json<ExploreBreakdown>, ApiError> {
    let limit = extract::limit(parameters.limit, ITEMS_MAX)?;
    let query =
        query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), parameters.compare))?;
    Ok(Json(breakdown::breakdown(&state.store, &query, parameters.by, limit).await?))
}

fn query(
    filter: PostFilter,
    range: RangeQuery,
    (tz, compare): (Option<&str>, Option<Compare>),
) -> Result<ExploreQuery, ApiError> {
    let (from, to) = range.between(Timestamp::now())?.unwrap_or(RangeName::Day.until(Timestamp::now()));
    Ok(ExploreQuery { from, to, zone: zone(tz)?, filter, compares: compare.is_some() })
}

fn zone(name: Option<&str>) -> Result<TimeZone, ApiError> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name)
        .map_err(|_| ApiError::invalid("tz", "must be an IANA time zone such as `Europe/Berlin`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query_string: &str, naming: &str) {
        let outcome = extract::parameters::<SeriesParameters>(query_string).and_then(|parameters| {
            query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), parameters.compare))
                .map(drop)
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
        refused("emotion=bliss", "`emotion`");
        refused("label=angry", "`label`");
        refused("min_virality=101", "`min_virality`");
        refused("min_churn=-0.1", "`min_churn`");
        refused("min_churn=NaN", "`min_churn`");
        refused(&format!("q={}", "x".repeat(501)), "`q`");
        refused("dimension=city", "`dimension`");
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
