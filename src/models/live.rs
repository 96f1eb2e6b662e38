//! Live updates that processes exchange and push to clients.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::post::ScoredPost;
use super::principal::Identity;
use super::rollup::{RollupKey, Sums};
use super::score::SentimentLabel;

/// Maximum length of an epoch in bytes: an id as text, with room.
const EPOCH_BYTES_MAX: usize = 64;

/// Id of a frame, `epoch:offset`, in a single sequence across all feeds under a Redis prefix.
///
/// The epoch changes when Redis loses the counter, so offsets from before and after are never confused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameId {
    /// Identifier for one lifetime of the counter.
    pub epoch: String,
    /// Value of the counter, which increases by one per frame.
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
            let is_plain = (1..=EPOCH_BYTES_MAX).contains(&epoch.len())
                && epoch.bytes().all(|byte| byte.is_ascii_graphic());
            is_plain.then(|| Self { epoch: epoch.to_owned(), offset })
        });
        parsed.ok_or("must be an id `epoch:offset` of a received frame")
    }
}

/// What happened to a pushed alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertChange {
    /// The alert opened or its values changed.
    Raised,
    /// The alert resolved.
    Resolved,
}

/// Update that a process publishes to all others on `sentiment_updates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LiveUpdate {
    /// A transaction stored posts and added them to the rollups.
    Committed {
        /// Sums added to each rollup row. `revision` is the row's value after the change, so that a delta already
        /// contained in a rebuilt window is recognized and not added twice. Empty in the replay buffer for reconnecting
        /// clients.
        #[serde(default)]
        delta: Vec<(RollupKey, Sums)>,
        /// Stored posts, or a sample of them.
        posts: Vec<ScoredPost>,
        /// Number of posts stored; greater than the length of `posts` if the feed is sampled.
        n_posts: u64,
        /// Coordinates of the cities in the delta: latitude and longitude in degrees.
        #[serde(default)]
        places: BTreeMap<String, (f64, f64)>,
    },
    /// A transaction corrected the scores of stored posts; post counts do not grow.
    Corrected {
        /// Changes to each rollup row, with `revision` as above. Individual sums can be negative.
        #[serde(default)]
        delta: Vec<(RollupKey, Sums)>,
        /// Posts whose scores changed noticeably, or a sample of them.
        posts: Vec<CorrectedPost>,
    },
    /// An alert opened, changed or resolved.
    Alert {
        /// What happened to the alert.
        change: AlertChange,
        /// Alert in its state after the change.
        alert: Box<Alert>,
    },
    /// An earlier update from this process could not be published, so live windows must be rebuilt.
    Missed,
}

impl LiveUpdate {
    /// Returns how many offsets the update takes up in the frame sequence: one per frame.
    pub fn n_frames(&self) -> u64 {
        match self {
            // The delta itself takes one offset, so that a missed update without posts is noticed.
            Self::Committed { posts, .. } => 1 + u64::try_from(posts.len()).unwrap_or(u64::MAX - 1),
            Self::Corrected { posts, .. } => 1 + u64::try_from(posts.len()).unwrap_or(u64::MAX - 1),
            Self::Alert { .. } | Self::Missed => 1,
        }
    }
}

/// Stored post whose score was corrected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectedPost {
    /// Post with its new score.
    pub scored: ScoredPost,
    /// Label before the correction. Clients whose filter admitted it receive the correction too.
    pub was: SentimentLabel,
}

/// Who receives the frames of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Every client whose subscription includes them.
    Everyone,
    /// Of those clients, only the ones with this identity.
    Only(Identity),
}

impl Audience {
    /// Returns whether somebody with this identity belongs to the audience.
    pub fn includes(&self, identity: &Identity) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(only) => only == identity,
        }
    }
}

/// Update with its audience and its position in the frame sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct SequencedUpdate {
    /// Id of the update's first frame; the ids of its other frames follow without gaps.
    pub first: FrameId,
    /// Who receives the update's frames. Its rollup delta counts for everyone.
    pub audience: Audience,
    /// Update whose frames have these ids.
    pub update: LiveUpdate,
}
