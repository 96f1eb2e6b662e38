//! What everything in Redis is called. Other programs read these names, so they never change.

/// The consumer group that all Groundswell processes share.
pub(super) const GROUP: &str = "groundswell";

/// Every key and channel, with its prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Posts on their way in.
    pub stream: String,
    /// Posts that died.
    pub dead: String,
    /// Attempts made at posts standing alone, by entry id.
    pub attempts: String,
    /// The channel of news.
    pub updates: String,
    /// The last offset given to a frame.
    pub offset: String,
    /// Which life of that counter this is.
    pub epoch: String,
    /// Before the digest of each ticket for a live connection.
    pub live_ticket: String,
    /// Who counts what is spoken of, and when each was last heard of.
    pub trend_counters: String,
    /// The updates of late, for those who missed some.
    pub history: String,
    /// How many bytes they are.
    pub history_bytes: String,
    /// Before every cache key.
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
