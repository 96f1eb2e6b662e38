//! Replay buffer: recent events kept in memory, from which a reconnecting session receives what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use super::rate_bucket::RateBucket;
use crate::live::frame::{Encode, Frame, LiveFrame};
use crate::models::alert::Alert;
use crate::models::live::{AlertChange, CorrectedPost, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::post::ScoredPost;
use crate::models::subscription::{Feed, Subscription};
use crate::stream::HistoryLimits;

/// Maximum number of frames replayed to one session. They are queued in its outbox as small references, a quarter of a
/// megabyte in all. A client that missed more starts afresh.
pub const REPLAYED_MAX: usize = 10_000;

/// Memory that an event takes in addition to its text, which is held twice: parsed and encoded.
const FRAME_OVERHEAD_BYTES: usize = 1_024;

/// Event that is sent as one frame.
#[derive(Debug)]
pub enum Event {
    /// A post was stored.
    Post(ScoredPost),
    /// A post was corrected.
    Correction(CorrectedPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, Box<Alert>),
}

impl Event {
    /// Returns the feed of the event.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Post(_) | Self::Correction(_) => Feed::Messages,
            Self::Alert(..) => Feed::Alerts,
        }
    }

    /// Returns whether a subscription includes the event, apart from its rate limit.
    pub fn is_for(&self, subscription: &Subscription) -> bool {
        let filter = &subscription.filter;
        subscription.feeds.contains(self.feed())
            && match self {
                Self::Post(scored) => filter.admits_post(scored),
                Self::Correction(corrected) => filter.admits_correction(corrected),
                Self::Alert(_, alert) => filter.admits_alert(alert),
            }
    }
}

/// Event with its position in the sequence.
#[derive(Debug)]
pub struct LoggedEvent {
    /// Position in the frame sequence.
    pub offset: u64,
    /// Time of publication, in milliseconds since 1970.
    pub at_ms: i64,
    /// The event.
    pub event: Event,
    frame: OnceLock<Option<Arc<Frame>>>,
}

impl LoggedEvent {
    /// Returns the encoded frame, which is encoded on first use.
    pub fn frame(&self, epoch: &str, encode: Encode) -> Option<&Arc<Frame>> {
        let written = self.frame.get_or_init(|| {
            let id = FrameId { epoch: epoch.to_owned(), offset: self.offset };
            let frame = match &self.event {
                Event::Post(scored) => LiveFrame::MessageNew(scored),
                Event::Correction(corrected) => LiveFrame::MessageUpdate(&corrected.scored),
                Event::Alert(change, alert) => LiveFrame::Alert(*change, alert),
            };
            encode(&id, frame).map(Arc::new)
        });
        written.as_ref()
    }

    fn weight(&self) -> usize {
        let text = match &self.event {
            Event::Post(scored) => scored.post.text.len(),
            Event::Correction(corrected) => corrected.scored.post.text.len(),
            Event::Alert(_, alert) => alert.posts.iter().map(|post| post.text.len() + 256).sum(),
        };
        2 * text + FRAME_OVERHEAD_BYTES
    }
}

/// What a reconnecting session missed.
pub struct MissedEvents<'a> {
    /// Missed events in order.
    pub events: Vec<&'a LoggedEvent>,
    /// Number of posts skipped by the session's rate limit.
    pub n_by_rate: u64,
}

/// Where an update stands relative to the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// It follows directly.
    Next,
    /// It is already in the log.
    Known,
    /// Updates before it are missing, or it belongs to another epoch.
    Gap,
}

/// Events that this process delivered, without gaps and bounded in age and size.
pub struct ReplayBuffer {
    epoch: String,
    /// Offset of the last delivered frame.
    position: u64,
    /// Offset after which the log is complete.
    floor: u64,
    events: VecDeque<LoggedEvent>,
    bytes: usize,
    limits: HistoryLimits,
}

impl ReplayBuffer {
    /// Creates an empty log that begins after the given frame.
    pub fn new(after: FrameId, limits: HistoryLimits) -> Self {
        let FrameId { epoch, offset } = after;
        Self { epoch, position: offset, floor: offset, events: VecDeque::new(), bytes: 0, limits }
    }

    /// Returns the id of the last delivered frame.
    pub fn position(&self) -> FrameId {
        FrameId { epoch: self.epoch.clone(), offset: self.position }
    }

    /// Returns the epoch of the frame ids.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns where an update stands relative to the end of the log.
    pub fn continuity(&self, update: &SequencedUpdate) -> Continuity {
        if update.first.epoch != self.epoch {
            return Continuity::Gap;
        }
        match update.first.offset.checked_sub(self.position + 1) {
            None => Continuity::Known,
            Some(0) => Continuity::Next,
            Some(_) => Continuity::Gap,
        }
    }

    /// Appends an update that is [`Continuity::Next`], and returns its events.
    pub fn append(&mut self, update: &LiveUpdate, at_ms: i64) -> impl Iterator<Item = &LoggedEvent> {
        let first = self.position + 1;
        let n_before = self.events.len();
        match update {
            LiveUpdate::Committed { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    self.push(offset, at_ms, Event::Post(post.clone()));
                });
            }
            LiveUpdate::Corrected { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    self.push(offset, at_ms, Event::Correction(post.clone()));
                });
            }
            LiveUpdate::Alert { change, alert } => {
                self.push(first, at_ms, Event::Alert(*change, alert.clone()))
            }
            LiveUpdate::Missed => {}
        }
        self.position += update.n_frames();
        self.events.range(n_before..)
    }

    fn push(&mut self, offset: u64, at_ms: i64, event: Event) {
        let logged = LoggedEvent { offset, at_ms, event, frame: OnceLock::new() };
        self.bytes += logged.weight();
        self.events.push_back(logged);
    }

    /// Removes events beyond the age and size limits.
    pub fn trim(&mut self, now_ms: i64) {
        let age_max = i64::try_from(self.limits.age_max.as_millis()).unwrap_or(i64::MAX);
        while let Some(oldest) = self.events.front() {
            if now_ms.saturating_sub(oldest.at_ms) <= age_max
                && self.bytes <= self.limits.bytes_max.saturating_mul(2)
            {
                break;
            }
            self.bytes -= oldest.weight();
            self.floor = oldest.offset;
            self.events.pop_front();
        }
    }

    /// Returns whether the log covers a frame: false if the frame is ahead of the log or from another epoch.
    pub fn has_reached(&self, since: &FrameId) -> bool {
        since.epoch == self.epoch && since.offset <= self.position
    }

    /// Returns the events that a subscription would have received after a frame; `None` if they are not all in the log or
    /// there are too many.
    pub fn missed(&self, since: &FrameId, subscription: &Subscription) -> Option<MissedEvents<'_>> {
        if !self.has_reached(since) || since.offset < self.floor {
            return None;
        }
        let mut missed = MissedEvents { events: Vec::new(), n_by_rate: 0 };
        let mut bucket = subscription.max_rate.map(RateBucket::new);
        let start = self.events.partition_point(|logged| logged.offset <= since.offset);
        for logged in self.events.range(start..).filter(|logged| logged.event.is_for(subscription)) {
            let is_post = logged.event.feed() == Feed::Messages;
            if is_post && bucket.as_mut().is_some_and(|bucket| !bucket.admit(logged.at_ms)) {
                missed.n_by_rate += 1;
                continue;
            }
            missed.events.push(logged);
            if missed.events.len() > REPLAYED_MAX {
                return None;
            }
        }
        Some(missed)
    }
}
