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
use super::trend_counter::missed_count::UncountedPosts;
use crate::live::outbox::Outbox;
use crate::models::live::FrameId;
use crate::models::metrics::LiveMetrics;
use crate::models::new_post::AcceptedPost;
use crate::models::post::ScoredPost;
use crate::models::principal::Principal;
use crate::models::score::Score;
use crate::models::subscription::Subscription;
use crate::models::system_health::SystemHealth;
use crate::stream::UpdateEvent;
use crate::trends::slice::TermPost;

/// Posts to score and then store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ScoreBatch {
    /// Accepted posts, at least one.
    pub posts: Vec<AcceptedPost>,
    /// Ticket to settle once the posts are stored or have failed.
    pub ticket: Ticket,
}

impl Ticketed for ScoreBatch {}

/// Scored posts to store in one transaction, along with their rollups.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RecordBatch {
    /// Scored posts to store, at least one.
    pub posts: Vec<ScoredPost>,
    /// Ticket to settle once the posts are stored or have failed.
    pub ticket: Ticket,
    /// Permits for the posts that await a correction.
    pub permits: Permits,
}

impl Ticketed for RecordBatch {}

/// Post with its score from the deep model.
pub struct Rescored {
    /// Post with its first score, and its permit.
    pub deferred: DeferredPost,
    /// Score from the deep model.
    pub score: Score,
}

/// Scores from the deep model, to be stored in one transaction.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CorrectBatch {
    /// Posts whose new scores are to be stored.
    pub rescored: Vec<Rescored>,
    /// Posts that the deep model could not score; they keep their first scores.
    pub given_up: Vec<DeferredPost>,
}

impl Ticketed for CorrectBatch {}

/// Update published by any process, or a gap in the updates, to apply to the live windows.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ApplyUpdate(pub Arc<UpdateEvent>);

/// Wake-up call, sent when posts at high churn risk have been stored and are waiting in the store for an alert. If it
/// is lost, the alert is a few seconds late.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PostsFlagged;

/// Stored posts whose terms and authors are to be counted.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountTerms {
    /// Posts to count, at least one.
    pub posts: Vec<TermPost>,
    /// Guard that records the posts as missed if it is dropped before they are counted.
    pub uncounted: UncountedPosts,
}

/// Update published by any process, or a gap in the updates, to deliver as frames.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub Arc<UpdateEvent>);

/// Current live window, to send to sessions.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishMetrics {
    /// Figures for the live window, shared by all sessions.
    pub metrics: Arc<LiveMetrics>,
}

/// Current health of the pipeline, to send to sessions.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishSystem(pub Arc<SystemHealth>);

/// Latest measured health of this process, which decides which service alerts open and resolve.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ObserveHealth(pub Arc<SystemHealth>);

/// Session number, unique within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A client connected or changed its subscription. Its outbox receives a reply if the client asked for one, then the
/// frames that it missed, then the state of its feeds. New frames follow.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct Watch {
    /// Session through which the client is connected.
    pub id: SessionId,
    /// Who holds the connection.
    pub principal: Principal,
    /// Queue of frames that the session sends to its client.
    pub outbox: Arc<Outbox>,
    /// Subscription of the session from now on.
    pub subscription: Subscription,
    /// Newest frame that the client has seen; `None` to start from the current state.
    pub since: Option<FrameId>,
    /// Whether the client sent a request and expects a reply.
    pub is_requested: bool,
}

/// A client disconnected, so its session receives no more frames.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Disconnect {
    /// Session through which the client was connected.
    pub id: SessionId,
}

/// Counters of a stage. The supervisor adds the stage's state and number of restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageReport {
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages that failed since the process started.
    pub failed: u64,
    /// Messages in flight at the moment.
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
