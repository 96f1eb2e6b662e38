//! Notification channels, sent notifications, browser subscriptions.

pub mod channel_request; // whom somebody wants told
pub mod channels; // whom to tell
pub mod handlers; // what they were told
