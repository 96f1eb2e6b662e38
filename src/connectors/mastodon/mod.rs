//! One instance of Mastodon, or of a server that implements its protocol: <https://docs.joinmastodon.org/api/>.
//!
//! A stream delivers posts as they are written, but has no position and repeats nothing. Pages of the timelines
//! therefore fill the gap since the last status, before the stream is opened and again once it is open. Posts that both
//! deliver are yielded once. From time to time, the pages show whether the stream omits posts. An instance that does
//! not stream, which most do not without an access token, is polled.
//!
//! A post has the id that its own instance gave it (`uri`), so that it is the same post on every instance. A deletion
//! names only the id on the instance, so it takes effect only for posts that are still remembered.

mod fill; // filling a gap with pages
mod instance; // what an instance says about itself
mod listening; // one step of a run: a page, or what the stream has brought
mod recent; // which statuses were offered
mod requests; // requests, refusals and rate limits
mod status; // statuses to posts
mod streaming; // the stream
mod timeline; // what is asked for and subscribed to

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::fill::{Fill, Mark, PageRequest};
use self::instance::{Instance, Wanted};
use self::recent::{Recent, Saved};
use self::requests::{Answer, Client};
use self::status::Reading;
use self::streaming::{Connection, Event, NoStream};
use self::timeline::{Timeline, extended};
use super::{Batch, Connector, ConnectorError};
use crate::egress::{self, Egress};
use crate::models::source::credentials::Credentials;
use crate::models::source::{Checkpoint, SourceSettings};

/// Maximum number of hashtags per source. Each is a separate timeline and uses part of the instance's rate limit.
pub const TAGS_MAX: usize = 20;

/// Maximum length of a hashtag in characters.
pub const TAG_CHARS_MAX: usize = 100;

/// Minimum average time between two requests when timelines are polled: half of Mastodon's limit of 300 pages in 15
/// minutes.
const LEAST_INTERVAL: Duration = Duration::from_secs(6);

/// Number of consecutive failures after which a stream counts as unavailable.
const STREAM_FAILURES_MAX: u32 = 3;

/// Intervals and timeouts of requests and streams.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Interval between visits if there is no stream.
    pub interval: Duration,
    /// Interval between visits that check whether the stream omits posts.
    pub check_every: Duration,
    /// Delay before the first check of a new stream, because subscriptions take effect without confirmation.
    pub settle: Duration,
    /// Maximum time without any message of the stream. Instances send a ping every 30 seconds.
    pub silence: Duration,
    /// How long to wait before an unavailable stream is tried again.
    pub without_stream: Duration,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Maximum number of pages to read per timeline to fill a gap. The rest is declared as a gap.
    pub pages_max: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            check_every: Duration::from_secs(300),
            settle: Duration::from_secs(5),
            silence: Duration::from_secs(75),
            without_stream: Duration::from_secs(3_600),
            timeout: egress::TIMEOUT,
            pages_max: 40,
        }
    }
}

/// Connector that reads from one instance.
pub struct Mastodon {
    client: Client,
    wanted: Wanted,
    timelines: Vec<Timeline>,
    pace: Pace,
    /// Position after the last batch, without `state`.
    position: Checkpoint,
    /// Last status of each timeline; `None` if only the time of the position is known.
    marks: Vec<Option<Mark>>,
    recent: Recent,
    /// Description of the instance; `None` until it was requested.
    instance: Option<Instance>,
    stage: Stage,
    /// Indexes of the timelines whose gaps are still to be filled; the first one is being filled.
    unfilled: VecDeque<usize>,
    fill: Option<Fill>,
    /// Request for a page. It survives a cancelled call.
    request: Option<BoxFuture<'static, Result<Answer, ConnectorError>>>,
    connection: Option<Connection>,
    /// Reason why there is no stream, and since when; `None` if there is one.
    without_stream: Option<(String, Instant)>,
    /// Number of failures of the stream since it last worked.
    n_stream_failures: u32,
    /// Messages of the stream that were received but not yet yielded, and their size in bytes.
    received: VecDeque<Event>,
    n_bytes_received: usize,
    /// Error that broke the stream after those messages.
    broken: Option<ConnectorError>,
    /// Time of the next visit to the timelines.
    due_at: Instant,
    /// Time until which the instance allows no request.
    paused_until: Option<Instant>,
    /// Number of statuses since the last visit that the stream delivered, and number that only the visit found.
    n_streamed: u64,
    n_missed: u64,
    /// Whether the instance answered the last request.
    answers: bool,
}

