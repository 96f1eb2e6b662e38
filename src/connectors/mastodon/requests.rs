//! Requests to an instance, and how to handle its refusals and rate limits.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, DATE, HeaderMap, HeaderValue};

use super::instance::HOW_TO_GET_A_TOKEN;
use crate::connectors::ConnectorError;
use crate::egress::fetch::{Fetched, GetRequest};
use crate::egress::{Egress, EgressError};

/// Maximum size of a response in bytes. A page takes a few hundred kilobytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Longest wait that is accepted from an instance. Mastodon's longest window is 15 minutes.
const RESET_MAX: Duration = Duration::from_secs(3_600);

/// Client of one instance.
#[derive(Clone)]
pub(super) struct Client {
    pub egress: Egress,
    /// Address of the instance.
    pub base: Url,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Value of the header `Authorization`, if there is an access token.
    token: Option<HeaderValue>,
}

/// Response to a request.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status code: 200 or 404.
    pub status: u16,
    /// Body; empty unless the status is 200.
    pub body: Vec<u8>,
    /// How long the instance allows no further request, if it says so.
    pub pause: Option<Duration>,
}

impl Client {
    /// Creates a client.
    ///
    /// # Errors
    /// If the token contains invalid characters.
    pub(super) fn new(
        egress: Egress,
        base: Url,
        token: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, ConnectorError> {
        let token: Option<Result<_, ConnectorError>> =
            token.map(str::trim).filter(|token| !token.is_empty()).map(|token| {
                let mut header = HeaderValue::try_from(format!("Bearer {token}"))
                    .map_err(|_| ConnectorError::NeedsKey("the access token is not valid".to_owned()))?;
                header.set_sensitive(true);
                Ok(header)
            });
        Ok(Self { egress, base, timeout, token: token.transpose()? })
    }

    /// Returns the value of the header `Authorization`, if there is an access token.
    pub(super) const fn token(&self) -> Option<&HeaderValue> {
        self.token.as_ref()
    }

    /// Sends a GET request to the instance. The token is sent to no other host, not even after a redirect.
    pub(super) fn get(&self, url: Url) -> BoxFuture<'static, Result<Answer, ConnectorError>> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let request = GetRequest { url, headers, known: None, body_bytes_max: ANSWER_BYTES_MAX };
        let client = self.clone();
        async move {
            let fetched = tokio::time::timeout(client.timeout, client.egress.get(request)).await;
            let fetched = fetched.unwrap_or(Err(EgressError::TimedOut.into()))?;
            client.answer(fetched)
        }
        .boxed()
    }

    fn answer(&self, fetched: Fetched) -> Result<Answer, ConnectorError> {
        let found = Url::parse(&fetched.version.url).ok().map(|url| url.origin());
        if let Some(other) = found.filter(|found| *found != self.base.origin()) {
            let other = other.ascii_serialization();
            return Err(ConnectorError::Refused(format!(
                "the instance has moved to {other}: enter that address"
            )));
        }
        let now = Timestamp::now();
        match fetched.status {
            200 => {
                let is_used_up = remaining(&fetched.headers).is_some_and(|n| n <= 0);
                let pause = reset_in(&fetched.headers, now).filter(|_| is_used_up);
                Ok(Answer { status: 200, body: fetched.body, pause })
            }
            404 => Ok(Answer { status: 404, body: Vec::new(), pause: None }),
            _ => Err(refusal(&fetched, self.token.is_some(), now)),
        }
    }
}

/// Converts the status of a refusal to an error.
fn refusal(fetched: &Fetched, has_token: bool, now: Timestamp) -> ConnectorError {
    let Fetched { status, retry_after, ref headers, .. } = *fetched;
    let said = format!("the instance answered with status {status}");
    match status {
        // 422 is how Mastodon reports that a token belongs to no user.
        401 | 403 | 422 if has_token => ConnectorError::NeedsKey(format!(
            "the instance does not accept the access token (status {status}): {HOW_TO_GET_A_TOKEN}"
        )),
        401 | 403 | 422 => ConnectorError::NeedsKey(format!(
            "the instance requires an access token (status {status}): {HOW_TO_GET_A_TOKEN}"
        )),
        429 => ConnectorError::RateLimited {
            message: said,
            retry_after: retry_after.or_else(|| reset_in(headers, now)),
        },
        503 if retry_after > Some(Duration::ZERO) => {
            ConnectorError::RateLimited { message: said, retry_after }
        }
        408 | 425 => ConnectorError::Interrupted(said),
        400..=499 => ConnectorError::Refused(said),
        _ => ConnectorError::Interrupted(said),
    }
}

