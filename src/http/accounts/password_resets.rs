//! Handlers with which people who forgot their password set a new one.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::warn;
use utoipa::ToSchema;

use super::{BODY_BYTES_MAX, link_ended, weak};
use crate::auth::links::Reset;
use crate::auth::mail_queue::MailJob;
use crate::http::access::Anyone;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::account::Email;
use crate::models::audit::Action;
use crate::models::principal::Identity;
use crate::notify::account_mail::AccountMail;

/// Account whose password is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgottenPassword {
    /// Address of the account.
    email: Email,
}

/// New password, with the token of the link that sets it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// Token from the link.
    #[schema(max_length = 200)]
    token: String,
    /// New password, 12 to 1,024 characters; passwords that are easy to guess are refused.
    #[schema(min_length = 12, max_length = 1024, format = Password)]
    password: String,
}

/// Ask for a link that sets a new password
///
/// The response and its time are the same whether or not there is such an account. The link is mailed to an active
/// account, at most three times an hour; it works once, for 30 minutes. Without a mail server, or without the public URL
/// of the dashboard, nothing is sent: an admin can make a link instead.
#[utoipa::path(post, path = "/api/v1/auth/password-reset", tag = "auth", operation_id = "ask_for_password_reset",
    request_body = ForgottenPassword, responses(
    (status = 202, description = "If there is such an account, a link is mailed to it"),
    (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
))]
pub async fn ask(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let ForgottenPassword { email } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    // A response that told of a full queue would tell whose letters fill it, and so who has an account.
    if state.account_mail.offer(MailJob::Reset(email)).is_err() {
        warn!("too many letters are waiting, so somebody gets no link that sets a new password");
    }
    Ok(HttpResponse::Accepted().finish())
}

/// Set a new password by a link
///
/// All sessions and access tokens of the account end.
#[utoipa::path(put, path = "/api/v1/auth/password-reset", tag = "auth", operation_id = "reset_password",
    request_body = ResetPassword, responses(
    (status = 204, description = "The account has the new password"),
    (status = 409, body = ErrorBody, description = "The link has ended (`link_ended`)"),
    (status = 422, body = ErrorBody, description = "A field is invalid, or the password is easy to guess; see `details.field`"),
    (status = 429, body = ErrorBody, description = "Too many passwords are being hashed"),
    (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
))]
pub async fn set(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let ResetPassword { token, password } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let now = Timestamp::now();
    let user = match state.accounts.reset_password(&token, &password, now).await? {
        Reset::Done(user) => user,
        Reset::Ended => return Err(link_ended()),
        Reset::Weak(reason) => return Err(weak(reason)),
    };
    let trail = Trail::of(&request)?.by(Identity::User(user.id)).await;
    trail.record(Action::PasswordChanged, Some(user.id.to_string()), []).await?;
    state.accounts.end_sessions(user.id, None).await?;
    state.end_live(|principal| principal.identity == Identity::User(user.id));
    let mail = AccountMail::PasswordChanged { at: now };
    // If the queue is full, the person still knows, because they have just set the password.
    let _ = state.account_mail.offer(MailJob::Send { to: user.email, mail });
    Ok(HttpResponse::NoContent().finish())
}
