//! Requests with a token, within Reddit's limits, and their answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::Instant;

use super::limits::Window;
use super::refusal::{HOW_TO_GET_APPROVAL, Refused};
use super::request::Request;
use super::schedule::{self, Pace};
use super::thing::{self, Page};
use super::token::Token;
use crate::connectors::ConnectorError;
use crate::connectors::access::Access;
use crate::connectors::meter::{Allowance, Meter, MeterError, Period, Unit};
use crate::egress::fetch::{Fetched, GetRequest};
use crate::egress::{Egress, EgressError};
use crate::models::source::credentials::Credentials;

/// Maximum size of an answer in bytes. A page of 100 long posts takes a few megabytes.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum RequestError {
    /// What the request would use is used up until this time.
    UsedUp(Timestamp),
    /// The host does not answer.
    Failed(ConnectorError),
}

impl From<ConnectorError> for RequestError {
    fn from(error: ConnectorError) -> Self {
        Self::Failed(error)
    }
}

impl From<RequestError> for ConnectorError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Failed(error) => error,
            RequestError::UsedUp(until) => limited(
                "the requests that Reddit grants in ten minutes are used up",
                Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default(),
            ),
        }
    }
}

/// Hosts of the network.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    /// Issues tokens.
    pub tokens: Url,
    /// Answers requests with a token.
    pub api: Url,
}

/// App that Reddit has approved.
#[derive(Clone)]
struct App {
    /// Id and secret, as `Authorization` has them.
    basic: HeaderValue,
    /// What the app calls itself, which Reddit wants to be unique to it.
    agent: HeaderValue,
}

impl App {
    /// Returns `None` without an id and a secret.
    fn new(credentials: &Credentials) -> Option<Self> {
        let (id, secret) = (credentials.client_id.as_deref()?, credentials.client_secret.as_deref()?);
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let mut basic = HeaderValue::from_str(&basic).ok()?;
        basic.set_sensitive(true);
        let agent = format!("server:groundswell.{id}:v{}", env!("CARGO_PKG_VERSION"));
        Some(Self { basic, agent: HeaderValue::from_str(&agent).ok()? })
    }
}

/// What requests leave behind.
#[derive(Default)]
struct Session {
    token: Option<Token>,
    window: Option<Window>,
}

/// Makes requests for an app.
#[derive(Clone)]
pub(super) struct Client {
    egress: Egress,
    app: Option<App>,
    meter: Arc<dyn Meter>,
    hosts: Hosts,
    pub pace: Pace,
    session: Arc<Mutex<Session>>,
}

impl Client {
    pub(super) fn new(access: Access, hosts: Hosts, pace: Pace) -> Self {
        let Access { egress, credentials, meter } = access;
        Self { egress, app: App::new(&credentials), meter, hosts, pace, session: Arc::default() }
    }

