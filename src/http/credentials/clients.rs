//! Handlers for clients: programs with a role of their own.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;

use super::{BODY_BYTES_MAX, granted_scopes, overlap_of};
use crate::auth::program_secret;
use crate::http::access::Admin;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::credential::{Client, NAME_CHARS_MAX, NewClient, RevealedClient, Rotation};
use crate::models::id::ClientId;
use crate::models::principal::{Identity, Scopes};
use crate::store::credentials::clients::{self, CLIENTS_MAX};
use crate::store::page::Page;

/// List clients, newest first
///
/// Revoked clients are not listed.
#[utoipa::path(get, path = "/api/v1/clients", tag = "clients", operation_id = "list_clients", responses(
    (status = 200, body = Page<Client>, description = "All clients"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Admin,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<Page<Client>>, ApiError> {
    Ok(Json(clients::list(&state.store, Timestamp::now()).await?))
}

/// Create a client
///
/// A client exchanges its id and secret for access tokens at `/api/v1/auth/token`. It belongs to the installation: it stays
/// when the administrator who created it loses access. Only this response contains the secret.
#[utoipa::path(post, path = "/api/v1/clients", tag = "clients", operation_id = "create_client",
    params(ActorHeader),
    request_body = NewClient,
    responses(
        (status = 201, body = RevealedClient, description = "The client and its secret"),
        (status = 413, body = ErrorBody, description = "The body is too large, or there are already 200 clients"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let new: NewClient = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let stamp = extract::stamp(&request)?;
    let client = Client {
        id: ClientId::now_v7(),
        name: extract::checked_name(&new.name, NAME_CHARS_MAX)?,
        role: new.role,
        scopes: granted_scopes(new.scopes, Scopes::of(new.role))?,
        plan: new.plan,
        created_at: stamp.at,
        created_by: stamp.name().map(str::to_owned),
        last_used_at: None,
        previous_secret_expires_at: None,
    };
    let (client_secret, stored) = program_secret::create(state.credentials.hasher()).await?;
    if !clients::create(&state.store, &client, &stored).await? {
        let limit = u64::try_from(CLIENTS_MAX).unwrap_or(u64::MAX);
        return Err(ApiError::TooLarge { limit, what: "clients" });
    }
    Trail::of(&request)?.created(Action::ClientCreated, client.id, &client).await?;
    Ok(HttpResponse::Created().json(RevealedClient { client, client_secret }))
}

/// Replace the secret of a client
///
/// The present secret is accepted until the overlap has passed. An older one is not accepted any more. Access tokens end
/// with the secret for which they were issued.
#[utoipa::path(post, path = "/api/v1/clients/{id}/rotate-secret", tag = "clients", operation_id = "rotate_client_secret",
    params(("id" = ClientId, Path, description = "Id of the client")),
    request_body = Rotation,
    responses(
        (status = 200, body = RevealedClient, description = "The client and its new secret"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The client does not exist"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn rotate_secret(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<RevealedClient>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let id = extract::id(&path)?;
    let overlap = overlap_of(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    let (client_secret, stored) = program_secret::create(state.credentials.hasher()).await?;
    let until = Timestamp::now().checked_add(overlap).unwrap_or(Timestamp::MAX);
    let rotated = clients::rotate_secret(&state.store, id, (&stored, until)).await?;
    let client = rotated.ok_or_else(|| unknown(id))?;
    state.authenticator.standings().forget();
    Trail::of(&request)?.created(Action::ClientSecretRotated, id, &client).await?;
    Ok(Json(RevealedClient { client, client_secret }))
}

/// Revoke a client
///
/// Its tokens are refused and its live connections closed within 5 seconds.
#[utoipa::path(delete, path = "/api/v1/clients/{id}", tag = "clients", operation_id = "revoke_client",
    params(("id" = ClientId, Path, description = "Id of the client")),
    responses(
        (status = 204, description = "The client is revoked"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The client does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn revoke(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    if !clients::revoke(&state.store, id, Timestamp::now()).await? {
        return Err(unknown(id));
    }
    state.end_live(|principal| principal.identity == Identity::Client(id));
    trail.record(Action::ClientRevoked, Some(id.to_string()), []).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn unknown(id: ClientId) -> ApiError {
    ApiError::NotFound { what: format!("client `{id}`") }
}
