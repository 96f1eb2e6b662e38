//! Public keys with which other services verify access tokens.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use jiff::Timestamp;

use crate::auth::signing_keys::JwkSet;
use crate::http::access::Anyone;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{EmptyQuery, Parameters};
use crate::http::state::AppState;

/// How long other services may keep the keys. A new key is published for ten minutes before it signs.
const CACHE_CONTROL: &str = "public, max-age=300";

/// Get the public keys of access tokens
///
/// A JSON Web Key Set. A new key appears here ten minutes before it signs, and stays until the last token that it signed
/// has expired.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth", operation_id = "get_jwks", responses(
    (status = 200, body = JwkSet, description = "The keys"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn show(
    _: Anyone,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let keys = state.credentials.signing_keys().published(Timestamp::now()).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHE_CONTROL)).json(keys))
}
