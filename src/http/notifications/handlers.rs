//! What people were told of alerts, and how browsers subscribe to be told.

use actix_web::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::channel_request::must_last;
use crate::actors::notifier::delivery;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::notification::{Notification, NotificationState};
use crate::store::notifications::history;
use crate::store::notifications::history::{NotificationsQuery, Resent};
use crate::store::page::Page;

/// Most notifications of one page.
const LIMIT_MAX: usize = 500;

/// Which notifications to list; filters that are absent let everything pass.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationsParameters {
    /// Only to this channel.
    channel: Option<Uuid>,
    /// Only those that are so far.
    state: Option<NotificationState>,
    /// Only about this alert.
    alert: Option<Uuid>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most to answer, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// How browsers subscribe.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    /// What `pushManager.subscribe` takes as `applicationServerKey`, in URL-safe base64.
    public_key: String,
}

/// List what people were told, the newest first
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(NotificationsParameters),
    responses(
        (status = 200, body = Page<Notification>, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn list(
    state: Data<AppState>,
    Parameters(wish): Parameters<NotificationsParameters>,
) -> Result<Json<Page<Notification>>, ApiError> {
    let limit = extract::limit(wish.limit, LIMIT_MAX)?;
    let NotificationsParameters { channel, state: so_far, alert, cursor, .. } = wish;
    let query = NotificationsQuery { channel, state: so_far, alert, cursor, limit };
    Ok(Json(history::list(&state.store, &query).await?))
}

/// Send something again
///
/// At once and on a new schedule, whether it arrived before or was given up. Receivers know it by the same id, unless it
/// came to them in a digest.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/resend", tag = "notifications", operation_id = "resend_notification",
    params(("id" = Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = Notification, description = "It will be sent"),
        (status = 404, body = ErrorBody, description = "There is no such notification"),
        (status = 409, body = ErrorBody, description = "Its channel is disabled (`channel_disabled`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn resend(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<Notification>, ApiError> {
    let id = extract::uuid(&path)?;
    match history::resend(&state.store, id).await? {
        Resent::Pending(notification) => Ok(Json(notification)),
        Resent::Disabled => Err(ApiError::Conflict {
            code: "channel_disabled",
            message: "its channel is disabled; enable it first".to_owned(),
        }),
        Resent::Unknown => Err(ApiError::NotFound { what: format!("notification `{id}`") }),
    }
}

/// Show what browsers subscribe with
///
/// It never changes, unless the key that protects secrets does.
#[utoipa::path(get, path = "/api/v1/push/key", tag = "notifications", operation_id = "get_push_key", responses(
    (status = 200, body = PushKey, description = "The public key"),
    (status = 409, body = ErrorBody, description = "There is no key to keep secrets with (`no_secret_key`)"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn push_key(state: Data<AppState>, _: Parameters<NoParameters>) -> Result<Json<PushKey>, ApiError> {
    must_last(&state)?;
    let key = delivery::push_key(&state.store, &state.messenger).await?;
    Ok(Json(PushKey { public_key: key.public_text() }))
}
