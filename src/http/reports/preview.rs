//! Handler that previews a report.

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::schedules::{BODY_BYTES_MAX, zone};
use crate::actors::reporter::content::{self, Subject};
use crate::http::access::Analyst;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::id::ChannelId;
use crate::models::report::{NewReport, Period, ReportFilter, Schedule};
use crate::reports::{calendar, document};

/// Permits for concurrent previews, each of which runs a few dozen queries.
static PREVIEWS: Semaphore = Semaphore::const_new(2);

/// Content security policy of a report: it loads nothing, runs nothing, and cannot be framed by another page.
pub(super) const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox";

/// Report to preview; it needs no recipients yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportPreview {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    name: String,
    /// When the report would be sent, which determines the period that it covers.
    schedule: Schedule,
    /// Posts that the report would cover; defaults to all posts.
    #[serde(default)]
    filter: ReportFilter,
}

/// Preview a report
///
/// Returns the latest report that the schedule would have sent by now, as HTML. Nothing is stored or sent.
#[utoipa::path(post, path = "/api/v1/reports/preview", tag = "reports", operation_id = "preview_report",
    request_body = ReportPreview,
    responses(
        (status = 200, body = String, content_type = "text/html", description = "The report"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the period has too many posts for its filters (`window_too_long`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 429, body = ErrorBody, description = "Other previews are being created"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn preview(
    _: Analyst,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let ReportPreview { name, schedule, filter } =
        extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let nobody = ChannelId::from_u128(0);
    let new = NewReport { name, enabled: false, schedule, filter, notification_channel: nobody };
    let new = new.checked().map_err(ApiError::Rejected)?;
    let zone = zone(&new.schedule)?;
    let _permit =
        PREVIEWS.try_acquire().map_err(|_| ApiError::Busy { what: "other previews are being created" })?;
    let subject = Subject {
        name: &new.name,
        filter: &new.filter,
        period: latest_period(&new.schedule, &zone)?,
        zone,
        dashboard: state.messenger.dashboard(),
    };
    let content = content::read(&state.store, subject).await?;
    Ok(html(document::page(&content)))
}

/// Returns the period that the latest report of a schedule covers.
pub(super) fn latest_period(schedule: &Schedule, zone: &TimeZone) -> Result<Period, ApiError> {
    let latest = calendar::latest(schedule, zone, Timestamp::now());
    Ok(latest.ok_or_else(|| ApiError::internal("the schedule has no occurrence"))?.period)
}

fn html(page: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, REPORT_POLICY))
        .body(page)
}