/// Progress of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The gap is being filled before the stream is opened, because that may take a long time.
    Before,
    /// The stream is open, and posts written before that are being fetched. Its messages have to wait.
    Opened,
    /// The stream is being read, or timelines are being polled.
    Live,
}

/// State that a position contains.
#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Last status of each timeline, with its time.
    timelines: BTreeMap<String, (String, Timestamp)>,
    recent: Vec<Saved>,
}

impl Mastodon {
    /// Creates a connector that continues after `position`.
    ///
    /// # Errors
    /// If the settings have no address of an instance that may be reached, or the access token is malformed.
    pub fn new(
        egress: Egress,
        settings: &SourceSettings,
        credentials: &Credentials,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let refused = |why: String| ConnectorError::Refused(why);
        let base = settings.base_url.as_deref();
        let base = base.ok_or_else(|| refused("Mastodon requires the address of an instance".to_owned()))?;
        let base = egress.check(base).map_err(|error| refused(error.to_string()))?;
        let defaults = Pace::default();
        let interval = settings.interval_s.map_or(defaults.interval, |s| Duration::from_secs(s.into()));
        let pace = Pace { interval, ..defaults };
        let only_local = settings.only_local.unwrap_or(false);
        let timelines = Timeline::all(settings.tags.as_deref().unwrap_or_default(), only_local);
        let is_of_this_instance = position.host.as_deref() == Some(base.as_str());
        let state = position.state.clone().filter(|_| is_of_this_instance);
        let state = state.and_then(|state| serde_json::from_value::<State>(state).ok()).unwrap_or_default();
        let mark = |timeline: &Timeline| {
            state.timelines.get(&timeline.key()).map(|(id, at)| Mark { id: id.clone(), at: *at })
        };
        let client = Client::new(egress, base, credentials.token.as_deref(), pace.timeout)?;
        Ok(Self {
            wanted: Wanted {
                tags: timelines.iter().any(|timeline| timeline.tag.is_some()),
                only_local,
                token: client.token().is_some(),
            },
            client,
            marks: timelines.iter().map(mark).collect(),
            unfilled: (0..timelines.len()).collect(),
            timelines,
            pace,
            position: Checkpoint { state: None, ..position },
            recent: Recent::restored(state.recent),
            instance: None,
            stage: Stage::Before,
            fill: None,
            request: None,
            connection: None,
            without_stream: None,
            n_stream_failures: 0,
            received: VecDeque::new(),
            n_bytes_received: 0,
            broken: None,
            due_at: Instant::now(),
            paused_until: None,
            n_streamed: 0,
            n_missed: 0,
            answers: false,
        })
    }

    /// Replaces the intervals and timeouts.
    pub fn with_pace(mut self, pace: Pace) -> Self {
        (self.pace, self.client.timeout) = (pace, pace.timeout);
        self
    }

    /// Fetches the description of the instance and the newest status, and opens a stream. Returns a description of the
    /// result.
    ///
    /// # Errors
    /// If the instance cannot be read.
    pub async fn test(mut self) -> Result<String, ConnectorError> {
        let note = self.load_instance().await?;
        for timeline in &self.timelines {
            let newest = PageRequest { limit: 1, min_id: None, max_id: None };
            let answer = self.client.get(timeline.page_url(&self.client.base, &newest)?).await?;
            self.page(timeline, &answer)?;
        }
        self.open().await?;
        let how = match (&self.without_stream, self.wanted.token) {
            (None, true) => "the instance streams posts, and accepts the access token".to_owned(),
            (None, false) => "the instance streams posts; no access token is required".to_owned(),
            (Some((why, _)), _) => self.without_stream_words(why),
        };
        Ok(match note {
            Some(note) => format!("{how}; {note}"),
            None => how,
        })
    }

