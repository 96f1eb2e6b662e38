//! Live news over WebSockets.

pub mod close_codes; // why a socket was closed
pub mod encode; // frames as text
pub mod frames; // the wire protocol
pub mod parse; // what a client said
pub mod rate_limit; // how much a client may say

/// The longest message a client may send, in bytes. Operations are a few hundred; a filter over every product
/// of a brand still fits.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