/// Returns the number of requests left until the limit is reset.
fn remaining(headers: &HeaderMap) -> Option<i64> {
    headers.get("x-ratelimit-remaining")?.to_str().ok()?.trim().parse().ok()
}

/// Returns the time until the limit is reset. If the response has a date, it is measured by the host's clock.
fn reset_in(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let reset: Timestamp = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let wait = Duration::try_from(reset.duration_since(date.unwrap_or(now))).unwrap_or_default();
    let seconds = wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(RESET_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::fetch::Version;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn fetched(status: u16, pairs: &[(&'static str, &str)]) -> Fetched {
        let version = Version { url: "https://a.example/api".to_owned(), ..Version::default() };
        let headers = headers(pairs);
        Fetched { status, retry_after: None, version, headers, content_type: None, body: Vec::new() }
    }

    fn client(token: Option<&str>) -> Client {
        let egress = Egress::new(crate::egress::allowlist::Allowlist::default()).unwrap();
        Client::new(egress, "https://a.example/".parse().unwrap(), token, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn statuses_are_told_apart() {
        let check = |status: u16, token: Option<&str>, expected: &str| {
            let error = client(token).answer(fetched(status, &[])).unwrap_err();
            let said = format!("{}: {error}", error.state().as_str());
            assert!(said.starts_with(expected) && said.contains(&status.to_string()), "{said}");
        };
        check(401, None, "needs_key: the instance requires an access token");
        check(401, Some("key"), "needs_key: the instance does not accept the access token");
        check(422, None, "needs_key");
        check(403, None, "needs_key");
        check(400, None, "refused");
        check(410, None, "refused");
        check(408, None, "waiting");
        check(429, None, "waiting");
        check(500, None, "waiting");
        check(206, None, "waiting");
        assert_eq!(client(None).answer(fetched(404, &[])).unwrap().status, 404);
    }

    #[test]
    fn a_limit_is_respected_until_its_reset_by_the_clock_of_the_host() {
        let limits = [
            ("x-ratelimit-limit", "300"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "2020-01-01T00:05:00.123456Z"),
            ("date", "Wed, 01 Jan 2020 00:01:00 GMT"),
        ];
        let answer = client(None).answer(fetched(200, &limits)).unwrap();
        assert_eq!(answer.pause.map(|pause| pause.as_secs()), Some(241));
        let error = client(None).answer(fetched(429, &limits)).unwrap_err();
        assert!(
            matches!(error, ConnectorError::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 241)
        );
        let left = [("x-ratelimit-remaining", "1"), limits[2]];
        assert_eq!(client(None).answer(fetched(200, &left)).unwrap().pause, None);
    }

    #[test]
    fn an_instance_that_has_moved_says_where_to() {
        let mut elsewhere = fetched(401, &[]);
        elsewhere.version.url = "https://social.a.example/api".to_owned();
        let error = client(Some("key")).answer(elsewhere).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the instance has moved to https://social.a.example: enter that address"
        );
    }

    #[test]
    fn a_token_is_never_shown() {
        let shown = format!("{:?}", client(Some("secret-token")).token());
        assert!(!shown.contains("secret-token"), "{shown}");
        assert!(client(Some(" ")).token().is_none());
        let egress = client(None).egress;
        let invalid =
            Client::new(egress, "https://a.example/".parse().unwrap(), Some("a\nb"), Duration::ZERO);
        assert_eq!(invalid.err().map(|error| error.state().as_str()), Some("needs_key"));
    }
}
