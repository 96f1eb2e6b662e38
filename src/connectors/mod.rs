//! Connectors, which bring posts from networks, files and other systems to the stream.
//!
//! A [`Connector`] reads from one network and yields batches. [`collection`] runs it: puts each batch on the stream,
//! and only then saves the position after it. After a failure, everything after the saved position is read again, and
//! posts that are already stored are recognized by their ids.

pub mod access; // what a connector needs to reach its network
pub mod bluesky; // Jetstream, versions 2 and 1
pub mod collection; // runs a connector: batches to the stream, positions to the ledger
pub mod following; // what sources ask for, with what topics add to it
pub mod feed; // RSS, Atom and JSON Feed, asked for at intervals
pub mod mastodon; // one instance of Mastodon, by streaming and by its timelines
pub mod meter; // what networks charge and ration
pub mod networks; // the connector of each network
pub mod sealed_credentials; // encrypted credentials of sources
pub mod playback; // posts from a file or a generator, at a pace
pub mod reddit; // new posts and comments of subreddits
pub mod silence; // a dead connection or a quiet one
pub mod webhook; // what other systems deliver, as posts
pub mod x; // the API of X, version 2
pub mod youtube; // YouTube's Data API: searches, videos and comments

mod excerpt; // what hosts say, as it is shown to people
mod fingerprint; // numbers that tell texts from others
mod html_text; // HTML to plain text
mod item_fields; // fields of items, bounded
mod retry_delay; // how long to wait after a failure

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::egress::EgressError;
use crate::egress::fetch::FetchError;
use crate::models::new_post::NewPost;
use crate::models::source::{Checkpoint, SourceGap, SourceState};

/// Reads posts from one network.
///
/// Batches do not overlap in time: the next batch is requested only after the previous one is completely on the stream.
pub trait Connector: Send {
    /// Returns the next batch. Returns an empty one if nothing arrives within about a second, so that the caller can do
    /// other things.
    ///
    /// After an error, the next call reconnects and continues after the last batch, so that nothing is lost.
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>>;

    /// Returns a notice for people while posts are received, such as that they arrive late.
    fn notice(&self) -> Option<String> {
        None
    }
}

/// Posts, erasures and the position after them, as a connector yields them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Posts, in the order of the network.
    pub posts: Vec<NewPost>,
    /// Posts and authors to erase, after the posts above are on the stream.
    pub erasures: Vec<Erasure>,
    /// Number of items that could not be converted to posts.
    pub n_unreadable: u64,
    /// Period before this batch from which posts may be missing.
    pub gap: Option<SourceGap>,
    /// Position after this batch; `None` if it is unchanged.
    pub checkpoint: Option<Checkpoint>,
    /// Time from the publication of the last items to their receipt; `None` if there are no items.
    pub lag: Option<Duration>,
}

impl Batch {
    /// Returns whether the batch has no content, not even a position.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Post or posts that the network no longer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// The post with this id.
    Post(String),
    /// Everything that the author with this id had written by this time.
    Author {
        /// Id of the author.
        id: String,
        /// Time at which the network announced the removal.
        at: Timestamp,
    },
}

/// Reason why a connector yields nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The connection failed or broke. Another attempt may succeed.
    #[error("{0}")]
    Interrupted(String),
    /// The network asks for fewer requests.
    #[error("{message}")]
    RateLimited {
        /// Message from the network.
        message: String,
        /// Minimum wait, if the network states one.
        retry_after: Option<Duration>,
    },
    /// The network requires a key, or rejects the one that was sent.
    #[error("{0}")]
    NeedsKey(String),
    /// The network must first approve the use.
    #[error("{0}")]
    NeedsApproval(String),
    /// The network rejects the settings.
    #[error("{0}")]
    Refused(String),
    /// Neither the settings nor the topics that the source follows ask for anything. Another topic may.
    #[error("{0}")]
    NothingToHear(String),
}

impl From<EgressError> for ConnectorError {
    /// Distinguishes errors that a person must fix from temporary ones.
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::BadUrl | EgressError::NotEncrypted | EgressError::Refused => {
                Self::Refused(error.to_string())
            }
            _ => Self::Interrupted(error.to_string()),
        }
    }
}

impl From<FetchError> for ConnectorError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreached(error) => error.into(),
            _ => Self::Interrupted(error.to_string()),
        }
    }
}

impl ConnectorError {
    /// Returns the state of a source after this error.
    pub const fn state(&self) -> SourceState {
        match self {
            Self::Interrupted(_) | Self::RateLimited { .. } | Self::NothingToHear(_) => SourceState::Waiting,
            Self::NeedsKey(_) => SourceState::NeedsKey,
            Self::NeedsApproval(_) => SourceState::NeedsApproval,
            Self::Refused(_) => SourceState::Refused,
        }
    }

    /// Returns whether another attempt may succeed without any change by a person.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Interrupted(_) | Self::RateLimited { .. })
    }
}
