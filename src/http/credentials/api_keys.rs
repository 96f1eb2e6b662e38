//! Handlers for API keys.

use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{BODY_BYTES_MAX, granted_scopes, overlap_of};
use crate::auth::owner::{Ownership, owner_of};
use crate::http::access::{Access, Owned, Owner, Viewer, check_whole};
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, ActorHeader, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::credential::{ApiKey, ApiKeyUsage, CreatedApiKey, NAME_CHARS_MAX, NewApiKey, Rotation};
use crate::models::id::{ApiKeyId, UserId};
use crate::models::principal::{Identity, Principal, Scope};
use crate::store::credentials::api_keys::{self, KEYS_MAX, Rotated};
use crate::store::credentials::key_usage;
use crate::store::page::Page;

/// Maximum page size.
const LIMIT_MAX: usize = 200;

impl Owned for ApiKey {
    type Id = ApiKeyId;
    const KIND: &'static str = "API key";
    const SCOPE: Scope = Scope::Read;

    async fn find(state: &AppState, id: ApiKeyId) -> Result<Option<Self>, ApiError> {
        Ok(api_keys::get(&state.store, id).await?)
    }

    fn owner(&self) -> Option<Identity> {
        self.owner.map(Identity::User)
    }
}

/// Which keys to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeyQuery {
    /// Owner of the keys; by default, administrators get the keys of everyone. Others only get their own.
    owner: Option<UserId>,
    /// Maximum number of keys per page, 50 by default.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// List API keys, newest first
///
/// A person gets their own keys. An administrator, or a program with the role and scope `admin`, gets those of everyone;
/// other programs get an empty list. Keys that were revoked or have expired stay listed for 90 days.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "api-keys", operation_id = "list_api_keys", params(ApiKeyQuery), responses(
    (status = 200, body = Page<ApiKey>, description = "One page of keys"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    Viewer(principal): Viewer,
    state: Data<AppState>,
    Parameters(query): Parameters<ApiKeyQuery>,
) -> Result<Json<Page<ApiKey>>, ApiError> {
    let limit = extract::limit(query.limit, LIMIT_MAX)?;
    let owner = match principal.identity {
        _ if Access::Admin.admits(&principal) => query.owner,
        Identity::User(user) if query.owner.is_none_or(|owner| owner == user) => Some(user),
        _ => return Ok(Json(Page { items: Vec::new(), next_cursor: None })),
    };
    let page = (query.cursor.as_deref(), limit);
    Ok(Json(api_keys::list(&state.store, owner, page).await?))
}

