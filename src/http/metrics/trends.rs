//! Handler that returns trending terms.

use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::IntoParams;

use super::trend_cache::TERMS_MAX;
use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, Parameters};
use crate::http::state::AppState;
use crate::models::trends::Trends;
use crate::trends::slice_windows::TrendWindow;

/// Period and number of trending terms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrendsParameters {
    /// Period that ends now; defaults to the last hour.
    window: Option<TrendWindow>,
    /// Maximum number of terms to return, 1 to 100; defaults to 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Get trending terms
///
/// Covers the posts stored by all processes, by event time, and compares them with the preceding period of the same
/// length. Numbers are estimated in bounded memory; each post counts once per term.
#[utoipa::path(get, path = "/api/v1/trends", tag = "metrics", operation_id = "trends", params(TrendsParameters), responses(
    (status = 200, body = Trends, description = "The trending terms"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "Redis is unavailable"),
))]
pub async fn show(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<TrendsParameters>,
) -> Result<Json<Trends>, ApiError> {
    let limit = extract::limit(parameters.limit, TERMS_MAX)?;
    let mut trends =
        Trends::clone(&*state.trends.read(parameters.window.unwrap_or(TrendWindow::Hour)).await?);
    trends.terms.truncate(limit);
    Ok(Json(trends))
}
