//! Handlers that sign people in and out.

use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::whoami::Me;
use super::{BODY_BYTES_MAX, cookies, origin_of};
use crate::auth::accounts::{SignIn, SignedIn};
use crate::http::access::Anyone;
use crate::http::audit::refused::FailedSignIn;
use crate::http::audit::trail::Trail;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery, Parameters};
use crate::http::state::AppState;
use crate::models::account::Email;
use crate::models::audit::Action;
use crate::models::principal::{Grant, Identity, Principal, Scopes};

/// Email address and password of a person who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// Address of the account.
    email: Email,
    /// Password of the account.
    #[schema(format = Password, max_length = 1024)]
    password: String,
}

/// Sign in
///
/// Begins a session, which a cookie that scripts cannot read holds: for seven days after its last use, and thirty at
/// most. After several failures, further attempts are delayed. On a device on which, or at an address from which, a person
/// has signed in before, failures elsewhere cause no delay.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", operation_id = "sign_in",
    request_body = SignInRequest,
    responses(
        (status = 200, body = Me, description = "The person has signed in",
            headers(("set-cookie" = String, description = "Cookies of the session and of the device"))),
        (status = 401, body = ErrorBody, description = "The account does not exist or is disabled, or the password is wrong"),
        (status = 422, body = ErrorBody, description = "A field is invalid; see `details.field`"),
        (status = 429, body = ErrorBody, description = "Too many attempts failed (`too_many_attempts`), or too many people \
            are signing in; retry after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn login(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let SignInRequest { email, password } = extract::json_body(&request, payload, BODY_BYTES_MAX).await?;
    let outcome =
        state.accounts.sign_in(&email, &password, origin_of(&request, &state), Timestamp::now()).await?;
    match outcome {
        SignIn::Done(signed_in) => {
            let trail = Trail::of(&request)?.by(Identity::User(signed_in.user.id)).await;
            trail.record(Action::SignIn, Some(signed_in.session.id.to_string()), []).await?;
            Ok(welcome(HttpResponse::Ok(), &state, &request, *signed_in))
        }
        SignIn::Wrong => {
            request.extensions_mut().insert(FailedSignIn(email));
            Err(ApiError::WrongCredentials)
        }
        SignIn::Wait(wait) => Err(ApiError::too_many_attempts(wait)),
    }
}

/// Responds to a person who has signed in, and sets the cookies.
pub fn welcome(
    mut response: HttpResponseBuilder,
    state: &AppState,
    request: &HttpRequest,
    SignedIn { user, session, cookie, device }: SignedIn,
) -> HttpResponse {
    let is_secure = cookies::is_secure(request.headers(), state.messenger.dashboard().as_deref());
    cookies::SESSION.set(&mut response, &cookie, is_secure);
    cookies::DEVICE.set(&mut response, &device, is_secure);
    let principal = Principal {
        identity: Identity::User(user.id),
        role: user.role,
        scopes: Scopes::of(user.role),
        plan: user.plan,
        grant: Some(Grant::Session(session.id)),
    };
    response.json(Me::new(&principal, Some(user), state))
}

/// Sign out
///
/// Ends the session of the cookie, or the sign-in that a person's access token belongs to, with all its tokens and live
/// connections. It is not an error if there is neither. API keys and clients cannot sign out; revoke them instead.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", operation_id = "sign_out", responses(
    (status = 204, description = "The sign-in has ended",
        headers(("set-cookie" = String, description = "Removes the cookie of the session"))),
    (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
))]
pub async fn logout(
    Anyone(principal): Anyone,
    state: Data<AppState>,
    trail: Trail,
    _: Parameters<EmptyQuery>,
) -> Result<HttpResponse, ApiError> {
    let grant = principal.and_then(|principal| principal.grant);
    let ended = match grant {
        Some(Grant::Session(session)) => {
            state.accounts.sessions().end(session).await?;
            Some(session.to_string())
        }
        Some(Grant::TokenFamily(family)) => {
            state.credentials.refresh_tokens().end(family, Timestamp::now()).await?;
            Some(family.to_string())
        }
        Some(Grant::ClientSecret(_)) | None => None,
    };
    if let Some(ended) = ended {
        state.end_live(|principal| principal.grant == grant);
        trail.record(Action::SignOut, Some(ended), []).await?;
    }
    let mut response = HttpResponse::NoContent();
    cookies::SESSION.clear(&mut response);
    Ok(response.finish())
}
