//! What must be acted on, and that somebody has seen it.

use actix_web::web::{Data, Json, Path};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::actors::alerter::publication;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::models::alert::{Alert, AlertRule, AlertState, AlertWithHistory};
use crate::store::alerts::{self, AlertsQuery};
use crate::store::page::Page;

/// Most alerts of one page.
const LIMIT_MAX: usize = 500;

/// Which alerts to list; filters that are absent let everything pass.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertsParameters {
    /// Only open ones, or only resolved ones.
    state: Option<AlertState>,
    /// Only those of this kind.
    rule: Option<AlertRule>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Most alerts to answer, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// List alerts, the last opened first
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", operation_id = "list_alerts", params(AlertsParameters), responses(
    (status = 200, body = Page<Alert>, description = "What was asked for"),
    (status = 400, body = ErrorBody, description = "A parameter is wrong, named in `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
))]
pub async fn list(
    state: Data<AppState>,
    Parameters(wish): Parameters<AlertsParameters>,
) -> Result<Json<Page<Alert>>, ApiError> {
    let limit = extract::limit(wish.limit, LIMIT_MAX)?;
    let query = AlertsQuery { state: wish.state, rule: wish.rule, cursor: wish.cursor, limit };
    Ok(Json(alerts::list(&state.store, &query).await?))
}

/// Show one alert with its history
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", operation_id = "get_alert",
    params(("id" = Uuid, Path, description = "The alert")),
    responses(
        (status = 200, body = AlertWithHistory, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "The id is no UUID"),
        (status = 404, body = ErrorBody, description = "There is no such alert"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn get(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<AlertWithHistory>, ApiError> {
    let id = extract::uuid(&path)?;
    let found = alerts::get(&state.store, id).await?;
    found.map(Json).ok_or_else(|| ApiError::NotFound { what: format!("alert `{id}`") })
}

/// Note that a person has seen an alert
///
/// The first time stands; doing it again changes nothing. Every browser hears of it.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "alerts", operation_id = "acknowledge_alert",
    params(("id" = Uuid, Path, description = "The alert")),
    responses(
        (status = 200, body = Alert, description = "What was asked for"),
        (status = 400, body = ErrorBody, description = "The id is no UUID"),
        (status = 404, body = ErrorBody, description = "There is no such alert"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is away"),
    ))]
pub async fn acknowledge(
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<NoParameters>,
) -> Result<Json<Alert>, ApiError> {
    let id = extract::uuid(&path)?;
    let found = alerts::acknowledge(&state.store, id, Timestamp::now()).await?;
    let seen = found.ok_or_else(|| ApiError::NotFound { what: format!("alert `{id}`") })?;
    if seen.is_first {
        publication::push(&state.updates, seen.alert.clone()).await;
    }
    Ok(Json(seen.alert))
}
