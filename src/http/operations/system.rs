//! How the pipeline is, in full.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::error_log::{ErrorOverview, ErrorWindow};
use crate::models::stage_health::SystemHealth;
use crate::telemetry::{errors, process};

/// How the pipeline is
///
/// Stages, tasks, stream, dead letters and model of this process, as last measured; `at` says when that was.
#[utoipa::path(get, path = "/api/v1/system", tag = "operations", operation_id = "get_system", responses(
    (status = 200, body = SystemHealth, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "There are no parameters"),
))]
pub async fn show(
    state: Data<AppState>,
    _: Parameters<NoParameters>,
) -> Result<Json<SystemHealth>, ApiError> {
    Ok(Json(SystemHealth::clone(&state.health.newest())))
}

/// How far back to look for errors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ErrorsParameters {
    /// How far back: `1h` in minutes (default), `6h` in steps of five minutes, `24h` in quarters of an hour.
    #[serde(default)]
    window: ErrorWindow,
}

/// What went wrong in this process
///
/// Counted by the minute for a day, and the newest in words; forgotten when the process ends. A restart or a refused request may
/// also be a warning in the log, and then counts as both.
#[utoipa::path(get, path = "/api/v1/system/errors", tag = "operations", operation_id = "get_system_errors",
    params(ErrorsParameters),
    responses(
        (status = 200, body = ErrorOverview, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "A parameter does not exist, or is not one of its values"),
    ))]
pub async fn errors(Parameters(wish): Parameters<ErrorsParameters>) -> Result<Json<ErrorOverview>, ApiError> {
    Ok(Json(errors::overview(wish.window)))
}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "get_prometheus", responses(
    (status = 200, body = String, content_type = "text/plain", description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "There are no parameters"),
))]
pub async fn prometheus(
    state: Data<AppState>,
    _: Parameters<NoParameters>,
) -> Result<HttpResponse, ApiError> {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let figures = state.prometheus.render() + &process::exposition();
    Ok(HttpResponse::Ok().content_type(kind).body(figures))
}
