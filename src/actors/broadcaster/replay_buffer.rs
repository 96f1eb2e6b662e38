//! The news of late, in this process's memory: every session that comes back is served from here at once.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use super::rate_bucket::RateBucket;
use crate::live::frame::{Encode, Frame, LiveFrame};
use crate::models::alert::Alert;
use crate::models::live::{AlertChange, CorrectedPost, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::post::ScoredPost;
use crate::models::subscription::{Feed, Subscription};
use crate::stream::HistoryLimits;

/// The most frames one session is sent on coming back. They wait in its outbox as references of some bytes, so this many
/// are a quarter of a megabyte; whoever missed more has a picture to rebuild, not a list to read.
pub const RECOVERED_MAX: usize = 10_000;

/// What a frame costs in memory besides its text, twice: as it was understood, and as it is sent.
const FRAME_OVERHEAD_BYTES: usize = 1_024;

/// News that becomes one frame.
#[derive(Debug)]
pub enum News {
    /// A post was stored.
    Post(ScoredPost),
    /// A post has a better score.
    Correction(CorrectedPost),
    /// An alert opened, grew or was resolved.
    Alert(AlertChange, Box<Alert>),
}

impl News {
    /// Which feed it belongs to.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Post(_) | Self::Correction(_) => Feed::Messages,
            Self::Alert(..) => Feed::Alerts,
        }
    }

    /// Whether a session with that subscription gets it, its rate aside.
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

/// One piece of news and its place in the sequence.
#[derive(Debug)]
pub struct Kept {
    /// Its place.
    pub offset: u64,
    /// When it was published, in milliseconds since 1970.
    pub at_ms: i64,
    /// What happened.
    pub news: News,
    frame: OnceLock<Option<Arc<Frame>>>,
}

impl Kept {
    /// As text: written once, whoever gets it and whenever.
    pub fn frame(&self, epoch: &str, encode: Encode) -> Option<&Arc<Frame>> {
        let written = self.frame.get_or_init(|| {
            let id = FrameId { epoch: epoch.to_owned(), offset: self.offset };
            let frame = match &self.news {
                News::Post(scored) => LiveFrame::MessageNew(scored),
                News::Correction(corrected) => LiveFrame::MessageUpdate(&corrected.scored),
                News::Alert(change, alert) => LiveFrame::Alert(*change, alert),
            };
            encode(&id, frame).map(Arc::new)
        });
        written.as_ref()
    }

    fn weight(&self) -> usize {
        let text = match &self.news {
            News::Post(scored) => scored.post.text.len(),
            News::Correction(corrected) => corrected.scored.post.text.len(),
            News::Alert(_, alert) => alert.posts.iter().map(|post| post.text.len() + 256).sum(),
        };
        2 * text + FRAME_OVERHEAD_BYTES
    }
}

/// What somebody who comes back is owed.
pub struct Missed<'a> {
    /// In order.
    pub frames: Vec<&'a Kept>,
    /// Posts that its rate leaves out.
    pub n_by_rate: u64,
}

/// How an update follows what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is the next.
    Next,
    /// It is known already.
    Known,
    /// Others are missing before it, or it belongs to another epoch.
    Gap,
}

/// Everything this process has delivered, up to some age and size, without a hole.
pub struct Log {
    epoch: String,
    /// The last id delivered.
    position: u64,
    /// Everything after this id is kept.
    floor: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    limits: HistoryLimits,
}

impl Log {
    /// Begins after an id.
    pub fn new(after: FrameId, limits: HistoryLimits) -> Self {
        let FrameId { epoch, offset } = after;
        Self { epoch, position: offset, floor: offset, kept: VecDeque::new(), bytes: 0, limits }
    }

    /// The id of the last frame that was delivered.
    pub fn position(&self) -> FrameId {
        FrameId { epoch: self.epoch.clone(), offset: self.position }
    }

    /// Which counter its ids are from.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// How an update follows.
    pub fn fit(&self, update: &SequencedUpdate) -> Fit {
        if update.first.epoch != self.epoch {
            return Fit::Gap;
        }
        match update.first.offset.checked_sub(self.position + 1) {
            None => Fit::Known,
            Some(0) => Fit::Next,
            Some(_) => Fit::Gap,
        }
    }

    /// Adds an update that is [`Fit::Next`], and answers the news in it.
    pub fn append(&mut self, update: &LiveUpdate, at_ms: i64) -> impl Iterator<Item = &Kept> {
        let first = self.position + 1;
        let n_before = self.kept.len();
        match update {
            LiveUpdate::Committed { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    self.keep(offset, at_ms, News::Post(post.clone()));
                });
            }
            LiveUpdate::Corrected { posts, .. } => {
                posts.iter().zip(first + 1..).for_each(|(post, offset)| {
                    self.keep(offset, at_ms, News::Correction(post.clone()));
                });
            }
            LiveUpdate::Alert { change, alert } => {
                self.keep(first, at_ms, News::Alert(*change, alert.clone()))
            }
            LiveUpdate::Missed => {}
        }
        self.position += update.n_frames();
        self.kept.range(n_before..)
    }

    fn keep(&mut self, offset: u64, at_ms: i64, news: News) {
        let kept = Kept { offset, at_ms, news, frame: OnceLock::new() };
        self.bytes += kept.weight();
        self.kept.push_back(kept);
    }

    /// Lets go of what is too old or too much.
    pub fn trim(&mut self, now_ms: i64) {
        let age_max = i64::try_from(self.limits.age_max.as_millis()).unwrap_or(i64::MAX);
        while let Some(oldest) = self.kept.front() {
            if now_ms.saturating_sub(oldest.at_ms) <= age_max
                && self.bytes <= self.limits.bytes_max.saturating_mul(2)
            {
                break;
            }
            self.bytes -= oldest.weight();
            self.floor = oldest.offset;
            self.kept.pop_front();
        }
    }

    /// Whether it can tell what came after an id: not while that is ahead of what was heard here, or of another epoch.
    pub fn has_reached(&self, since: &FrameId) -> bool {
        since.epoch == self.epoch && since.offset <= self.position
    }

    /// Everything a subscription would have got after an id; `None` when that is not known for certain, or too much.
    pub fn missed(&self, since: &FrameId, subscription: &Subscription) -> Option<Missed<'_>> {
        if !self.has_reached(since) || since.offset < self.floor {
            return None;
        }
        let mut missed = Missed { frames: Vec::new(), n_by_rate: 0 };
        let mut bucket = subscription.max_rate.map(RateBucket::new);
        let start = self.kept.partition_point(|kept| kept.offset <= since.offset);
        for kept in self.kept.range(start..).filter(|kept| kept.news.is_for(subscription)) {
            let is_post = kept.news.feed() == Feed::Messages;
            if is_post && bucket.as_mut().is_some_and(|bucket| !bucket.admit(kept.at_ms)) {
                missed.n_by_rate += 1;
                continue;
            }
            missed.frames.push(kept);
            if missed.frames.len() > RECOVERED_MAX {
                return None;
            }
        }
        Some(missed)
    }
}
