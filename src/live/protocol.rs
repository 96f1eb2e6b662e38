//! Wire protocol for live connections: all frames and all operations.
//!
//! The dashboard's types are generated from these types, so an incompatible change breaks its type check.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::alert::Alert;
use crate::models::bounded::MaxRate;
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::subscription::{Feed, Filter};
use crate::models::system_health::SystemHealth;

/// Envelope of a frame that belongs to a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct News<D> {
    /// Feed that the frame belongs to.
    pub feed: Feed,
    /// Position of the frame, `epoch:offset`, in a single sequence across all feeds. A client keeps the newest id as
    /// its `since`: the one with the greatest offset or, once the epoch has changed, the last one received. Frames that
    /// carry current state (`metrics:*`, `system:*`) have the id of the latest update that they include. That id is
    /// never ahead of updates still to come, so a client that resumes from its newest id misses nothing. On a slow
    /// connection, such a frame can arrive after updates with later ids.
    pub id: String,
    /// Time at which the frame was encoded.
    pub ts: Timestamp,
    /// Payload, whose type depends on the event.
    pub data: D,
}

/// Envelope of a frame that responds to the client's own operation. It belongs to no feed and has no position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reply<D> {
    /// Always null; only frames that belong to a feed name it.
    #[schema(value_type = Option<Feed>)]
    pub feed: Option<Feed>,
    /// Always null; only frames that belong to a feed have a position.
    pub id: Option<String>,
    /// Time at which the frame was encoded.
    pub ts: Timestamp,
    /// Payload, whose type depends on the event.
    pub data: D,
}

/// Frame that carries changes to the live window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsPatch {
    /// Always `metrics`, the feed of the live window.
    pub feed: Feed,
    /// Position of the frame, `epoch:offset`, as in every frame that belongs to a feed.
    pub id: String,
    /// Id of the frame that the patch applies to: the previous metrics frame on this connection.
    pub base: String,
    /// Time at which the frame was encoded.
    pub ts: Timestamp,
    /// JSON merge patch (RFC 7396) for the data of the frame `base`. An array whose items have a `key` (`geo`,
    /// `products`, `channels`, `platforms`, `sources`) is patched by an object that maps keys to patches, and
    /// `trend.items` by one that maps values of `from` to patches; null removes an item. After patching, sort `geo`,
    /// `products`, `channels` and `platforms` by descending `count`, then by `key`; `sources` by `key`; and
    /// `trend.items` by `from`. If null removes an `average`, the average is null.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Frame that the server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event")]
