//! Sends the posts of a playback when they are due, but no faster than the stream accepts them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::models::new_post::{self, AcceptContext, AcceptedPost, Rejection};
use crate::models::post::Source;
use crate::stream::{Producer, StreamError};

use super::{Item, Playback, TimedPost};

/// Posts due within this interval of each other are sent together. With a shorter interval, each post would cost a
/// round trip; with a longer one, the dashboard would stutter.
pub(super) const BATCH_WINDOW: Duration = Duration::from_millis(20);

/// Maximum number of posts per batch.
const BATCH_POSTS_MAX: usize = 500;

/// Interval between checks of whether a full stream has room again.
const FULL_STREAM_DELAY: Duration = Duration::from_millis(250);

/// Initial and maximum delay between attempts to reach Redis.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Interval between progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Destination and limits of a delivery.
pub struct DeliveryParams {
    /// Producer that writes the posts to the stream.
    pub producer: Producer,
    /// Number of stream entries at which the delivery pauses.
    pub high_water: u64,
    /// Maximum age of a post; the delivery rejects older ones.
    pub retention: Duration,
    /// Cancelled to stop the delivery once the posts that are already due have been sent.
    pub stop: CancellationToken,
}

/// Reason why a delivery is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The stream is at its high-water mark.
    StreamFull,
    /// Redis is not responding, and the delivery keeps trying.
    RedisAway,
}

/// Progress of a delivery so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of posts written to the stream.
    pub n_sent: u64,
    /// Number of items that were not valid posts and were skipped.
    pub n_bad: u64,
    /// Reason why the delivery is currently paused, if it is.
    pub waiting: Option<Waiting>,
    /// Position in the source: how much has been read, and the total; see [`Playback::position`].
    pub position: Option<(u64, u64)>,
}

/// Receives progress reports from a delivery.
pub trait Listener {
    /// Called every second and at the end.
    fn progress(&mut self, progress: &Progress);
    /// Called for an item that is not a valid post.
    fn bad(&mut self, line: u64, rejection: &Rejection);
}

/// Sends all posts of a playback and returns the final progress.
///
/// The playback's clock stops while the stream is full or Redis is unavailable, so posts continue at their own pace
/// afterwards instead of arriving all at once. Fails only if the playback fails or Redis rejects a command.
pub async fn deliver(
    playback: &mut (dyn Playback + Send),
    params: &DeliveryParams,
    listener: &mut (dyn Listener + Send),
) -> anyhow::Result<Progress> {
    let mut delivery = Delivery {
        params,
        source: Source::new(playback.source()),
        listener,
        clock: Clock { begun: Instant::now(), begun_at: Timestamp::now() },
        progress: Progress::default(),
        reported_at: Instant::now(),
        due: Vec::new(),
    };
    while !params.stop.is_cancelled() {
        let item = playback.next_item()?;
        delivery.progress.position = playback.position();
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

/// The playback's clock, which starts when it is created and can be paused.
struct Clock {
    begun: Instant,
    begun_at: Timestamp,
}

impl Clock {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Converts a time on the playback's clock to the time of day.
    fn time_of(&self, at: Duration) -> Timestamp {
        let since = SignedDuration::try_from(at).unwrap_or(SignedDuration::MAX);
        self.begun_at.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    fn pause(&mut self, paused: Duration) {
        self.begun += paused;
        self.begun_at = self.time_of(paused);
    }
}

struct Delivery<'a> {
    params: &'a DeliveryParams,
    source: Source,
    listener: &'a mut (dyn Listener + Send),
    clock: Clock,
    progress: Progress,
    reported_at: Instant,
    due: Vec<AcceptedPost>,
}

impl Delivery<'_> {
    /// Adds a post to the batch. If the post is due too late for this batch, sends the batch first.
    async fn take(&mut self, timed: TimedPost) -> anyhow::Result<()> {
        if self.due.len() >= BATCH_POSTS_MAX || timed.at > self.clock.now() + BATCH_WINDOW {
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
            connector: None,
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

    /// Sends the batch, however long that takes. After a stop request, an unavailable Redis is not tried again.
    async fn send(&mut self) -> anyhow::Result<()> {
        let started_at = Instant::now();
        let mut retry_delay = RETRY_DELAYS.0;
        while !self.due.is_empty() {
            let pause = match self.attempt().await {
                Ok(true) => break,
                Ok(false) => {
                    self.wait_for(Waiting::StreamFull);
                    FULL_STREAM_DELAY
                }
                Err(error) if error.is_unavailable() => {
                    self.wait_for(Waiting::RedisAway);
                    let pause = retry_delay;
                    retry_delay = (2 * retry_delay).min(RETRY_DELAYS.1);
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
            self.clock.pause(started_at.elapsed());
        }
        self.report();
        Ok(())
    }

    /// Writes the batch to the stream. Returns false if the stream has no room. A batch that is sent twice after an
    /// error is stored only once.
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
        self.report();
    }

    fn report(&mut self) {
        if self.reported_at.elapsed() >= PROGRESS_INTERVAL {
            self.reported_at = Instant::now();
            self.listener.progress(&self.progress);
        }
    }
}
