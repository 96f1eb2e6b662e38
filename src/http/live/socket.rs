//! Where live sockets begin. What is said on them is in `ws`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::error::{ApiError, ErrorBody};
use crate::http::state::AppState;

/// Live news
///
/// A WebSocket. The server sends `ServerFrame`s, the client `ClientOp`s, both as text. Where a token is configured
/// a browser asks for a ticket with it and connects to `/ws?ticket=…`, or shows it as
/// `Sec-WebSocket-Protocol: bearer, <token>`; other clients show it in `Authorization`.
#[utoipa::path(get, path = "/ws", tag = "live", operation_id = "open_socket", responses(
    (status = 101, description = "The socket"),
    (status = 401, body = ErrorBody, description = "Neither the token nor a ticket that is still good"),
    (status = 403, body = ErrorBody, description = "The page that asks is not one of ours"),
    (status = 426, body = ErrorBody, description = "No socket was asked for"),
    (status = 503, body = ErrorBody, description = "All places are taken"),
))]
pub async fn open(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(state.sockets.open(&request)?)
}
