//! Handlers that answer health checks.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::access::Anyone;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::models::system_health::NotReady;

/// Response from a process that is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Alive)]
pub struct Liveness {
    /// Always `ok`: a process that is not alive does not respond.
    pub status: String,
    /// Version of Groundswell that this process runs.
    pub version: String,
}

/// Whether the process is ready for traffic and, if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether the process can serve requests now; the status is 200 if so, otherwise 503.
    pub ready: bool,
    /// Reason why the process is not ready, empty if it is; present only with `verbose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<NotReady>>,
}

/// Level of detail for a readiness check.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadyParameters {
    /// If present, the response includes the reasons; no value is needed, and `false` has the same effect as leaving it
    /// out.
    verbose: Option<String>,
}

/// Check whether the process is alive
///
/// Does not depend on Redis or PostgreSQL, because restarting this process would not bring them back.
#[utoipa::path(get, path = "/livez", tag = "operations", operation_id = "get_livez", responses((status = 200, body = Liveness, description = "The process is alive")))]
pub async fn live(_: Anyone) -> Json<Liveness> {
    Json(Liveness { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Check whether the process is alive; the same as `/livez`
#[utoipa::path(get, path = "/health", tag = "operations", operation_id = "get_health", responses((status = 200, body = Liveness, description = "The process is alive")))]
pub async fn health(caller: Anyone) -> Json<Liveness> {
    live(caller).await
}

/// Check whether the process is ready for traffic
///
/// With `?verbose`, the response lists everything that is not ready: Redis, PostgreSQL, stages and tasks. A process
/// whose latest measurement is more than 10 seconds old is not ready.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "get_readyz",
    params(ReadyParameters),
    responses(
        (status = 200, body = Readiness, description = "The process is ready"),
        (status = 400, body = ErrorBody, description = "A parameter is unknown"),
        (status = 503, body = Readiness, description = "The process is not ready"),
    ))]
pub async fn ready(
    _: Anyone,
    state: Data<AppState>,
    Parameters(parameters): Parameters<ReadyParameters>,
) -> Result<HttpResponse, ApiError> {
    let verbose = parameters.verbose.is_some_and(|value| value != "false");
    let reasons = state.health.not_ready();
    let ready = reasons.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(response.json(Readiness { ready, reasons: verbose.then_some(reasons) }))
}
