//! How the pipeline is, in full.

use actix_web::web::{Data, Json};

use super::error::{ApiError, ErrorBody};
use super::extract::Parameters;
use super::state::AppState;
use crate::models::stage_health::SystemHealth;

/// How the pipeline is
///
/// Stages, stream, dead letters and model of this process, as last measured; at most two seconds old.
///
/// # Errors
/// 400 when parameters are given.
#[utoipa::path(get, path = "/api/v1/system", tag = "operations", responses(
    (status = 200, body = SystemHealth),
    (status = 400, body = ErrorBody, description = "There are no parameters"),
))]
pub async fn show(state: Data<AppState>, parameters: Parameters) -> Result<Json<SystemHealth>, ApiError> {
    parameters.only(&[])?;
    let health = state.health.borrow().clone();
    Ok(Json(SystemHealth::clone(&health)))
}
