//! Batches of frames taken from an outbox, with the number of skipped posts and the reason for closing.

use std::sync::Arc;

use super::frame::Frame;

/// Reason why the server closes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Too many alerts or replies are queued for the client.
    TooSlow,
    /// Updates were lost on their way to this process, and its history does not contain them either.
    PositionLost,
    /// The broadcaster is restarting.
    TryAgainLater,
    /// The principal may no longer hold the connection.
    AccessEnded,
}

/// Frames to send together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Frames in the order in which they are sent.
    pub frames: Vec<Arc<Frame>>,
    /// Number of posts skipped since the last report; `None` if there are none or a report is not due yet.
    pub skipped: Option<PostsSkipped>,
    /// Reason why the session closes after these frames; `None` if it stays open.
    pub close_reason: Option<CloseReason>,
    /// Whether the outbox is now empty. The waker is called when it no longer is, so there is no need to poll before
    /// then.
    pub is_all: bool,
}

/// Number of skipped posts by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PostsSkipped {
    /// Number of posts skipped because of the session's rate limit.
    pub by_rate: u64,
    /// Number of posts skipped because the client read too slowly.
    pub too_slow: u64,
}

impl PostsSkipped {
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}
