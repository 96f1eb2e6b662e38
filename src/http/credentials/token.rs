//! Handler that exchanges credentials for access tokens.

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::token_request::{self, Grant, TokenRequest};
use crate::auth::access_token::TOKEN_LIFETIME;
use crate::auth::accounts::Proof;
use crate::auth::credentials::{Exchange, Exchanged};
use crate::http::access::Anyone;
use crate::http::accounts::{self, BODY_BYTES_MAX};
use crate::http::audit::refused::FailedSignIn;
use crate::http::audit::trail::Trail;
use crate::http::body;
use crate::http::client_address::ClientAddress;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{self, EmptyQuery};
use crate::http::refused_credentials;
use crate::http::state::AppState;
use crate::models::account::Email;
use crate::models::audit::Action;
use crate::models::principal::{self, Identity, Scope, Scopes};

/// Tokens that were issued.
#[derive(Serialize, ToSchema)]
pub struct TokenResponse {
    /// Token to present as `Authorization: Bearer <token>`.
    access_token: String,
    /// Kind of token: `bearer`.
    token_type: &'static str,
    /// Number of seconds after which the access token expires.
    expires_in: i64,
    /// Scopes of the access token, separated by spaces.
    scope: String,
    /// Token that renews the sign-in of a person, once. Other credentials are simply exchanged again.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Exchange a credential for an access token
///
/// An access token is valid for 15 minutes and ends early with the credential. A refresh token is used once: the response
/// contains the next one. If one is used again more than 20 seconds later, somebody has copied it, and the whole sign-in
/// ends.
#[utoipa::path(post, path = "/api/v1/auth/token", tag = "auth", operation_id = "issue_token",
    request_body(content((TokenRequest = "application/json"), (TokenRequest = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, body = TokenResponse, description = "The token"),
        (status = 401, body = ErrorBody, description = "The credential is wrong"),
        (status = 403, body = ErrorBody, description = "The credential was revoked or has expired (`revoked`), or the `Host` header or the page's origin is not allowed"),
        (status = 409, body = ErrorBody, description = "There is no key to encrypt the signing keys with (`no_secret_key`)"),
        (status = 422, body = ErrorBody, description = "A field is missing or invalid; see `details.field`"),
        (status = 429, body = ErrorBody, description = "Too many attempts failed (`too_many_attempts`), or too many secrets \
            are being verified; retry after `Retry-After` seconds"),
        (status = 503, body = ErrorBody, description = "PostgreSQL or Redis is unavailable"),
    ))]
pub async fn issue(
    _: Anyone,
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    extract::parameters::<EmptyQuery>(request.query_string())?;
    let body = body::receive(&request, payload, BODY_BYTES_MAX).await?;
    let parsed = TokenRequest::parse(&request, &body)?;
    let (grant, asked) = parsed.resolve(token_request::client_of(&request))?;
    let now = Timestamp::now();
    let outcome = match &grant {
        Grant::ApiKey(key) => state.credentials.exchange(Exchanged::ApiKey(key), asked, now).await?,
        Grant::Client { id, secret } => {
            state.credentials.exchange(Exchanged::Client { id, secret }, asked, now).await?
        }
        Grant::RefreshToken(token) => {
            state.credentials.exchange(Exchanged::RefreshToken(token), asked, now).await?
        }
        Grant::Password { email, password } => {
            sign_in(&state, &request, (email.as_ref(), password), asked).await?
        }
    };
    match outcome {
        Exchange::Issued(tokens) => {
            let names: Vec<&str> = Vec::from(tokens.subject.scopes).into_iter().map(Scope::as_str).collect();
            let trail = Trail::of(&request)?.by(tokens.subject.identity).await;
            let family = tokens.subject.family().map(|family| family.to_string());
            let details = [("grant", Value::from(grant.name())), ("scope", Value::from(names.join(" ")))];
            trail.record(Action::TokenIssued, family, details).await?;
            let response = TokenResponse {
                access_token: tokens.access_token,
                token_type: "bearer",
                expires_in: TOKEN_LIFETIME.as_secs(),
                scope: names.join(" "),
                refresh_token: tokens.refresh_token,
            };
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
        }
        Exchange::Wrong => {
            refused_credentials::note(request.extensions().get::<ClientAddress>().copied());
            Err(ApiError::WrongCredential)
        }
        Exchange::Reused(family) => {
            let trail = Trail::of(&request)?.by(Identity::User(family.user)).await;
            trail.record(Action::TokenReused, Some(family.id.to_string()), []).await?;
            state.end_live(|principal| principal.grant == Some(principal::Grant::TokenFamily(family.id)));
            Err(ApiError::CredentialEnded)
        }
        Exchange::Ended => Err(ApiError::CredentialEnded),
        Exchange::TooWide => {
            let message = "the credential does not grant all of these scopes".to_owned();
            Err(ApiError::invalid_field("scope", message))
        }
    }
}

/// Verifies a password as the sign-in of the dashboard does, and with the same delays after failures.
async fn sign_in(
    state: &AppState,
    request: &HttpRequest,
    (email, password): (Option<&Email>, &str),
    asked: Option<Scopes>,
) -> Result<Exchange, ApiError> {
    let now = Timestamp::now();
    let Some(email) = email else { return Err(ApiError::WrongCredentials) };
    match state.accounts.prove(email, password, &accounts::origin_of(request, state), now).await? {
        Proof::Person(proven) => {
            let granted = (proven.user.id, Scopes::of(proven.user.role));
            let outcome = state.credentials.sign_in(granted, asked, now).await?;
            if let Exchange::Issued(tokens) = &outcome
                && let Some(family) = tokens.subject.family()
                && !state.accounts.is_still(&proven).await?
            {
                state.credentials.refresh_tokens().end(family, now).await?;
                return Err(ApiError::WrongCredentials);
            }
            Ok(outcome)
        }
        Proof::Wrong => {
            request.extensions_mut().insert(FailedSignIn(email.clone()));
            Err(ApiError::WrongCredentials)
        }
        Proof::Wait(wait) => Err(ApiError::too_many_attempts(wait)),
    }
}
