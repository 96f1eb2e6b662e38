//! Handlers with which admins manage accounts.

use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{BODY_BYTES_MAX, weak};
use crate::auth::administration::{Creation, NewAccount};
use crate::http::access::Admin;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::account::{EMAIL_BYTES_MAX, Email, User};
use crate::models::account_change::UserChange;
use crate::models::audit::Action;
use crate::models::id::UserId;
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::{Identity, Role};
use crate::notify::account_mail;
use crate::store::accounts::administration::{self, Change, UsersQuery};
use crate::store::accounts::users::{self, USERS_MAX};
use crate::store::page::Page;

/// Maximum number of accounts per page.
const LIMIT_MAX: usize = 500;

/// Maximum length of a text to search for in characters, as long as the longest address.
const SEARCH_CHARS_MAX: usize = EMAIL_BYTES_MAX;

/// Filters for accounts; absent filters match every account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersParameters {
    /// Return only accounts with this role.
    role: Option<Role>,
    /// Return only accounts with this plan.
    plan: Option<Plan>,
    /// Return only active accounts, or with `false` only the others.
    is_active: Option<bool>,
    /// Return only accounts whose address or name contains this text, in any case.
    #[param(max_length = 254)]
    q: Option<String>,
    /// `next_cursor` of the previous page; absent for the first page.
    cursor: Option<String>,
    /// Maximum number of accounts to return, 1 to 500; defaults to 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Account to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Address with which the person will sign in.
    email: Email,
    /// Password, 12 to 1,024 characters; passwords that are easy to guess are refused.
    #[schema(min_length = 12, max_length = 1024, format = Password)]
    password: String,
    /// Display name; absent or null if the person is to choose it.
    #[serde(default)]
    name: Option<PersonName>,
    /// Role of the person.
    role: Role,
    /// Plan of the account; defaults to `free`.
    #[serde(default)]
    plan: Plan,
}

/// Link that sets a new password, shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedReset {
    /// Token of the link.
    token: String,
    /// Link to pass on: a URL, or a path of the dashboard if its public URL is not configured.
    link: String,
    /// Time at which the link expires.
    expires_at: Timestamp,
}

/// List accounts, newest first
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users", params(UsersParameters), responses(
    (status = 200, body = Page<User>, description = "A page of accounts"),
    (status = 400, body = ErrorBody, description = "A parameter is invalid; see `details.parameter`"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn list(
    _: Admin,
    state: Data<AppState>,
    Parameters(parameters): Parameters<UsersParameters>,
) -> Result<Json<Page<User>>, ApiError> {
    let UsersParameters { role, plan, is_active, q: search, cursor, limit } = parameters;
    let limit = extract::limit(limit, LIMIT_MAX)?;
    if search.as_ref().is_some_and(|text| text.chars().count() > SEARCH_CHARS_MAX) {
        return Err(ApiError::invalid("q", format!("must be at most {SEARCH_CHARS_MAX} characters long")));
    }
    let query = UsersQuery { role, plan, is_active, search, cursor, limit };
    Ok(Json(administration::list(&state.store, &query).await?))
}

/// Create an account
///
/// To let the person choose the password, invite them instead.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", operation_id = "create_user", request_body = NewUser, responses(
    (status = 201, body = User, description = "The account"),
    (status = 409, body = ErrorBody,
        description = "Another account has this address (`email_taken`), or the first account is not an admin's (`first_admin`)"),
    (status = 413, body = ErrorBody, description = "The body is too large, or the limit of 10,000 accounts is reached"),
    (status = 422, body = ErrorBody, description = "A field is invalid, or the password is easy to guess; see `details.field`"),
    (status = 429, body = ErrorBody, description = "Too many passwords are being hashed"),
    (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
))]
pub async fn create(
    _: Admin,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let trail = Trail::of(&request)?;
    let NewUser { email, password, name, role, plan } =
        extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let new = NewAccount { email, password, name, role, plan };
    match state.accounts.create(new, Timestamp::now()).await? {
        Creation::Done(user) => {
            trail.created(Action::UserCreated, user.id, &user).await?;
            Ok(HttpResponse::Created().json(user))
        }
        Creation::EmailTaken => Err(email_taken()),
        Creation::TooMany => Err(too_many()),
        Creation::Weak(reason) => Err(weak(reason)),
        Creation::NeedsAdmin => Err(needs_admin()),
    }
}

