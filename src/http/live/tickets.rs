//! Handler that issues tickets, which authenticate live connections.

use actix_web::HttpResponse;
use actix_web::web::Data;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::stream::TICKET_LIFETIME;

/// Ticket that authenticates one live connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveTicket {
    /// Single-use ticket, presented as `/ws?ticket=…` or `/api/v1/events?ticket=…`.
    ticket: String,
    /// Time at which the ticket expires.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Issue a ticket for one live connection
///
/// Browsers cannot set headers on a WebSocket or an event stream, and a token in a URL would end up in logs and browser
/// histories. A page therefore uses its token to request a ticket, which is valid for one connection within 30 seconds.
#[utoipa::path(post, path = "/api/v1/live/tickets", tag = "live", operation_id = "issue_live_ticket", responses(
    (status = 201, body = LiveTicket, description = "The ticket"),
    (status = 503, body = ErrorBody, description = "Redis is unavailable"),
))]
pub async fn issue(
    Viewer(principal): Viewer,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    // Computed before the ticket is issued, so that the announced lifetime is never longer than the real one.
    let expires_at = Timestamp::now() + TICKET_LIFETIME;
    let ticket = state.live_tickets.issue(&principal).await?;
    Ok(HttpResponse::Created().json(LiveTicket { ticket, expires_at }))
}
