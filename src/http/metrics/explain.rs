//! Handler that explains a period: how its posts differ from those of another.

use actix_web::web::{self, Data, Json};
use jiff::Timestamp;

use super::explore::query;
use super::filter_parameters::filter_parameters;
use crate::explanation::{Findings, explain};
use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::explanation::Explanation;
use crate::store::metrics::comparison;
use crate::store::posts::sample;

filter_parameters! {
    /// Filters and periods of an explanation.
    ExplainParameters {
        /// IANA time zone used to determine the preceding period; defaults to UTC.
        tz: Option<String>,
        /// Start of the period to compare with, instead of the preceding period of the same length.
        compare_from: Option<Timestamp>,
        /// End of the period to compare with, exclusive; required with `compare_from`. Both periods must have the same
        /// length.
        compare_to: Option<Timestamp>,
    }
}

/// Explain a period
///
/// Returns how the posts of a period differ from those of the preceding one: figures of both, terms, groups of near
/// copies, authors, and the products, platforms, channels and cities that changed most, summarized in two sentences. It
/// states differences, not causes. Figures are the same as in the other explore calls; terms, groups and authors come
/// from at most about 3,000 posts of each period.
#[utoipa::path(get, path = "/api/v1/explore/explain", tag = "explore", operation_id = "explore_explain", params(ExplainParameters), responses(
    (status = 200, body = Explanation, description = "The explanation"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid, or the range has too many posts for its filters (`window_too_long`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn show(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<ExplainParameters>,
) -> Result<Json<Explanation>, ApiError> {
    let query = query(parameters.filter()?, parameters.range(), (parameters.tz.as_deref(), None))?;
    let with = compared_with(&parameters, (query.from, query.to))?;
    let compared = comparison::compare(&state.store, &query, with).await?;
    let read = async |window, n_posts| sample::read(&state.store, &query.filter, window, n_posts).await;
    let now = read(compared.range, compared.now.count).await?;
    let before = read(compared.compared_with, compared.before.count).await?;
    let findings = Findings {
        compared,
        posts: now.posts,
        posts_before: before.posts,
        is_sampled: now.is_sampled,
        is_sampled_before: before.is_sampled,
        now: Timestamp::now(),
    };
    // Comparing thousands of texts would hold up the other requests of this thread.
    let explanation = web::block(move || explain(&findings)).await.map_err(ApiError::internal)?;
    Ok(Json(explanation))
}

/// Returns the requested period to compare with; `None` to use the preceding one.
fn compared_with(
    parameters: &ExplainParameters,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
    let (since, until) = match (parameters.compare_from, parameters.compare_to) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(ApiError::invalid("compare_to", "is required with `compare_from`")),
        (None, Some(_)) => return Err(ApiError::invalid("compare_from", "is required with `compare_to`")),
        (Some(since), Some(until)) => (since, until),
    };
    if until.duration_since(since) != to.duration_since(from) {
        return Err(ApiError::invalid("compare_to", "must make both periods the same length"));
    }
    Ok(Some((since, until)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract;

    #[test]
    fn both_ends_of_the_other_period_are_required_and_it_is_as_long() {
        let range = ["2026-05-02T00:00:00Z", "2026-05-02T01:00:00Z"].map(|at| at.parse().unwrap());
        let with = |query: &str| {
            let parameters = extract::parameters::<ExplainParameters>(query).unwrap();
            compared_with(&parameters, (range[0], range[1]))
        };
        let refused = |query: &str, naming: &str| {
            let refusal = with(query).unwrap_err().to_string();
            assert!(refusal.contains(naming), "{query}: {refusal}");
        };
        refused("compare_from=2026-05-01T00:00:00Z", "`compare_to`");
        refused("compare_to=2026-05-01T00:00:00Z", "`compare_from`");
        refused("compare_from=2026-05-01T00:00:00Z&compare_to=2026-05-01T02:00:00Z", "`compare_to`");
        refused("compare_from=2026-05-01T01:00:00Z&compare_to=2026-05-01T00:00:00Z", "`compare_to`");
        assert_eq!(with("").unwrap(), None);
        assert!(with("compare_from=2026-05-01T00:00:00Z&compare_to=2026-05-01T01:00:00Z").unwrap().is_some());
    }
}
