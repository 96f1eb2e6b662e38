//! Handlers for health checks.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::stage_health::NotReady;

/// Confirmation that the process is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Alive)]
pub struct Liveness {
    /// Always `ok`.
    pub status: String,
    /// Version of Groundswell.
    pub version: String,
}

/// Readiness of the process for traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether the process is ready.
    pub ready: bool,
    /// With `verbose`, the reasons for which the process is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<NotReady>>,
}

/// Parameters of a readiness check.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadyParameters {
    /// Include the reasons; needs no value.
    verbose: Option<String>,
}

/// Check whether the process is alive
///
/// Does not depend on Redis or PostgreSQL, because restarting this process would not bring them back.
#[utoipa::path(get, path = "/livez", tag = "operations", operation_id = "get_livez", responses((status = 200, body = Liveness, description = "The process is alive")))]
pub async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Check whether the process is alive; the same as `/livez`
#[utoipa::path(get, path = "/health", tag = "operations", operation_id = "get_health", responses((status = 200, body = Liveness, description = "The process is alive")))]
pub async fn health() -> Json<Liveness> {
    live().await
}

/// Check whether the process is ready for traffic
///
/// With `?verbose`, the response lists each of Redis, PostgreSQL, the stages and the tasks that is not ready. A
/// measurement older than 10 seconds counts as not ready.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "get_readyz",
    params(ReadyParameters),
    responses(
        (status = 200, body = Readiness, description = "The process is ready"),
        (status = 400, body = ErrorBody, description = "A parameter is unknown"),
        (status = 503, body = Readiness, description = "The process is not ready"),
    ))]
pub async fn ready(
    state: Data<AppState>,
    Parameters(parameters): Parameters<ReadyParameters>,
) -> Result<HttpResponse, ApiError> {
    let verbose = parameters.verbose.is_some_and(|value| value != "false");
    let reasons = state.health.not_ready();
    let ready = reasons.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(response.json(Readiness { ready, reasons: verbose.then_some(reasons) }))
}
