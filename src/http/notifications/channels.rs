//! Whom to tell of alerts, and by which way.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

use super::channel_request::{NewChannel, draft, must_last, read, rejected};
use crate::actors::notifier::delivery;
use crate::actors::notifier::delivery::DeliveryError;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::notification::{Channel, Shown};
use crate::notify::settings;
use crate::store::notifications::channels;
use crate::store::notifications::channels::{CHANNELS_MAX, Removal, Resealed, StoredChannel};

/// Times a secret is rotated anew because somebody else changed the channel meanwhile.
const ROTATIONS_MAX: usize = 4;

/// Tests under way at a time, so that the button is no way to flood somebody.
static TESTS: Semaphore = Semaphore::const_new(4);

/// All channels.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channels {
    /// In the order in which they were made.
    items: Vec<Channel>,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestOutcome {
    /// Whether it arrived.
    delivered: bool,
    /// The status that was answered; null when none was.
    status: Option<u16>,
    /// Why it did not arrive, for people; null when it did.
    error: Option<String>,
    /// How long it took.
    duration_ms: u64,
}

/// List whom to tell
#[utoipa::path(get, path = "/api/v1/notification-channels", tag = "notifications", operation_id = "list_notification_channels",
    responses(
        (status = 200, body = Channels, description = "All of them"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn list(state: Data<AppState>, _: Parameters<NoParameters>) -> Result<Json<Channels>, ApiError> {
    Ok(Json(Channels { items: channels::list(&state.store).await? }))
}

/// Make a channel
///
/// Secrets are never answered again: `settings.secret` of a webhook is told here and by `rotate-secret`, and is
/// `{"set":true}` from then on.
#[utoipa::path(post, path = "/api/v1/notification-channels", tag = "notifications",
    operation_id = "create_notification_channel", request_body = NewChannel,
    responses(
        (status = 201, body = Channel, description = "The channel"),
        (status = 409, body = ErrorBody, description = "There are too many (`too_many_channels`), or no key to keep secrets with (`no_secret_key`)"),
        (status = 422, body = ErrorBody, description = "A field is wrong, named in `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn create(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<NoParameters>,
) -> Result<impl Responder, ApiError> {
    let wish = read(&request, payload).await?;
    let (draft, told_once) = draft(&state, Uuid::now_v7(), wish, None)?;
    let made = channels::create(&state.store, &draft).await?;
    let channel = made.ok_or_else(|| ApiError::Conflict {
        code: "too_many_channels",
        message: format!("there are {CHANNELS_MAX} channels already"),
    })?;
    Ok((Json(with_secret(channel, told_once)), StatusCode::CREATED))
}

/// Show a channel
#[utoipa::path(get, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "get_notification_channel", params(("id" = Uuid, Path, description = "The channel")),
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "There is no such channel"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn get(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<Channel>, ApiError> {
    Ok(Json(stored(&state, extract::uuid(&path)?).await?.channel))
}

/// Change a channel
///
/// Takes all of it; secrets that are absent stay as they are. Disabling a channel gives up what it was yet to be told.
#[utoipa::path(put, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "replace_notification_channel", params(("id" = Uuid, Path, description = "The channel")),
    request_body = NewChannel,
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "There is no such channel"),
        (status = 422, body = ErrorBody, description = "A field is wrong, named in `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn replace(
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Channel>, ApiError> {
    extract::parameters::<NoParameters>(request.query_string())?;
    let id = extract::uuid(&path)?;
    let wish = read(&request, payload).await?;
    let old = stored(&state, id).await?;
    if old.channel.kind != wish.kind {
        return Err(rejected("kind", "cannot be changed; make another channel"));
    }
    // What cannot be opened any more can still be replaced by giving all of it anew.
    let secrets = state.messenger.open(id, &old.sealed).ok();
    let (draft, told_once) = draft(&state, id, wish, secrets.as_ref())?;
    let changed = channels::update(&state.store, &draft).await?;
    changed.map(|channel| Json(with_secret(channel, told_once))).ok_or_else(|| unknown(id))
}

/// Remove a channel
///
/// What it was told goes with it, and rules that name it beside others go on without it.
#[utoipa::path(delete, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "delete_notification_channel", params(("id" = Uuid, Path, description = "The channel")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = ErrorBody, description = "There is no such channel"),
        (status = 409, body = ErrorBody, description = "Rules name it alone, so their alerts would be told to nobody (`channel_in_use`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn delete(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::uuid(&path)?;
    match channels::delete(&state.store, id).await? {
        Removal::Done => Ok(HttpResponse::NoContent().finish()),
        Removal::Unknown => Err(unknown(id)),
        Removal::Needed(rules) => Err(ApiError::Conflict {
            code: "channel_in_use",
            message: format!(
                "it is the only channel that `{}` names; choose another there first",
                rules.join("` and `")
            ),
        }),
    }
}

/// Send a test now
///
/// Answers what came of it: the status, and nothing else of what the receiver said. A test is sent once and is not listed.
#[utoipa::path(post, path = "/api/v1/notification-channels/{id}/test", tag = "notifications",
    operation_id = "test_notification_channel", params(("id" = Uuid, Path, description = "The channel")),
    responses(
        (status = 200, body = TestOutcome, description = "What came of it"),
        (status = 404, body = ErrorBody, description = "There is no such channel"),
        (status = 409, body = ErrorBody, description = "Its secrets were encrypted with another key (`other_secret_key`)"),
        (status = 429, body = ErrorBody, description = "Too many tests are under way"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn test(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<TestOutcome>, ApiError> {
    let _place = TESTS.try_acquire().map_err(|_| ApiError::Busy { what: "too many tests are under way" })?;
    let channel = stored(&state, extract::uuid(&path)?).await?;
    let attempt = delivery::test(&state.store, &state.messenger, &channel).await?.attempt;
    Ok(Json(TestOutcome {
        delivered: attempt.error.is_none(),
        status: attempt.status,
        error: attempt.error,
        duration_ms: attempt.duration_ms,
    }))
}

/// Give a webhook a new secret
///
/// The old one signs beside it for 24 hours more, so receivers can change over meanwhile. The answer is the only one that
/// tells the new one, in `settings.secret`.
#[utoipa::path(post, path = "/api/v1/notification-channels/{id}/rotate-secret", tag = "notifications",
    operation_id = "rotate_notification_channel_secret", params(("id" = Uuid, Path, description = "The channel")),
    responses(
        (status = 200, body = Channel, description = "The channel"),
        (status = 404, body = ErrorBody, description = "There is no such channel"),
        (status = 409, body = ErrorBody,
            description = "It signs nothing (`no_secret`), or its secrets were encrypted with another key (`other_secret_key`)"),
        (status = 429, body = ErrorBody, description = "Others are changing it"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn rotate_secret(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<Channel>, ApiError> {
    let id = extract::uuid(&path)?;
    must_last(&state)?;
    for _ in 0..ROTATIONS_MAX {
        let old = stored(&state, id).await?.sealed;
        let secrets = state.messenger.open(id, &old).map_err(DeliveryError::from)?;
        let (secrets, told) =
            settings::rotate(&secrets, Timestamp::now()).ok_or_else(|| ApiError::Conflict {
                code: "no_secret",
                message: "only webhooks have a secret to rotate".to_owned(),
            })?;
        let sealed = state.messenger.seal(id, &secrets);
        let sealed_by = state.messenger.keyring().fingerprint().to_owned();
        let changed = channels::reseal(&state.store, id, &Resealed { old, sealed, sealed_by }).await?;
        if let Some(channel) = changed {
            return Ok(Json(with_secret(channel, Some(told))));
        }
    }
    Err(ApiError::Busy { what: "others are changing this channel" })
}

async fn stored(state: &AppState, id: Uuid) -> Result<StoredChannel, ApiError> {
    channels::get(&state.store, id).await?.ok_or_else(|| unknown(id))
}

fn with_secret(mut channel: Channel, told_once: Option<String>) -> Channel {
    if let Some(secret) = told_once {
        channel.settings.secret = Some(Shown::Plain(secret));
    }
    channel
}

fn unknown(id: Uuid) -> ApiError {
    ApiError::NotFound { what: format!("notification channel `{id}`") }
}

impl From<DeliveryError> for ApiError {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Store(error) => error.into(),
            DeliveryError::Sealed(error) => {
                Self::Conflict { code: "other_secret_key", message: format!("{error}; set the channel anew") }
            }
        }
    }
}
