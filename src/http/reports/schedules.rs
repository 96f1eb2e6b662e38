//! Handlers that manage scheduled reports.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::ReportId;
use crate::models::notification::ChannelKind;
use crate::models::person_name::PersonName;
use crate::models::report::{NewReport, Report, Schedule, invalid};
use crate::reports::calendar;
use crate::store::StoreError;
use crate::store::notifications::channels;
use crate::store::reports::schedules::{self, REPORTS_MAX, ReportDraft};

/// Maximum body size in bytes; a report takes up a few hundred.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// All scheduled reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reports {
    /// Reports, sorted by name.
    items: Vec<Report>,
    /// Whether this server can send mail.
    mail: bool,
    /// Whether this server can print reports as PDF. If not, they are sent as HTML only.
    pdf: bool,
}

/// List scheduled reports, ordered by name
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", operation_id = "list_reports", responses(
    (status = 200, body = Reports, description = "All reports"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Reports>, ApiError> {
    let items = schedules::list(&state.store).await?;
    Ok(Json(Reports { items, mail: state.messenger.sends_mail(), pdf: state.prints_pdf }))
}

/// Get one scheduled report
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "reports", operation_id = "get_report",
    params(("id" = ReportId, Path, description = "Id of the report")),
    responses(
        (status = 200, body = Report, description = "The report"),
        (status = 404, body = ErrorBody, description = "The report does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Report>, ApiError> {
    let id = extract::id(&path)?;
    schedules::get(&state.store, id).await?.map(Json).ok_or_else(|| missing(id))
}

/// Create a scheduled report
///
/// Each report covers the local days since the previous one: the day before, the seven days before, or the days since
/// the last monthly report.
#[utoipa::path(post, path = "/api/v1/reports", tag = "reports", operation_id = "create_report",
    params(ActorHeader), request_body = NewReport,
    responses(
        (status = 201, body = Report, description = "The report"),
        (status = 409, body = ErrorBody, description = "The limit of 100 reports is reached (`too_many_reports`)"),
        (status = 422, body = ErrorBody,
            description = "A field is invalid; see `details.field`. A channel that does not exist has the code `unknown_channel`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let actor = extract::actor(&request)?;
    let draft = read(&state, &request, payload).await?;
    let created_by = actor.as_ref().map(PersonName::as_str);
    let made = schedules::create(&state.store, &draft, created_by).await?;
    let report = made.ok_or_else(|| ApiError::Conflict {
        code: "too_many_reports",
        message: format!("the limit of {REPORTS_MAX} reports is reached; delete one first"),
    })?;
    Ok(HttpResponse::Created().json(report))
}

/// Replace a scheduled report
#[utoipa::path(put, path = "/api/v1/reports/{id}", tag = "reports", operation_id = "replace_report",
    params(("id" = ReportId, Path, description = "Id of the report"), ActorHeader), request_body = NewReport,
    responses(
        (status = 200, body = Report, description = "The report"),
        (status = 404, body = ErrorBody, description = "The report does not exist"),
        (status = 422, body = ErrorBody,
            description = "A field is invalid; see `details.field`. A channel that does not exist has the code `unknown_channel`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn replace(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Report>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, actor) = (extract::id(&path)?, extract::actor(&request)?);
    let mut draft = read(&state, &request, payload).await?;
    let old = schedules::get(&state.store, id).await?.ok_or_else(|| missing(id))?;
    if old.enabled && draft.new.enabled && old.schedule == draft.new.schedule {
        // It may be due right now.
        draft.next_at = old.next_at;
    }
    let updated_by = actor.as_ref().map(PersonName::as_str);
    let changed = schedules::update(&state.store, id, &draft, updated_by).await?;
    changed.map(Json).ok_or_else(|| missing(id))
}

/// Delete a scheduled report
///
/// Past runs of the report are deleted too.
#[utoipa::path(delete, path = "/api/v1/reports/{id}", tag = "reports", operation_id = "delete_report",
    params(("id" = ReportId, Path, description = "Id of the report")),
    responses(
        (status = 204, description = "The report was deleted"),
        (status = 404, body = ErrorBody, description = "The report does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn delete(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    if schedules::delete(&state.store, id).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(missing(id))
}

async fn read(state: &AppState, request: &HttpRequest, payload: Payload) -> Result<ReportDraft, ApiError> {
    let new: NewReport = extract::json_body(request, payload, BODY_BYTES_MAX).await?;
    let new = new.checked().map_err(ApiError::Rejected)?;
    let zone = zone(&new.schedule)?;
    let id = new.notification_channel;
    let channel = channels::get(&state.store, id).await?.ok_or(StoreError::UnknownChannel { id })?.channel;
    if channel.kind != ChannelKind::Email {
        let problem = "must be an email channel".to_owned();
        return Err(ApiError::Rejected(invalid("notification_channel", problem)));
    }
    let next_at = new.enabled.then(|| calendar::next(&new.schedule, &zone, Timestamp::now())).flatten();
    Ok(ReportDraft { new, next_at })
}

/// Returns the time zone of a schedule.
///
/// # Errors
/// 422 if no time zone has this name.
pub(super) fn zone(schedule: &Schedule) -> Result<TimeZone, ApiError> {
    let problem = || "must be an IANA time zone such as `Europe/Berlin`".to_owned();
    calendar::zone(schedule).ok_or_else(|| ApiError::Rejected(invalid("schedule.tz", problem())))
}

/// Returns the error for a report that does not exist.
pub(super) fn missing(id: ReportId) -> ApiError {
    ApiError::NotFound { what: format!("report `{id}`") }
}
