//! Producer, which appends posts to the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fred::types::Value;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::models::new_post::AcceptedPost;
use crate::models::system_health::StreamHealth;

use super::client::{Client, Script};
use super::entry_schema::{VERSION, with_is_unknown};
use super::flow::Flow;
use super::keys::GROUP;
use super::{StreamError, client};

/// Maximum number of posts per script. A script blocks Redis for about a millisecond.
const POSTS_PER_SCRIPT: usize = 500;

/// Number of arguments of the script per post.
const ARGS_PER_POST: usize = 5;

/// Maximum number of bytes of posts per script, for the same reason.
const BYTES_PER_SCRIPT: usize = 1 << 20;

/// Maximum age of a measured backlog. Every request needs the backlog, and within this time it changes by far less than
/// the high-water mark.
const BACKLOG_AGE_MAX: Duration = Duration::from_millis(200);

/// Appends posts to the stream. Clones share one connection and one measured backlog.
#[derive(Clone)]
pub struct Producer {
    client: Client,
    flow: Flow,
    backlog: Arc<Backlog>,
}

#[derive(Default)]
struct Backlog {
    measured: Mutex<Option<(Instant, StreamHealth)>>,
    /// Number of posts that this process has added since the last measurement.
    added: AtomicU64,
}

impl Producer {
    pub(super) fn new(client: Client, flow: Flow) -> Self {
        Self { client, flow, backlog: Arc::default() }
    }

    /// Appends posts to the stream in order. `Ok` means that all of them are in the stream.
    ///
    /// After an error, all, some or none of them may be in the stream. It is safe to publish all of them again, because
    /// duplicates are stored only once.
    pub async fn publish(&self, posts: &[AcceptedPost]) -> Result<(), StreamError> {
        const LUA: &str = "
            for i = 1, #ARGV, 5 do
                local fields = {'v', ARGV[i], 'source', ARGV[i + 1], 'received_at', ARGV[i + 2], 'post', ARGV[i + 3]}
                if ARGV[i + 4] ~= '' then
                    fields[9], fields[10] = 'connector', ARGV[i + 4]
                end
                redis.call('XADD', KEYS[1], '*', unpack(fields))
            end
            return #ARGV / 5";

        let mut args = Vec::with_capacity(ARGS_PER_POST * posts.len().min(POSTS_PER_SCRIPT));
        let mut n_bytes = 0;
        for (i, post) in posts.iter().enumerate() {
            let json = serde_json::to_vec(&post.post)
                .map_err(|error| StreamError::Refused(format!("cannot encode a post as JSON: {error}")))?;
            n_bytes += json.len();
            args.push(Value::from_static_str(VERSION));
            args.push(Value::from(post.source.as_str()));
            args.push(Value::from(post.received_at.to_string()));
            args.push(Value::Bytes(Bytes::from(json)));
            args.push(Value::from(post.connector.map(|id| id.to_string()).unwrap_or_default()));
            let is_last = i + 1 == posts.len();
            if is_last || args.len() >= ARGS_PER_POST * POSTS_PER_SCRIPT || n_bytes >= BYTES_PER_SCRIPT {
                let keys = [self.flow.stream.as_str()];
                self.client.eval(Script { lua: LUA, keys: &keys }, std::mem::take(&mut args)).await?;
                n_bytes = 0;
            }
        }
        self.backlog.added.fetch_add(u64::try_from(posts.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }

    /// Returns the backlog of the stream, measured at most 200 ms ago.
    pub async fn backlog(&self) -> Result<StreamHealth, StreamError> {
        // The lock is held while measuring, so that a burst of requests queries Redis once.
        let mut measured = self.backlog.measured.lock().await;
        if let Some((at, health)) = *measured
            && at.elapsed() < BACKLOG_AGE_MAX
        {
            return Ok(health);
        }
        let health = health(&self.client, &self.flow).await?;
        self.backlog.added.store(0, Ordering::Relaxed);
        *measured = Some((Instant::now(), health));
        Ok(health)
    }

    /// Returns whether the stream stays at or below its high-water mark if `n` posts are added.
    ///
    /// This takes into account what this process has added since the last measurement. Posts from other processes are
    /// noticed up to 200 ms late, so the processes combined may exceed the mark by what they send in that time.
    pub async fn has_room(&self, high_water: u64, n: u64) -> Result<bool, StreamError> {
        let length = self.backlog().await?.length;
        let added = self.backlog.added.load(Ordering::Relaxed);
        Ok(length.saturating_add(added).saturating_add(n) <= high_water)
    }
}

/// Measures the stream. The lag is computed here, because the lag that Redis 7.0 reports becomes null after deletions.
pub(super) async fn health(client: &client::Client, flow: &Flow) -> Result<StreamHealth, StreamError> {
    // Nothing is pending before the group exists. Entries for a newer process do not make this one late: the oldest entry is
    // the oldest known one, or the hundredth if more than that are unknown.
    const LUA: &str = with_is_unknown!(
        "
        local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
        local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
        if oldest and is_unknown(oldest, ARGV[2], ARGV[3]) then
            oldest = nil
            for n, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 100)) do
                if n == 100 or not is_unknown(entry, ARGV[2], ARGV[3]) then
                    oldest = entry
                    break
                end
            end
        end
        return {redis.call('XLEN', KEYS[1]), pending.err and 0 or pending[1], redis.call('XLEN', KEYS[2]),
            oldest and tonumber(string.match(oldest[1], '^%d+')) or 0}"
    );

    let script = Script { lua: LUA, keys: &[&flow.stream, &flow.dead] };
    let args = vec![Value::from(GROUP), Value::from_static_str(VERSION), Value::from_static_str(flow.kind)];
    let response = client.eval(script, args).await?;
    let figures: Vec<u64> = response.convert()?;
    let [length, pending, dead, oldest_ms] = figures[..] else {
        return Err(StreamError::unexpected("health is not four numbers"));
    };
    // Ids begin with the time in milliseconds at which Redis assigned them; 0 stands for an empty stream.
    let oldest_at = i64::try_from(oldest_ms).ok().filter(|ms| *ms > 0);
    let oldest_at = oldest_at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(StreamHealth { length, lag: length.saturating_sub(pending), pending, dead, oldest_at })
}
