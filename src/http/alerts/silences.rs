//! When nobody shall be told of an alert.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;

use super::rules::BODY_BYTES_MAX;
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::silence::{NewSilence, Silence};
use crate::store::alerts::silences;
use crate::store::alerts::silences::SILENCES_MAX;
use crate::store::page::Page;

/// List silences, the last to end first; at most 500
#[utoipa::path(get, path = "/api/v1/silences", tag = "alerts", operation_id = "list_silences", responses(
    (status = 200, body = Page<Silence>, description = "Those that are over among them"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn list(
    state: Data<AppState>,
    _: Parameters<NoParameters>,
) -> Result<Json<Page<Silence>>, ApiError> {
    Ok(Json(Page { items: silences::list(&state.store).await?, next_cursor: None }))
}

/// Keep alerts from being notified for a while
///
/// They are raised, listed and pushed to browsers all the same, marked as `silenced`. One that still holds when its
/// silence ends is notified then.
#[utoipa::path(post, path = "/api/v1/silences", tag = "alerts", operation_id = "create_silence",
    request_body = NewSilence,
    responses(
        (status = 201, body = Silence, description = "The silence as it is stored"),
        (status = 400, body = ErrorBody, description = "Not JSON"),
        (status = 413, body = ErrorBody, description = "500 silences are not over yet"),
        (status = 422, body = ErrorBody, description = "A field is wrong, named in `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn create(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<NoParameters>,
) -> Result<HttpResponse, ApiError> {
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let what: NewSilence = extract::json(&request, &body)?;
    let now = Timestamp::now();
    what.check(now).map_err(ApiError::Rejected)?;
    let made = silences::create(&state.store, &what, now).await?;
    let limit = SILENCES_MAX.unsigned_abs();
    Ok(HttpResponse::Created().json(made.ok_or(ApiError::TooLarge { limit, what: "silences" })?))
}

/// End a silence now
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "alerts", operation_id = "end_silence",
    params(("id" = Uuid, Path, description = "The silence")),
    responses(
        (status = 200, body = Silence, description = "The silence as it is now"),
        (status = 400, body = ErrorBody, description = "The id is no UUID"),
        (status = 404, body = ErrorBody, description = "There is no such silence"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn end(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<Silence>, ApiError> {
    let id = extract::uuid(&path)?;
    let ended = silences::end(&state.store, id, Timestamp::now()).await?;
    ended.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("silence `{id}`") })
}
