//! Frames of the live protocol, each encoded once, and the bounded outbox of each session.

pub mod outbox_batch; // frames taken from an outbox together
pub mod merge_patch; // changes from one live window to the next
pub mod encode; // encoding of frames
pub mod frame; // frames, each encoded once
pub mod outbox; // bounded queue of one session
pub mod protocol; // the wire protocol
