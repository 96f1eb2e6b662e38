//! Notification channels, sent notifications, and browsers' push subscriptions.

pub mod channel_request; // request body of a channel
pub mod channels; // notification channels
pub mod sent; // notifications and push key
