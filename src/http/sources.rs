//! Handlers that manage sources.

pub mod credentials; // what networks issued
pub mod deliveries; // posts that other systems deliver
pub mod queries; // what networks are asked for
pub mod webhooks; // secrets and mappings

use std::sync::Arc;

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::extract::{self, ActorHeader, EmptyQuery, Parameters};
use super::state::AppState;
use crate::connectors::ConnectorError;
use crate::connectors::access::Access;
use crate::connectors::networks::{self, InvalidSetting};
use crate::connectors::{following, sealed_credentials};
use crate::http::access::{Admin, Viewer};
use crate::http::audit::trail::Trail;
use crate::metering::SourceMeter;
use crate::models::audit::Action;
use crate::models::id::SourceId;
use crate::models::source::{
    NAME_CHARS_MAX, Network, NewSource, RevealedSource, Source, SourceChange, SourceSettings, SourceState,
    SourceTest,
};
use crate::store::page::Page;
use crate::store::sources::{self, SOURCES_MAX, SourceDraft, Stored};

/// Maximum body size in bytes: a name and settings, with room for JSON escapes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Maximum number of hours by which a source can be moved back. Jetstream hosts keep events for at least this long.
const BACKFILL_HOURS_MAX: i64 = 36;

/// How far to move a source back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// Number of hours before now, 1 to 36.
    #[schema(minimum = 1, maximum = 36)]
    pub hours: i64,
}