    /// Makes a request.
    pub(super) fn ask(&self, request: Request) -> BoxFuture<'static, Result<Page, RequestError>> {
        let client = self.clone();
        async move { client.answer(&request).await }.boxed()
    }

    /// Returns the time from one pass through a listing to the next, which is longer if little is left of Reddit's limit.
    pub(super) fn interval(&self, now: Timestamp) -> Duration {
        let wanted = self.pace.interval;
        self.session().window.map_or(wanted, |window| window.spread(wanted, now))
    }

    async fn answer(&self, request: &Request) -> Result<Page, RequestError> {
        let missing = || {
            let words = format!("Reddit requires an app that it has approved: {HOW_TO_GET_APPROVAL}");
            ConnectorError::NeedsKey(words)
        };
        let app = self.app.as_ref().ok_or_else(missing)?;
        let mut fetched = self.get(app, request).await?;
        if fetched.status == 401 {
            // It may have expired earlier than Reddit said, or was revoked.
            self.session().token = None;
            fetched = self.get(app, request).await?;
        }
        let Fetched { status, retry_after, ref headers, ref body, ref version, .. } = fetched;
        let refused = Refused { status, retry_after, headers, body };
        let asked = request.url(&self.hosts.api);
        match request {
            // A search for subreddits answers for one that does not exist.
            Request::Listing(listing) if status == 200 && version.url != asked.as_str() => {
                Err(Refused { status: 302, ..refused }.listing(&listing.subreddits).into())
            }
            _ if status == 200 => thing::page(body, Timestamp::now()).ok_or_else(|| {
                let what = "what the host sends is no answer of Reddit's API";
                ConnectorError::Interrupted(what.to_owned()).into()
            }),
            Request::Listing(listing) => Err(refused.listing(&listing.subreddits).into()),
            Request::Info(_) => Err(refused.request().into()),
        }
    }

    /// Sends a request, and notes what the answer says about the limit.
    async fn get(&self, app: &App, request: &Request) -> Result<Fetched, RequestError> {
        let authorization = self.authorization(app).await?;
        if let Some(wait) = self.session().window.and_then(|window| window.wait(Timestamp::now())) {
            return Err(limited("Reddit grants no more requests for now", wait).into());
        }
        self.reserve(request).await?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, authorization), (USER_AGENT, app.agent.clone())]);
        let url = request.url(&self.hosts.api);
        let get = GetRequest { url, headers, known: None, body_bytes_max: BODY_BYTES_MAX };
        let fetched = tokio::time::timeout(self.pace.timeout, self.egress.get(get)).await;
        let fetched = fetched.unwrap_or(Err(EgressError::TimedOut.into())).map_err(ConnectorError::from)?;
        if let Some(window) = Window::read(&fetched.headers, Timestamp::now()) {
            self.session().window = Some(window);
        }
        Ok(fetched)
    }

    /// Returns a token, which is renewed before it expires.
    async fn authorization(&self, app: &App) -> Result<HeaderValue, ConnectorError> {
        let asked_at = Instant::now();
        let known = || {
            let session = self.session();
            let fresh = session.token.as_ref().filter(|token| token.is_fresh(asked_at));
            fresh.map(|token| token.authorization.clone())
        };
        if let Some(authorization) = known() {
            return Ok(authorization);
        }
        let request = Token::request(&self.hosts.tokens, app.basic.clone(), app.agent.clone());
        let response = tokio::time::timeout(self.pace.timeout, self.egress.call(request)).await;
        let response = response.unwrap_or(Err(EgressError::TimedOut.into())).map_err(ConnectorError::from)?;
        let token = Token::read(&response, asked_at)?;
        let authorization = token.authorization.clone();
        self.session().token = Some(token);
        Ok(authorization)
    }

    /// Uses what a request takes. Looks have an allowance of their own, which leaves the rest to what is new.
    async fn reserve(&self, request: &Request) -> Result<(), RequestError> {
        let allowance =
            |name, limit| Allowance { name, unit: Unit::Count, limit, period: Period::TenMinutes };
        if let Request::Info(_) = request {
            let looks = allowance("api/info", self.pace.n_looks_max);
            self.meter.reserve(looks, 1).await.map_err(uncounted)?;
        }
        self.meter.reserve(allowance("requests", self.pace.n_requests_max), 1).await.map_err(uncounted)
    }

    /// Never held across an `await`.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn uncounted(error: MeterError) -> RequestError {
    match error {
        MeterError::UsedUp { until, .. } => RequestError::UsedUp(until),
        MeterError::Unavailable(_) => ConnectorError::Interrupted(error.to_string()).into(),
    }
}

/// Returns that there are to be no requests for a while.
fn limited(what: &str, wait: Duration) -> ConnectorError {
    let until = schedule::after(Timestamp::now(), wait);
    ConnectorError::RateLimited {
        message: format!("{what}; the next attempt is at {}", until.strftime("%H:%M:%S UTC")),
        retry_after: Some(wait),
    }
}
