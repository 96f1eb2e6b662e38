//! Requests to X, within its rate limits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;

use super::limits::{self, Endpoint, Limits};
use super::problem::{self, Problem};
use crate::connectors::ConnectorError;
use crate::egress::exchange::{ApiRequest, ApiResponse, Content, StreamedResponse};
use crate::egress::{Egress, EgressError};

/// Maximum size of a response in bytes. A page of a hundred long posts takes a few megabytes.
const RESPONSE_BYTES_MAX: usize = 8 << 20;

/// Request to one endpoint of the API.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub endpoint: Endpoint,
    /// Path below the base URL.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    /// JSON to send with POST; `None` for GET.
    pub json: Option<Value>,
}

/// Error of a call that returned no result.
#[derive(Debug)]
pub(super) struct CallError {
    pub error: ConnectorError,
    /// Problem that X reports; empty if there was no response.
    pub problem: Box<Problem>,
    /// HTTP status, if there was one.
    pub status: Option<u16>,
}

impl From<ConnectorError> for CallError {
    fn from(error: ConnectorError) -> Self {
        Self { error, problem: Box::default(), status: None }
    }
}

impl CallError {
    /// Returns the error for the connector.
    pub(super) fn into_error(self) -> ConnectorError {
        self.error
    }
}

/// Client of one host of the API, with one token.
#[derive(Clone)]
pub(super) struct Api {
    egress: Egress,
    base: Url,
    authorization: HeaderValue,
    timeout: Duration,
    limits: Arc<Mutex<Limits>>,
}

impl Api {
    /// Creates a client. Returns `None` if the token cannot be sent in a header.
    pub(super) fn new(egress: Egress, base: Url, token: &str) -> Option<Self> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        authorization.set_sensitive(true);
        let limits = Arc::default();
        Some(Self { egress, base, authorization, timeout: crate::egress::TIMEOUT, limits })
    }

    /// Replaces the timeout of a request.
    pub(super) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns how long to wait before a call; `None` if it may be made now.
    pub(super) fn wait(&self, endpoint: Endpoint) -> Option<Duration> {
        self.limits().wait(endpoint, Timestamp::now())
    }

    /// Notes that X refused the stream after opening the connection.
    pub(super) fn note_refused_stream(&self) {
        self.limits().note_refusal(Endpoint::Stream, None, Timestamp::now());
    }

    /// Makes a call and returns the body of the response.
    pub(super) async fn ask(&self, call: Call<'_>) -> Result<Vec<u8>, CallError> {
        let request = self.request(&call)?;
        let calling = tokio::time::timeout(self.timeout, self.egress.call(request));
        let response =
            calling.await.unwrap_or(Err(EgressError::TimedOut.into())).map_err(ConnectorError::from)?;
        self.answer(call.endpoint, response).map(|response| response.body)
    }

    /// Opens a stream.
    pub(super) async fn open(&self, call: Call<'_>) -> Result<StreamedResponse, CallError> {
        let request = self.request(&call)?;
        let opening = tokio::time::timeout(self.timeout, self.egress.stream(request));
        match opening.await.unwrap_or(Err(EgressError::TimedOut.into())).map_err(ConnectorError::from)? {
            Ok(stream) => {
                self.limits().note(call.endpoint, &stream.headers, Timestamp::now());
                Ok(stream)
            }
            Err(refused) => Err(match self.answer(call.endpoint, refused) {
                Err(unanswered) => unanswered,
                Ok(_) => ConnectorError::Interrupted("X did not open the stream".to_owned()).into(),
            }),
        }
    }

    fn request(&self, call: &Call<'_>) -> Result<ApiRequest, CallError> {
        if let Some(wait) = self.wait(call.endpoint) {
            let until = Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX);
            return Err(CallError::from(ConnectorError::RateLimited {
                message: format!(
                    "X allows no more {} until {}",
                    call.endpoint.noun(),
                    until.strftime("%H:%M:%S UTC")
                ),
                retry_after: Some(wait),
            }));
        }
        let mut url = self.base.clone();
        let unusable = |()| ConnectorError::Refused("the URL is not valid".to_owned());
        url.path_segments_mut().map_err(unusable)?.pop_if_empty().extend(call.path.split('/'));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let headers = HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())]);
        let content = call.json.as_ref().map(|json| Content::Json(json.to_string().into_bytes()));
        Ok(ApiRequest { url, headers, content, body_bytes_max: RESPONSE_BYTES_MAX })
    }

    /// Returns a successful response, and notes the limits that it reports.
    fn answer(&self, endpoint: Endpoint, response: ApiResponse) -> Result<ApiResponse, CallError> {
        let now = Timestamp::now();
        if response.status == 429 {
            self.limits().note_refusal(endpoint, limits::asked_wait(&response, now), now);
        } else {
            self.limits().note(endpoint, &response.headers, now);
        }
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        let problem = Problem::read(&response.body);
        let error = problem::refusal(&response, &problem, now);
        Err(CallError { error, problem: Box::new(problem), status: Some(response.status) })
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
