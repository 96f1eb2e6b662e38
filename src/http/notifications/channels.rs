//! Handlers that manage and test notification channels.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpResponse, Responder};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::channel_request::{NewChannel, draft, read, rejected, require_persistent_key};
use crate::actors::channel_delivery::{self, DeliveryError};
use crate::http::access::{Admin, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::ChannelId;
use crate::models::notification::{Channel, PublicSetting};
use crate::notify::settings;
use crate::store::notifications::channels::{self, CHANNELS_MAX, Removal, Resealed, StoredChannel};

/// Maximum number of attempts to rotate a secret while other requests keep changing the channel.
const ROTATIONS_MAX: usize = 4;

/// Permits for concurrent test messages. They keep the test button from being used to flood a receiver.
static TESTS: Semaphore = Semaphore::const_new(4);

/// All notification channels.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channels {
    /// Channels, in order of creation.
    items: Vec<Channel>,
}

/// Result of sending a test message.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestOutcome {
    /// Whether the message was delivered.
    delivered: bool,
    /// Status of the response; null if there was none.
    status: Option<u16>,
    /// Human-readable reason why the message was not delivered; null if it was.
    error: Option<String>,
    /// How long the attempt took, in milliseconds.
    duration_ms: u64,
}

/// List notification channels
#[utoipa::path(get, path = "/api/v1/notification-channels", tag = "notifications", operation_id = "list_notification_channels",
    responses(
        (status = 200, body = Channels, description = "All channels"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Channels>, ApiError> {
    Ok(Json(Channels { items: channels::list(&state.store).await? }))
}

/// Create a notification channel
///
/// A webhook's signing secret is revealed only in this response and in those of `rotate-secret`, as `settings.secret`.
/// In all other responses, `settings.secret` is `{"set":true}`.
#[utoipa::path(post, path = "/api/v1/notification-channels", tag = "notifications",
    operation_id = "create_notification_channel", params(ActorHeader), request_body = NewChannel,
    responses(
        (status = 201, body = Channel, description = "The channel"),
        (status = 409, body = ErrorBody, description = "The limit on channels is reached (`too_many_channels`), or there is no key to encrypt secrets with (`no_secret_key`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<impl Responder, ApiError> {
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    let new = read(&request, payload).await?;
    let (draft, revealed_secret) = draft(&state, ChannelId::now_v7(), new, None)?;
    let made = channels::create(&state.store, &draft, &stamp).await?;
    let channel = made.ok_or_else(|| ApiError::Conflict {
        code: "too_many_channels",
        message: format!("the limit of {CHANNELS_MAX} channels is reached; delete one first"),
    })?;
    trail.created(Action::ChannelCreated, channel.id, &channel).await?;
    Ok((Json(with_secret(channel, revealed_secret)), StatusCode::CREATED))
}

/// Get one notification channel
#[utoipa::path(get, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "get_notification_channel", params(("id" = ChannelId, Path, description = "Id of the channel")),
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "The channel does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Channel>, ApiError> {
    Ok(Json(stored(&state, extract::id(&path)?).await?.channel))
}

/// Replace a notification channel
///
/// Secrets that are absent keep their stored values, as does a webhook's `settings.url` sent as responses show it.
/// Disabling a channel discards its pending notifications.
#[utoipa::path(put, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "replace_notification_channel",
    params(("id" = ChannelId, Path, description = "Id of the channel"), ActorHeader),
    request_body = NewChannel,
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "The channel does not exist"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn replace(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Channel>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let new = read(&request, payload).await?;
    let old = stored(&state, id).await?;
    if old.channel.kind != new.kind {
        return Err(rejected("kind", "cannot be changed; create another channel"));
    }
    // Secrets that can no longer be decrypted can still be replaced if the request contains all of them.
    let secrets = state.messenger.open(id, &old.sealed, &old.channel.settings).ok();
    let (draft, revealed_secret) = draft(&state, id, new, secrets.as_ref())?;
    let changed = channels::update(&state.store, &draft, &stamp).await?;
    let channel = changed.ok_or_else(|| unknown(id))?;
    trail.changed(Action::ChannelChanged, id, (&old.channel, &channel)).await?;
    Ok(Json(with_secret(channel, revealed_secret)))
}

/// Delete a notification channel
///
/// Notifications of the channel are deleted too. Rules that also name other channels keep notifying those.
#[utoipa::path(delete, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "delete_notification_channel",
    params(("id" = ChannelId, Path, description = "Id of the channel"), ActorHeader),
    responses(
        (status = 204, description = "The channel was deleted"),
        (status = 404, body = ErrorBody, description = "The channel does not exist"),
        (status = 409, body = ErrorBody, description = "It is the only channel of some rules, whose alerts would then notify nobody, or reports are sent through it (`channel_in_use`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let before = stored(&state, id).await?.channel;
    match channels::delete(&state.store, id, &stamp).await? {
        Removal::Removed => {
            trail.deleted(Action::ChannelDeleted, id, &before).await?;
            Ok(HttpResponse::NoContent().finish())
        }
        Removal::Unknown => Err(unknown(id)),
        Removal::InUse(rules) => {
            let names = rules.join("` and `");
            let message = match rules.as_slice() {
                [_] => format!(
                    "the rule `{names}` notifies only this channel; choose another channel for that rule first"
                ),
                _ => format!(
                    "the rules `{names}` notify only this channel; choose another channel for those rules first"
                ),
            };
            Err(ApiError::Conflict { code: "channel_in_use", message })
        }
        Removal::InUseByReports(reports) => {
            let names = reports.join("`, `");
            let message = format!(
                "reports are sent through this channel (`{names}`); choose another channel for them first"
            );
            Err(ApiError::Conflict { code: "channel_in_use", message })
        }
    }
}

/// Send a test message now
///
/// Only the status of the receiver's response is returned. The test message is neither retried nor listed.
#[utoipa::path(post, path = "/api/v1/notification-channels/{id}/test", tag = "notifications",
    operation_id = "test_notification_channel", params(("id" = ChannelId, Path, description = "Id of the channel")),
    responses(
        (status = 200, body = TestOutcome, description = "The result of the test"),
        (status = 404, body = ErrorBody, description = "The channel does not exist"),
        (status = 409, body = ErrorBody, description = "Its secrets were encrypted with another key (`other_secret_key`)"),
        (status = 429, body = ErrorBody, description = "Too many tests are running"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn test(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<TestOutcome>, ApiError> {
    let _permit = TESTS.try_acquire().map_err(|_| ApiError::Busy { what: "too many tests are running" })?;
    let channel = stored(&state, extract::id(&path)?).await?;
    let attempt = channel_delivery::test(&state.store, &state.messenger, &channel).await?.attempt;
    Ok(Json(TestOutcome {
        delivered: attempt.error.is_none(),
        status: attempt.status,
        error: attempt.error,
        duration_ms: attempt.duration_ms,
    }))
}

/// Rotate the signing secret of a webhook
///
/// For 24 hours, messages are signed with both the old and the new secret, so that receivers can switch. Only this
/// response reveals the new secret, in `settings.secret`.
#[utoipa::path(post, path = "/api/v1/notification-channels/{id}/rotate-secret", tag = "notifications",
    operation_id = "rotate_notification_channel_secret",
    params(("id" = ChannelId, Path, description = "Id of the channel"), ActorHeader),
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "The channel does not exist"),
        (status = 409, body = ErrorBody,
            description = "The channel has no signing secret (`no_secret`), or its secrets were encrypted with another key (`other_secret_key`)"),
        (status = 429, body = ErrorBody, description = "Other requests keep changing the channel"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn rotate_secret(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Channel>, ApiError> {
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    require_persistent_key(&state)?;
    for _ in 0..ROTATIONS_MAX {
        let StoredChannel { channel, sealed: old, .. } = stored(&state, id).await?;
        let secrets = state.messenger.open(id, &old, &channel.settings).map_err(DeliveryError::from)?;
        let (secrets, new_secret) =
            settings::rotate(&secrets, stamp.at).ok_or_else(|| ApiError::Conflict {
                code: "no_secret",
                message: "only webhooks have a signing secret to rotate".to_owned(),
            })?;
        let sealed = state.messenger.seal(id, &secrets);
        let sealed_by = state.messenger.keyring().fingerprint().to_owned();
        let settings = channel.settings.sealed();
        let new = Resealed { stamp: stamp.clone(), old, sealed, sealed_by, settings };
        let changed = channels::reseal(&state.store, id, &new).await?;
        if let Some(channel) = changed {
            trail.record(Action::ChannelSecretRotated, Some(id.to_string()), []).await?;
            return Ok(Json(with_secret(channel, Some(new_secret))));
        }
    }
    Err(ApiError::Busy { what: "others are changing this channel" })
}

async fn stored(state: &AppState, id: ChannelId) -> Result<StoredChannel, ApiError> {
    channels::get(&state.store, id).await?.ok_or_else(|| unknown(id))
}

fn with_secret(mut channel: Channel, revealed_secret: Option<String>) -> Channel {
    if let Some(secret) = revealed_secret {
        channel.settings.secret = Some(PublicSetting::Plain(secret));
    }
    channel
}

fn unknown(id: ChannelId) -> ApiError {
    ApiError::NotFound { what: format!("notification channel `{id}`") }
}

impl From<DeliveryError> for ApiError {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Store(error) => error.into(),
            DeliveryError::Sealed(error) => Self::Conflict {
                code: "other_secret_key",
                message: format!("{error}; enter the channel's secrets again"),
            },
        }
    }
}
