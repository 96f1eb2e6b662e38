//! Handlers that read and change the settings for anomaly detection.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};

use crate::http::access::{Admin, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::anomaly_settings::SignalSettings;
use crate::models::audit::Action;
use crate::models::new_post::Rejection;
use crate::store::alerts::anomalies;

/// Maximum body size in bytes; the settings take up less than a hundred.
const BODY_MAX: usize = 4 * 1024;

/// Allowed values for `minimum_volume`. Fewer posts could come from a single group of people, and no five-minute period
/// has over a million posts.
const MINIMUM_VOLUME: std::ops::RangeInclusive<u32> = 10..=1_000_000;

/// Get the settings for anomaly detection
#[utoipa::path(get, path = "/api/v1/signal-settings", tag = "alerts", operation_id = "get_signal_settings", responses(
    (status = 200, body = SignalSettings, description = "The settings"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn show(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<SignalSettings>, ApiError> {
    Ok(Json(anomalies::settings(&state.store).await?))
}

/// Change the settings for anomaly detection
///
/// Every process applies them within a minute. `off` resolves all open anomalies.
#[utoipa::path(put, path = "/api/v1/signal-settings", tag = "alerts", operation_id = "change_signal_settings",
    request_body = SignalSettings,
    responses(
        (status = 200, body = SignalSettings, description = "The new settings"),
        (status = 400, body = ErrorBody, description = "The body is not JSON"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The content type is not JSON"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn change(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
    payload: Payload,
) -> Result<Json<SignalSettings>, ApiError> {
    let trail = Trail::of(&request)?;
    let settings: SignalSettings = extract::json_body(&request, payload, BODY_MAX).await?;
    if !MINIMUM_VOLUME.contains(&settings.minimum_volume) {
        let (least, most) = MINIMUM_VOLUME.into_inner();
        return Err(ApiError::Rejected(Rejection {
            code: "invalid_field",
            field: "minimum_volume".to_owned(),
            message: format!("the minimum volume must be between {least} and {most}"),
        }));
    }
    let before = anomalies::settings(&state.store).await?;
    anomalies::change_settings(&state.store, settings).await?;
    trail.changed(Action::SignalSettingsChanged, "signal_settings", (&before, &settings)).await?;
    Ok(Json(settings))
}
