//! Sends what a connector says, when it is due, as fast as the stream takes it and no faster.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::models::new_post::{self, AcceptContext, AcceptedPost, Rejection};
use crate::models::post::Source;
use crate::stream::{Producer, StreamError};

use super::{Connector, Item, TimedPost};

/// Posts due within this are sent together. Shorter costs a round trip for each post; longer is seen as
/// stutter on the dashboard.
const TOGETHER: Duration = Duration::from_millis(20);

/// Posts sent together, at most.
const POSTS_AT_ONCE: usize = 500;

/// Between two looks at a full stream.
const FULL_PAUSE: Duration = Duration::from_millis(250);

/// Between two attempts at a Redis that is away: the first, and the longest.
const AWAY_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// What a delivery needs.
pub struct DeliveryParams {
    /// Where posts go.
    pub producer: Producer,
    /// Entries in the stream above which it waits.
    pub high_water: u64,
    /// Older posts are rejected.
    pub retention: Duration,
    /// Ends it: what is due is sent, and no more.
    pub stop: CancellationToken,
}

/// Why a delivery waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The stream is at its high-water mark.
    StreamFull,
    /// Redis does not answer.
    RedisAway,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Posts that are in the stream.
    pub n_sent: u64,
    /// Items that were no valid posts.
    pub n_bad: u64,
    /// Why nothing is sent at the moment.
    pub waiting: Option<Waiting>,
    /// As of [`Connector::position`].
    pub position: Option<(u64, u64)>,
}

/// What a delivery tells while it runs.
pub trait Listener {
    /// How far it is: every second, and at the end.
    fn progress(&mut self, progress: &Progress);
    /// An item was no valid post.
    fn bad(&mut self, line: u64, rejection: &Rejection);
}

/// Sends all that a connector has, and returns what was sent.
///
/// Time stands still while the stream is full or Redis is away: afterwards the posts go on where they
/// stopped, at their pace, instead of all at once. Fails only when the connector does, or when Redis refuses.
pub async fn deliver(
    connector: &mut (dyn Connector + Send),
    params: &DeliveryParams,
    listener: &mut (dyn Listener + Send),
) -> anyhow::Result<Progress> {
    let mut delivery = Delivery {
        params,
        source: Source::new(connector.source()),
        listener,
        clock: Clock { begun: Instant::now(), begun_at: Timestamp::now() },
        progress: Progress::default(),
        told: Instant::now(),
        due: Vec::new(),
    };
    while !params.stop.is_cancelled() {
        let item = connector.next_item()?;
        delivery.progress.position = connector.position();
        match item {
            Some(Item::Post(post)) => delivery.take(*post).await?,
            Some(Item::Bad { line, rejection }) => delivery.reject(line, &rejection),
            None => break,
        }
    }
    delivery.send().await?;
    delivery.listener.progress(&delivery.progress);
    Ok(delivery.progress)
}

/// The connector's time, which starts now and can be held.
struct Clock {
    begun: Instant,
    begun_at: Timestamp,
}

impl Clock {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The time of day at a moment of the connector.
    fn time_of(&self, at: Duration) -> Timestamp {
        let since = SignedDuration::try_from(at).unwrap_or(SignedDuration::MAX);
        self.begun_at.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    fn hold(&mut self, held: Duration) {
        self.begun += held;
        self.begun_at = self.time_of(held);
    }
}

struct Delivery<'a> {
    params: &'a DeliveryParams,
    source: Source,
    listener: &'a mut (dyn Listener + Send),
    clock: Clock,
    progress: Progress,
    told: Instant,
    due: Vec<AcceptedPost>,
}

impl Delivery<'_> {
    /// Adds a post to those due, after sending them if it is not due together with them.
    async fn take(&mut self, timed: TimedPost) -> anyhow::Result<()> {
        if self.due.len() >= POSTS_AT_ONCE || timed.at > self.clock.now() + TOGETHER {
            self.send().await?;
            let wait = timed.at.saturating_sub(self.clock.now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.params.stop.cancelled() => return Ok(()),
            }
        }
        let mut post = timed.post;
        post.created_at = Some(self.clock.time_of(timed.at));
        let context = AcceptContext {
            now: Timestamp::now(),
            retention: self.params.retention,
            source: self.source.clone(),
        };
        match new_post::accept(post, &context) {
            Ok(accepted) => self.due.push(accepted),
            Err(rejection) => self.reject(timed.line, &rejection),
        }
        Ok(())
    }

    fn reject(&mut self, line: u64, rejection: &Rejection) {
        self.progress.n_bad += 1;
        self.listener.bad(line, rejection);
    }

    /// Sends what is due, however long that takes. Told to stop, it gives a Redis that is away no more time.
    async fn send(&mut self) -> anyhow::Result<()> {
        let asked = Instant::now();
        let mut away_pause = AWAY_PAUSES.0;
        while !self.due.is_empty() {
            let pause = match self.attempt().await {
                Ok(true) => break,
                Ok(false) => {
                    self.wait_for(Waiting::StreamFull);
                    FULL_PAUSE
                }
                Err(error) if error.is_unavailable() => {
                    self.wait_for(Waiting::RedisAway);
                    let pause = away_pause;
                    away_pause = (2 * away_pause).min(AWAY_PAUSES.1);
                    pause
                }
                Err(error) => return Err(error.into()),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.params.stop.cancelled() => {
                    self.due.clear();
                    return Ok(());
                }
            }
        }
        if self.progress.waiting.take().is_some() {
            self.clock.hold(asked.elapsed());
        }
        self.tell();
        Ok(())
    }

    /// Whether there was room, and the posts are in the stream. Sent twice after an error, a post is still
    /// stored once.
    async fn attempt(&mut self) -> Result<bool, StreamError> {
        let n = u64::try_from(self.due.len()).unwrap_or(u64::MAX);
        if !self.params.producer.has_room(self.params.high_water, n).await? {
            return Ok(false);
        }
        self.params.producer.publish(&self.due).await?;
        self.progress.n_sent += n;
        self.due.clear();
        Ok(true)
    }

    fn wait_for(&mut self, reason: Waiting) {
        self.progress.waiting = Some(reason);
        self.tell();
    }

    fn tell(&mut self) {
        if self.told.elapsed() >= TOLD_EVERY {
            self.told = Instant::now();
            self.listener.progress(&self.progress);
        }
    }
}