/// List sources
///
/// Sorted by name. There are at most 100.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", operation_id = "list_sources",
    responses(
        (status = 200, body = Page<Source>, description = "All sources"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<Source>>, ApiError> {
    Ok(Json(Page { items: sources::list(&state.store).await?, next_cursor: None }))
}

/// Get a source
#[utoipa::path(get, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "get_source",
    params(("id" = SourceId, Path, description = "Id of the source")),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Source>, ApiError> {
    let id = extract::id(&path)?;
    found(&state, id).await.map(Json)
}

/// Create a source
///
/// A process with the role `ingest` starts it within seconds. A webhook accepts deliveries at once; its signing secret
/// is revealed only in this response and in those of `rotate-secret`.
#[utoipa::path(post, path = "/api/v1/sources", tag = "sources", operation_id = "create_source", request_body = NewSource,
    params(ActorHeader),
    responses(
        (status = 201, body = RevealedSource, description = "The source"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
        (status = 409, body = ErrorBody,
            description = "Another source has this name (`name_taken`), there is no key to encrypt the secret with (`no_secret_key`), or another X source has this token (`account_in_use`)"),
        (status = 413, body = ErrorBody, description = "The limit of 100 sources is reached"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    let new: NewSource = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    check_settings(&state, new.network, &new.settings)?;
    networks::check_credentials(new.network, &new.credentials).map_err(refusal)?;
    let new = NewSource { name: extract::checked_name(&new.name, NAME_CHARS_MAX)?, ..new };
    let id = SourceId::now_v7();
    let (secret, sealed_secret) = match new.network {
        Network::Webhook => {
            let (secret, sealed) = webhooks::new_secret(&state, id)?;
            (Some(secret), Some(sealed))
        }
        Network::Bluesky
        | Network::Feed
        | Network::Mastodon
        | Network::Reddit
        | Network::X
        | Network::YouTube => (None, None),
    };
    let credentials = credentials::seal(&state, id, (new.network, &new.credentials)).await?;
    let draft = SourceDraft { id, new, sealed_secret, credentials };
    let source = stored(sources::create(&state.store, &draft, &stamp).await?, None)?;
    trail.created(Action::SourceCreated, source.id, &audited(&source)).await?;
    Ok(HttpResponse::Created().json(RevealedSource { source, secret }))
}

/// Change a source
///
/// The source restarts with the changes and resumes from its current position. Changing `base_url` removes its
/// credentials, because they were issued for the previous host.
#[utoipa::path(patch, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "change_source",
    request_body = SourceChange,
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 409, body = ErrorBody, description = "Another source has this name"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn change(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Source>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp) = (extract::id(&path)?, extract::stamp(&request)?);
    let wanted: SourceChange = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let checked = |name: &String| extract::checked_name(name, NAME_CHARS_MAX);
    let name = wanted.name.as_ref().map(checked).transpose()?;
    let (trail, before) = (Trail::of(&request)?, found(&state, id).await?);
    if let Some(settings) = &wanted.settings {
        check_settings(&state, before.network, settings)?;
    }
    let wanted = SourceChange { name, ..wanted };
    let source = stored(sources::change(&state.store, id, &wanted, &stamp).await?, Some(id))?;
    trail.changed(Action::SourceChanged, id, (&audited(&before), &audited(&source))).await?;
    Ok(Json(source))
}

/// Delete a source
///
/// Posts of the source are kept.
#[utoipa::path(delete, path = "/api/v1/sources/{id}", tag = "sources", operation_id = "delete_source",
    params(("id" = SourceId, Path, description = "Id of the source")),
    responses(
        (status = 204, description = "The source was deleted"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    let before = found(&state, id).await?;
    if !sources::delete(&state.store, id).await? {
        return Err(missing(id));
    }
    trail.deleted(Action::SourceDeleted, id, &audited(&before)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Test a source
///
/// Connects to the network with the source's settings, without ingesting any posts, and returns the result. For a
/// webhook, returns whether deliveries can be verified and when the last post arrived.
#[utoipa::path(post, path = "/api/v1/sources/{id}/test", tag = "sources", operation_id = "test_source",
    params(("id" = SourceId, Path, description = "Id of the source")),
    responses(
        (status = 200, body = SourceTest, description = "The result of the test"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn test(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<SourceTest>, ApiError> {
    let source = found(&state, extract::id(&path)?).await?;
    let outcome = try_out(&state, &source).await?;
    Ok(Json(match outcome {
        Ok(message) => SourceTest { state: SourceState::Running, message },
        Err(error) => SourceTest { state: error.state(), message: error.to_string() },
    }))
}

/// Connects to the network of a source in the same way as the source itself, or checks whether a webhook can verify
/// deliveries.
async fn try_out(state: &AppState, source: &Source) -> Result<Result<String, ConnectorError>, ApiError> {
    if source.network == Network::Webhook {
        return deliveries::try_out(state, source).await;
    }
    let stored = sources::credentials(&state.store, source.id).await?;
    let sealed = stored.as_ref().map(|stored| stored.sealed.as_slice());
    let credentials = match sealed_credentials::open(state.messenger.keyring(), source.id, sealed) {
        Ok(credentials) => credentials,
        Err(error) => return Ok(Err(error)),
    };
    let (network, topics) = (source.network, queries::followed_by(state, source).await?);
    let settings = match following::resolve(network, &source.settings, &topics) {
        Ok(settings) => settings,
        Err(error) => return Ok(Err(error)),
    };
    let egress = state.messenger.egress().clone();
    let account = stored.as_ref().map(|stored| stored.account.as_str());
    let meter = Arc::new(SourceMeter::new(state.store.clone(), source.id, account));
    let access = Access { egress, credentials, meter };
    let found = networks::test(access, network, &settings).await;
    Ok(found.map(|message| match source.settings.follow_topics {
        Some(true) => {
            format!("{message}; {}", following::queries(network, &source.settings, &topics).summary())
        }
        _ => message,
    }))
}

/// Pause a source
///
/// When it is resumed, it continues where it stopped. A period that the network can no longer supply is declared as a
/// gap. Deliveries to a paused webhook are rejected with 409.
#[utoipa::path(post, path = "/api/v1/sources/{id}/pause", tag = "sources", operation_id = "pause_source",
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn pause(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Source>, ApiError> {
    set_paused(&state, &path, &request, true).await
}

/// Resume a source
///
/// Also restarts a source that has stopped, for example because its key was rejected.
#[utoipa::path(post, path = "/api/v1/sources/{id}/resume", tag = "sources", operation_id = "resume_source",
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn resume(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Source>, ApiError> {
    set_paused(&state, &path, &request, false).await
}

/// Backfill a source
///
/// Moves the source back in time, so that it reads everything since then again, before any newer posts. Posts that are
/// already stored are not counted again. A paused source starts the backfill when it is resumed.
#[utoipa::path(post, path = "/api/v1/sources/{id}/backfill", tag = "sources", operation_id = "backfill_source",
    request_body = Backfill,
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 409, body = ErrorBody, description = "The source is a webhook, which cannot fetch posts (`cannot_backfill`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn backfill(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Source>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let Backfill { hours } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    if !(1..=BACKFILL_HOURS_MAX).contains(&hours) {
        return Err(ApiError::invalid_field("hours", format!("`hours` must be 1 to {BACKFILL_HOURS_MAX}")));
    }
    if found(&state, id).await?.network == Network::Webhook {
        return Err(ApiError::Conflict {
            code: "cannot_backfill",
            message: "a webhook cannot fetch posts; ask its senders to deliver them again".to_owned(),
        });
    }
    let now = Timestamp::now();
    let to = now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(now);
    let source = stored(sources::rewind(&state.store, id, to, &stamp).await?, Some(id))?;
    trail.record(Action::SourceChanged, Some(id.to_string()), [("backfilled_from", json!(to))]).await?;
    Ok(Json(source))
}

async fn set_paused(
    state: &AppState,
    path: &Path<String>,
    request: &HttpRequest,
    paused: bool,
) -> Result<Json<Source>, ApiError> {
    let (id, stamp) = (extract::id(path)?, extract::stamp(request)?);
    let trail = Trail::of(request)?;
    let source = stored(sources::set_paused(&state.store, id, paused, &stamp).await?, Some(id))?;
    trail.record(Action::SourceChanged, Some(id.to_string()), [("paused", json!(paused))]).await?;
    Ok(Json(source))
}

/// Returns what people change of a source, without its progress.
fn audited(source: &Source) -> Value {
    let Source { network, name, settings, has_credentials, .. } = source;
    json!({"network": network, "name": name, "settings": settings, "has_credentials": has_credentials})
}

async fn found(state: &AppState, id: SourceId) -> Result<Source, ApiError> {
    sources::get(&state.store, id).await?.ok_or_else(|| missing(id))
}

fn check_settings(state: &AppState, network: Network, settings: &SourceSettings) -> Result<(), ApiError> {
    networks::check(state.messenger.egress(), network, settings).map_err(refusal)
}

fn refusal(invalid: InvalidSetting) -> ApiError {
    ApiError::invalid_field(invalid.field, invalid.message)
}

fn stored(outcome: Stored, id: Option<SourceId>) -> Result<Source, ApiError> {
    match (outcome, id) {
        (Stored::Source(source), _) => Ok(*source),
        (Stored::NameTaken, _) => {
            Err(ApiError::Conflict { code: "name_taken", message: "another source has this name".to_owned() })
        }
        (Stored::Unknown, Some(id)) => Err(missing(id)),
        (Stored::Full | Stored::Unknown, _) => {
            Err(ApiError::TooLarge { limit: SOURCES_MAX.unsigned_abs(), what: "sources" })
        }
    }
}

fn missing(id: SourceId) -> ApiError {
    ApiError::NotFound { what: format!("source `{id}`") }
}
