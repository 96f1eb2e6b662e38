//! Why a socket was closed, for programs.
//!
//! | code | name | what a client should do |
//! |---|---|---|
//! | 1000 | normal | nothing: it asked for the end itself |
//! | 1001 | going away | connect again: the server is stopping, another may take over |
//! | 1002 | protocol error | mend its WebSocket implementation |
//! | 1003 | unsupported | send text, never binary |
//! | 1006 | none was sent | connect again with `since`: the connection broke, or took nothing for so long that it was ended |
//! | 1007 | invalid | send valid UTF-8 |
//! | 1009 | too big | send messages of at most 64 KiB |
//! | 1013 | try again later | connect again after some seconds: this process cannot serve it now |
//! | 4408 | silent | connect again: it did not answer pings |
//! | 4410 | position lost | connect again with `since`: news was lost on its way to this process, and the answer tells whether any was meant for it |
//! | 4413 | too slow | connect again with `since`, and read faster: more alerts or answers waited for it than are kept |
//! | 4429 | too many operations | send fewer; connecting again at once would only repeat it |
//!
//! Server-sent events end with a comment that carries the same code, and the browser comes back by itself.

use crate::live::outbox::CloseReason;

/// The server is stopping.
pub const GOING_AWAY: u16 = 1001;
/// The peer does not speak the WebSocket protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// The peer sent binary.
pub const UNSUPPORTED: u16 = 1003;
/// The peer sent text that is not UTF-8.
pub const INVALID: u16 = 1007;
/// The peer sent more than [`super::MESSAGE_BYTES_MAX`] at once.
pub const TOO_BIG: u16 = 1009;
/// The broadcaster is being rebuilt, or did not take the session on in time.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// The peer answered no ping.
pub const SILENT: u16 = 4408;
/// The broadcaster missed news that is kept nowhere any more.
pub const POSITION_LOST: u16 = 4410;
/// More alerts or answers wait for the peer than are kept.
pub const TOO_SLOW: u16 = 4413;
/// The peer sent more operations than [`super::rate_limit`] allows.
pub const TOO_MANY_OPERATIONS: u16 = 4429;

/// The code and the reason with which a session ends.
pub const fn of(close_reason: CloseReason) -> (u16, &'static str) {
    match close_reason {
        CloseReason::TooSlow => (TOO_SLOW, "too much waits; connect again with since"),
        CloseReason::PositionLost => (POSITION_LOST, "news was lost; connect again with since"),
        CloseReason::TryAgainLater => (TRY_AGAIN_LATER, "nobody delivers at the moment; connect again"),
    }
}
