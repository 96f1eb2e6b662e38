//! Names of keys and channels in Redis. They never change, because other programs read them.

/// Consumer group that all Groundswell processes share.
pub(super) const GROUP: &str = "groundswell";

/// Names of all keys and channels but those of flows, including their prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// Channel on which updates are published to all processes.
    pub updates: String,
    /// Counter that holds the offset last assigned to a frame.
    pub offset: String,
    /// Epoch that the offsets belong to.
    pub epoch: String,
    /// Prefix of the keys that store the digests of live tickets.
    pub live_ticket: String,
    /// Prefix of the keys that store sessions, by id.
    pub session: String,
    /// Prefix of the sorted sets that list the sessions of each person, by the time of the sign-in.
    pub sessions_of: String,
    /// Prefix of the counters of attempts to sign in.
    pub sign_in_attempts: String,
    /// Prefix of the sorted sets that list the devices on which each person has signed in.
    pub devices_of: String,
    /// Code that makes the first account.
    pub setup_code: String,
    /// Hash that lists the trend counters and the time at which each last published.
    pub trend_counters: String,
    /// Stream of recent updates, for reconnecting clients.
    pub history: String,
    /// Total size of the updates in the history, in bytes.
    pub history_bytes: String,
    /// Prefix of the keys that hold the state of quotas.
    pub rate_limit: String,
    /// Prefix of every key in the cache.
    pub prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            updates: named("sentiment_updates"),
            offset: named("sentiment_updates:offset"),
            epoch: named("sentiment_updates:epoch"),
            live_ticket: named("live_ticket:"),
            session: named("session:"),
            sessions_of: named("sessions_of:"),
            sign_in_attempts: named("sign_in_attempts:"),
            devices_of: named("devices_of:"),
            setup_code: named("setup_code"),
            rate_limit: named("rate_limit:"),
            trend_counters: named("trends:counters"),
            history: named("sentiment_updates:history"),
            history_bytes: named("sentiment_updates:history_bytes"),
            prefix: prefix.to_owned(),
        }
    }
}
