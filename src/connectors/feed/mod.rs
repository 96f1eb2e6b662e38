//! Feeds: RSS, Atom and JSON Feed, polled with conditional requests (RFC 9110, section 13).
//!
//! A feed contains its newest entries. The position records which of them were yielded, so that each is yielded once,
//! even after a restart. If none of the previous entries remain, others may have come and gone in between, which is
//! declared as a gap. Feeds do not announce deletions: an entry that is gone may merely be old.

mod document; // bytes to entries
mod posts; // entries to posts
mod seen; // which entries were offered

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::document::Document;
use self::seen::{News, Seen};
use super::{Batch, Connector, ConnectorError};
use crate::egress::fetch::{Fetched, GetRequest, Version};
use crate::egress::{self, Egress, EgressError};
use crate::models::source::{Checkpoint, SourceGap, SourceSettings};

/// Maximum size of a document in bytes. Feeds with whole articles rarely exceed 1 MB.
const DOCUMENT_BYTES_MAX: usize = 5 << 20;

/// Default interval between requests.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);

/// How long a call waits for a response before it returns an empty batch.
const WAIT: Duration = Duration::from_secs(1);

/// Media types of feeds, as RFC 4287, the RSS Advisory Board and JSON Feed define them.
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, \
                        application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1";

/// Interval between requests, and their timeout.
#[derive(Debug, Clone, Copy)]
pub struct PollTimes {
    /// Time from one request to the next.
    pub interval: Duration,
    /// Timeout of a request.
    pub timeout: Duration,
}

/// Connector that polls one feed.
pub struct Feed {
    egress: Egress,
    url: Url,
    times: PollTimes,
    /// Position after the last batch, without `state`.
    position: Checkpoint,
    /// Version of the document that was last parsed.
    version: Version,
    seen: Seen,
    /// Time of the next request.
    due_at: Instant,
    /// Request in progress. It survives a cancelled call.
    attempt: Option<BoxFuture<'static, Result<Answer, ConnectorError>>>,
    /// Whether the last request succeeded.
    answers: bool,
}

/// State that a position contains.
#[derive(Serialize, Deserialize)]
struct State {
    version: Version,
    seen: String,
}

/// Response of the host.
enum Answer {
    /// The document has not changed since it was last parsed.
    Unchanged,
    Changed(Document, Version),
}

impl Feed {
    /// Creates a connector that continues after `position`.
    ///
    /// # Errors
    /// If the settings have no URL that may be reached.
    pub fn new(
        egress: Egress,
        settings: &SourceSettings,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let refused = |why: String| ConnectorError::Refused(why);
        let url = settings.url.as_deref().ok_or_else(|| refused("a feed requires a URL".to_owned()))?;
        let url = egress.check(url).map_err(|error| refused(error.to_string()))?;
        let interval = settings.interval_s.map_or(DEFAULT_INTERVAL, |s| Duration::from_secs(s.into()));
        let is_of_this_feed = position.host.as_deref() == Some(url.as_str());
        let state = position.state.clone().filter(|_| is_of_this_feed);
        let state = state.and_then(|state| serde_json::from_value::<State>(state).ok());
        let known = state.and_then(|state| Some((state.version, Seen::decode(&state.seen)?)));
        let (version, seen) = known.unwrap_or_default();
        Ok(Self {
            egress,
            url,
            times: PollTimes { interval, timeout: egress::TIMEOUT },
            position: Checkpoint { state: None, ..position },
            version,
            seen,
            due_at: Instant::now(),
            attempt: None,
            answers: false,
        })
    }

    /// Replaces the interval between requests and their timeout.
    pub fn with_poll_times(self, times: PollTimes) -> Self {
        Self { times, ..self }
    }

    /// Fetches the feed once. Returns a description of the result.
    ///
    /// # Errors
    /// If the feed cannot be read.
    pub async fn test(self) -> Result<String, ConnectorError> {
        Ok(match self.ask().await? {
            Answer::Unchanged => "the feed can be read".to_owned(),
            Answer::Changed(document, _) => match document.entries.len() {
                1 => "the feed can be read, and has 1 entry".to_owned(),
                n => format!("the feed can be read, and has {n} entries"),
            },
        })
    }

