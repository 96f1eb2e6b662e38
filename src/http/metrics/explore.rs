//! History over any range: step by step, and what it is made of.

use actix_web::web::{Data, Json};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::ToSchema;

use super::range::{RangeName, RangeWish};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::explore::{BreakdownBy, ExploreBreakdown, ExploreSeries, Step};
use crate::models::score::EMOTIONS;
use crate::store::metrics::breakdown;
use crate::store::metrics::series;
use crate::store::metrics::series::ExploreQuery;
use crate::store::posts::filter::PostFilter;

/// The longest search. PostgreSQL reads each word of it for each post.
pub const SEARCH_CHARS_MAX: usize = 500;

/// Most parts of a breakdown that are answered.
const ITEMS_MAX: usize = 500;

/// The width of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    /// What shows the range best.
    #[default]
    Auto,
    /// By the minute.
    Minute,
    /// By the hour.
    Hour,
    /// By the day of the time zone.
    Day,
    /// By the week, which begins on Monday.
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

/// What to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// The range before, as long.
    Previous,
}

/// Parameters that pick posts by what they are, beside the given ones. A macro, because a flattened struct cannot deny
/// unknown fields, and an unknown parameter must be refused.
macro_rules! filter_parameters {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Start of the range by event time, RFC 3339.
            from: Option<jiff::Timestamp>,
            /// Its end, exclusive, RFC 3339; now when absent.
            to: Option<jiff::Timestamp>,
            /// Instead of `from` and `to`: a range that ends now.
            window: Option<$crate::http::metrics::range::RangeName>,
            /// Words to find, as typed into a web search: `"a phrase"`, `or`, `-without`; at most 500 characters.
            #[param(max_length = 500)]
            q: Option<String>,
            /// Where they came in, such as `http` or `replay`.
            source: Option<String>,
            /// Their platform.
            platform: Option<String>,
            /// A product they speak of; empty for posts that speak of none.
            product: Option<String>,
            /// Their channel; empty for posts that have none.
            channel: Option<String>,
            /// Their city; empty for posts of which none is known.
            city: Option<String>,
            /// Their sentiment, as the model says.
            label: Option<$crate::models::score::SentimentLabel>,
            /// Their strongest emotion, one of the seven.
            #[param(pattern = "^(anger|disgust|fear|joy|neutral|sadness|surprise)$")]
            emotion: Option<String>,
            /// Their language, ISO 639-1; empty where it is not known.
            lang: Option<String>,
            /// Who wrote them: the handle, or the id where no handle is known; empty where neither is.
            author: Option<String>,
            /// Likely to go at least this far, 0 to 100.
            #[param(minimum = 0, maximum = 100)]
            min_virality: Option<f32>,
            /// At least this churn risk, 0 to 1.
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

            fn range(&self) -> $crate::http::metrics::range::RangeWish {
                $crate::http::metrics::range::RangeWish { window: self.window, from: self.from, to: self.to }
            }
        }
    };
}
pub(in crate::http) use filter_parameters;

/// A filter whose values are ones that posts can have.
///
/// # Errors
/// 400 naming the parameter.
pub fn checked(filter: PostFilter) -> Result<PostFilter, ApiError> {
    if filter.q.as_ref().is_some_and(|q| q.chars().count() > SEARCH_CHARS_MAX) {
        return Err(ApiError::invalid("q", format!("is at most {SEARCH_CHARS_MAX} characters long")));
    }
    if filter.emotion.as_deref().is_some_and(|emotion| !EMOTIONS.contains(&emotion)) {
        return Err(ApiError::invalid("emotion", format!("must be one of {}", EMOTIONS.join(", "))));
    }
    for (name, value, most) in
        [("min_virality", filter.min_virality, 100.0), ("min_churn", filter.min_churn, 1.0)]
    {
        if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
            return Err(ApiError::invalid(name, format!("must be 0 to {most}")));
        }
    }
    Ok(filter)
}

filter_parameters! {
    /// Which series.
    SeriesParameters {
        /// IANA time zone that days and weeks begin in, such as `Europe/Berlin`; UTC when absent.
        tz: Option<String>,
        /// Width of a step; what shows the range best when absent. At most 1500 steps.
        step: Option<StepName>,
        /// Answer the range before as well.
        compare: Option<Compare>,
    }
}

filter_parameters! {
    /// Which breakdown.
    BreakdownParameters {
        /// What to break down by.
        by: BreakdownBy,
        /// IANA time zone, by which the range before is found; UTC when absent.
        tz: Option<String>,
        /// Most parts to answer, 1 to 500; 50 when absent.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
        /// Answer the range before as well.
        compare: Option<Compare>,
    }
}

/// A range, step by step
///
/// Days and weeks begin in the asked time zone. Exact, and for any range where at most one of product, platform, channel
/// and city is given; other filters are counted from the posts, up to 100,000 in the range, or 20,000 with the words of
/// `q`. Steps without posts are present.
#[utoipa::path(get, path = "/api/v1/explore/series", tag = "explore", operation_id = "explore_series", params(SeriesParameters), responses(
    (status = 200, body = ExploreSeries, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn series(
    state: Data<AppState>,
    Parameters(wish): Parameters<SeriesParameters>,
) -> Result<Json<ExploreSeries>, ApiError> {
    let query = query(wish.filter()?, wish.range(), (wish.tz.as_deref(), wish.compare))?;
    let step = wish.step.unwrap_or_default().step();
    Ok(Json(series::series(&state.store, &query, step).await?))
}

/// What a range is made of
///
/// The parts with the most posts. By language and author the posts themselves are counted, as with filters that rollups
/// do not know.
#[utoipa::path(get, path = "/api/v1/explore/breakdown", tag = "explore", operation_id = "explore_breakdown", params(BreakdownParameters), responses(
    (status = 200, body = ExploreBreakdown, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn breakdown(
    state: Data<AppState>,
    Parameters(wish): Parameters<BreakdownParameters>,
) -> Result<Json<ExploreBreakdown>, ApiError> {
    let limit = extract::limit(wish.limit, ITEMS_MAX)?;
    let query = query(wish.filter()?, wish.range(), (wish.tz.as_deref(), wish.compare))?;
    Ok(Json(breakdown::breakdown(&state.store, &query, wish.by, limit).await?))
}

fn query(
    filter: PostFilter,
    range: RangeWish,
    (tz, compare): (Option<&str>, Option<Compare>),
) -> Result<ExploreQuery, ApiError> {
    let (from, to) = range.between(Timestamp::now())?.unwrap_or(RangeName::Day.until(Timestamp::now()));
    Ok(ExploreQuery { from, to, zone: zone(tz)?, filter, compares: compare.is_some() })
}

fn zone(name: Option<&str>) -> Result<TimeZone, ApiError> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|_| ApiError::invalid("tz", "is no IANA time zone, such as `Europe/Berlin`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query_string: &str, naming: &str) {
        let outcome = extract::parameters::<SeriesParameters>(query_string).and_then(|wish| {
            query(wish.filter()?, wish.range(), (wish.tz.as_deref(), wish.compare)).map(drop)
        });
        let refusal = outcome.unwrap_err().to_string();
        assert!(refusal.contains(naming), "{query_string}: {refusal}");
    }

    #[test]
    fn what_is_wrong_is_named() {
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
    fn a_time_zone_is_found_without_the_help_of_the_system() {
        for name in ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Argentina/Buenos_Aires"] {
            assert!(zone(Some(name)).is_ok(), "{name}");
            let bundled = jiff::tz::TimeZoneDatabase::bundled().get(name);
            assert!(bundled.is_ok(), "{name}");
        }
    }
}
