//! Handler that changes a password.

use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{BODY_BYTES_MAX, client_address};
use crate::auth::accounts::PasswordChange;
use crate::http::access::Identified;
use crate::http::audit::refused::FailedSignIn;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract;
use crate::http::state::AppState;
use crate::models::audit::Action;
use crate::models::principal::{Grant, Identity};

/// Current and new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// Current password.
    #[schema(format = Password, max_length = 1024)]
    current: String,
    /// New password, at least 12 characters.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    new: String,
}

/// Change the caller's password
///
/// Requires a session: no other credential can change a password. The person's other sessions end.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", operation_id = "change_password",
    request_body = PasswordRequest,
    responses(
        (status = 204, description = "The new password counts"),
        (status = 409, body = ErrorBody, description = "The caller is not signed in to an account (`no_session`)"),
        (status = 422, body = ErrorBody, description = "A field is invalid, or the current password is wrong; see \
            `details.field`"),
        (status = 429, body = ErrorBody, description = "Too many attempts failed (`too_many_attempts`), or too many people \
            are signing in; retry after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn change(
    Identified(principal): Identified,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let (Identity::User(user), Some(Grant::Session(session))) = (principal.identity, principal.grant) else {
        let message =
            "the caller is not signed in to an account, so there is no password to change".to_owned();
        return Err(ApiError::Conflict { code: "no_session", message });
    };
    let PasswordRequest { current, new } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let (address, now) = (client_address(&request), Timestamp::now());
    match state.accounts.change_password((user, session), (&current, &new), address, now).await? {
        PasswordChange::Done => {
            Trail::of(&request)?.record(Action::PasswordChanged, Some(user.to_string()), []).await?;
            state.accounts.end_sessions(user, Some(session)).await?;
            let kept = Some(Grant::Session(session));
            state.end_live(|other| other.identity == Identity::User(user) && other.grant != kept);
            Ok(HttpResponse::NoContent().finish())
        }
        PasswordChange::Wrong(account) => {
            request.extensions_mut().insert(FailedSignIn(account));
            Err(wrong_current())
        }
        PasswordChange::Gone => Err(wrong_current()),
        PasswordChange::Weak(weak) => Err(ApiError::invalid_field("new", format!("the password {weak}"))),
        PasswordChange::Wait(wait) => Err(ApiError::too_many_attempts(wait)),
    }
}

fn wrong_current() -> ApiError {
    ApiError::invalid_field("current", "the current password is wrong".to_owned())
}
