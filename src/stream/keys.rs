//! Names of the keys and channels in Redis. Other programs read them, so they never change.

/// Consumer group that all Groundswell processes share.
pub(super) const GROUP: &str = "groundswell";

/// All keys and channels, with their prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Stream of incoming posts.
    pub stream: String,
    /// Stream of dead letters.
    pub dead: String,
    /// Number of attempts at individual posts, by entry id.
    pub attempts: String,
    /// Channel on which updates are published.
    pub updates: String,
    /// Last offset assigned to a frame.
    pub offset: String,
    /// Epoch that the offsets belong to.
    pub epoch: String,
    /// Key prefix for the digests of live tickets.
    pub live_ticket: String,
    /// Trend counters, and when each of them last published.
    pub trend_counters: String,
    /// History of recent updates.
    pub history: String,
    /// Size of the history in bytes.
    pub history_bytes: String,
    /// Prefix of all cache keys.
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
