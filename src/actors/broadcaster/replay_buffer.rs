//! Replay buffer: recent events in memory, from which reconnecting sessions receive what they missed.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use super::rate_bucket::RateBucket;
use crate::live::frame::{Encode, Frame, LiveFrame};
use crate::models::alert::Alert;
use crate::models::live::{AlertChange, Audience, CorrectedPost, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::post::ScoredPost;
use crate::models::principal::Identity;
use crate::models::subscription::{Feed, Subscription};
use crate::stream::HistoryLimits;

/// Maximum number of frames replayed to one session. Its outbox holds them as small references, which take up a quarter
/// of a megabyte. A client that missed more starts from the current state.
pub const REPLAYED_MAX: usize = 10_000;

/// Memory that an event takes up in addition to its text, which is held twice: parsed and encoded.
const FRAME_OVERHEAD_BYTES: usize = 1_024;

/// Event that clients receive as one frame.
#[derive(Debug)]
pub enum Event {
    /// A post was stored, and the live feed shows it.
    Post(ScoredPost),
    /// A stored post was corrected, and the live feed shows the change.
    Correction(CorrectedPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, Box<Alert>),
}

impl Event {
    /// Returns the feed that the event belongs to.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Post(_) | Self::Correction(_) => Feed::Messages,
            Self::Alert(..) => Feed::Alerts,
        }
    }

    /// Returns whether a subscription's feeds and filter include the event. Ignores the rate limit.
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
    /// Position of its frame in the frame sequence.
    pub offset: u64,
    /// Time of publication, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who receives the frame.
    pub audience: Audience,
    /// Stored post, correction or alert.
    pub event: Event,
    frame: OnceLock<Option<Arc<Frame>>>,
}

impl LoggedEvent {
    /// Returns the encoded frame, which all sessions share; `None` if it cannot be encoded. The first call encodes it.
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

    /// Returns whether the rate limits of sessions apply: to posts for everyone. A limit is shared by sessions with the same
    /// subscription, so if posts for one person counted, others would lose posts and learn of them.
    pub fn is_rated(&self) -> bool {
        self.event.feed() == Feed::Messages && self.audience == Audience::Everyone
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

/// Client whose missed events are looked up.
#[derive(Clone, Copy)]
pub struct Receiver<'a> {
    /// Who the client is. Events for somebody else are not its own.
    pub identity: &'a Identity,
    /// Feeds, filter and rate limit of the client.
    pub subscription: &'a Subscription,
}

/// Events that a reconnecting session missed.
pub struct MissedEvents<'a> {
    /// Missed events whose audience includes the client and that pass its filter and rate limit, oldest first.
    pub events: Vec<&'a LoggedEvent>,
    /// Number of missed posts that the session's rate limit skipped.
    pub n_by_rate: u64,
}

/// Position of an update relative to the end of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// The update directly follows the last one in the buffer.
    Next,
    /// The buffer already contains the update.
    Known,
    /// Updates in between are missing, or the update belongs to another epoch.
    Gap,
}

/// Events that this process delivered: a record without gaps, limited in age and size.
pub struct ReplayBuffer {
    epoch: String,
    /// Offset of the last frame that was delivered.
    position: u64,
    /// Offset after which the buffer contains every frame.
    floor: u64,
    events: VecDeque<LoggedEvent>,
    bytes: usize,
    limits: HistoryLimits,
}

impl ReplayBuffer {
    /// Creates an empty buffer that continues after the given frame.
    pub fn new(after: FrameId, limits: HistoryLimits) -> Self {
        let FrameId { epoch, offset } = after;
        Self { epoch, position: offset, floor: offset, events: VecDeque::new(), bytes: 0, limits }
    }

    /// Returns the id of the last frame that was delivered.
    pub fn position(&self) -> FrameId {
        FrameId { epoch: self.epoch.clone(), offset: self.position }
    }

    /// Returns the epoch of the frames in the buffer.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns the position of an update relative to the end of the buffer.
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
    pub fn append(&mut self, sequenced: &SequencedUpdate, at_ms: i64) -> impl Iterator<Item = &LoggedEvent> {
        let SequencedUpdate { audience, update, .. } = sequenced;
        let first = self.position + 1;
        let n_before = self.events.len();
        let mut push = |offset, event| {
            self.push(LoggedEvent { offset, at_ms, audience: *audience, event, frame: OnceLock::new() })
        };
        match update {
            LiveUpdate::Committed { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    push(offset, Event::Post(post.clone()));
                });
            }
            LiveUpdate::Corrected { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    push(offset, Event::Correction(post.clone()));
                });
            }
            LiveUpdate::Alert { change, alert } => push(first, Event::Alert(*change, alert.clone())),
            LiveUpdate::Missed => {}
        }
        self.position += update.n_frames();
        self.events.range(n_before..)
    }

    fn push(&mut self, logged: LoggedEvent) {
        self.bytes += logged.weight();
        self.events.push_back(logged);
    }

    /// Removes events that exceed the age or size limits.
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

    /// Returns whether delivery has reached a frame. False if the frame is ahead of the buffer or belongs to another
    /// epoch.
    pub fn has_reached(&self, since: &FrameId) -> bool {
        since.epoch == self.epoch && since.offset <= self.position
    }

    /// Returns the events that a client would have received after a frame; `None` if the buffer no longer contains all of
    /// them or there are too many.
    pub fn missed(&self, since: &FrameId, receiver: Receiver<'_>) -> Option<MissedEvents<'_>> {
        let Receiver { identity, subscription } = receiver;
        if !self.has_reached(since) || since.offset < self.floor {
            return None;
        }
        let mut missed = MissedEvents { events: Vec::new(), n_by_rate: 0 };
        let mut bucket = subscription.max_rate.map(RateBucket::new);
        let start = self.events.partition_point(|logged| logged.offset <= since.offset);
        let is_own =
            |logged: &&LoggedEvent| logged.audience.includes(identity) && logged.event.is_for(subscription);
        for logged in self.events.range(start..).filter(is_own) {
            if logged.is_rated() && bucket.as_mut().is_some_and(|bucket| !bucket.admit(logged.at_ms)) {
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
