//! Handlers for the credentials of sources.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path, Payload};

use crate::connectors::{networks, sealed_credentials};
use crate::http::access::Admin;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery};
use crate::http::notifications::channel_request::require_persistent_key;
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::id::SourceId;
use crate::models::source::credentials::Credentials;
use crate::models::source::{Network, Source};
use crate::store::sources::{self, SealedCredentials};

/// Replace the credentials of a source
///
/// They are stored encrypted and never shown. An empty object removes the stored credentials. The source restarts.
#[utoipa::path(put, path = "/api/v1/sources/{id}/credentials", tag = "sources", operation_id = "replace_source_credentials",
    request_body = Credentials,
    params(("id" = SourceId, Path, description = "Id of the source"), ActorHeader),
    responses(
        (status = 200, body = Source, description = "The source"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The source does not exist"),
        (status = 409, body = ErrorBody, description = "There is no key to encrypt credentials with (`no_secret_key`), or another X source has this token (`account_in_use`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn replace(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<Source>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let (id, stamp) = (extract::id(&path)?, extract::stamp(&request)?);
    let trail = Trail::of(&request)?;
    let credentials: Credentials = extract::json_body(&request, payload, super::BODY_BYTES_MAX).await?;
    let network = super::found(&state, id).await?.network;
    networks::check_credentials(network, &credentials).map_err(super::refusal)?;
    let sealed = seal(&state, id, (network, &credentials)).await?;
    let outcome = sources::set_credentials(&state.store, id, sealed.as_ref(), &stamp).await?;
    let source = super::stored(outcome, Some(id))?;
    trail.record(Action::SourceCredentialsReplaced, Some(id.to_string()), []).await?;
    Ok(Json(source))
}

/// Encrypts credentials for a source.
///
/// # Errors
/// If the key that encrypts them would be lost with the process, or another source uses the only connection of the
/// account.
pub(super) async fn seal(
    state: &AppState,
    id: SourceId,
    (network, credentials): (Network, &Credentials),
) -> Result<Option<SealedCredentials>, ApiError> {
    if credentials.is_empty() {
        return Ok(None);
    }
    require_persistent_key(state)?;
    let sealed = sealed_credentials::seal(state.messenger.keyring(), id, credentials);
    let account = sealed_credentials::account(network, credentials);
    // The two sources would replace each other's rules, while the posts would still be paid for.
    if network == Network::X && sources::shares_account(&state.store, network, (id, &account)).await? {
        return Err(ApiError::Conflict {
            code: "account_in_use",
            message:
                "another source has this token, and X allows each app one connection; create another app"
                    .to_owned(),
        });
    }
    Ok(sealed.map(|sealed| SealedCredentials { sealed, account }))
}
