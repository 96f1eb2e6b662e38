//! A post on its way through the pipeline: accepted, understood, scored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::score::{Score, SentimentLabel};

/// Where a post came into Groundswell: `http`, `replay`, `synthetic`, `bluesky`, …
///
/// Set by Groundswell, never by the sender, so that nobody takes generated posts for real ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Source(String);

impl Source {
    /// Posts sent to `POST /api/v1/posts`.
    pub const HTTP: &'static str = "http";
    /// Real posts read from a file by `groundswell replay`.
    pub const REPLAY: &'static str = "replay";
    /// Posts made by `groundswell synth`.
    pub const SYNTHETIC: &'static str = "synthetic";

    /// Names a source. Sources are chosen by our own code, so no validation is needed.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who wrote a post, as far as the platform tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The author's id at the platform, at most 256 bytes.
    #[schema(max_length = 256)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name the author goes by, at most 256 bytes.
    #[schema(max_length = 256)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// How many accounts follow the author.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followers: Option<i64>,
    /// Free text the author gives as a location; read through a gazetteer when `geo` is absent. At most 256 bytes.
    #[schema(max_length = 256)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// How often a post was liked, shared, commented on and viewed when it was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Engagement {
    /// Likes, favourites, upvotes.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likes: Option<i64>,
    /// Reposts, retweets, shares.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<i64>,
    /// Replies and comments.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<i64>,
    /// Views or impressions.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<i64>,
}

/// A post with everything Groundswell derived from it: language, place, products, reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Post {
    /// Groundswell's own name for the post (UUID v7), as used in `/posts/{id}`.
    pub uuid: Uuid,
    /// The post's id at its platform; `(platform, id)` alone makes a post unique.
    pub id: String,
    /// The platform, such as `twitter`.
    pub platform: String,
    /// What was said.
    pub text: String,
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// ISO 639-1 language, as sent or as detected; absent when too short to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Event time: every window and rollup goes by it.
    pub created_at: Timestamp,
    /// When Groundswell accepted it.
    pub received_at: Timestamp,
    /// The time the author really posted, when a replay moved `created_at` to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_created_at: Option<Timestamp>,
    /// Where it came in.
    pub source: Source,
    /// The city, from `geo` or the gazetteer; absent when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Latitude in degrees, north positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, east positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Every product it speaks of, sorted, without repeats; empty when none.
    pub products: Vec<String>,
    /// The support or marketing channel, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The id of the post it answers, at the same platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// How many people may have seen it: followers, or views where known.
    pub reach: i64,
    /// Counts at the time of sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
}

/// A post and what the model says about it: what is stored, listed and pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScoredPost {
    /// What was said.
    pub post: Post,
    /// What the model makes of it.
    pub score: Score,
    /// Whether a better model shall score it again. Says so only on the way into the store, which keeps it there until
    /// then; a post that was read from anywhere says no.
    #[serde(skip)]
    pub awaits_correction: bool,
}

/// Which posts come first in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PostOrder {
    /// The newest.
    #[default]
    Newest,
    /// Those that may go furthest.
    Virality,
    /// Those that most people reacted to.
    Engagement,
    /// Those that gain reactions fastest for their age.
    Rising,
}

/// A post as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListedPost {
    /// The post and what the model makes of it.
    #[serde(flatten)]
    pub scored: ScoredPost,
    /// What a person says its sentiment is; null where nobody said otherwise. Counts go by the model's.
    pub corrected_label: Option<SentimentLabel>,
}

/// A score that another one has taken the place of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PastScore {
    /// What a model made of the post.
    pub score: Score,
    /// When it was stored.
    pub scored_at: Timestamp,
}

/// A post, its score, and the scores it had before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PostWithHistory {
    /// What was said.
    pub post: Post,
    /// What the model makes of it.
    pub score: Score,
    /// When that was stored; absent for a post that was scored once, for which nobody noted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<Timestamp>,
    /// What a person says its sentiment is; null where nobody said otherwise. Counts go by the model's.
    pub corrected_label: Option<SentimentLabel>,
    /// The scores before that, oldest first; empty for a post that was scored once.
    pub history: Vec<PastScore>,
}

/// How long after the end of its minute a post still counts as on time.
///
/// Shorter, and every post written in a minute's last second and sent in the next would be "late".
pub const LATE_GRACE_MS: i64 = 5_000;

impl Post {
    /// Whether it was accepted after the minute of its event time had closed.
    pub fn is_late(&self) -> bool {
        let minute_end = (self.created_at.as_millisecond().div_euclid(60_000) + 1) * 60_000;
        self.received_at.as_millisecond() >= minute_end + LATE_GRACE_MS
    }
}
