//! Notification channels, the transactional outbox, and the history of deliveries.

pub mod channels; // whom to tell
pub mod history; // what they were told
pub mod outbox; // what people are yet to be told
