//! The wire protocol: every frame that is sent and every operation that is understood.
//!
//! The dashboard's types are generated from these, so a field changed here is an error there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::alert::Alert;
use crate::models::bounded::MaxRate;
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::{Feed, Filter};

/// What every frame of a feed has around its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct News<D> {
    /// The feed it belongs to.
    pub feed: Feed,
    /// `epoch:offset`: one sequence over all feeds. A client keeps the newest as its `since`: the greatest offset, or the
    /// one received last where the epoch is another. Frames of state (`metrics:*`, `system:*`) carry the id as of which
    /// they are: never one ahead of news that is still to come, so the newest id skips nothing; but where a client reads
    /// slowly one may come after news with a later id.
    pub id: String,
    /// When it was sent.
    pub ts: Timestamp,
    /// What happened.
    pub data: D,
}

/// What an answer to a client's own operation has around its data: it belongs to no feed and to no sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reply<D> {
    /// Always null.
    #[schema(value_type = Option<Feed>)]
    pub feed: Option<Feed>,
    /// Always null.
    pub id: Option<String>,
    /// When it was sent.
    pub ts: Timestamp,
    /// The answer.
    pub data: D,
}

/// A frame of metrics that says only what has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsPatch {
    /// Always `metrics`.
    pub feed: Feed,
    /// `epoch:offset`, as of every frame.
    pub id: String,
    /// The id of the frame it applies to: the metrics frame that was sent on this connection before it.
    pub base: String,
    /// When it was sent.
    pub ts: Timestamp,
    /// A JSON merge patch (RFC 7396) to the data of the frame before. An array whose items have a `key` (`geo`, `products`,
    /// `channels`, `platforms`, `sources`) is patched by an object of such patches by key, and `trend.items` by one by
    /// `from`; null takes an item out. Afterwards `geo`, `products`, `channels` and `platforms` are in the order of
    /// falling `count` and then of `key`, `sources` in that of `key`, `trend.items` in that of `from`. Where null takes out
    /// an `average`, the average is null.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Everything a client can receive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event")]
pub enum ServerFrame {
    /// The live window as it is, once after subscribing to `metrics`.
    #[serde(rename = "metrics:initial")]
    MetricsInitial(Box<News<LiveMetrics>>),
    /// The live window as it has become, at most four times a second.
    #[serde(rename = "metrics:update")]
    MetricsUpdate(Box<News<LiveMetrics>>),
    /// What has changed in the live window, to who asked for `delta`. At least every ten seconds, and wherever a frame
    /// was left out for a slow reader, a whole `metrics:update` comes instead.
    #[serde(rename = "metrics:delta")]
    MetricsDelta(Box<MetricsPatch>),
    /// A post was stored. Under load a sample: `rate.feed_share` of the metrics says how large.
    #[serde(rename = "message:new")]
    MessageNew(Box<News<ScoredPost>>),
    /// A post that was stored before has a better score: show that in place of the one it had. It is no new post. Sent
    /// once, at most, for each, and only where the change can be noticed; under load a sample. A filter by label lets it
    /// pass if the label it has fits, or the one it had.
    #[serde(rename = "message:update")]
    MessageUpdate(Box<News<ScoredPost>>),
    /// Posts were left out on this connection, by its `max_rate` or because it reads too slowly.
    #[serde(rename = "message:skipped")]
    MessageSkipped(Reply<Skipped>),
    /// Somebody is about to leave.
    #[serde(rename = "alert:churn")]
    AlertChurn(Box<News<Alert>>),
    /// The negative share or the average sentiment passed its threshold.
    #[serde(rename = "alert:negativity")]
    AlertNegativity(Box<News<Alert>>),
    /// Something changed more than it usually does.
    #[serde(rename = "alert:spike")]
    AlertSpike(Box<News<Alert>>),
    /// Posts are about to spread.
    #[serde(rename = "alert:virality")]
    AlertVirality(Box<News<Alert>>),
    /// Another measure of a rule passed its threshold.
    #[serde(rename = "alert:threshold")]
    AlertThreshold(Box<News<Alert>>),
    /// An alert ceased to hold.
    #[serde(rename = "alert:resolved")]
    AlertResolved(Box<News<Alert>>),
    /// How the pipeline is: once after subscribing to `system`, then every two seconds.
    #[serde(rename = "system:update")]
    SystemUpdate(Box<News<SystemHealth>>),
    /// The subscription is as the client asked.
    #[serde(rename = "subscribed")]
    Subscribed(Reply<Subscribed>),
    /// Answers the operation `ping`.
    #[serde(rename = "pong")]
    Pong(Reply<Pong>),
    /// The last operation was not understood; nothing changed.
    #[serde(rename = "error")]
    Error(Reply<OpError>),
}

/// How many posts were left out on a connection since that was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// Because its `max_rate` was reached.
    pub by_rate: u64,
    /// Because it did not read what was sent before.
    pub too_slow: u64,
}

/// A client's subscription as it now stands. Also answers `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscribed {
    /// All feeds it now gets, not only those just asked for.
    pub feeds: Vec<Feed>,
    /// What narrows posts and alerts.
    pub filter: Filter,
    /// Posts a second, at most; null is all of them.
    #[schema(value_type = Option<f32>)]
    pub max_rate: Option<MaxRate>,
    /// Whether metrics come as `metrics:delta`.
    pub delta: bool,
    /// Whether everything after the client's `since` follows, complete and in order. False: something may have been
    /// missed; take the initial frames as a fresh start.
    pub recovered: bool,
    /// `epoch:offset` after which what follows begins; null while nobody knows where the sequence stands.
    pub since: Option<String>,
}

/// Nothing to say but that the connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pong {}

/// Why an operation was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpError {
    /// For programs: `invalid_json`, `unknown_op`, `unknown_field`, `unknown_feed` or `invalid_field`.
    pub code: String,
    /// For people; names what was wrong.
    pub message: String,
}

/// Everything a client can send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum ClientOp {
    /// Adds feeds to the subscription.
    Subscribe(Subscribe),
    /// Takes feeds away from the subscription.
    Unsubscribe(Unsubscribe),
    /// Asks for a `pong`.
    Ping,
}

/// What `subscribe` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The feeds to add. The first subscription replaces what a silent client gets.
    pub feeds: Vec<Feed>,
    /// Replaces the filter; absent leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Posts a second, at most, 0.1 to 1000; absent leaves it as it is. What is left out is told by `message:skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f32>, minimum = 0.1, maximum = 1000)]
    pub max_rate: Option<MaxRate>,
    /// Whether to send metrics as what has changed; absent leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<bool>,
    /// The newest id the client has seen, `epoch:offset`. It counts in the first subscription of a connection,
    /// within two seconds of its beginning: after that the connection has news already, and is answered
    /// `recovered: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What `unsubscribe` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// The feeds to take away.
    pub feeds: Vec<Feed>,
}
