//! Handlers that return the system status, recent errors and Prometheus metrics.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::exposition::Rendered;
use crate::http::extract::{EmptyQuery, Parameters};
use crate::http::precompressed;
use crate::http::state::AppState;
use crate::models::error_log::{ErrorOverview, ErrorWindow};
use crate::models::system_health::SystemHealth;
use crate::telemetry::errors;

/// Get the system status
///
/// Returns the state of stages, tasks, stream, dead letters and models as this process last measured it, at the time in
/// `at`.
#[utoipa::path(get, path = "/api/v1/system", tag = "operations", operation_id = "get_system", responses(
    (status = 200, body = SystemHealth, description = "The latest measurement"),
    (status = 400, body = ErrorBody, description = "The call takes no parameters"),
))]
pub async fn show(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<SystemHealth>, ApiError> {
    Ok(Json(SystemHealth::clone(&state.health.newest())))
}

/// Period of the error overview.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ErrorsParameters {
    /// Period to cover: `1h` in steps of a minute (default), `6h` in steps of five minutes, or `24h` in steps of
    /// fifteen minutes.
    #[serde(default)]
    window: ErrorWindow,
}

/// Get the recent errors of this process
///
/// Errors are counted by the minute for up to a day. The response includes the most recent messages. Everything is lost
/// when the process ends. A restart or a rejected request that is also logged as a warning counts as both.
#[utoipa::path(get, path = "/api/v1/system/errors", tag = "operations", operation_id = "get_system_errors",
    params(ErrorsParameters),
    responses(
        (status = 200, body = ErrorOverview, description = "The errors of the period"),
        (status = 400, body = ErrorBody, description = "A parameter is unknown or invalid"),
    ))]
pub async fn errors(
    _: Viewer,
    Parameters(parameters): Parameters<ErrorsParameters>,
) -> Result<Json<ErrorOverview>, ApiError> {
    Ok(Json(errors::overview(parameters.window)))
}

/// Get the metrics of this process for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "get_prometheus", responses(
    (status = 200, body = String, content_type = "text/plain", description = "The metrics in Prometheus text format"),
    (status = 400, body = ErrorBody, description = "The call takes no parameters"),
))]
pub async fn prometheus(
    _: Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let Rendered { plain, gzip, .. } = state.exposition.read().await?;
    let mut response = HttpResponse::Ok();
    response.content_type("text/plain; version=0.0.4; charset=utf-8");
    Ok(precompressed::respond_with(&request, response, plain, || Some(gzip)))
}
