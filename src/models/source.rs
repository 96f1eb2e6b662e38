//! Sources: their settings, their positions in the networks, and their gaps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::SourceId;
use super::object::{object, optional_object};

pub mod budget; // how much a source may spend
pub mod credentials; // what a network issued
pub mod following; // what a source asks its network for
pub mod usage; // of what a network charges and rations
pub mod mapping; // where the fields of posts are in deliveries

use self::budget::Budget;
use self::credentials::Credentials;
use self::mapping::{Pointer, PostMapping};
use self::usage::{SourceCost, SourceQuota};

/// Maximum length of a source's name in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Network that posts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SourceNetwork)]
pub enum Network {
    /// Bluesky, through a Jetstream host: all public posts. No key is needed.
    Bluesky,
    /// A feed of any site, in RSS, Atom or JSON Feed, polled at intervals.
    Feed,
    /// One instance of Mastodon, or of a server that implements its protocol: its public posts, or those with certain
    /// hashtags. Many instances require an access token.
    Mastodon,
    /// Reddit, through its Data API: new posts and comments in subreddits. It needs an app that Reddit has approved.
    Reddit,
    /// No network: other systems send signed deliveries to `/sources/{id}/events`.
    Webhook,
    /// X, through version 2 of its API: posts that match rules. It needs a bearer token, and each post costs money.
    X,
    /// YouTube, through its Data API: videos that match queries, and their comments. It needs an API key.
    YouTube,
}

impl Network {
    /// All networks, in the order in which they are presented.
    pub const ALL: [Self; 7] =
        [Self::Bluesky, Self::Feed, Self::Mastodon, Self::Reddit, Self::Webhook, Self::X, Self::YouTube];

    /// Networks that a process reads from. The others deliver their posts.
    pub const HEARD: [Self; 6] =
        [Self::Bluesky, Self::Feed, Self::Mastodon, Self::Reddit, Self::X, Self::YouTube];

    /// Returns the name used in the database and the API, which is also the platform and the source of its posts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bluesky => "bluesky",
            Self::Feed => "feed",
            Self::Mastodon => "mastodon",
            Self::Reddit => "reddit",
            Self::Webhook => "webhook",
            Self::X => "x",
            Self::YouTube => "youtube",
        }
    }
}

/// Current state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// The source receives new posts as they are written.
    Running,
    /// The source receives older posts until it has caught up with the present.
    CatchingUp,
    /// The source receives nothing at present and will retry.
    Waiting,
    /// A person has paused the source.
    Paused,
    /// The network requires a key, or rejects the one that was sent.
    NeedsKey,
    /// The network must first approve the use.
    NeedsApproval,
    /// The network rejects the settings.
    Refused,
    /// The source crashed because of a bug, and will be restarted.
    Failed,
}

impl SourceState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::CatchingUp,
        Self::Waiting,
        Self::Paused,
        Self::NeedsKey,
        Self::NeedsApproval,
        Self::Refused,
        Self::Failed,
    ];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::CatchingUp => "catching_up",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::NeedsKey => "needs_key",
            Self::NeedsApproval => "needs_approval",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Settings of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct SourceSettings {
    /// Address of the host to read from, such as `https://jetstream.example.org`; defaults to the network's own. For
    /// Mastodon, it is required and is the address of the instance. Plain `http` and private addresses must be allowed
    /// by the operator (`--egress-allow`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    pub base_url: Option<String>,
    /// Address of the feed; required for feeds, and not allowed for other networks. The operator must allow the same
    /// addresses as for `base_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// Interval between requests for a feed in seconds; defaults to 300. For a Mastodon instance that does not stream,
    /// the interval between visits, which defaults to 60. For YouTube, the interval between searches, which defaults to
    /// 3,600 and is longer if the quota requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 86400)]
    pub interval_s: Option<u32>,
    /// Hashtags to read on Mastodon, without `#`; defaults to the public timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 20)]
    pub tags: Option<Vec<String>>,
    /// Whether to read only posts that were written on the Mastodon instance itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_local: Option<bool>,
    /// Posts to select, in the network's own query language. For X, 1 to 25 rules of 1 to 512 characters; for YouTube,
    /// 1 to 5 different queries of up to 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 25)]
    pub queries: Option<Vec<String>>,
    /// Subreddits to read on Reddit, 1 to 25 different ones, without `r/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 25)]
    pub subreddits: Option<Vec<String>>,
    /// Whether the source also reads what the enabled topics ask for, as far as its network can be asked for that. Then
    /// `tags` and `queries`, to which the topics add, may be absent. Only Mastodon, X and YouTube can be asked for topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_topics: Option<bool>,
    /// Maximum amount that the source may spend per calendar month (UTC), in US dollars; defaults to nothing. X charges
    /// 0.005 per post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1000000)]
    pub usd_per_month: Option<Budget>,
    /// Position of each post field in the items of a webhook delivery. Without a mapping, items have the format of
    /// `POST /posts`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub mapping: Option<PostMapping>,
    /// Position of the items in a webhook delivery: an array of items, or a single item. Defaults to the whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Pointer>,
    /// Platform of items for which the mapping finds none; defaults to `webhook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9_.-]{1,32}$")]
    pub platform: Option<String>,
}

