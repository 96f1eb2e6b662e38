//! Handlers that list and resend notifications, and one that returns the key for push subscriptions.

use actix_web::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::channel_request::require_persistent_key;
use crate::actors::channel_delivery;
use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::{AlertId, ChannelId, NotificationId};
use crate::models::notification::{Notification, NotificationState};
use crate::store::notifications::history::{self, NotificationsQuery, Resent};
use crate::store::page::Page;

/// Maximum number of notifications per page.
const LIMIT_MAX: usize = 500;

/// Filters for notifications; absent filters match everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationsParameters {
    /// Return only notifications to this channel.
    channel: Option<ChannelId>,
    /// Return only notifications in this state.
    state: Option<NotificationState>,
    /// Return only notifications about this alert.
    alert: Option<AlertId>,
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of notifications to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Public key that browsers use to subscribe to push messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    /// Value of `applicationServerKey` for `pushManager.subscribe`, in URL-safe base64.
    public_key: String,
}

/// List notifications, newest first
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(NotificationsParameters),
    responses(
        (status = 200, body = Page<Notification>, description = "A page of notifications"),
        (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<NotificationsParameters>,
) -> Result<Json<Page<Notification>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let NotificationsParameters { channel, state: so_far, alert, cursor, .. } = parameters;
    let query = NotificationsQuery { channel, state: so_far, alert, cursor, limit };
    Ok(Json(history::list(&state.store, &query).await?))
}

/// Resend a notification
///
/// Sends it at once, with a new retry schedule, whether it was delivered or abandoned. Receivers see the same message
/// id, unless the notification was part of a digest.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/resend", tag = "notifications", operation_id = "resend_notification",
    params(("id" = NotificationId, Path, description = "Id of the notification")),
    responses(
        (status = 200, body = Notification, description = "The notification, which will be sent"),
        (status = 404, body = ErrorBody, description = "The notification does not exist"),
        (status = 409, body = ErrorBody, description = "The channel is disabled (`channel_disabled`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn resend(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Notification>, ApiError> {
    let id = extract::id(&path)?;
    match history::resend(&state.store, id).await? {
        Resent::Pending(notification) => Ok(Json(notification)),
        Resent::Disabled => Err(ApiError::Conflict {
            code: "channel_disabled",
            message: "the channel is disabled; enable it first".to_owned(),
        }),
        Resent::Unknown => Err(ApiError::NotFound { what: format!("notification `{id}`") }),
    }
}

/// Get the public key for push subscriptions
///
/// The key changes only if the key that encrypts secrets does.
#[utoipa::path(get, path = "/api/v1/push/key", tag = "notifications", operation_id = "get_push_key", responses(
    (status = 200, body = PushKey, description = "The public key"),
    (status = 409, body = ErrorBody, description = "There is no key to encrypt secrets with (`no_secret_key`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn push_key(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<PushKey>, ApiError> {
    require_persistent_key(&state)?;
    let key = channel_delivery::push_key(&state.store, &state.messenger).await?;
    Ok(Json(PushKey { public_key: key.public_text() }))
}
