//! Notification channels, the transactional outbox, and the history of notifications.

pub mod channels; // notification channels
pub mod history; // past notifications, and resending
pub mod push_keys; // the key pair for push services
pub mod outbox; // pending notifications, and their delivery
