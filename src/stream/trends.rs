//! What every process has counted of what is spoken of, where all can read it.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::{ClientLike, HashesInterface, KeysInterface};
use fred::types::Value;
use jiff::Timestamp;

use super::StreamError;
use super::client::Client;
use super::keys::Keys;

/// Counters whose slices are read, those heard of last. Each start of a process is one; more than this within two days
/// is a process that cannot stay up, and its old slices hold little.
const COUNTERS_MAX: usize = 64;

/// Counters that have told nothing for this long hold nothing that is in any window.
const COUNTERS_FOR: Duration = Duration::from_secs(50 * 3_600);

/// Slices as one counter tells them.
#[derive(Debug, Clone)]
pub struct ToldSlices {
    /// Who: a name that no other counter ever had.
    pub counter: String,
    /// Which kind of slices.
    pub span: &'static str,
    /// Those that changed, by where they begin.
    pub slices: Vec<(i64, Vec<u8>)>,
    /// Those that nobody needs any more.
    pub gone: Vec<i64>,
    /// How long the last of them is needed.
    pub keep_for: Duration,
}

/// Writes and reads slices. It does not know what is in them.
///
/// Each counter has a hash of its own for each span, so none can overwrite what another counted, and those of one that
/// died stay until they are in no window: a restart loses nothing that was told.
#[derive(Clone)]
pub struct TrendShelf {
    client: Client,
    keys: Keys,
}

impl TrendShelf {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    fn hash(&self, span: &str, counter: &str) -> String {
        format!("{}trends:{span}:{counter}", self.keys.prefix)
    }

    /// Puts slices in the place of what the same counter told before of the same stretches. In one round trip; repeating it
    /// changes nothing.
    pub async fn tell(&self, told: ToldSlices) -> Result<(), StreamError> {
        let hash = self.hash(told.span, &told.counter);
        let pipeline = fred::clients::Client::clone(self.client.commands()).pipeline();
        let pipeline = pipeline.with_options(self.client.commands().options());
        // Queued here, sent below.
        if !told.slices.is_empty() {
            let fields: HashMap<String, Value> = told
                .slices
                .into_iter()
                .map(|(at, bytes)| (at.to_string(), Value::Bytes(bytes.into())))
                .collect();
            let _: Value = pipeline.hset(&hash, fields).await?;
        }
        if !told.gone.is_empty() {
            let fields: Vec<String> = told.gone.iter().map(ToString::to_string).collect();
            let _: Value = pipeline.hdel(&hash, fields).await?;
        }
        let seconds = i64::try_from(told.keep_for.as_secs()).unwrap_or(i64::MAX);
        let _: Value = pipeline.expire(&hash, seconds, None).await?;
        let heard_at = (told.counter, Timestamp::now().as_millisecond().to_string());
        let _: Value = pipeline.hset(&self.keys.trend_counters, heard_at).await?;
        let _: Vec<Value> = pipeline.all().await?;
        Ok(())
    }

    /// The slices of a span that begin at these moments, of every counter.
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
        let answers: Vec<Vec<Option<Bytes>>> = pipeline.all().await?;
        let of_counter = |answer: Vec<Option<Bytes>>| starts.iter().copied().zip(answer);
        let slices = answers.into_iter().flat_map(of_counter);
        Ok(slices.filter_map(|(at, bytes)| Some((at, bytes?))).collect())
    }

    /// The counters that were heard of last; forgets those that have been silent for too long.
    async fn counters(&self) -> Result<Vec<String>, StreamError> {
        let heard: HashMap<String, i64> = self.client.commands().hgetall(&self.keys.trend_counters).await?;
        let since =
            Timestamp::now().as_millisecond() - i64::try_from(COUNTERS_FOR.as_millis()).unwrap_or(i64::MAX);
        let (mut living, dead): (Vec<_>, Vec<_>) = heard.into_iter().partition(|(_, at)| *at >= since);
        if !dead.is_empty() {
            let names: Vec<String> = dead.into_iter().map(|(name, _)| name).collect();
            let _: Value = self.client.commands().hdel(&self.keys.trend_counters, names).await?;
        }
        living.sort_unstable_by_key(|(_, at)| std::cmp::Reverse(*at));
        living.truncate(COUNTERS_MAX);
        Ok(living.into_iter().map(|(name, _)| name).collect())
    }
}
