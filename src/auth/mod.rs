//! Who callers are, and what they may use.

pub mod limits; // rate limits
