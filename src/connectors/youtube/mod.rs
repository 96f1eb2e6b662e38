//! YouTube, read through its Data API, version 3: <https://developers.google.com/youtube/v3/docs>.
//!
//! Searches find videos. These are then checked again at growing intervals, for edits, for comments, and because
//! deletions are never announced. Google grants 100 searches a day, and 10,000 units for all other requests. Searches
//! are spread over the day; when a quota is used up, requests that need it wait for the next day, which begins at
//! midnight Pacific Time.
//!
//! Searches find some videos only hours after their publication, so each search covers some hours before the newest
//! known video. The position records which videos and comments were yielded. There is one request at a time, and each
//! response makes a batch.

mod answers; // answers to batches
mod client; // requests and their answers
mod plan; // what to do next
mod refusal; // what errors mean
mod request; // what to request
mod resources; // JSON to posts
mod schedule; // when to ask
mod seen; // what was offered
mod state; // what a position contains

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

pub use self::schedule::Pace;

use self::client::{Answer, Client, Reply, RequestError};
use self::plan::{Plan, used_up};
use self::refusal::Refusal;
use self::request::{Quota, Request};
use self::schedule::Budget;
use self::state::State;
use super::access::Access;
use super::{Batch, Connector, ConnectorError};
use crate::egress;
use crate::models::source::{Checkpoint, SourceSettings};

/// Base URL of the API.
const DEFAULT_BASE: &str = "https://www.googleapis.com/youtube/v3";

/// Maximum number of queries per source. Each uses a share of the day's searches.
pub const QUERIES_MAX: usize = 5;

/// Maximum length of a query in characters.
pub const QUERY_CHARS_MAX: usize = 512;

/// Default interval between searches for a query.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(3_600);

/// Interval between checks of a new video.
const FIRST_LOOK: Duration = Duration::from_secs(900);

/// Longest interval between checks of a video.
const LAST_LOOK: Duration = Duration::from_secs(24 * 3_600);

/// Number of searches that Google grants per day: <https://developers.google.com/youtube/v3/determine_quota_cost>.
const N_SEARCHES_MAX: u64 = 100;

/// Number of units that Google grants per day. Each request except a search takes one.
const N_UNITS_MAX: u64 = 10_000;

/// Number of consecutive failures after which requests are made as rarely as checks of a new video. Failed requests use
/// the quotas too.
const FAILURES_MAX: u32 = 3;

/// How long a call waits for a response before it returns an empty batch.
const WAIT: Duration = Duration::from_secs(1);

/// Id of the first video on YouTube, which the connection test requests.
const FIRST_VIDEO: &str = "jNQXAC9IVRw";

/// Connector that searches YouTube.
pub struct YouTube {
    client: Client,
    state: State,
    /// Position after the last batch, without `state`.
    position: Checkpoint,
    /// Search in progress.
    pass: Option<Pass>,
    /// Comments that are being read.
    paging: Option<CommentPaging>,
    /// Quotas that are used up, and until when.
    used_up: Vec<(Quota, Timestamp)>,
    /// Request in progress. It survives a cancelled call.
    attempt: Option<(Request, BoxFuture<'static, Result<Reply, RequestError>>)>,
    /// Whether the last request succeeded.
    answers: bool,
    /// Number of consecutive failed requests.
    n_failures: u32,
    /// Last error, and the time until which no request is made.
    held: Option<(Timestamp, ConnectorError)>,
}

/// Search in progress, with the pages that have been read so far.
#[derive(Debug, Clone)]
struct Pass {
    /// Index of the query in the settings.
    search: usize,
    began_at: Timestamp,
    /// Token of the next page; `None` for the first one.
    page: Option<String>,
    n_pages: u64,
    newest: Option<Timestamp>,
    oldest: Option<Timestamp>,
}

/// Progress through the comments of a video.
#[derive(Debug, Clone)]
struct CommentPaging {
    video: String,
    /// Token of the next page; `None` for the first one.
    page: Option<String>,
    n_pages: u64,
    newest: Option<Timestamp>,
    oldest: Option<Timestamp>,
}

impl YouTube {
    /// Creates a connector that continues after `position`.
    ///
    /// # Errors
    /// If the address in the settings may not be reached, or the queries are invalid.
    pub fn new(
        access: Access,
        settings: &SourceSettings,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let base = settings.base_url.as_deref().unwrap_or(DEFAULT_BASE);
        let base = access.egress.check(base).map_err(|error| ConnectorError::Refused(error.to_string()))?;
        let queries = queries(settings).map_err(ConnectorError::Refused)?;
        let interval = settings.interval_s.map_or(DEFAULT_INTERVAL, |s| Duration::from_secs(s.into()));
        let pace = Pace {
            interval,
            first_look: FIRST_LOOK,
            last_look: LAST_LOOK,
            timeout: egress::TIMEOUT,
            n_searches_max: N_SEARCHES_MAX,
            n_units_max: N_UNITS_MAX,
        };
        let state = State::at(&position, base.as_str(), &queries);
        Ok(Self {
            client: Client::new(access, base, pace),
            state,
            position: Checkpoint { state: None, ..position },
            pass: None,
            paging: None,
            used_up: Vec::new(),
            attempt: None,
            answers: false,
            n_failures: 0,
            held: None,
        })
    }

