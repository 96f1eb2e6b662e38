//! Handlers that list and export the audit log.

pub mod refused; // requests that were refused
pub mod trail; // records what a request did

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use self::trail::Trail;
use super::access::Admin;
use super::error::{ApiError, ErrorBody};
use super::extract::{self, Parameters};
use super::posts::csv_cell::harmless;
use super::posts::export::{self, Format};
use super::state::AppState;
use crate::models::audit::{Action, AuditEntry, AuditFilter};
use crate::store::audit::list;
use crate::store::page::Page;

/// Maximum number of entries per page. Exports have no such limit.
const LIMIT_MAX: usize = 500;

const COLUMNS: &[&str] = &[
    "id",
    "created_at",
    "action",
    "actor_kind",
    "actor_id",
    "actor_name",
    "object",
    "ip_address",
    "payload",
    "seq",
];

/// Filters for entries, and the page to return; absent filters match everything.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParameters {
    /// Id, kind or name of an actor; repeat it for several, any of which matches.
    #[serde(default)]
    #[param(max_items = 20)]
    actor: Vec<String>,
    /// Action; repeat it for several, any of which matches.
    #[serde(default)]
    #[param(max_items = 20)]
    action: Vec<Action>,
    /// Id of what was changed.
    object: Option<String>,
    /// Earliest time, inclusive.
    from: Option<Timestamp>,
    /// Latest time, exclusive.
    to: Option<Timestamp>,
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of entries to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Filters for entries to export; absent filters match everything.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditExportParameters {
    /// Id, kind or name of an actor; repeat it for several, any of which matches.
    #[serde(default)]
    #[param(max_items = 20)]
    actor: Vec<String>,
    /// Action; repeat it for several, any of which matches.
    #[serde(default)]
    #[param(max_items = 20)]
    action: Vec<Action>,
    /// Id of what was changed.
    object: Option<String>,
    /// Earliest time, inclusive.
    from: Option<Timestamp>,
    /// Latest time, exclusive.
    to: Option<Timestamp>,
    /// Format of the file, `csv` or `ndjson`; defaults to `ndjson`.
    format: Option<Format>,
}

/// List the audit log, newest entry first
///
/// Records who did what, to what, from where, and when. Secrets are replaced by `[hidden]`. `groundswell audit verify` checks
/// that no entry was changed or removed.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit_log", params(AuditParameters), responses(
    (status = 200, body = Page<AuditEntry>, description = "A page of entries"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Admin,
    state: Data<AppState>,
    Parameters(parameters): Parameters<AuditParameters>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let AuditParameters { actor, action, object, from, to, cursor, limit } = parameters;
    let limit = extract::limit(limit, LIMIT_MAX)?;
    let filter = AuditFilter { actors: actor, actions: action, object, from, to };
    Ok(Json(list::list(&state.store, &filter, cursor.as_deref(), limit).await?))
}

/// Export the audit log, newest entry first
///
/// Streams any number of entries. The export itself is recorded. In CSV, text that a spreadsheet would evaluate as a formula is
/// prefixed with an apostrophe.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", operation_id = "export_audit_log", params(AuditExportParameters), responses(
    (status = 200, content((String = "application/x-ndjson"), (String = "text/csv")), description = "The file"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 429, body = ErrorBody, description = "Too many exports are running; retry after `Retry-After` seconds"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn export(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    Parameters(parameters): Parameters<AuditExportParameters>,
) -> Result<HttpResponse, ApiError> {
    let AuditExportParameters { actor, action, object, from, to, format } = parameters;
    let format = format.unwrap_or(Format::Ndjson);
    let filter = AuditFilter { actors: actor, actions: action, object, from, to };
    let permit = state.exports.acquire(&request)?;
    Trail::of(&request)?.exported(Action::AuditExported).await?;
    let chunks = list::export(state.store.clone(), filter);
    export::stream(export::File { name: "audit", format, header: COLUMNS }, (chunks, permit), cells).await
}

fn cells(entry: &AuditEntry) -> Vec<String> {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    vec![
        entry.id.to_string(),
        entry.created_at.to_string(),
        harmless(&entry.action),
        harmless(&entry.actor_kind),
        text(&entry.actor_id),
        text(&entry.actor_name),
        text(&entry.object),
        entry.ip_address.map(|address| address.to_string()).unwrap_or_default(),
        harmless(entry.payload.get()),
        entry.seq.map(|seq| seq.to_string()).unwrap_or_default(),
    ]
}
