//! Slices published by trend counters, which every process writes and reads.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::{ClientLike, HashesInterface, KeysInterface};
use fred::types::Value;
use jiff::Timestamp;

use super::StreamError;
use super::client::Client;
use super::keys::Keys;

/// Maximum number of counters to read, starting with the one that published last. Each process start adds a counter. If
/// there are more than this within two days, some process keeps crashing, and its old slices hold little.
const COUNTERS_MAX: usize = 64;

/// How long after a counter's last publication all its slices are too old for any window.
const COUNTER_LIFETIME: Duration = Duration::from_secs(50 * 3_600);

/// Slices that one counter publishes for one span.
#[derive(Debug, Clone)]
pub struct PublishedSlices {
    /// Unique name of the counter.
    pub counter: String,
    /// Name of the span that the slices belong to.
    pub span: &'static str,
    /// Slices that have changed, each with its start time.
    pub slices: Vec<(i64, Vec<u8>)>,
    /// Start times of slices that are no longer needed.
    pub gone: Vec<i64>,
    /// How long the newest slice is needed, after which the hash expires.
    pub keep_for: Duration,
}

/// Publishes and reads slices without interpreting them.
///
/// Each counter has a hash of its own per span, so counters never overwrite each other. The slices of a dead counter
/// are kept until no window needs them, so a restart loses nothing that was published.
#[derive(Clone)]
pub struct TrendSlices {
    client: Client,
    keys: Keys,
}

impl TrendSlices {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    fn hash(&self, span: &str, counter: &str) -> String {
        format!("{}trends:{span}:{counter}", self.keys.prefix)
    }

    /// Replaces the slices that the counter published for the same start times. Takes one round trip and is idempotent.
    pub async fn publish(&self, published: PublishedSlices) -> Result<(), StreamError> {
        let hash = self.hash(published.span, &published.counter);
        let pipeline = fred::clients::Client::clone(self.client.commands()).pipeline();
        let pipeline = pipeline.with_options(self.client.commands().options());
        // Commands are queued here and sent below.
        if !published.slices.is_empty() {
            let fields: HashMap<String, Value> = published
                .slices
                .into_iter()
                .map(|(at, bytes)| (at.to_string(), Value::Bytes(bytes.into())))
                .collect();
            let _: Value = pipeline.hset(&hash, fields).await?;
        }
        if !published.gone.is_empty() {
            let fields: Vec<String> = published.gone.iter().map(ToString::to_string).collect();
            let _: Value = pipeline.hdel(&hash, fields).await?;
        }
        let seconds = i64::try_from(published.keep_for.as_secs()).unwrap_or(i64::MAX);
        let _: Value = pipeline.expire(&hash, seconds, None).await?;
        let seen_at = (published.counter, Timestamp::now().as_millisecond().to_string());
        let _: Value = pipeline.hset(&self.keys.trend_counters, seen_at).await?;
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    /// Returns the slices of all counters that belong to this span and have one of these start times.
    pub async fn read(&self, span: &str, starts: &[i64]) -> Result<Vec<(i64, Bytes)>, StreamError> {
        let counters = self.counters().await?;
        if counters.is_empty() || starts.is_empty() {
            return Ok(Vec::new());
        }
        let fields: Vec<String> = starts.iter().map(ToString::to_string).collect();
        let pipeline = fred::clients::Client::clone(self.client.commands()).pipeline();
        let pipeline = pipeline.with_options(self.client.commands().options());
        for counter in &counters {
            let _: Value = pipeline.hmget(self.hash(span, counter), fields.clone()).await?;
        }
        let responses: Vec<Vec<Option<Bytes>>> = pipeline.all().await?;
        let of_counter = |response: Vec<Option<Bytes>>| starts.iter().copied().zip(response);
        let slices = responses.into_iter().flat_map(of_counter);
        Ok(slices.filter_map(|(at, bytes)| Some((at, bytes?))).collect())
    }

    /// Returns the counters that published most recently, and removes those that last published too long ago.
    async fn counters(&self) -> Result<Vec<String>, StreamError> {
        let seen_at: HashMap<String, i64> = self.client.commands().hgetall(&self.keys.trend_counters).await?;
        let since = Timestamp::now().as_millisecond()
            - i64::try_from(COUNTER_LIFETIME.as_millis()).unwrap_or(i64::MAX);
        let (mut live, dead): (Vec<_>, Vec<_>) = seen_at.into_iter().partition(|(_, at)| *at >= since);
        if !dead.is_empty() {
            let names: Vec<String> = dead.into_iter().map(|(name, _)| name).collect();
            let _: Value = self.client.commands().hdel(&self.keys.trend_counters, names).await?;
        }
        live.sort_unstable_by_key(|(_, at)| std::cmp::Reverse(*at));
        live.truncate(COUNTERS_MAX);
        Ok(live.into_iter().map(|(name, _)| name).collect())
    }
}
