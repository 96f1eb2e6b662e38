//! Makes requests with an API key, and counts what they use of Google's quotas.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};

use super::refusal::{Refusal, refusal};
use super::request::{Quota, Request};
use super::resources::{self, Found, Item, Page, Thread};
use super::schedule::{self, Pace};
use crate::connectors::ConnectorError;
use crate::connectors::access::Access;
use crate::connectors::meter::{Allowance, Meter, MeterError, Period, Unit};
use crate::egress::fetch::{Fetched, GetRequest, Version};
use crate::egress::{Egress, EgressError};

/// Maximum size of a response in bytes. A page of 100 comments with their replies rarely exceeds 1 MB.
const BODY_BYTES_MAX: usize = 8 << 20;

/// How soon to retry after the API reported that a quota is used up.
const RETRY_USED_UP_AFTER: Duration = Duration::from_secs(3_600);

/// Divisor of the daily units that yields the reserve for videos, which comments do not touch.
const UNITS_LEFT_BY_COMMENTS: u64 = 10;

/// Instructions for obtaining a key.
const NO_KEY: &str = "YouTube requires an API key: create a project in the Google Cloud console \
                      (https://console.cloud.google.com), enable `YouTube Data API v3` there, create an API key under \
                      `Credentials`, and enter it as the token of the source";

/// Response of the API.
pub(super) enum Answer {
    /// The page has not changed.
    Unchanged,
    Found(Page<Found>, Version),
    Videos(Page<Item>),
    Threads(Page<Thread>, Version),
}

/// Response, with the number of searches left today if known.
pub(super) struct Reply {
    pub answer: Answer,
    pub n_searches_left: Option<u64>,
}

/// Reason why a request has no response.
pub(super) enum RequestError {
    /// The quota is used up until this time.
    UsedUp(Timestamp),
    /// The API refuses the request.
    Refused(Refusal),
}

impl From<ConnectorError> for RequestError {
    fn from(error: ConnectorError) -> Self {
        Self::Refused(Refusal::Other(error))
    }
}

/// Client of the API, with a key.
#[derive(Clone)]
pub(super) struct Client {
    egress: Egress,
    key: Option<HeaderValue>,
    meter: Arc<dyn Meter>,
    /// Base URL of the API.
    pub base: Url,
    pub pace: Pace,
}

impl Client {
    pub(super) fn new(access: Access, base: Url, pace: Pace) -> Self {
        let key = access.credentials.token.and_then(|token| HeaderValue::from_str(&token).ok());
        let key = key.map(|mut key| {
            // Sensitive headers are neither logged nor sent to another host after a redirect.
            key.set_sensitive(true);
            key
        });
        Self { egress: access.egress, key, meter: access.meter, base, pace }
    }

    /// Makes a request. If the page has the known version, the response is [`Answer::Unchanged`].
    pub(super) fn ask(
        &self,
        request: Request,
        known: Option<Version>,
    ) -> BoxFuture<'static, Result<Reply, RequestError>> {
        let client = self.clone();
        async move { client.answer(&request, known).await }.boxed()
    }

    async fn answer(&self, request: &Request, known: Option<Version>) -> Result<Reply, RequestError> {
        let key = self.key.clone().ok_or_else(|| ConnectorError::NeedsKey(NO_KEY.to_owned()))?;
        let n_searches_left = self.reserve(request.quota()).await?;
        let mut headers = HeaderMap::new();
        headers.insert("x-goog-api-key", key);
        let get = GetRequest { url: request.url(&self.base), headers, known, body_bytes_max: BODY_BYTES_MAX };
        let fetched = tokio::time::timeout(self.pace.timeout, self.egress.get(get)).await;
        let fetched = fetched.unwrap_or(Err(EgressError::TimedOut.into())).map_err(ConnectorError::from)?;
        let answer = match fetched.status {
            200 => read(request, fetched).ok_or_else(|| {
                let what = "the host's response is not from the YouTube Data API";
                ConnectorError::Interrupted(what.to_owned())
            })?,
            304 => Answer::Unchanged,
            _ => match refusal(&fetched, request.quota()) {
                Refusal::UsedUp => return Err(RequestError::UsedUp(next_try(Timestamp::now()))),
                refusal => return Err(RequestError::Refused(refusal)),
            },
        };
        Ok(Reply { answer, n_searches_left })
    }

    /// Reserves quota for a request. Returns how many searches are left, if it is a search.
    async fn reserve(&self, quota: Quota) -> Result<Option<u64>, RequestError> {
        let (name, limit) = match quota {
            Quota::Search => ("search.list", self.pace.n_searches_max),
            Quota::Video | Quota::Comments => ("units", self.pace.n_units_max),
        };
        let allowance = Allowance { name, unit: Unit::Count, limit, period: Period::PacificDay };
        if quota == Quota::Comments {
            let n_left = self.meter.charge(allowance, 0).await.map_err(uncounted)?;
            if n_left <= limit / UNITS_LEFT_BY_COMMENTS {
                return Err(RequestError::UsedUp(day_end(Timestamp::now())));
            }
        }
        self.meter.reserve(allowance, 1).await.map_err(uncounted)?;
        match quota {
            Quota::Search => Ok(self.meter.charge(allowance, 0).await.ok()),
            Quota::Video | Quota::Comments => Ok(None),
        }
    }
}

/// Returns when to retry after the API reported that a quota is used up: at the end of the day, but within an hour,
/// because clocks differ and Google's day may not have begun.
fn next_try(now: Timestamp) -> Timestamp {
    day_end(now).min(schedule::after(now, RETRY_USED_UP_AFTER))
}

/// Returns the time at which the daily quotas are renewed.
fn day_end(now: Timestamp) -> Timestamp {
    Period::PacificDay.around(now).1
}

/// Returns the time until the daily quotas are renewed.
pub(super) fn until_day_end(now: Timestamp) -> Duration {
    Duration::try_from(day_end(now).duration_since(now)).unwrap_or_default()
}

fn uncounted(error: MeterError) -> RequestError {
    match error {
        MeterError::UsedUp { until, .. } => RequestError::UsedUp(until),
        MeterError::Unavailable(_) => ConnectorError::Interrupted(error.to_string()).into(),
    }
}

/// Parses a response. Returns `None` if it does not have the expected form.
fn read(request: &Request, fetched: Fetched) -> Option<Answer> {
    let Fetched { mut version, body, .. } = fetched;
    let now = Timestamp::now();
    // The entity tag is also part of the page.
    let mut tagged = |etag: Option<&String>| {
        version.etag = version.etag.take().or_else(|| Some(quoted(etag?)));
        version.clone()
    };
    Some(match request {
        Request::Search { .. } => {
            let page = resources::found(&body)?;
            let version = tagged(page.etag.as_ref());
            Answer::Found(page, version)
        }
        Request::Videos(_) => Answer::Videos(resources::videos(&body, now)?),
        Request::Comments { video, .. } => {
            let page = resources::threads(&body, video, now)?;
            let version = tagged(page.etag.as_ref());
            Answer::Threads(page, version)
        }
    })
}

fn quoted(etag: &str) -> String {
    if etag.starts_with('"') || etag.starts_with("W/") { etag.to_owned() } else { format!("\"{etag}\"") }
}
