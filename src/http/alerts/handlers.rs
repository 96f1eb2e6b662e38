//! Handlers that list, show and acknowledge alerts.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::rules::BODY_BYTES_MAX;
use crate::actors::alert_publication;
use crate::http::access::{Analyst, Viewer};
use crate::http::body;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::alert::{Alert, AlertMoment, AlertRule, AlertState, AlertWithHistory};
use crate::models::alert_comment::NewComment;
use crate::models::id::AlertId;
use crate::models::person_name::PersonName;
use crate::store::alerts::{self, Acknowledgement, AlertsQuery, COMMENTS_MAX, Commented};
use crate::store::page::Page;

/// Maximum number of alerts per page.
const LIMIT_MAX: usize = 500;

/// Filters for alerts; absent filters match everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertsParameters {
    /// Return only open or only resolved alerts.
    state: Option<AlertState>,
    /// Return only alerts of this kind.
    rule: Option<AlertRule>,
    /// Return only alerts that are assigned to this person; empty for alerts that are assigned to nobody.
    assignee: Option<String>,
    /// Return only alerts that opened at or after this time, in RFC 3339.
    from: Option<Timestamp>,
    /// Return only alerts that opened before this time, in RFC 3339.
    to: Option<Timestamp>,
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of alerts to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// List alerts, most recently opened first
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts", params(AlertsParameters), responses(
    (status = 200, body = Page<Alert>, description = "A page of alerts"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    Parameters(parameters): Parameters<AlertsParameters>,
) -> Result<Json<Page<Alert>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let AlertsParameters { state: alert_state, rule, assignee, from, to, cursor, .. } = parameters;
    let query = AlertsQuery { state: alert_state, rule, assignee, from, to, cursor, limit };
    Ok(Json(alerts::list(&state.store, &query).await?))
}

/// Get one alert with its history
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", operation_id = "get_alert",
    params(("id" = AlertId, Path, description = "Id of the alert")),
    responses(
        (status = 200, body = AlertWithHistory, description = "The alert and its history"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<AlertWithHistory>, ApiError> {
    let id = extract::id(&path)?;
    let found = alerts::get(&state.store, id).await?;
    found.map(Json).ok_or_else(|| missing(id))
}

/// Acknowledge an alert
///
/// Only the first acknowledgement counts; later ones change nothing. All dashboards are notified.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", operation_id = "acknowledge_alert",
    params(("id" = AlertId, Path, description = "Id of the alert"), ActorHeader),
    responses(
        (status = 200, body = Alert, description = "The acknowledged alert"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn acknowledge(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Alert>, ApiError> {
    let id = extract::id(&path)?;
    let found = alerts::acknowledge(&state.store, id, &extract::stamp(&request)?).await?;
    answer(&state, found.ok_or_else(|| missing(id))?).await
}

/// Withdraw the acknowledgement of an alert
///
/// Changes nothing if the alert is not acknowledged. All dashboards are notified, but channels that track incidents are
/// not.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", operation_id = "unacknowledge_alert",
    params(("id" = AlertId, Path, description = "Id of the alert"), ActorHeader),
    responses(
        (status = 200, body = Alert, description = "The alert without the acknowledgement"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn unacknowledge(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Alert>, ApiError> {
    let id = extract::id(&path)?;
    let found = alerts::unacknowledge(&state.store, id, &extract::stamp(&request)?).await?;
    answer(&state, found.ok_or_else(|| missing(id))?).await
}

/// Person to assign an alert to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Name of the person; null to unassign the alert.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    assignee: Option<PersonName>,
}

/// Assign an alert to a person
///
/// The last assignment wins. All dashboards are notified.
#[utoipa::path(put, path = "/api/v1/alerts/{id}/assignee", tag = "alerts", operation_id = "assign_alert",
    params(("id" = AlertId, Path, description = "Id of the alert"), ActorHeader),
    request_body = Assignment,
    responses(
        (status = 200, body = Alert, description = "The assigned alert"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 422, body = ErrorBody, description = "The assignee is not a name; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn assign(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    path: Path<String>,
) -> Result<Json<Alert>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let id = extract::id(&path)?;
    let stamp = extract::stamp(&request)?;
    let Assignment { assignee } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let found = alerts::assign(&state.store, id, assignee.as_ref(), &stamp).await?;
    answer(&state, found.ok_or_else(|| missing(id))?).await
}

/// Comment on an alert
///
/// The comment becomes part of the alert's history and cannot be changed.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/comments", tag = "alerts", operation_id = "comment_on_alert",
    params(("id" = AlertId, Path, description = "Id of the alert"), ActorHeader),
    request_body = NewComment,
    responses(
        (status = 201, body = AlertMoment, description = "The history entry of the comment"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 413, body = ErrorBody, description = "The body is too large, or the limit of 200 comments is reached"),
        (status = 422, body = ErrorBody, description = "The text is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn comment(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let id = extract::id(&path)?;
    let stamp = extract::stamp(&request)?;
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let new: NewComment = extract::json(&request, &body)?;
    new.check().map_err(ApiError::Rejected)?;
    match alerts::comment(&state.store, id, new.text.trim(), &stamp).await? {
        Commented::Stored { moment, alert } => {
            alert_publication::push(&state.updates, *alert).await;
            Ok(HttpResponse::Created().json(moment))
        }
        Commented::Full => Err(ApiError::TooLarge { limit: COMMENTS_MAX.unsigned_abs(), what: "comments" }),
        Commented::Unknown => Err(missing(id)),
    }
}

/// Responds with the alert, and publishes it if it changed.
async fn answer(state: &AppState, seen: Acknowledgement) -> Result<Json<Alert>, ApiError> {
    if seen.is_changed {
        alert_publication::push(&state.updates, seen.alert.clone()).await;
    }
    Ok(Json(seen.alert))
}

fn missing(id: AlertId) -> ApiError {
    ApiError::NotFound { what: format!("alert `{id}`") }
}