    fn without_stream_words(&self, why: &str) -> String {
        let seconds = self.interval().as_secs();
        format!("streaming is not available ({why}), so the instance is polled every {seconds} s")
    }

    /// Returns the interval between visits if there is no stream.
    fn interval(&self) -> Duration {
        let n_timelines = u32::try_from(self.timelines.len()).unwrap_or(u32::MAX);
        // A single timeline may be polled as often as the settings allow.
        self.pace.interval.max(LEAST_INTERVAL.saturating_mul(n_timelines.saturating_sub(1)))
    }

    /// Fetches the description of the instance. Returns a notice for people, if there is one.
    async fn load_instance(&mut self) -> Result<Option<&'static str>, ConnectorError> {
        self.check_pause()?;
        let answer = self.client.get(extended(&self.client.base, "api/v2/instance")?).await?;
        let instance = match answer.status {
            404 => Instance::unknown(&self.client.base)?,
            _ => Instance::read(&answer.body, &self.client.base)?,
        };
        self.note_pause(&answer);
        let note = instance.admits(self.wanted)?;
        self.instance = Some(instance);
        Ok(note)
    }

    /// Returns the statuses on a page.
    fn page(&self, timeline: &Timeline, answer: &Answer) -> Result<Vec<status::Entry>, ConnectorError> {
        if answer.status == 404 {
            // Nobody has used the hashtag.
            return timeline.tag.as_ref().map(|_| Vec::new()).ok_or_else(|| {
                ConnectorError::Refused("there is no instance at this address (status 404)".to_owned())
            });
        }
        self.reading()
            .page(&answer.body)
            .ok_or_else(|| ConnectorError::Interrupted("the host's response is not a timeline".to_owned()))
    }

    fn reading(&self) -> Reading<'_> {
        let domain = self.instance.as_ref().map_or("", |instance| instance.domain.as_str());
        Reading { domain, now: Timestamp::now() }
    }

    /// Returns an error while the instance allows no requests.
    fn check_pause(&self) -> Result<(), ConnectorError> {
        let left = self.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Err(ConnectorError::RateLimited {
                message: "the instance allows no more requests for now".to_owned(),
                retry_after: Some(left),
            }),
            None => Ok(()),
        }
    }

    fn note_pause(&mut self, answer: &Answer) {
        self.paused_until = answer.pause.map(|pause| Instant::now() + pause);
    }

    /// Opens the stream, or notes why there is none.
    async fn open(&mut self) -> Result<(), ConnectorError> {
        let Some(instance) = &self.instance else {
            return Ok(());
        };
        match Connection::open(&self.client, instance, &self.timelines).await {
            Ok(connection) => {
                (self.connection, self.without_stream) = (Some(connection), None);
                Ok(())
            }
            Err(NoStream::NotOffered(why)) => {
                self.do_without_stream(why);
                Ok(())
            }
            Err(NoStream::Failed(error @ ConnectorError::RateLimited { .. })) => Err(error),
            Err(NoStream::Failed(error)) if self.n_stream_failures + 1 >= STREAM_FAILURES_MAX => {
                self.do_without_stream(error.to_string());
                Ok(())
            }
            Err(NoStream::Failed(error)) => {
                self.n_stream_failures += 1;
                Err(error)
            }
        }
    }

    fn do_without_stream(&mut self, why: String) {
        self.without_stream = Some((why, Instant::now()));
        (self.connection, self.n_stream_failures) = (None, 0);
    }

    /// Returns the position with the state that another run needs.
    fn checkpoint(&self) -> Checkpoint {
        let marks = self.timelines.iter().zip(&self.marks);
        let timelines = marks.filter_map(|(timeline, mark)| {
            let mark = mark.as_ref()?;
            Some((timeline.key(), (mark.id.clone(), mark.at)))
        });
        let state = State { timelines: timelines.collect(), recent: self.recent.saved() };
        Checkpoint { state: serde_json::to_value(state).ok(), ..self.position.clone() }
    }
}

impl Connector for Mastodon {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }

    fn notice(&self) -> Option<String> {
        self.without_stream.as_ref().map(|(why, _)| self.without_stream_words(why))
    }
}

#[cfg(test)]
mod tests;
