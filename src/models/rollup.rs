//! Exact sums of scores by bucket, source, dimension and key.
//!
//! All sums are integers. With floats, `sum(rollups)` would depend on the order of addition, and subtracting a
//! contribution would not cancel it exactly.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::post::{Post, ScoredPost, Source};
use super::score::{CHURN_HIGH, Score, SentimentLabel};

/// Width of the fine buckets in seconds. There are six to a minute, so they merge evenly into minutes.
pub const BUCKET_SECONDS: i64 = 10;

/// Number of seconds after its end at which a bucket counts as complete. Unless the pipeline is behind, a post is
/// committed well under a second after its event time; a bucket read earlier would lack its last posts.
const SETTLE_SECONDS: i64 = 1;

/// Factor by which probabilities are multiplied before they are summed, because sums are stored in millionths.
pub const MICROS: f64 = 1_000_000.0;

/// Property that posts are grouped by in a rollup row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// All posts, each once; the key is `""`.
    Overall,
    /// By city; `""` when unknown.
    City,
    /// By product: once for each of a post's products, or once under `""` if it has none.
    Product,
    /// By channel; `""` when none was sent.
    Channel,
    /// By platform; every post has one.
    Platform,
}

impl Dimension {
    /// All dimensions, in key order.
    pub const ALL: [Self; 5] = [Self::Overall, Self::City, Self::Product, Self::Channel, Self::Platform];

    /// Returns the name used in the database and the API.
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

/// Key of a rollup row. Rows are upserted in key order, because two processes that lock rows in different orders would
/// deadlock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RollupKey {
    /// Start of the bucket, in event time.
    pub bucket: Timestamp,
    /// Source that the posts came from.
    pub source: Source,
    /// Property that the row's posts are grouped by.
    pub dimension: Dimension,
    /// City, product, channel or platform; `""` for `overall` and for posts without one.
    pub key: String,
}

/// Sums in one rollup row, or across any set of rows.
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
    /// Returns what one post contributes, with a `revision` of 0.
    pub fn of(scored: &ScoredPost) -> Self {
        Self::of_score(&scored.post, &scored.score)
    }

    /// Returns what one post contributes if it has this score.
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

    /// Adds each sum in `other` to the corresponding one.
    pub fn add(&mut self, other: &Self) {
        self.add_times(1, other);
    }

    /// Subtracts each sum in `other` from the corresponding one, which exactly cancels an earlier addition.
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

/// Changes that one transaction makes to the rollups, sorted so that upserts follow key order.
pub type Delta = BTreeMap<RollupKey, Sums>;

/// Returns the start of the bucket that contains the time.
pub fn bucket_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS;
    Timestamp::from_second(seconds).unwrap_or(at)
}

/// Returns the end of the newest complete bucket that is `width_seconds` wide. Windows that end there are complete:
/// they gain no posts merely because time passes.
pub fn complete_until(now: Timestamp, width_seconds: i64) -> Timestamp {
    let seconds = (now.as_second() - SETTLE_SECONDS).div_euclid(width_seconds) * width_seconds;
    Timestamp::from_second(seconds).unwrap_or(now)
}

/// Returns the changes to the rollups for posts that one transaction newly stores.
///
/// The `revision` of each affected row grows by one, however many posts affect it.
pub fn delta_of<'a>(posts: impl IntoIterator<Item = &'a ScoredPost>) -> Delta {
    let mut delta = Delta::new();
    for scored in posts {
        contribute(&mut delta, &scored.post, &Sums::of(scored));
    }
    delta
}

/// Returns the changes to the rollups when one transaction replaces scores. Each item pairs a post, still with its old
/// score, with its new score.
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

/// Returns the changes to the rollups when one transaction erases posts: the contributions of these posts, with their
/// current scores and the opposite sign.
pub fn delta_of_erased<'a>(erased: impl IntoIterator<Item = &'a ScoredPost>) -> Delta {
    let mut delta = Delta::new();
    for scored in erased {
        let mut sums = Sums::default();
        sums.subtract(&Sums::of(scored));
        contribute(&mut delta, &scored.post, &sums);
    }
    delta
}

/// Returns the changes to the rollups when one transaction changes the products of posts. Each item pairs a post, which
/// has its old products and its current score, with its new products.
///
/// Only rows of products that a post joins or leaves change.
pub fn delta_of_regrouped<'a>(regrouped: impl IntoIterator<Item = (&'a ScoredPost, &'a [String])>) -> Delta {
    let mut delta = Delta::new();
    for (before, products) in regrouped {
        let bucket = bucket_of(before.post.created_at);
        let (joined, mut left) = (Sums::of(before), Sums::default());
        left.subtract(&joined);
        let (old, new) = (product_keys(&before.post.products), product_keys(products));
        let changes = [(&old, &new, left), (&new, &old, joined)];
        for (keys, others, sums) in changes {
            for key in keys.iter().filter(|key| !others.contains(key)) {
                let (source, key) = (before.post.source.clone(), (*key).to_owned());
                let key = RollupKey { bucket, source, dimension: Dimension::Product, key };
                delta.entry(key).or_insert(Sums { revision: 1, ..Sums::default() }).add(&sums);
            }
        }
    }
    delta
}

/// Returns the keys under which a post with these products counts.
fn product_keys(products: &[String]) -> Vec<&str> {
    if products.is_empty() { vec![""] } else { products.iter().map(String::as_str).collect() }
}

/// Adds a post's sums to each row that it belongs to.
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

/// Returns a probability or score in millionths, rounded so that adding it and later subtracting it cancel out.
#[expect(clippy::cast_possible_truncation, reason = "scores lie within ±1, so ±1,000,000")]
fn micros(value: f32) -> i64 {
    (f64::from(value) * MICROS).round() as i64
}
