//! How readily people are told of changes for which nobody configured a rule.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};

use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::new_post::Rejection;
use crate::models::signals::SignalSettings;
use crate::store::alerts::anomalies;

/// Longest body.
const BODY_MAX: usize = 4 * 1024;

/// Fewer posts than this can be a single crowd, and more than a million no five minutes have.
const MINIMUM_VOLUME: std::ops::RangeInclusive<u32> = 10..=1_000_000;

/// See how readily people are told of unusual changes
#[utoipa::path(get, path = "/api/v1/signal-settings", tag = "alerts", operation_id = "get_signal_settings", responses(
    (status = 200, body = SignalSettings, description = "What was asked for"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn show(
    state: Data<AppState>,
    _: Parameters<NoParameters>,
) -> Result<Json<SignalSettings>, ApiError> {
    Ok(Json(anomalies::settings(&state.store).await?))
}

/// Change how readily people are told of unusual changes
///
/// Every process goes by it within a minute. `off` resolves what is open.
#[utoipa::path(put, path = "/api/v1/signal-settings", tag = "alerts", operation_id = "change_signal_settings",
    request_body = SignalSettings,
    responses(
        (status = 200, body = SignalSettings, description = "As they are now"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 413, body = ErrorBody, description = "The body is too long"),
        (status = 415, body = ErrorBody, description = "The body does not say that it is JSON"),
        (status = 422, body = ErrorBody, description = "A field is wrong, named in `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn change(
    state: Data<AppState>,
    request: HttpRequest,
    _: Parameters<NoParameters>,
    payload: Payload,
) -> Result<Json<SignalSettings>, ApiError> {
    let body = body::receive(&request, payload, BODY_MAX).await?;
    let settings: SignalSettings = extract::json(&request, &body)?;
    if !MINIMUM_VOLUME.contains(&settings.minimum_volume) {
        let (least, most) = MINIMUM_VOLUME.into_inner();
        return Err(ApiError::Rejected(Rejection {
            code: "invalid_field",
            field: "minimum_volume".to_owned(),
            message: format!("must be from {least} to {most}"),
        }));
    }
    anomalies::change_settings(&state.store, settings).await?;
    Ok(Json(settings))
}
