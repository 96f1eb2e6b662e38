//! Retention, maintenance locks, query plans, and background activity of the server.

pub mod background_activity; // checkpoints and vacuums
pub mod explain; // query plans
pub(super) mod late_post_locks; // locks between maintenance and late posts
pub mod retention; // daily partitions, and expiry
