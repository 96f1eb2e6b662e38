//! What live connections receive: the frames of the protocol, encoded once, and the bounded outbox of each connection.

pub mod delta; // what has changed from one live window to the next
pub mod encode; // frames as text
pub mod frame; // what is sent, encoded once
pub mod outbox; // what waits for one session
pub mod protocol; // the wire protocol
