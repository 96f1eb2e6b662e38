//! All messages between actors.
//!
//! | message | from → to | how sent |
//! |---|---|---|
//! | [`ScoreBatch`] | ingester → inference_pool | `post`: bounded by its ticket |
//! | [`RecordBatch`] | inference_pool → aggregator | `post`: bounded by its ticket |
//! | [`CorrectBatch`] | deep_pool → aggregator | `post`: bounded by the permits of its posts |
//! | [`ApplyUpdate`] | listener → live_metrics | `send().await` |
//! | [`PostsFlagged`] | aggregator → alerter | `try_send`: it is only a wake-up |
//! | [`CountTerms`] | aggregator → trend_counter | `try_send`: dropped posts are counted as missed |
//! | [`Publish`] | listener → broadcaster | `send().await` |
//! | [`PublishMetrics`] | live_metrics → broadcaster | `try_send`: the next is due in 250 ms |
//! | [`PublishSystem`] | app → broadcaster | `try_send`: the next is due in 2 s |
//! | [`ObserveHealth`] | app → service_alerter | `try_send`: the next is due in 1 s |
//! | [`Watch`] | session → broadcaster | `try_send`: a full mailbox refuses the client |
//! | [`Disconnect`] | session → broadcaster | `try_send`, else `send().await`: once per session |
//! | [`ReportHealth`] | supervisor → every stage | `send` with timeout |
//! | [`Kill`] | tests → any stage | `do_send` |

use std::sync::Arc;

use actix::Message;

use super::runtime::downstream::Ticketed;
use super::runtime::ticket::Ticket;
use super::scoring::deferred_post::{DeferredPost, Permits};
use super::trend_counter::missed_posts::UncountedPosts;
use crate::live::outbox::Outbox;
use crate::models::live::FrameId;
use crate::models::metrics::LiveMetrics;
use crate::models::new_post::AcceptedPost;
use crate::models::post::ScoredPost;
use crate::models::score::Score;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::Subscription;
use crate::stream::UpdateEvent;
use crate::trends::slice::TermPost;

/// Posts to score and then store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ScoreBatch {
    /// Accepted posts, at least one.
    pub posts: Vec<AcceptedPost>,
    /// Ticket to settle once the posts are stored.
    pub ticket: Ticket,
}

impl Ticketed for ScoreBatch {}

/// Scored posts to store, together with their rollups, in one transaction.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RecordBatch {
    /// Scored posts, at least one.
    pub posts: Vec<ScoredPost>,
    /// Ticket to settle once the posts are stored.
    pub ticket: Ticket,
    /// Permits of the posts that await a correction.
    pub permits: Permits,
}

impl Ticketed for RecordBatch {}

/// Post with the score of the deep model.
pub struct Rescored {
    /// Deferred post with its first score.
    pub deferred: DeferredPost,
    /// Score of the deep model.
    pub score: Score,
}

/// Scores of the deep model to store in one transaction.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CorrectBatch {
    /// Rescored posts.
    pub rescored: Vec<Rescored>,
    /// Posts that the deep model could not score; they keep their first scores.
    pub given_up: Vec<DeferredPost>,
}

impl Ticketed for CorrectBatch {}

/// Update that any process published, or a gap in the updates.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ApplyUpdate(pub Arc<UpdateEvent>);

/// Wake-up call: posts at high churn risk were stored and await their alert in the store. A lost wake-up costs seconds, not
/// alerts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PostsFlagged;

/// Stored posts whose terms and authors are counted.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountTerms {
    /// Posts to count, at least one.
    pub posts: Vec<TermPost>,
    /// Guard that records the posts as missed if it is dropped before they are counted.
    pub uncounted: UncountedPosts,
}

/// Update to encode as frames and deliver.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub Arc<UpdateEvent>);

/// Current live window.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishMetrics {
    /// Figures of the window.
    pub metrics: Arc<LiveMetrics>,
}

/// Current health of the pipeline.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishSystem(pub Arc<SystemHealth>);

/// Health of this process as just measured, to check for service alerts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ObserveHealth(pub Arc<SystemHealth>);

/// Session number, unique within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A client connected or changed its subscription. Its outbox receives a reply if the client asked for one, then the frames
/// that it missed, then the state of its feeds. New frames follow.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct Watch {
    /// Client session.
    pub id: SessionId,
    /// Queue of the session's frames.
    pub outbox: Arc<Outbox>,
    /// Subscription that replaces the previous one.
    pub subscription: Subscription,
    /// Newest frame that the client has seen; `None` starts afresh.
    pub since: Option<FrameId>,
    /// Whether the client sent a request and expects a reply.
    pub is_requested: bool,
}

/// A client disconnected.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Disconnect {
    /// Client session.
    pub id: SessionId,
}

/// Counters of a stage, to which the supervisor adds its state and number of restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageReport {
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages that failed since the process started.
    pub failed: u64,
    /// Messages in flight.
    pub in_flight: u64,
    /// When the last message was finished, in milliseconds since 1970; 0 before the first.
    pub last_progress_ms: i64,
}

/// Heartbeat. A stage whose mailbox is stuck does not respond, which is how the supervisor notices.
#[derive(Message)]
#[rtype(result = "StageReport")]
pub struct ReportHealth;

/// Makes a stage panic, as a bug would. Only tests send it.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Kill;