pub enum ServerFrame {
    /// The whole live window. Sent once after subscribing to `metrics`.
    #[serde(rename = "metrics:initial")]
    MetricsInitial(Box<News<LiveMetrics>>),
    /// The whole live window after a change. Sent at most four times a second.
    #[serde(rename = "metrics:update")]
    MetricsUpdate(Box<News<LiveMetrics>>),
    /// Changes to the live window, for clients that requested `delta`. At least every ten seconds, and whenever a frame
    /// was skipped for a slow reader, a whole `metrics:update` is sent instead.
    #[serde(rename = "metrics:delta")]
    MetricsDelta(Box<MetricsPatch>),
    /// A post was stored. Under load, only a sample of posts is sent; `rate.feed_share` in the metrics gives its share.
    #[serde(rename = "message:new")]
    MessageNew(Box<News<ScoredPost>>),
    /// The score of a stored post was corrected. The new score replaces the one shown; this is not a new post. Sent at
    /// most once per post and only for noticeable changes; under load, only for a sample. A label filter admits it if
    /// it matches the new or the old label.
    #[serde(rename = "message:update")]
    MessageUpdate(Box<News<ScoredPost>>),
    /// Posts were skipped on this connection because of its `max_rate` or because the client reads too slowly.
    #[serde(rename = "message:skipped")]
    MessageSkipped(Reply<Skipped>),
    /// An author is at high risk of leaving.
    #[serde(rename = "alert:churn")]
    AlertChurn(Box<News<Alert>>),
    /// The share of negative posts or the average sentiment passed its threshold.
    #[serde(rename = "alert:negativity")]
    AlertNegativity(Box<News<Alert>>),
    /// An anomaly was detected, or the number of posts passed a threshold.
    #[serde(rename = "alert:spike")]
    AlertSpike(Box<News<Alert>>),
    /// A post is predicted to spread widely.
    #[serde(rename = "alert:virality")]
    AlertVirality(Box<News<Alert>>),
    /// Another metric of a rule passed its threshold.
    #[serde(rename = "alert:threshold")]
    AlertThreshold(Box<News<Alert>>),
    /// An alert of any kind resolved.
    #[serde(rename = "alert:resolved")]
    AlertResolved(Box<News<Alert>>),
    /// Health of the pipeline. Sent once after subscribing to `system`, then every two seconds.
    #[serde(rename = "system:update")]
    SystemUpdate(Box<News<SystemHealth>>),
    /// The subscription changed as requested by `subscribe` or `unsubscribe`.
    #[serde(rename = "subscribed")]
    Subscribed(Reply<Subscribed>),
    /// Response to `ping`, which shows that the connection works.
    #[serde(rename = "pong")]
    Pong(Reply<Pong>),
    /// The last operation was invalid and had no effect.
    #[serde(rename = "error")]
    Error(Reply<OpError>),
}

/// Number of posts skipped on this connection since the previous `message:skipped`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// Number of posts skipped because of `max_rate`.
    pub by_rate: u64,
    /// Number of posts skipped because the client had not read earlier frames.
    pub too_slow: u64,
}

/// Current subscription of a client, in response to `subscribe` and `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscribed {
    /// All feeds that the client is now subscribed to, including earlier ones.
    pub feeds: Vec<Feed>,
    /// Filter that posts and alerts must pass.
    pub filter: Filter,
    /// Maximum number of posts per second; null if unlimited.
    #[schema(value_type = Option<f32>)]
    pub max_rate: Option<MaxRate>,
    /// Whether metrics are sent as `metrics:delta`.
    pub delta: bool,
    /// Whether all updates after the client's `since` follow, complete and in order. If false, some may have been
    /// missed; treat the initial frames as a fresh start.
    pub recovered: bool,
    /// Id, `epoch:offset`, that the next frames follow; null while the position in the sequence is unknown.
    pub since: Option<String>,
}

/// Empty payload of `pong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pong {}

/// Reason why an operation was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpError {
    /// Machine-readable code: `invalid_json`, `unknown_op`, `unknown_field`, `unknown_feed` or `invalid_field`.
    pub code: String,
    /// Human-readable message that names the invalid part.
    pub message: String,
}

/// Operation that a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum ClientOp {
    /// Adds feeds to the subscription and changes its options.
    Subscribe(Subscribe),
    /// Removes feeds from the subscription.
    Unsubscribe(Unsubscribe),
    /// Requests a `pong`, to check the connection.
    Ping,
}

/// Fields of the `subscribe` operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Feeds to add. The first subscription of a connection replaces the default feeds.
    pub feeds: Vec<Feed>,
    /// Filter for posts and alerts; if absent, the current filter remains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Maximum number of posts per second, 0.1 to 1000; if absent, the current limit remains. `message:skipped` reports
    /// skipped posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0.1, maximum = 1000)]
    pub max_rate: Option<MaxRate>,
    /// Whether to send metrics as changes to the previous frame; if absent, the current setting remains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<bool>,
    /// Newest id that the client has received, `epoch:offset`. Takes effect only in the first subscription of a
    /// connection, within two seconds of its start. After that, the connection has already received updates, and the
    /// response has `recovered: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// Fields of the `unsubscribe` operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// Feeds to remove from the subscription.
    pub feeds: Vec<Feed>,
}
