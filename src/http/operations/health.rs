//! Whether the process lives, and whether it should get traffic.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::stage_health::NotReady;

/// That the process lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alive {
    /// Always `ok`: what does not live does not answer.
    pub status: String,
    /// Groundswell's version.
    pub version: String,
}

/// Whether the process should get traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether it should.
    pub ready: bool,
    /// With `verbose`: everything that keeps it from being ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<NotReady>>,
}

/// How much to say.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadyParameters {
    /// Say why not; needs no value.
    verbose: Option<String>,
}

/// Whether the process lives
///
/// Never asks Redis or PostgreSQL: restarting this process would not bring them back.
#[utoipa::path(get, path = "/livez", tag = "operations", operation_id = "get_livez", responses((status = 200, body = Alive, description = "What was asked for")))]
pub async fn live() -> Json<Alive> {
    Json(Alive { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Whether the process lives; the same as `/livez`
#[utoipa::path(get, path = "/health", tag = "operations", operation_id = "get_health", responses((status = 200, body = Alive, description = "What was asked for")))]
pub async fn health() -> Json<Alive> {
    live().await
}

/// Whether the process should get traffic
///
/// With `?verbose` it says which of Redis, PostgreSQL, the stages and the tasks it is waiting for. A measurement that is
/// older than 10 seconds counts as not ready.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "get_readyz",
    params(ReadyParameters),
    responses(
        (status = 200, body = Readiness, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "A parameter does not exist"),
        (status = 503, body = Readiness, description = "Not now"),
    ))]
pub async fn ready(
    state: Data<AppState>,
    Parameters(wish): Parameters<ReadyParameters>,
) -> Result<HttpResponse, ApiError> {
    let verbose = wish.verbose.is_some_and(|value| value != "false");
    let reasons = state.health.not_ready();
    let ready = reasons.is_empty();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(answer.json(Readiness { ready, reasons: verbose.then_some(reasons) }))
}
