//! Handlers for alerts.

use actix_web::web::{Data, Json, Path};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::actors::alerter::publication;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::alert::{Alert, AlertRule, AlertState, AlertWithHistory};
use crate::store::alerts::{self, AlertsQuery};
use crate::store::page::Page;

/// Maximum number of alerts per page.
const LIMIT_MAX: usize = 500;

/// Filters for alerts; absent filters match everything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertsParameters {
    /// State of the alerts.
    state: Option<AlertState>,
    /// Kind of the alerts.
    rule: Option<AlertRule>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Maximum number of alerts, 1 to 500; defaults to 50.
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
    state: Data<AppState>,
    Parameters(parameters): Parameters<AlertsParameters>,
) -> Result<Json<Page<Alert>>, ApiError> {
    let limit = extract::limit(parameters.limit, LIMIT_MAX)?;
    let query =
        AlertsQuery { state: parameters.state, rule: parameters.rule, cursor: parameters.cursor, limit };
    Ok(Json(alerts::list(&state.store, &query).await?))
}

/// Get one alert with its history
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", operation_id = "get_alert",
    params(("id" = Uuid, Path, description = "Id of the alert")),
    responses(
        (status = 200, body = AlertWithHistory, description = "The alert and its history"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<AlertWithHistory>, ApiError> {
    let id = extract::uuid(&path)?;
    let found = alerts::get(&state.store, id).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("alert `{id}`") })
}

/// Acknowledge an alert
///
/// Only the first acknowledgement counts; repeating it changes nothing. It is pushed to all dashboards.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", operation_id = "acknowledge_alert",
    params(("id" = Uuid, Path, description = "Id of the alert")),
    responses(
        (status = 200, body = Alert, description = "The acknowledged alert"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The alert does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn acknowledge(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Alert>, ApiError> {
    let id = extract::uuid(&path)?;
    let found = alerts::acknowledge(&state.store, id, Timestamp::now()).await?;
    let seen = found.ok_or_else(|| ApiError::NotFound { what: format!("alert `{id}`") })?;
    if seen.is_first {
        publication::push(&state.updates, seen.alert.clone()).await;
    }
    Ok(Json(seen.alert))
}
