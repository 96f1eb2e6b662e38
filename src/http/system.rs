//! How the pipeline is, in full.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};

use super::error::{ApiError, ErrorBody};
use super::extract::{NoParameters, Parameters};
use super::state::AppState;
use crate::models::stage_health::SystemHealth;
use crate::telemetry::process;

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
