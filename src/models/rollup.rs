//! Exact sums of scores by bucket, source, dimension and key.
//!
//! All sums are integers: with floats, `sum(rollups)` would depend on the order of addition, and subtracting a contribution
//! would not cancel it exactly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::post::{Post, ScoredPost, Source};
use super::score::{CHURN_HIGH, Score, SentimentLabel};

/// Width of the fine buckets in seconds. There are six to a minute, so that they merge into minutes.
pub const BUCKET_SECONDS: i64 = 10;

/// Factor by which sums of probabilities are scaled, because they are stored in millionths.
pub const MICROS: f64 = 1_000_000.0;

/// Dimension of a rollup row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// All posts, each once; the key is `""`.
    Overall,
    /// By city; `""` when unknown.
    City,
    /// By product: once for each of its products, or once under `""`.
    Product,
    /// By channel; `""` when none was sent.
    Channel,
    /// By platform.
    Platform,
}

impl Dimension {
    /// All dimensions, in key order.
    pub const ALL: [Self; 5] = [Self::Overall, Self::City, Self::Product, Self::Channel, Self::Platform];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overall => "overall",
            Self::City => "city",
            Self::Product => "product",
            Self::Channel => "channel",
            Self::Platform => "platform",
        }
    }
}

/// Key of a rollup row. Rows are upserted in key order, because two processes that locked rows in different orders would
/// deadlock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RollupKey {
    /// Start of the bucket by event time.
    pub bucket: Timestamp,
    /// Source of the posts.
    pub source: Source,
    /// Dimension that the row belongs to.
    pub dimension: Dimension,
    /// City, product, channel or platform; `""` for `overall` and for posts without one.
    pub key: String,
}

/// Sums over one rollup row, or over any set of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Number of posts.
    pub count: i64,
    /// Number of posts labelled positive.
    pub positive: i64,
    /// Number of posts labelled neutral.
    pub neutral: i64,
    /// Number of posts labelled negative.
    pub negative: i64,
    /// Sum of sentiment scores, in millionths.
    pub sentiment_micros: i64,
    /// Sum of churn risks, in millionths.
    pub churn_micros: i64,
    /// Number of posts whose churn risk is at least [`CHURN_HIGH`].
    pub churn_high: i64,
    /// Sum of toxicities, in millionths.
    pub toxicity_micros: i64,
    /// Number of posts by strongest emotion, in the order of [`super::score::EMOTIONS`].
    pub emotions: [i64; 7],
    /// Number of posts accepted after their minute had closed.
    pub late: i64,
    /// Number of transactions that have changed the row.
    pub revision: i64,
}

impl Sums {
    /// Returns what one post contributes, with `revision` 0.
    pub fn of(scored: &ScoredPost) -> Self {
        Self::of_score(&scored.post, &scored.score)
    }

    /// Returns what one post contributes with this score.
    fn of_score(post: &Post, score: &Score) -> Self {
        let label = score.sentiment.label;
        let mut emotions = [0; 7];
        if let Some(slot) = emotions.get_mut(score.emotion.scores.strongest()) {
            *slot = 1;
        }
        Self {
            count: 1,
            positive: i64::from(label == SentimentLabel::Positive),
            neutral: i64::from(label == SentimentLabel::Neutral),
            negative: i64::from(label == SentimentLabel::Negative),
            sentiment_micros: micros(score.sentiment.score),
            churn_micros: micros(score.churn_risk),
            churn_high: i64::from(score.churn_risk >= CHURN_HIGH),
            toxicity_micros: micros(score.toxicity),
            emotions,
            late: i64::from(post.is_late()),
            revision: 0,
        }
    }

    /// Adds the other sums field by field.
    pub fn add(&mut self, other: &Self) {
        self.add_times(1, other);
    }

    /// Subtracts the other sums field by field, which cancels an earlier addition exactly.
    pub fn subtract(&mut self, other: &Self) {
        self.add_times(-1, other);
    }

    fn add_times(&mut self, n: i64, other: &Self) {
        self.count += n * other.count;
        self.positive += n * other.positive;
        self.neutral += n * other.neutral;
        self.negative += n * other.negative;
        self.sentiment_micros += n * other.sentiment_micros;
        self.churn_micros += n * other.churn_micros;
        self.churn_high += n * other.churn_high;
        self.toxicity_micros += n * other.toxicity_micros;
        for (mine, theirs) in self.emotions.iter_mut().zip(other.emotions) {
            *mine += n * theirs;
        }
        self.late += n * other.late;
        self.revision += n * other.revision;
    }
}

/// Changes that one transaction makes to the rollups, ordered so that upserts follow key order.
pub type Delta = BTreeMap<RollupKey, Sums>;

/// Returns the start of the bucket that contains the time.
pub fn bucket_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS;
    Timestamp::from_second(seconds).unwrap_or(at)
}

/// Returns the rollup changes for the posts newly stored by one transaction.
///
/// Each touched row gains one `revision`, however many posts touch it.
pub fn delta_of<'a>(posts: impl IntoIterator<Item = &'a ScoredPost>) -> Delta {
    let mut delta = Delta::new();
    for scored in posts {
        contribute(&mut delta, &scored.post, &Sums::of(scored));
    }
    delta
}

/// Returns the rollup changes when one transaction replaces scores. Takes each post as it was, with its new score.
///
/// Post counts do not change, so individual sums in the delta may be negative.
pub fn delta_between<'a>(corrected: impl IntoIterator<Item = (&'a ScoredPost, &'a Score)>) -> Delta {
    let mut delta = Delta::new();
    for (before, score) in corrected {
        let mut sums = Sums::of_score(&before.post, score);
        sums.subtract(&Sums::of(before));
        contribute(&mut delta, &before.post, &sums);
    }
    delta
}

/// Adds a post's contribution to each of its rows.
fn contribute(delta: &mut Delta, post: &Post, sums: &Sums) {
    let bucket = bucket_of(post.created_at);
    let mut count = |dimension: Dimension, key: &str| {
        let key = RollupKey { bucket, source: post.source.clone(), dimension, key: key.to_owned() };
        let row = delta.entry(key).or_insert(Sums { revision: 1, ..Sums::default() });
        row.add(sums);
    };
    count(Dimension::Overall, "");
    count(Dimension::City, post.city.as_deref().unwrap_or(""));
    count(Dimension::Channel, post.channel.as_deref().unwrap_or(""));
    count(Dimension::Platform, &post.platform);
    if post.products.is_empty() {
        count(Dimension::Product, "");
    }
    for product in &post.products {
        count(Dimension::Product, product);
    }
}

/// Returns a probability or score in millionths, rounded so that adding it and later subtracting it cancel exactly.
#[expect(clippy::cast_possible_truncation, reason = "scores lie within ±1, so ±1,000,000")]
fn micros(value: f32) -> i64 {
    (f64::from(value) * MICROS).round() as i64
}
