//! Handlers that send a report now, list its runs and return their documents.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use jiff::tz::TimeZone;

use super::preview::{REPORT_POLICY, latest_period};
use super::schedules::{missing, zone};
use crate::http::access::{Analyst, Viewer};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::{ReportId, ReportRunId};
use crate::models::report::ReportRun;
use crate::reports::document;
use crate::store::page::Page;
use crate::store::reports::runs::{self, DocumentFormat};
use crate::store::reports::schedules;

/// Send a report now
///
/// Sends the latest report that the schedule would have sent by now, in addition to the scheduled ones.
#[utoipa::path(post, path = "/api/v1/reports/{id}/send", tag = "reports", operation_id = "send_report",
    params(("id" = ReportId, Path, description = "Id of the report")),
    responses(
        (status = 202, body = ReportRun, description = "The run, which begins within seconds"),
        (status = 404, body = ErrorBody, description = "The report does not exist"),
        (status = 409, body = ErrorBody, description = "An earlier request to send the report is still pending (`report_pending`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn send(
    _: Analyst,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    let report = schedules::get(&state.store, id).await?.ok_or_else(|| missing(id))?;
    let period = latest_period(&report.schedule, &zone(&report.schedule)?)?;
    let run = runs::request(&state.store, id, period).await?.ok_or_else(|| ApiError::Conflict {
        code: "report_pending",
        message: "the report is already being sent; wait until it has arrived or failed".to_owned(),
    })?;
    Ok(HttpResponse::Accepted().json(run))
}

/// List the runs of a report, newest first
#[utoipa::path(get, path = "/api/v1/reports/{id}/runs", tag = "reports", operation_id = "list_report_runs",
    params(("id" = ReportId, Path, description = "Id of the report")),
    responses(
        (status = 200, body = Page<ReportRun>, description = "The newest runs, at most 100, on one page"),
        (status = 404, body = ErrorBody, description = "The report does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn list(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<ReportRun>>, ApiError> {
    let id = extract::id(&path)?;
    let items = runs::list(&state.store, id).await?;
    if items.is_empty() && schedules::get(&state.store, id).await?.is_none() {
        return Err(missing(id));
    }
    Ok(Json(Page { items, next_cursor: None }))
}

/// Download a report as HTML
#[utoipa::path(get, path = "/api/v1/report-runs/{id}.html", tag = "reports", operation_id = "get_report_html",
    params(("id" = ReportRunId, Path, description = "Id of the run")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "The report"),
        (status = 404, body = ErrorBody, description = "The run does not exist, is not finished, or its documents are no longer kept"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn html(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    document(&state, &path, DocumentFormat::Html).await
}

/// Download a report as PDF
#[utoipa::path(get, path = "/api/v1/report-runs/{id}.pdf", tag = "reports", operation_id = "get_report_pdf",
    params(("id" = ReportRunId, Path, description = "Id of the run")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/pdf", description = "The report"),
        (status = 404, body = ErrorBody, description = "The run does not exist or has no PDF, or its documents are no longer kept"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn pdf(
    _: Viewer,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    document(&state, &path, DocumentFormat::Pdf).await
}

async fn document(state: &AppState, path: &str, format: DocumentFormat) -> Result<HttpResponse, ApiError> {
    let id: ReportRunId = extract::id(path)?;
    let (kind, extension) = match format {
        DocumentFormat::Html => ("text/html; charset=utf-8", "html"),
        DocumentFormat::Pdf => ("application/pdf", "pdf"),
    };
    let found = runs::document(&state.store, id, format).await?;
    let found = found.ok_or_else(|| ApiError::NotFound { what: format!("the {extension} of run `{id}`") })?;
    let zone = TimeZone::get(&found.tz).unwrap_or(TimeZone::UTC);
    let name = document::file_name(&found.report_name, found.period, &zone);
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, REPORT_POLICY))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{extension}\"")))
        .body(found.bytes))
}
