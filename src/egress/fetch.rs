//! GET requests for documents at URLs that users configure.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER,
};
use serde::{Deserialize, Serialize};

use super::{Egress, EgressError, HTTP, TIMEOUT, check_url, classify, retry_after};

/// Maximum number of redirects to follow, as in many feed readers.
const REDIRECTS_MAX: usize = 5;

/// Maximum size in bytes of the body of an error response.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Maximum time to read the body of an error response, whose status is already known.
const ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// Version of a document, as its host identifies it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// URL of the document after redirects. The other fields are valid only for this URL.
    pub url: String,
    /// Entity tag of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Time of the last modification, as sent in `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// Request for a document.
#[derive(Debug, Clone)]
pub struct GetRequest {
    /// URL of the document.
    pub url: Url,
    /// Headers to send. Credentials and headers marked as sensitive are not sent to another host after a redirect.
    pub headers: HeaderMap,
    /// Known version. If it is still current, the host responds with status 304.
    pub known: Option<Version>,
    /// Maximum size of the body in bytes, both as sent and after decompression.
    pub body_bytes_max: usize,
}

/// Response to a request for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status code.
    pub status: u16,
    /// Delay requested in `Retry-After`, if any.
    pub retry_after: Option<Duration>,
    /// Version of the document.
    pub version: Version,
    /// Headers of the response, such as rate limits.
    pub headers: HeaderMap,
    /// Media type of the document, with its parameters.
    pub content_type: Option<String>,
    /// Decompressed body. For a status other than 2xx, at most 64 KiB, and empty if it does not arrive promptly.
    pub body: Vec<u8>,
}

/// Error for a document that could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host was not reached, or the connection broke.
    #[error(transparent)]
    Unreached(#[from] EgressError),
    /// There were more than five redirects.
    #[error("the URL redirects too many times")]
    TooManyRedirects,
    /// The target of a redirect is not a URL.
    #[error("the URL redirects to an invalid URL")]
    BadRedirect,
    /// The body exceeds the maximum size.
    #[error("the document is larger than {0} bytes")]
    TooLarge(usize),
    /// The body has an encoding that was not requested, or is not valid in its declared encoding.
    #[error("the document cannot be decompressed")]
    Undecodable,
}

impl Egress {
    /// Fetches a document. Follows redirects, and checks each of them like the first URL.
    ///
    /// # Errors
    /// If there is no response within [`TIMEOUT`], including redirects, or it cannot be read.
    pub async fn get(&self, request: GetRequest) -> Result<Fetched, FetchError> {
        tokio::time::timeout(TIMEOUT, self.follow(request)).await.unwrap_or(Err(EgressError::TimedOut.into()))
    }

    async fn follow(&self, request: GetRequest) -> Result<Fetched, FetchError> {
        let GetRequest { mut url, mut headers, known, body_bytes_max } = request;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        for _ in 0..=REDIRECTS_MAX {
            check_url(&url, &self.resolver.allowed, &HTTP)?;
            let known = known.as_ref().filter(|known| known.url == url.as_str());
            let conditions = known.map(conditions).unwrap_or_default();
            let sending = self.client.get(url.clone()).headers(headers.clone()).headers(conditions);
            let sent = sending.send().await;
            let response = sent.map_err(|error| classify(&error))?;
            let Some(next) = redirect(&response)? else {
                return read(response, url, body_bytes_max).await;
            };
            if next.origin() != url.origin() {
                for credential in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                    headers.remove(credential);
                }
                headers = headers.into_iter().filter_map(unless_sensitive).collect();
            }
            url = next;
        }
        Err(FetchError::TooManyRedirects)
    }
}

/// Returns a header unless it is marked as sensitive. Repeated headers are dropped after the first value, because the
/// iterator yields the others without a name.
fn unless_sensitive((name, value): (Option<HeaderName>, HeaderValue)) -> Option<(HeaderName, HeaderValue)> {
    name.filter(|_| !value.is_sensitive()).map(|name| (name, value))
}

/// Returns the headers that request a document only if it differs from this version.
fn conditions(known: &Version) -> HeaderMap {
    let values = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
    let header = |(name, value): (HeaderName, &Option<String>)| {
        Some((name, HeaderValue::from_str(value.as_deref()?).ok()?))
    };
    values.into_iter().filter_map(header).collect()
}

/// Returns the target of a redirect; `None` if the response is not one.
fn redirect(response: &reqwest::Response) -> Result<Option<Url>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = text(response.headers(), LOCATION).ok_or(FetchError::BadRedirect)?;
    response.url().join(&location).map(Some).map_err(|_| FetchError::BadRedirect)
}

async fn read(response: reqwest::Response, url: Url, bytes_max: usize) -> Result<Fetched, FetchError> {
    let headers = response.headers();
    let encoding = text(headers, CONTENT_ENCODING);
    let mut fetched = Fetched {
        status: response.status().as_u16(),
        retry_after: text(headers, RETRY_AFTER).and_then(|it| retry_after(&it, Timestamp::now())),
        version: Version {
            url: url.into(),
            etag: text(headers, ETAG),
            last_modified: text(headers, LAST_MODIFIED),
        },
        content_type: text(headers, CONTENT_TYPE),
        headers: headers.clone(),
        body: Vec::new(),
    };
    let is_success = response.status().is_success();
    let bytes_max = if is_success { bytes_max } else { bytes_max.min(ERROR_BYTES_MAX) };
    let reading = async {
        let body = body(response, bytes_max).await?;
        decompressed(body, encoding.as_deref(), bytes_max)
    };
    fetched.body = match is_success {
        true => reading.await?,
        false => {
            tokio::time::timeout(ERROR_TIMEOUT, reading).await.ok().and_then(Result::ok).unwrap_or_default()
        }
    };
    Ok(fetched)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn body(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(FetchError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Decompresses a body without ever holding more than the maximum size.
fn decompressed(body: Vec<u8>, encoding: Option<&str>, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    match encoding.map(|it| it.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => {
            let mut plain = Vec::new();
            let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
            let read = MultiGzDecoder::new(body.as_slice()).take(limit).read_to_end(&mut plain);
            match read {
                Ok(n_bytes) if n_bytes > bytes_max => Err(FetchError::TooLarge(bytes_max)),
                Ok(_) => Ok(plain),
                Err(_) => Err(FetchError::Undecodable),
            }
        }
        Some(_) => Err(FetchError::Undecodable),
    }
}

#[cfg(test)]
mod tests;
