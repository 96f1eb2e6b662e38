//! The wire protocol: every frame that is sent and every operation that is understood.
//!
//! The dashboard's types are generated from these, so a field changed here is an error there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::alert::Alert;
use crate::models::metrics::LiveMetrics;
use crate::models::post::ScoredPost;
use crate::models::stage_health::SystemHealth;
use crate::models::subscription::{Feed, Filter};

/// What every frame of a feed has around its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct News<D> {
    /// The feed it belongs to.
    pub feed: Feed,
    /// `epoch:offset`: one sequence over all feeds. A client keeps the newest as its `since`.
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
    /// A post was stored. Under load a sample: `rate.feed_share` of the metrics says how large.
    #[serde(rename = "message:new")]
    MessageNew(Box<News<ScoredPost>>),
    /// A post that was stored before has a better score: show that in place of the one it had. It is no new post. Sent
    /// once, at most, for each, and only where the change can be noticed; under load a sample. A filter by label lets it
    /// pass if the label it has fits, or the one it had.
    #[serde(rename = "message:update")]
    MessageUpdate(Box<News<ScoredPost>>),
    /// Somebody is about to leave.
    #[serde(rename = "alert:churn")]
    AlertChurn(Box<News<Alert>>),
    /// The negative share passed its threshold.
    #[serde(rename = "alert:negativity")]
    AlertNegativity(Box<News<Alert>>),
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

/// A client's subscription as it now stands. Also answers `unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subscribed {
    /// All feeds it now gets, not only those just asked for.
    pub feeds: Vec<Feed>,
    /// What narrows posts and alerts.
    pub filter: Filter,
    /// Whether everything since `since` follows. False: take the initial frames as a fresh start.
    pub recovered: bool,
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
    /// The newest id the client has seen, `epoch:offset`.
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
