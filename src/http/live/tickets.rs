//! Passes for live connections.

use actix_web::HttpResponse;
use actix_web::web::Data;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{NoParameters, Parameters};
use crate::http::state::AppState;
use crate::stream::TICKET_LIFETIME;

/// A pass for one live connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveTicket {
    /// To be used once, as `/ws?ticket=…` or `/api/v1/events?ticket=…`.
    ticket: String,
    /// From then on it is worth nothing.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A pass for one live connection
///
/// A browser can set no header on a WebSocket or an event stream, and a token in an address would end up in logs and
/// histories. So a page asks here, with its token, for a ticket that is worth one connection within 30 seconds.
#[utoipa::path(post, path = "/api/v1/live/tickets", tag = "live", operation_id = "issue_live_ticket", responses(
    (status = 201, body = LiveTicket, description = "The ticket"),
    (status = 401, body = ErrorBody, description = "The token is missing"),
    (status = 503, body = ErrorBody, description = "Redis is away"),
))]
pub async fn issue(state: Data<AppState>, _: Parameters<NoParameters>) -> Result<HttpResponse, ApiError> {
    // Taken before it is issued, so that nobody is promised more time than there is.
    let expires_at = Timestamp::now() + TICKET_LIFETIME;
    let ticket = state.live_tickets.issue().await?;
    Ok(HttpResponse::Created().json(LiveTicket { ticket, expires_at }))
}
