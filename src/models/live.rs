//! What is pushed from the pipeline to browsers, in every process.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::post::ScoredPost;
use super::rollup::{RollupKey, Sums};
use super::score::SentimentLabel;

/// Names a frame: `epoch:offset`, one sequence over all feeds of a prefix.
///
/// The epoch changes when Redis loses the counter, so an offset from before is never taken for one from
/// after.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameId {
    /// Which counter.
    pub epoch: String,
    /// Its value.
    pub offset: u64,
}

impl std::fmt::Display for FrameId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl std::str::FromStr for FrameId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(epoch, offset)| {
            let offset = offset.parse().ok()?;
            (!epoch.is_empty()).then(|| Self { epoch: epoch.to_owned(), offset })
        });
        parsed.ok_or("must be an `epoch:offset` taken from a frame")
    }
}

/// Why an alert is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertChange {
    /// It opened, or more posts joined it.
    Raised,
    /// It ceased to hold.
    Resolved,
}

/// What one process tells all others on `sentiment_updates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LiveUpdate {
    /// A transaction committed.
    Committed {
        /// What it added to each rollup row. `revision` is the row's after the change, so that a delta
        /// already contained in a healed window is recognised and not added twice. Empty in what is kept for those
        /// who come back.
        #[serde(default)]
        delta: Vec<(RollupKey, Sums)>,
        /// The posts it stored, or a sample of them.
        posts: Vec<ScoredPost>,
        /// How many it stored; more than `posts` holds when the feed is sampled.
        n_posts: u64,
        /// Where the cities of the delta lie: latitude and longitude in degrees.
        #[serde(default)]
        places: BTreeMap<String, (f64, f64)>,
    },
    /// A transaction gave posts better scores. None is new, so nothing counts more posts than before.
    Corrected {
        /// What it changed in each rollup row, with the row's revision as above. Single sums may be negative.
        #[serde(default)]
        delta: Vec<(RollupKey, Sums)>,
        /// The posts whose scores changed noticeably, or a sample of them.
        posts: Vec<CorrectedPost>,
    },
    /// An alert opened, grew or was resolved.
    Alert {
        /// What happened to it.
        change: AlertChange,
        /// The alert as it is now.
        alert: Box<Alert>,
    },
    /// An earlier update of this process could not be published: whoever keeps a window must rebuild it.
    Missed,
}

impl LiveUpdate {
    /// How many offsets of the frame sequence it takes: one for each frame it becomes.
    pub fn n_frames(&self) -> u64 {
        match self {
            // The committed delta itself takes one, so that an update without posts is seen when missed.
            Self::Committed { posts, .. } => 1 + u64::try_from(posts.len()).unwrap_or(u64::MAX - 1),
            Self::Corrected { posts, .. } => 1 + u64::try_from(posts.len()).unwrap_or(u64::MAX - 1),
            Self::Alert { .. } | Self::Missed => 1,
        }
    }
}

/// A post that has a better score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectedPost {
    /// The post with that score.
    pub scored: ScoredPost,
    /// Its label before: whoever was shown the post for that label is told that it changed.
    pub was: SentimentLabel,
}

/// An update as every process receives it.
#[derive(Debug, Clone, PartialEq)]
pub struct SequencedUpdate {
    /// The id of its first frame; the others follow without gap.
    pub first: FrameId,
    /// What happened.
    pub update: LiveUpdate,
}