    /// Replaces the intervals, timeout and quotas.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.client.pace = pace;
        self
    }

    /// Makes the cheapest request to test the connection. Returns a description of the result.
    ///
    /// # Errors
    /// If the request fails.
    pub async fn test(self) -> Result<String, ConnectorError> {
        match self.client.ask(Request::Videos(vec![FIRST_VIDEO.to_owned()]), None).await {
            Ok(Reply { answer: Answer::Videos(_), .. }) => {
                let n_queries = self.state.searches.len().try_into().unwrap_or(u64::MAX);
                let n_left = self.client.pace.n_searches_max;
                let day = Budget { n_left, n_each: n_queries, until_reset: Duration::from_secs(24 * 3_600) };
                let minutes = day.spread(self.client.pace.interval).as_secs().div_ceil(60);
                Ok(format!(
                    "the API key is accepted; each query is searched every {minutes} minutes or less often"
                ))
            }
            Ok(_) => Err(ConnectorError::Interrupted("the host sent an unexpected response".to_owned())),
            Err(RequestError::UsedUp(until)) => Err(used_up(Quota::Video, until, until)),
            Err(RequestError::Refused(Refusal::Other(error))) => Err(error),
            Err(RequestError::Refused(_)) => {
                Err(ConnectorError::Refused("the host refuses to show a video".to_owned()))
            }
        }
    }

    async fn next(&mut self) -> Result<Batch, ConnectorError> {
        if let Some((_, error)) = self.held.as_ref().filter(|(until, _)| *until > Timestamp::now()) {
            return Err(error.clone());
        }
        loop {
            if self.attempt.is_none() {
                match self.plan(Timestamp::now()) {
                    Plan::Ask(request) => self.begin(request, Timestamp::now()),
                    Plan::Wait(until) => {
                        let left = until.duration_since(Timestamp::now());
                        tokio::time::sleep(Duration::try_from(left).unwrap_or_default().min(WAIT)).await;
                        return Ok(Batch::default());
                    }
                    Plan::UsedUp { quota, until, next } => return Err(used_up(quota, until, next)),
                }
            }
            let Some((_, attempt)) = &mut self.attempt else {
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
            let Some((request, _)) = self.attempt.take() else {
                return Ok(Batch::default());
            };
            let now = Timestamp::now();
            let outcome = match outcome {
                Ok(reply) => Ok(self.take(request, reply, now)),
                Err(RequestError::Refused(refusal)) => self.take_refusal(&request, refusal, now),
                Err(RequestError::UsedUp(until)) => {
                    let quota = request.quota();
                    self.used_up.retain(|(known, _)| *known != quota);
                    self.used_up.push((quota, until));
                    // Another request may be due.
                    continue;
                }
            };
            self.answers = outcome.is_ok();
            self.n_failures = if self.answers { 0 } else { self.n_failures.saturating_add(1) };
            self.held = outcome.as_ref().err().filter(|_| self.n_failures > FAILURES_MAX).map(|error| {
                let until = schedule::after(now, self.client.pace.first_look);
                (until, error.clone())
            });
            return outcome;
        }
    }

    /// Returns the position with the state that another run needs.
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint { state: self.state.stored(), ..self.position.clone() }
    }
}

/// Returns the queries in the settings.
///
/// # Errors
/// If there are none, although topics add none, or too many, or one is empty, too long, or a duplicate.
pub fn queries(settings: &SourceSettings) -> Result<Vec<String>, String> {
    let queries: Vec<String> =
        settings.queries.iter().flatten().map(|query| query.trim().to_owned()).collect();
    // Topics add others.
    let n_min = usize::from(settings.follow_topics != Some(true));
    if !(n_min..=QUERIES_MAX).contains(&queries.len()) {
        return Err(format!("a source on YouTube requires 1 to {QUERIES_MAX} queries"));
    }
    let is_usable = |query: &String| {
        !query.is_empty() && query.chars().count() <= QUERY_CHARS_MAX && !query.contains(char::is_control)
    };
    if !queries.iter().all(is_usable) {
        return Err(format!("each query must be 1 to {QUERY_CHARS_MAX} characters on one line"));
    }
    let n_distinct = queries.iter().collect::<HashSet<_>>().len();
    if n_distinct != queries.len() {
        return Err("all queries must be different".to_owned());
    }
    Ok(queries)
}

impl Connector for YouTube {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }
}

#[cfg(test)]
mod tests;
