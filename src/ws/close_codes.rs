//! WebSocket close codes, documented for client developers.
//!
//! | code | name | what a client should do |
//! |---|---|---|
//! | 1000 | normal | nothing: the client closed the connection itself |
//! | 1001 | going away | reconnect: the server is stopping, another may take over |
//! | 1002 | protocol error | fix its WebSocket implementation |
//! | 1003 | unsupported | send text, never binary |
//! | 1006 | no close frame | reconnect with `since`: the connection broke, or was aborted because the client did not read |
//! | 1007 | invalid | send valid UTF-8 |
//! | 1009 | too big | send messages of at most 64 KiB |
//! | 1013 | try again later | reconnect after some seconds: this process cannot serve it now |
//! | 4401 | access ended | sign in again and reconnect: the credential that opened the connection is no longer valid |
//! | 4408 | silent | reconnect: it did not answer pings |
//! | 4410 | position lost | reconnect with `since`: updates were lost on the way to this process; the response tells whether the client missed any |
//! | 4413 | too slow | reconnect with `since` and read faster: too many alerts or responses were queued for it |
//! | 4429 | too many operations | send fewer; reconnecting at once would only repeat it |
//!
//! A stream of server-sent events ends with a comment that carries the same code, and the browser reconnects by itself.

use crate::live::outbox_batch::CloseReason;

/// The server is stopping.
pub const GOING_AWAY: u16 = 1001;
/// The peer violated the WebSocket protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// The peer sent a binary message.
pub const UNSUPPORTED: u16 = 1003;
/// The peer sent text that is not valid UTF-8.
pub const INVALID: u16 = 1007;
/// The peer sent a message longer than [`super::MESSAGE_BYTES_MAX`].
pub const TOO_BIG: u16 = 1009;
/// The broadcaster is restarting, or did not accept the session in time.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// The principal may no longer hold the connection.
pub const ACCESS_ENDED: u16 = 4401;
/// The peer did not answer pings.
pub const SILENT: u16 = 4408;
/// The broadcaster lost updates that it cannot recover.
pub const POSITION_LOST: u16 = 4410;
/// Too many alerts or responses are queued for the peer.
pub const TOO_SLOW: u16 = 4413;
/// The peer sent more operations than [`super::rate_limit`] allows.
pub const TOO_MANY_OPERATIONS: u16 = 4429;

/// Returns the close code and the text that tell the peer why the server is closing the session.
pub const fn of(close_reason: CloseReason) -> (u16, &'static str) {
    match close_reason {
        CloseReason::TooSlow => (TOO_SLOW, "reading too slowly; reconnect with since"),
        CloseReason::PositionLost => (POSITION_LOST, "updates were lost; reconnect with since"),
        CloseReason::AccessEnded => (ACCESS_ENDED, "access has ended; sign in again"),
        CloseReason::TryAgainLater => (TRY_AGAIN_LATER, "live delivery is unavailable; reconnect"),
    }
}
