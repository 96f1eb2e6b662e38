//! Retention, locks of maintenance, query plans, and what the server does in the background.

pub mod server_activity; // what the server does besides answering
pub mod explain; // how the server goes about an answer
pub(super) mod maintenance_locks; // who waits for whom when old rows move
pub mod retention; // daily partitions, and how posts leave
