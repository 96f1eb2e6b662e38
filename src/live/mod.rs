//! Live protocol frames, each encoded once, and the bounded outbox of each connection.

pub mod delta; // changes from one live window to the next
pub mod encode; // encoding of frames
pub mod frame; // frames, each encoded once
pub mod outbox; // bounded queue of one session
pub mod protocol; // the wire protocol
