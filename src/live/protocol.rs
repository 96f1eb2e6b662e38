//! Wire protocol of live connections: all frames and all operations.
//!
//! The dashboard's types are generated from these, so an incompatible change fails its type check.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::alert::Alert;
use crate::models::bounded::MaxRate;
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::{Feed, Filter};

/// Envelope of a frame of a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct News<D> {
    /// Feed of the frame.
    pub feed: Feed,
    /// `epoch:offset` in one sequence over all feeds. A client keeps the newest as its `since`: the greatest offset, or
    /// the last one received when the epoch changes. State frames (`metrics:*`, `system:*`) carry the id as of which
    /// they are valid. It is never ahead of updates that are still to come, so resuming from the newest id skips
    /// nothing; but for a slow reader, a state frame may follow updates with a later id.
    pub id: String,
    /// Time of sending.
    pub ts: Timestamp,
    /// Data of the event.
    pub data: D,
}

/// Envelope of a response to a client's own operation, which belongs to no feed and no sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reply<D> {
    /// Always null.
    #[schema(value_type = Option<Feed>)]
    pub feed: Option<Feed>,
    /// Always null.
    pub id: Option<String>,
    /// Time of sending.
    pub ts: Timestamp,
    /// Data of the response.
    pub data: D,
}

/// Frame with the changes of the metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsPatch {
    /// Always `metrics`.
    pub feed: Feed,
    /// `epoch:offset`, as in every frame.
    pub id: String,
    /// Id of the frame to patch: the previous metrics frame on this connection.
    pub base: String,
    /// Time of sending.
    pub ts: Timestamp,
    /// JSON merge patch (RFC 7396) of the previous frame's data. An array whose items have a `key` (`geo`, `products`,
    /// `channels`, `platforms`, `sources`) is patched by an object that maps keys to patches, and `trend.items` by one
    /// that maps `from`; null removes an item. Afterwards `geo`, `products`, `channels` and `platforms` are sorted by
    /// descending `count`, then `key`; `sources` by `key`; `trend.items` by `from`. When null removes an `average`, the
    /// average is null.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Frame sent by the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event")]
pub enum ServerFrame {
    /// The whole live window, once after subscribing to `metrics`.
    #[serde(rename = "metrics:initial")]
    MetricsInitial(Box<News<LiveMetrics>>),
    /// The whole live window, at most four times a second.
    #[serde(rename = "metrics:update")]
    MetricsUpdate(Box<News<LiveMetrics>>),
    /// Changes of the live window, for clients that requested `delta`. A whole `metrics:update` replaces it at least
    /// every ten seconds, and whenever a frame was skipped for a slow reader.
    #[serde(rename = "metrics:delta")]
    MetricsDelta(Box<MetricsPatch>),
    /// A post was stored. Under load a sample: `rate.feed_share` of the metrics gives its share.
    #[serde(rename = "message:new")]
    MessageNew(Box<News<ScoredPost>>),
    /// A stored post has a corrected score, which replaces the one shown; it is not a new post. Sent at most once per
    /// post and only for noticeable changes; under load a sample. A filter by label admits it under its new or its old
    /// label.
    #[serde(rename = "message:update")]
    MessageUpdate(Box<News<ScoredPost>>),
    /// Posts were skipped on this connection, because of its `max_rate` or because it reads too slowly.
    #[serde(rename = "message:skipped")]
    MessageSkipped(Reply<Skipped>),
    /// An author is at high risk of leaving.
    #[serde(rename = "alert:churn")]
    AlertChurn(Box<News<Alert>>),
    /// The negative share or the average sentiment passed its threshold.
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
    /// An alert resolved.
    #[serde(rename = "alert:resolved")]
    AlertResolved(Box<News<Alert>>),
    /// Health of the pipeline: once after subscribing to `system`, then every two seconds.
    #[serde(rename = "system:update")]
    SystemUpdate(Box<News<SystemHealth>>),
    /// The subscription changed as requested.
    #[serde(rename = "subscribed")]
    Subscribed(Reply<Subscribed>),
    /// Response to `ping`.
    #[serde(rename = "pong")]
    Pong(Reply<Pong>),
    /// The last operation was invalid and changed nothing.
    #[serde(rename = "error")]
    Error(Reply<OpError>),
}

/// Number of posts skipped on a connection since the last such frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// Skipped because of `max_rate`.
    pub by_rate: u64,
    /// Skipped because the client did not read earlier frames.
    pub too_slow: u64,
}

/// Current subscription of a client. Also the response to `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscribed {
    /// All subscribed feeds, not only those just added.
    pub feeds: Vec<Feed>,
    /// Filter for posts and alerts.
    pub filter: Filter,
    /// Maximum number of posts per second; null for no limit.
    #[schema(value_type = Option<f32>)]
    pub max_rate: Option<MaxRate>,
    /// Whether metrics are sent as `metrics:delta`.
    pub delta: bool,
    /// Whether everything after the client's `since` follows, complete and in order. If false, frames may have been
    /// missed; treat the initial frames as a fresh start.
    pub recovered: bool,
    /// `epoch:offset` after which the following frames begin; null while the position in the sequence is unknown.
    pub since: Option<String>,
}

/// Empty data of a `pong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pong {}

/// Error of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpError {
    /// Machine-readable code: `invalid_json`, `unknown_op`, `unknown_field`, `unknown_feed` or `invalid_field`.
    pub code: String,
    /// Human-readable message that names what is wrong.
    pub message: String,
}

/// Operation sent by a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum ClientOp {
    /// Adds feeds to the subscription.
    Subscribe(Subscribe),
    /// Removes feeds from the subscription.
    Unsubscribe(Unsubscribe),
    /// Requests a `pong`.
    Ping,
}

/// Operation `subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Feeds to add. The first subscription replaces the default feeds.
    pub feeds: Vec<Feed>,
    /// New filter; the filter stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Maximum number of posts per second, 0.1 to 1000; stays when absent. `message:skipped` reports skipped posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0.1, maximum = 1000)]
    pub max_rate: Option<MaxRate>,
    /// Whether to send metrics as deltas; stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<bool>,
    /// Newest id the client has received, `epoch:offset`. Honoured in the first subscription of a connection, within
    /// two seconds of its start; later the connection has received updates already, and the response has `recovered:
    /// false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// Operation `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// Feeds to remove.
    pub feeds: Vec<Feed>,
}
