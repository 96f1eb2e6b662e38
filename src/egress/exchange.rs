//! Requests to the APIs of networks, whose responses are read whatever their status.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Url};

use super::fetch::FetchError;
use super::{Egress, EgressError, HTTP, TIMEOUT, check_url, classify, retry_after};

/// Maximum duration of a streamed response. Ends streams that a host never closes.
const STREAM_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Maximum number of bytes of the body of a refused stream to read.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// Body of a POST request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// JSON.
    Json(Vec<u8>),
    /// Names and values, encoded as those of a form.
    Form(Vec<u8>),
}

/// Request to an API. Redirects are not followed, so that credentials reach no other host.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    /// URL to send the request to.
    pub url: Url,
    /// Headers to send, such as credentials.
    pub headers: HeaderMap,
    /// What to send with POST; `None` for GET.
    pub content: Option<Content>,
    /// Maximum size of the body of the response in bytes.
    pub body_bytes_max: usize,
}

/// Response of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiResponse {
    /// HTTP status code.
    pub status: u16,
    /// Delay requested in `Retry-After`, if any.
    pub retry_after: Option<Duration>,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// Body of the response, whatever its status.
    pub body: Vec<u8>,
}

/// Response whose body is read while it arrives.
pub struct StreamedResponse {
    /// Headers of the response.
    pub headers: HeaderMap,
    response: reqwest::Response,
}

impl StreamedResponse {
    /// Returns the next part of the body; `None` after the last one. Cancelling the call loses no data.
    ///
    /// # Errors
    /// If the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EgressError> {
        self.response.chunk().await.map_err(|error| classify(&error))
    }
}

impl Egress {
    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// If there is no response within [`TIMEOUT`], or it is too large.
    pub async fn call(&self, request: ApiRequest) -> Result<ApiResponse, FetchError> {
        let body_bytes_max = request.body_bytes_max;
        let response = self.prepare(request)?.send().await.map_err(|error| classify(&error))?;
        read(response, body_bytes_max).await
    }

    /// Sends a request and returns a response whose body is read while it arrives, or the complete response if the host
    /// refuses.
    ///
    /// # Errors
    /// If no status arrives within [`TIMEOUT`].
    pub async fn stream(
        &self,
        request: ApiRequest,
    ) -> Result<Result<StreamedResponse, ApiResponse>, FetchError> {
        let sending = self.prepare(request)?.timeout(STREAM_MAX).send();
        let sent = tokio::time::timeout(TIMEOUT, sending).await.map_err(|_| EgressError::TimedOut)?;
        let response = sent.map_err(|error| classify(&error))?;
        if response.status().is_success() {
            return Ok(Ok(StreamedResponse { headers: response.headers().clone(), response }));
        }
        let reading = read(response, REFUSAL_BYTES_MAX);
        tokio::time::timeout(TIMEOUT, reading).await.map_err(|_| EgressError::TimedOut)?.map(Err)
    }

    fn prepare(&self, request: ApiRequest) -> Result<RequestBuilder, EgressError> {
        let ApiRequest { url, mut headers, content, .. } = request;
        check_url(&url, &self.resolver.allowed, &HTTP)?;
        let (media_type, body) = match content {
            None => return Ok(self.client.get(url).headers(headers)),
            Some(Content::Json(json)) => ("application/json", json),
            Some(Content::Form(form)) => ("application/x-www-form-urlencoded", form),
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Ok(self.client.post(url).headers(headers).body(body))
    }
}

async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<ApiResponse, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(FetchError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    let headers = response.headers().clone();
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(ApiResponse {
        status: response.status().as_u16(),
        retry_after: asked.and_then(|text| retry_after(text, Timestamp::now())),
        headers,
        body,
    })
}

#[cfg(test)]
mod tests;
