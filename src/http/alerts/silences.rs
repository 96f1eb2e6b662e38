//! Handlers that list, create and end silences.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::rules::BODY_BYTES_MAX;
use crate::http::access::{Analyst, Viewer};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::SilenceId;
use crate::models::silence::{NewSilence, Silence};
use crate::store::alerts::silences::{self, SILENCES_MAX};
use crate::store::page::Page;

/// List up to 500 silences, latest end first
#[utoipa::path(get, path = "/api/v1/silences", tag = "alerts", operation_id = "list_silences", responses(
    (status = 200, body = Page<Silence>, description = "The silences, including expired ones"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<Silence>>, ApiError> {
    Ok(Json(Page { items: silences::list(&state.store).await?, next_cursor: None }))
}

/// Silence the notifications for matching alerts
///
/// Matching alerts are still raised, listed and pushed to dashboards, marked as `silenced`. If an alert is still open
/// when its silence ends, a notification is sent then.
#[utoipa::path(post, path = "/api/v1/silences", tag = "alerts", operation_id = "create_silence",
    params(ActorHeader), request_body = NewSilence,
    responses(
        (status = 201, body = Silence, description = "The stored silence"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the actor is not a name"),
        (status = 413, body = ErrorBody, description = "The limit of 500 active or scheduled silences is reached"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let what: NewSilence = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    // After the body has been read: a silence that names no beginning begins then, which is not in the past.
    let (stamp, trail) = (extract::stamp(&request)?, Trail::of(&request)?);
    what.check(stamp.at).map_err(ApiError::Rejected)?;
    let made = silences::create(&state.store, &what, &stamp).await?;
    let limit = SILENCES_MAX.unsigned_abs();
    let made = made.ok_or(ApiError::TooLarge { limit, what: "silences" })?;
    trail.created(Action::SilenceCreated, made.id, &made).await?;
    Ok(HttpResponse::Created().json(made))
}

/// End a silence now
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "alerts", operation_id = "end_silence",
    params(("id" = SilenceId, Path, description = "Id of the silence"), ActorHeader),
    responses(
        (status = 200, body = Silence, description = "The ended silence"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The silence does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn end(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Silence>, ApiError> {
    let (id, stamp, trail) = (extract::id(&path)?, extract::stamp(&request)?, Trail::of(&request)?);
    let ended = silences::end(&state.store, id, &stamp).await?;
    let ended = ended.ok_or_else(|| ApiError::NotFound { what: format!("silence `{id}`") })?;
    trail.created(Action::SilenceEnded, id, &ended).await?;
    Ok(Json(ended))
}
