//! Names of the keys and channels in Redis. Other programs read them, so they never change.

/// The consumer group that all Groundswell processes share.
pub(super) const GROUP: &str = "groundswell";

/// Every key and channel, with its prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Stream of incoming posts.
    pub stream: String,
    /// Stream of dead letters.
    pub dead: String,
    /// Attempts at single posts, by entry id.
    pub attempts: String,
    /// Channel of updates.
    pub updates: String,
    /// The last offset assigned to a frame.
    pub offset: String,
    /// Epoch of the offsets.
    pub epoch: String,
    /// Prefix of the digests of live tickets.
    pub live_ticket: String,
    /// Trend counters, and when each last published.
    pub trend_counters: String,
    /// Recent updates.
    pub history: String,
    /// Size of the recent updates, in bytes.
    pub history_bytes: String,
    /// Prefix of every cache key.
    pub prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            stream: named("social_posts_stream"),
            dead: named("social_posts_dead"),
            attempts: named("social_posts_attempts"),
            updates: named("sentiment_updates"),
            offset: named("sentiment_updates:offset"),
            epoch: named("sentiment_updates:epoch"),
            live_ticket: named("live_ticket:"),
            trend_counters: named("trends:counters"),
            history: named("sentiment_updates:history"),
            history_bytes: named("sentiment_updates:history_bytes"),
            prefix: prefix.to_owned(),
        }
    }
}
