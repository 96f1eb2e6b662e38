//! Handler that upgrades requests to WebSockets, which `ws` then serves.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::access::Viewer;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::state::AppState;

/// Open a WebSocket for live updates
///
/// The server sends `ServerFrame`s and the client sends `ClientOp`s, all as text. If a token is configured, a browser
/// uses it to request a ticket and connects to `/ws?ticket=…`, or presents the token as
/// `Sec-WebSocket-Protocol: bearer, <token>`; other clients present it in `Authorization`.
#[utoipa::path(get, path = "/ws", tag = "live", operation_id = "open_socket", responses(
    (status = 101, description = "The socket is open"),
    (status = 426, body = ErrorBody, description = "The request is not a WebSocket handshake"),
    (status = 503, body = ErrorBody, description = "All live connections are in use"),
))]
pub async fn open(
    Viewer(principal): Viewer,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    Ok(state.sockets.open(&request, principal)?)
}
