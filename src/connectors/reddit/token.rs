//! The token of an app, which Reddit issues for about a day: <https://github.com/reddit-archive/reddit/wiki/OAuth2>, under
//! "Application Only OAuth". It is kept in memory, and neither logged nor stored.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::refusal::Refused;
use crate::connectors::ConnectorError;
use crate::connectors::excerpt::excerpt;
use crate::egress::exchange::{ApiRequest, ApiResponse, Content};

/// Path of the address that issues tokens.
const PATH: [&str; 3] = ["api", "v1", "access_token"];

/// Maximum size of an answer with a token in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// How long a token is taken to be valid if Reddit does not say so, which is the shorter of its two terms.
const DEFAULT_LIFE: Duration = Duration::from_secs(3_600);

/// Longest time that a token is taken to be valid, whatever Reddit says.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long before its end a token is renewed: a tenth of its life, but at most this long.
const MARGIN_MAX: Duration = Duration::from_secs(300);

/// Token with the time from which it is to be renewed.
pub(super) struct Token {
    /// `Authorization` of requests. It is marked as sensitive.
    pub authorization: HeaderValue,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Grant {
    access_token: Option<String>,
    expires_in: Option<f64>,
    /// Stands in an answer with status 200.
    error: Option<Value>,
}

impl Token {
    /// Returns whether the token need not be renewed yet.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.renew_at
    }

    /// Returns the request for a token.
    pub(super) fn request(base: &Url, basic: HeaderValue, agent: HeaderValue) -> ApiRequest {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(PATH);
        }
        ApiRequest {
            url,
            headers: HeaderMap::from_iter([(AUTHORIZATION, basic), (USER_AGENT, agent)]),
            content: Some(Content::Form(b"grant_type=client_credentials".to_vec())),
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// Reads the answer to a request that was sent at a time.
    ///
    /// # Errors
    /// If Reddit issues no token.
    pub(super) fn read(response: &ApiResponse, asked_at: Instant) -> Result<Self, ConnectorError> {
        let ApiResponse { status, retry_after, headers, body } = response;
        if *status != 200 {
            return Err(Refused { status: *status, retry_after: *retry_after, headers, body }.token());
        }
        let broken = || ConnectorError::Interrupted("what Reddit sends is no token".to_owned());
        let Grant { access_token, expires_in, error } = serde_json::from_slice(body).map_err(|_| broken())?;
        if let Some(error) = error {
            let error = excerpt(error.as_str().unwrap_or("no reason"));
            return Err(ConnectorError::NeedsKey(format!(
                "Reddit issues no token to the app (`{error}`); it must be of the type `script` or `web app`, because \
                 others have no secret"
            )));
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", access_token.ok_or_else(broken)?))
                .map_err(|_| broken())?;
        authorization.set_sensitive(true);
        let life = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let life = life.unwrap_or(DEFAULT_LIFE).min(LIFE_MAX);
        Ok(Self { authorization, renew_at: asked_at + life.saturating_sub((life / 10).min(MARGIN_MAX)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str, now: Instant) -> Result<Token, ConnectorError> {
        let response =
            ApiResponse { status, retry_after: None, headers: HeaderMap::new(), body: body.into() };
        Token::read(&response, now)
    }

    #[test]
    fn a_token_is_renewed_before_it_expires() {
        let now = Instant::now();
        let check = |body: &str, seconds: u64| {
            let token = read(200, body, now).unwrap();
            let is_fresh_after = |seconds| token.is_fresh(now + Duration::from_secs(seconds));
            assert!(token.authorization.is_sensitive(), "{body}");
            assert_eq!((is_fresh_after(seconds - 1), is_fresh_after(seconds)), (true, false), "{body}");
        };
        check(r#"{"access_token":"t","token_type":"bearer","expires_in":86400,"scope":"*"}"#, 86_100);
        check(r#"{"access_token":"t","expires_in":3600}"#, 3_300);
        check(r#"{"access_token":"t","expires_in":100}"#, 90);
        check(r#"{"access_token":"t"}"#, 3_300);
        check(r#"{"access_token":"t","expires_in":1e12}"#, 86_100);
    }

    #[test]
    fn what_is_no_token_says_what_to_do() {
        let check = |status, body, state, words: &str| {
            let Err(error) = read(status, body, Instant::now()) else { panic!("{body}") };
            assert_eq!(error.state().as_str(), state, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(200, r#"{"error":"unsupported_grant_type"}"#, "needs_key", "`unsupported_grant_type`");
        check(200, "<html>", "waiting", "no token");
        check(200, r#"{"access_token":"a\nb"}"#, "waiting", "no token");
        check(401, "{}", "needs_key", "id and secret");
    }
}
