//! Authentication of holders of share links. A link is looked up on every request, so it ends as soon as it expires or
//! is revoked; no connection outlives it, because holders cannot open live connections.

use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::scope;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::http::token::Token;
use crate::models::id::ShareLinkId;
use crate::store::share_links::{self, SecretDigest};

/// Prefix of every share token, so that one is never mistaken for the API token.
const PREFIX: &str = "share_";

/// Number of random bytes in a secret: too many to guess.
const SECRET_BYTES: usize = 32;

/// Length of a UUID in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Maximum number of concurrent requests by holders. More would leave too few connections to PostgreSQL for people with
/// the API token.
const REQUESTS_MAX: usize = 8;

/// Returns the permits for requests by holders.
pub fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(REQUESTS_MAX))
}

/// Permit of one request, held until the response is sent.
struct Permit(#[expect(dead_code, reason = "released when dropped")] OwnedSemaphorePermit);

/// Secret of a new link.
pub struct NewSecret {
    /// Digest to store.
    pub digest: SecretDigest,
    /// Token to show once.
    pub token: String,
}

impl NewSecret {
    /// Creates the secret of a link.
    pub fn of(id: ShareLinkId) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>());
        Self {
            digest: Token::new(&secret).digest(),
            token: format!("{PREFIX}{}{secret}", Uuid::from(id).simple()),
        }
    }
}

/// Returns whether the text is a share token, valid or not.
pub fn is_share_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Admits a request by the holder of a share link if the shared view includes the call, and replaces its query with
/// that of the view. Returns the id of the link.
///
/// # Errors
/// 403 if the link has ended or the view does not include the call, 429 if too many holders make requests at the same
/// time.
pub async fn admit(
    state: &AppState,
    request: &mut ServiceRequest,
    token: &str,
) -> Result<ShareLinkId, ApiError> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(ApiError::NotShared);
    }
    let busy = ApiError::Busy { what: "too many people are reading shared views" };
    let permit = Arc::clone(&state.share_permits).try_acquire_owned().map_err(|_| busy)?;
    let (id, secret) = parts_of(token).ok_or(ApiError::ShareEnded)?;
    let now = Timestamp::now();
    let found = share_links::find(&state.store, id, now).await?;
    let (link, digest) = found.ok_or(ApiError::ShareEnded)?;
    if !Token::from_digest(digest).matches(secret) {
        return Err(ApiError::ShareEnded);
    }
    let call = (request.path(), request.query_string());
    let query = scope::query_of((link.page, &link.query), call, now).ok_or(ApiError::NotShared)?;
    let address =
        if query.is_empty() { request.path().to_owned() } else { format!("{}?{query}", request.path()) };
    request.head_mut().uri = address.parse().map_err(ApiError::internal)?;
    request.extensions_mut().insert(link);
    request.extensions_mut().insert(Permit(permit));
    Ok(id)
}

fn parts_of(token: &str) -> Option<(ShareLinkId, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_at_checked(ID_DIGITS)?;
    let is_plain = id.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some((id.parse().ok().filter(|_| is_plain)?, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_link_and_its_secret_is_not_stored() {
        let id = ShareLinkId::now_v7();
        let (one, other) = (NewSecret::of(id), NewSecret::of(id));
        assert_ne!(one.token, other.token);
        assert!(is_share_token(&one.token) && !is_share_token("Share_"));
        let (named, secret) = parts_of(&one.token).unwrap();
        assert_eq!((named, secret.len()), (id, 43));
        assert!(Token::from_digest(one.digest).matches(secret));
        assert!(!Token::from_digest(other.digest).matches(secret));
    }

    #[test]
    fn a_malformed_token_names_no_link() {
        for wrong in ["share_", "share_0193", "share_ü", &format!("share_{}", "-".repeat(40)), "0193"] {
            assert!(parts_of(wrong).is_none(), "{wrong}");
        }
    }
}