/// Create an API key
///
/// The key belongs to the person who creates it, and never grants more than that person may do. With an administrator's key,
/// only keys of the same person can be created: they end with that person's access. A key that the operator, or a program
/// with a key of the installation, creates belongs to the installation; it stays when the key that created it is revoked.
/// Created with a key that expires, a key expires no later than that one, and at the same time by default.
/// Clients cannot create keys, nor can a key of somebody who is no administrator, nor a credential that grants less than its
/// holder may do. Only this response contains the key; the server stores a hash of its secret.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "api-keys", operation_id = "create_api_key",
    params(ActorHeader),
    request_body = NewApiKey,
    responses(
        (status = 201, body = CreatedApiKey, description = "The key"),
        (status = 413, body = ErrorBody, description = "The body is too large, or the owner already has 200 keys"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn create(
    Viewer(principal): Viewer,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let ownership = owner_for(&state, &principal).await?;
    let new: NewApiKey = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let stamp = extract::stamp(&request)?;
    let name = extract::checked_name(&new.name, NAME_CHARS_MAX)?;
    let scopes = granted_scopes(new.scopes, principal.scopes)?;
    if new.expires_at.is_some_and(|expires_at| expires_at <= stamp.at) {
        return Err(ApiError::invalid_field("expires_at", "choose a time in the future".to_owned()));
    }
    let expires_at = expiry(new.expires_at, ownership.expires_at)?;
    let created = state.credentials.api_keys().create().await?;
    let api_key = ApiKey {
        id: created.id,
        owner: ownership.owner,
        name,
        scopes,
        created_at: stamp.at,
        created_by: stamp.name().map(str::to_owned),
        expires_at,
        last_used_at: None,
        revoked_at: None,
        rotated_from: None,
    };
    if !api_keys::create(&state.store, &api_key, &created.secret).await? {
        return Err(full());
    }
    Trail::of(&request)?.created(Action::KeyCreated, api_key.id, &api_key).await?;
    Ok(HttpResponse::Created().json(CreatedApiKey { api_key, key: created.text }))
}

/// Revoke an API key
///
/// Calls with the key are refused and its live connections closed within 5 seconds. A credential that grants less than its
/// holder may do is refused.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "api-keys", operation_id = "revoke_api_key",
    params(("id" = ApiKeyId, Path, description = "Id of the key")),
    responses(
        (status = 204, description = "The key is revoked"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The key does not exist, or belongs to another person"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn revoke(
    owned: Owner<ApiKey>,
    state: Data<AppState>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    check_whole(&owned.principal)?;
    let id = owned.object.id;
    api_keys::revoke(&state.store, id, Timestamp::now()).await?;
    state.end_live(|principal| principal.identity == Identity::ApiKey(id));
    trail.deleted(Action::KeyRevoked, id, &owned.object).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Replace an API key
///
/// Creates a key with the same owner, name and scopes, and for a person also with the same lifetime. Both keys are accepted
/// until the overlap has passed. A program can replace only keys that it could create, and the new key expires no later
/// than its own. A credential that grants less than its holder may do is refused.
#[utoipa::path(post, path = "/api/v1/api-keys/{id}/rotate", tag = "api-keys", operation_id = "rotate_api_key",
    params(("id" = ApiKeyId, Path, description = "Id of the key to replace"), ActorHeader),
    request_body = Rotation,
    responses(
        (status = 201, body = CreatedApiKey, description = "The new key"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, the id is not a UUID, or the actor is not a name"),
        (status = 404, body = ErrorBody, description = "The key does not exist, or belongs to another person"),
        (status = 409, body = ErrorBody, description = "The key was revoked or has expired (`key_ended`), or has already been replaced (`key_replaced`)"),
        (status = 413, body = ErrorBody, description = "The body is too large, or the owner already has 200 keys"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn rotate(
    owned: Owner<ApiKey>,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let overlap = overlap_of(extract::json_body(&request, payload, BODY_BYTES_MAX).await?)?;
    let stamp = extract::stamp(&request)?;
    check_whole(&owned.principal)?;
    let is_program = matches!(owned.principal.identity, Identity::ApiKey(_) | Identity::Client(_));
    let mut latest = None;
    if is_program {
        let ownership = owner_for(&state, &owned.principal).await?;
        if ownership.owner != owned.object.owner {
            return Err(ApiError::KeyOfOthers);
        }
        latest = ownership.expires_at;
    }
    let created = state.credentials.api_keys().create().await?;
    let (old, new) = ((owned.object.id, overlap), (created.id, &created.secret));
    let conflict = |code, message: &str| Err(ApiError::Conflict { code, message: message.to_owned() });
    match api_keys::rotate(&state.store, old, (new, latest), (stamp.at, stamp.name())).await? {
        Rotated::Successor(api_key) => {
            let change = (&owned.object, &api_key);
            Trail::of(&request)?.changed(Action::KeyRotated, owned.object.id, change).await?;
            Ok(HttpResponse::Created().json(CreatedApiKey { api_key, key: created.text }))
        }
        Rotated::Ended => conflict("key_ended", "the key was revoked or has expired; create another one"),
        Rotated::Before => {
            conflict("key_replaced", "the key has already been replaced; rotate its successor")
        }
        Rotated::Full => Err(full()),
        Rotated::Unknown => Err(ApiError::NotFound { what: format!("API key `{}`", owned.object.id) }),
    }
}

/// Get the calls with an API key
///
/// Calls are counted per day in UTC, and appear here up to 10 seconds late.
#[utoipa::path(get, path = "/api/v1/api-keys/{id}/usage", tag = "api-keys", operation_id = "get_api_key_usage",
    params(("id" = ApiKeyId, Path, description = "Id of the key")),
    responses(
        (status = 200, body = ApiKeyUsage, description = "Calls on the last 90 days with calls"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The key does not exist, or belongs to another person"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn usage(
    owned: Owner<ApiKey>,
    state: Data<AppState>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<ApiKeyUsage>, ApiError> {
    Ok(Json(key_usage::of(&state.store, owned.object.id).await?))
}

/// Returns the owner of a key that the principal creates: a person, or nobody if it belongs to the installation. With a key, it
/// is the owner of that key, so that no key outlasts the access of the person who has it.
///
/// # Errors
/// 403 for a program without the role `admin`, for a credential with fewer scopes than its owner has, and for clients: a
/// stolen credential must not be able to create others that outlive it.
async fn owner_for(state: &AppState, principal: &Principal) -> Result<Ownership, ApiError> {
    match principal.identity {
        Identity::Operator | Identity::LocalOperator => {}
        Identity::User(_) => check_whole(principal)?,
        Identity::ApiKey(_) => {
            Access::Admin.check(principal)?;
            check_whole(principal)?;
        }
        Identity::Client(_) | Identity::ShareHolder(_) => {
            Access::Admin.check(principal)?;
            return Err(ApiError::KeyOfOthers);
        }
    }
    Ok(owner_of(&state.store, principal.identity, Timestamp::now()).await?)
}

/// Returns when a key that a principal creates expires: as asked for, but never later than the credential it is created
/// with, which expires at `latest`.
///
/// # Errors
/// 422 if that would be later.
fn expiry(asked: Option<Timestamp>, latest: Option<Timestamp>) -> Result<Option<Timestamp>, ApiError> {
    match asked.zip(latest) {
        Some((asked, latest)) if asked > latest => {
            let message = format!("the key that you present expires at {latest}; choose no later time");
            Err(ApiError::invalid_field("expires_at", message))
        }
        _ => Ok(asked.or(latest)),
    }
}

fn full() -> ApiError {
    ApiError::TooLarge { limit: u64::try_from(KEYS_MAX).unwrap_or(u64::MAX), what: "API keys per owner" }
}