    async fn next(&mut self) -> Result<Batch, ConnectorError> {
        if self.attempt.is_none() {
            let left = self.due_at.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(WAIT)).await;
            if left > WAIT {
                return Ok(Batch::default());
            }
            self.attempt = Some(self.ask());
        }
        let Some(attempt) = &mut self.attempt else {
            return Ok(Batch::default());
        };
        let outcome = match self.answers {
            true => match tokio::time::timeout(WAIT, attempt).await {
                Ok(outcome) => outcome,
                Err(_) => return Ok(Batch::default()),
            },
            // An empty batch would look like a success.
            false => attempt.await,
        };
        self.attempt = None;
        self.answers = outcome.is_ok();
        // After an error, the caller decides when to retry.
        self.due_at = Instant::now() + if self.answers { self.times.interval } else { Duration::ZERO };
        Ok(match outcome? {
            Answer::Unchanged => Batch::default(),
            Answer::Changed(document, version) => self.take(document, version, Timestamp::now()),
        })
    }

    /// Requests the document, unless it has not changed since it was last parsed.
    fn ask(&self) -> BoxFuture<'static, Result<Answer, ConnectorError>> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let known = Some(self.version.clone());
        let request =
            GetRequest { url: self.url.clone(), headers, known, body_bytes_max: DOCUMENT_BYTES_MAX };
        let (egress, timeout) = (self.egress.clone(), self.times.timeout);
        async move {
            let fetched = tokio::time::timeout(timeout, egress.get(request)).await;
            let fetched = fetched.unwrap_or(Err(EgressError::TimedOut.into()))?;
            match fetched.status {
                200 => read(fetched).await,
                304 => Ok(Answer::Unchanged),
                _ => Err(refusal(&fetched)),
            }
        }
        .boxed()
    }

    /// Returns the new entries of a document as a batch, and remembers the document.
    fn take(&mut self, document: Document, version: Version, now: Timestamp) -> Batch {
        let before = (self.position.clone(), self.seen.clone(), self.version.clone());
        self.version = version;
        let News { posts, n_unreadable, is_detached, oldest, newest } =
            self.seen.take(posts::candidates(document, self.url.as_str(), now));
        let gap = is_detached.then(|| {
            let to = oldest.unwrap_or(now);
            SourceGap {
                from: self.position.at.min(to),
                to,
                reason: "none of the earlier entries is left in the feed, so others may have come and gone"
                    .to_owned(),
            }
        });
        self.position.at = self.position.at.max(newest.unwrap_or(self.position.at));
        self.position.host = Some(self.url.to_string());
        let lag =
            posts.iter().map(|post| post.created_at.unwrap_or(now)).max().map(|at| now.duration_since(at));
        let after = (&self.position, &self.seen, &self.version);
        let is_changed = after != (&before.0, &before.1, &before.2);
        Batch {
            gap,
            n_unreadable,
            checkpoint: is_changed.then(|| self.checkpoint()),
            lag: lag.map(|lag| Duration::try_from(lag).unwrap_or_default()),
            posts,
            ..Batch::default()
        }
    }

    /// Returns the position with the state that another run needs.
    fn checkpoint(&self) -> Checkpoint {
        let state = State { version: self.version.clone(), seen: self.seen.encoded() };
        Checkpoint { state: serde_json::to_value(state).ok(), ..self.position.clone() }
    }
}

/// Parses a document on a thread that may block.
async fn read(fetched: Fetched) -> Result<Answer, ConnectorError> {
    let Fetched { version, content_type, body, .. } = fetched;
    let url = version.url.clone();
    // unsupervised: reading a document ends, and the connector waits for it
    let reading = tokio::task::spawn_blocking(move || document::read(&body, content_type.as_deref(), &url));
    match reading.await {
        Ok(Ok(document)) => Ok(Answer::Changed(document, version)),
        // A page that announces maintenance is not a feed either.
        Ok(Err(why)) => Err(ConnectorError::Interrupted(format!("the host's response is not a feed: {why}"))),
        Err(_) => Err(ConnectorError::Interrupted("the feed cannot be read".to_owned())),
    }
}

/// Converts the status of a response without a document to an error.
fn refusal(fetched: &Fetched) -> ConnectorError {
    let Fetched { status, retry_after, .. } = *fetched;
    let said = format!("the host answered with status {status}");
    match status {
        401 | 403 | 407 => ConnectorError::NeedsKey(said),
        404 | 410 => ConnectorError::Refused(format!("the feed is gone (status {status})")),
        429 => ConnectorError::RateLimited { message: said, retry_after },
        503 if retry_after > Some(Duration::ZERO) => {
            ConnectorError::RateLimited { message: said, retry_after }
        }
        408 | 425 => ConnectorError::Interrupted(said),
        400..=499 => ConnectorError::Refused(said),
        _ => ConnectorError::Interrupted(said),
    }
}

impl Connector for Feed {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }
}

#[cfg(test)]
mod tests;