/// Position in a network. All posts up to it are in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SourceCheckpoint)]
pub struct Checkpoint {
    /// Time of the last event before the position, as the network recorded it. It is valid for every host of the
    /// network.
    pub at: Timestamp,
    /// Host that `cursor` belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Position as the host numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// Further state of the connector. It may be large, and is not shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub state: Option<serde_json::Value>,
}

impl Checkpoint {
    /// Returns the position at a time, for any host.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, host: None, cursor: None, state: None }
    }
}

/// Period from which posts may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceGap {
    /// Time from which posts may be missing.
    pub from: Timestamp,
    /// Time from which posts are complete again.
    pub to: Timestamp,
    /// Reason why posts may be missing.
    pub reason: String,
}

/// Numbers of posts of a source since it was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceCounts {
    /// Posts that the network delivered, including repeated ones.
    pub offered: u64,
    /// Posts that were put on the stream. Each of them is stored once.
    pub stored: u64,
    /// Posts that could not be parsed, or that are older than the retention period.
    pub rejected: u64,
    /// Posts that were erased because their author or the network deleted them.
    pub erased: u64,
}

impl SourceCounts {
    /// Adds other counts to these.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.stored += other.stored;
        self.rejected += other.rejected;
        self.erased += other.erased;
    }
}

/// Source as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PostSource)]
pub struct Source {
    /// Id of the source, as used in `/sources/{id}`.
    pub id: SourceId,
    /// Network that the source reads from.
    pub network: Network,
    /// Unique name of the source.
    pub name: String,
    /// Settings of the source.
    pub settings: SourceSettings,
    /// Whether credentials are stored for the source. They are never shown.
    pub has_credentials: bool,
    /// Current state of the source.
    pub state: SourceState,
    /// Human-readable reason for the state; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Position up to which all posts are in the stream; absent until the first post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Checkpoint>,
    /// Number of seconds between the publication of the newest post or deletion and its receipt; absent until the
    /// first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_s: Option<f64>,
    /// Time at which the newest post or deletion was received; absent until the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_post_at: Option<Timestamp>,
    /// Numbers of posts since the source was created.
    #[serde(flatten)]
    pub counts: SourceCounts,
    /// Periods from which posts may be missing, the latest first; at most 100.
    pub gaps: Vec<SourceGap>,
    /// Quotas of the account that were used in their current periods.
    pub quota: Vec<SourceQuota>,
    /// Cost of the source's posts; absent until something was spent in this period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<SourceCost>,
    /// Time at which the source was created.
    pub created_at: Timestamp,
    /// Time at which a person last changed the source.
    pub updated_at: Timestamp,
    /// Name of the person or program that created the source, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the source, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// Source with its signing secret, which is shown only once.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevealedSource {
    /// Source without the secret.
    #[serde(flatten)]
    pub source: Source,
    /// Secret that signs deliveries to a webhook, `whsec_` and 32 bytes in base64. It is not shown again. Absent for
    /// other networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Source to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// Network to read from.
    pub network: Network,
    /// Name of the source, 1 to 100 characters on one line. It must be unique, ignoring case.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Settings of the source.
    #[serde(default, deserialize_with = "object")]
    pub settings: SourceSettings,
    /// Credentials that the network issued, if it requires any.
    #[serde(default, skip_serializing_if = "Credentials::is_empty", deserialize_with = "object")]
    pub credentials: Credentials,
}

/// Changes to a source. Absent fields keep their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceChange {
    /// New name, as in [`NewSource::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: Option<String>,
    /// New settings, which replace all earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub settings: Option<SourceSettings>,
}

/// Result of testing a source's network and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceTest {
    /// State that the source would have: `running` if posts can be read.
    pub state: SourceState,
    /// Human-readable result of the test.
    pub message: String,
}

/// Report of a running source on the time since its previous report.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceReport {
    /// Current state of the source.
    pub state: SourceState,
    /// Human-readable reason for the state.
    pub reason: Option<String>,
    /// Position up to which all posts are in the stream; `None` if it has not changed.
    pub checkpoint: Option<Checkpoint>,
    /// Number of seconds between the publication of the newest post and its receipt; `None` if there was none.
    pub lag_seconds: Option<f64>,
    /// Time at which the newest post was received; `None` if there was none.
    pub last_post_at: Option<Timestamp>,
    /// Numbers of posts.
    pub counts: SourceCounts,
    /// Periods from which posts may be missing.
    pub gaps: Vec<SourceGap>,
}
