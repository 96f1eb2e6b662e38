//! Every message between actors, on one page.
//!
//! | message | from → to | how sent |
//! |---|---|---|
//! | [`ScoreBatch`] | ingester → inference_pool | `post`: its ticket bounds it |
//! | [`RecordBatch`] | inference_pool → aggregator | `post`: its ticket bounds it |
//! | [`CorrectBatch`] | deep_pool → aggregator | `post`: the permits of its posts bound it |
//! | [`ApplyUpdate`] | listener → live_metrics | `send().await` |
//! | [`PostsFlagged`] | aggregator → alerter | `try_send`: it only wakes |
//! | [`CountTerms`] | aggregator → trend_counter | `try_send`: what does not fit is told as missed |
//! | [`Publish`] | listener → broadcaster | `send().await` |
//! | [`PublishMetrics`] | live_metrics → broadcaster | `try_send`: the next is due in 250 ms |
//! | [`PublishSystem`] | app → broadcaster | `try_send`: the next is due in 2 s |
//! | [`ObserveHealth`] | app → service_alerter | `try_send`: the next is due in 1 s |
//! | [`Watch`] | session → broadcaster | `try_send`: a full mailbox refuses the client |
//! | [`Disconnect`] | session → broadcaster | `try_send`, else `send().await`: once for each session |
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
use crate::trends::slice::HeardPost;

/// Score these posts, then have them recorded.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ScoreBatch {
    /// At least one.
    pub posts: Vec<AcceptedPost>,
    /// Settled when they are stored.
    pub ticket: Ticket,
}

impl Ticketed for ScoreBatch {}

/// Store these posts, their scores and what they add to the rollups, in one transaction.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RecordBatch {
    /// At least one.
    pub posts: Vec<ScoredPost>,
    /// Settled when they are stored.
    pub ticket: Ticket,
    /// As many as there are posts that await a correction.
    pub permits: Permits,
}

impl Ticketed for RecordBatch {}

/// A post, and what a better model makes of it.
pub struct Rescored {
    /// The post as it waited.
    pub deferred: DeferredPost,
    /// What it makes of it.
    pub score: Score,
}

/// Give these posts their better scores, in one transaction.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CorrectBatch {
    /// Posts with better scores.
    pub rescored: Vec<Rescored>,
    /// Posts that the better model could not read: they keep the scores they have.
    pub given_up: Vec<DeferredPost>,
}

impl Ticketed for CorrectBatch {}

/// A process, perhaps this one, committed something or raised an alert; or some of that was missed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ApplyUpdate(pub Arc<UpdateEvent>);

/// Posts at high churn risk were stored and wait, in the store, to be taken into an alert. Only a wake-up: one that is
/// lost costs seconds, not alerts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PostsFlagged;

/// Count what these posts speak of, and who wrote them. They are stored.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CountTerms {
    /// At least one.
    pub posts: Vec<HeardPost>,
    /// Tells that they were missed, unless they are counted.
    pub uncounted: UncountedPosts,
}

/// Turn this update into frames and deliver them.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Publish(pub Arc<UpdateEvent>);

/// The live window as it stands.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishMetrics {
    /// The window.
    pub metrics: Arc<LiveMetrics>,
}

/// The pipeline's health as it stands.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PublishSystem(pub Arc<SystemHealth>);

/// The health of this process as just measured, to be judged.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ObserveHealth(pub Arc<SystemHealth>);

/// Names a session within its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A browser has come, or asks for something else from now on. What it gets is put into its outbox: an answer, if it
/// asked, then what it missed, and then the state of what it wants. Frames follow as they come.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct Watch {
    /// Which session.
    pub id: SessionId,
    /// Where its frames go.
    pub outbox: Arc<Outbox>,
    /// What it wants, in place of what it wanted.
    pub subscription: Subscription,
    /// The newest id it has seen; absent, it takes a fresh start.
    pub since: Option<FrameId>,
    /// Whether it asked, and so is answered.
    pub is_asked: bool,
}

/// A browser has gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Disconnect {
    /// Which session.
    pub id: SessionId,
}

/// What a stage says of itself; the supervisor adds state and restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageReport {
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages that failed.
    pub failed: u64,
    /// Messages it holds.
    pub in_flight: u64,
    /// When it last finished something, in milliseconds since 1970; 0 before the first.
    pub last_progress_ms: i64,
}

/// Are you alive? A stage whose mailbox is stuck does not answer, which is the point.
#[derive(Message)]
#[rtype(result = "StageReport")]
pub struct ReportHealth;

/// Panic, as a bug would make you. Nothing outside the tests sends it.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Kill;