/// Get an account
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "get_user",
    params(("id" = UserId, Path, description = "Id of the account")),
    responses(
        (status = 200, body = User, description = "The account"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The account does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn get(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    _: Parameters<EmptyQuery>,
) -> Result<Json<User>, ApiError> {
    let id = extract::id(&path)?;
    users::get(&state.store, id).await?.map(Json).ok_or_else(|| missing(id))
}

/// Change an account
///
/// Only the fields in the body change. The change counts within five seconds, also for connections that are open. An
/// account that is disabled loses its sessions and access tokens.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "change_user", request_body = UserChange,
    params(("id" = UserId, Path, description = "Id of the account")),
    responses(
        (status = 200, body = User, description = "The account after the change"),
        (status = 400, body = ErrorBody, description = "The body is not JSON, or the id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The account does not exist"),
        (status = 409, body = ErrorBody, description = "Nobody else is an active admin (`last_admin`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid, or none is given; see `details.field`"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn change(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<User>, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let id = extract::id(&path)?;
    let change: UserChange = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    if change == UserChange::default() {
        return Err(ApiError::invalid_field("", "the change must set at least one field".to_owned()));
    }
    let (before, after) = made(state.accounts.change(id, &change, Timestamp::now()).await?, id)?;
    if after.role < before.role || !after.is_active {
        state.end_live(|principal| principal.identity == Identity::User(id));
    }
    let action = if before.role == after.role { Action::UserChanged } else { Action::RoleChanged };
    Trail::of(&request)?.changed(action, id, (&before, &after)).await?;
    if !after.is_active {
        state.accounts.end_sessions(id, None).await?;
    }
    Ok(Json(after))
}

/// Archive an account
///
/// The person can no longer sign in, and the account is no longer listed. What they did keeps their name.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "users", operation_id = "archive_user",
    params(("id" = UserId, Path, description = "Id of the account")),
    responses(
        (status = 204, description = "The account was archived"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The account does not exist"),
        (status = 409, body = ErrorBody, description = "Nobody else is an active admin (`last_admin`)"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn archive(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    let (before, _) = made(state.accounts.archive(id, Timestamp::now()).await?, id)?;
    state.end_live(|principal| principal.identity == Identity::User(id));
    trail.deleted(Action::UserDeleted, id, &before).await?;
    state.accounts.end_sessions(id, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make a link that sets a new password
///
/// For installations without mail: the admin passes the link on. Only this response contains the token. The link works
/// once, for a day, and replaces an earlier one. A link that is mailed does not replace it; using one ends both.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-reset", tag = "users", operation_id = "create_password_reset",
    params(("id" = UserId, Path, description = "Id of the account")),
    responses(
        (status = 201, body = CreatedReset, description = "The link and its token"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The account does not exist, or is not active"),
        (status = 503, body = ErrorBody, description = "PostgreSQL is unavailable"),
    ))]
pub async fn reset_password(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    let made = state.accounts.make_reset_link(id, Timestamp::now()).await?;
    let made = made.ok_or_else(|| ApiError::NotFound { what: format!("active account `{id}`") })?;
    trail.record(Action::PasswordResetRequested, Some(id.to_string()), []).await?;
    let link = account_mail::reset_link(state.messenger.dashboard().as_deref(), &made.token);
    let answer = CreatedReset { token: made.token, link, expires_at: made.expires_at };
    Ok(HttpResponse::Created().json(answer))
}

/// End all sessions of a person
///
/// Access tokens that the person signed in with end as well; API keys stay valid.
#[utoipa::path(post, path = "/api/v1/users/{id}/sign-out", tag = "users", operation_id = "sign_user_out",
    params(("id" = UserId, Path, description = "Id of the account")),
    responses(
        (status = 204, description = "The sessions have ended"),
        (status = 400, body = ErrorBody, description = "The id is not a UUID"),
        (status = 404, body = ErrorBody, description = "The account does not exist"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn sign_out(
    _: Admin,
    state: Data<AppState>,
    path: Path<String>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = extract::id(&path)?;
    if state.accounts.end_tokens(id, Timestamp::now()).await? {
        trail.record(Action::SessionEnded, None, [("user", Value::from(id.to_string()))]).await?;
        state.accounts.end_sessions(id, None).await?;
        state.end_live(|principal| principal.identity == Identity::User(id));
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(missing(id))
}

/// Returns the account before and after the change.
fn made(outcome: Change, id: UserId) -> Result<(User, User), ApiError> {
    match outcome {
        Change::Made { before, after } => Ok((before, after)),
        Change::Unknown => Err(missing(id)),
        Change::LastAdmin => Err(ApiError::Conflict {
            code: "last_admin",
            message: "nobody else is an active admin; make somebody else an admin first".to_owned(),
        }),
    }
}

fn missing(id: UserId) -> ApiError {
    ApiError::NotFound { what: format!("account `{id}`") }
}

/// Returns the error for an address that an account has.
pub(super) fn email_taken() -> ApiError {
    let message = "another account has this email address".to_owned();
    ApiError::Conflict { code: "email_taken", message }
}

/// Returns the error for a first account that is not an admin's.
pub(super) fn needs_admin() -> ApiError {
    let message =
        "the first account must be an admin's, because people have to sign in from then on".to_owned();
    ApiError::Conflict { code: "first_admin", message }
}

/// Returns the error for one account too many.
pub(super) fn too_many() -> ApiError {
    ApiError::TooLarge { limit: USERS_MAX.unsigned_abs(), what: "accounts" }
}
