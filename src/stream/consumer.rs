//! Consumer of a flow, with at-least-once delivery, acknowledgement and dead-lettering.

use std::time::Duration;

use fred::interfaces::{HashesInterface, StreamsInterface};
use fred::types::Value;
use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::client::{BLOCK_MAX, Client, Script};
use super::entry::{self, Delivered, EntryId};
use super::entry_schema::{EntrySchema, VERSION, with_is_unknown};
use super::flow::Flow;
use super::keys::GROUP;
use super::unknown_entries::UnknownEntryTracker;
use super::{COMMAND_TIMEOUT, StreamError};
use crate::models::system_health::UnknownEntries;

/// Maximum number of ids per script. In Lua, a call takes at most about 8,000 arguments.
const IDS_PER_SCRIPT: usize = 1_000;

/// Idle time after which the name of a consumer without entries is removed. A live consumer reads every few seconds,
/// which would create its name again.
const DEAD_AFTER: Duration = Duration::from_secs(60);

/// Cursor at which a scan of the pending entries starts.
const FIRST: &str = "-";

/// Maximum number of pages that one claim reads. It reads another page only if all entries on the previous one are for
/// a newer process.
const PAGES_MAX: usize = 4;

/// Reads, claims, acknowledges and dead-letters entries under a unique name.
///
/// The name is new at every start. With a fixed name, a process could not tell entries that its predecessor left behind
/// from those that it is processing itself.
pub struct Consumer {
    client: Client,
    reader: Client,
    flow: Flow,
    name: String,
    /// Position from which the next [`Consumer::claim`] continues its scan of the pending entries.
    cursor: Mutex<String>,
    unknown: UnknownEntryTracker,
}

/// Request to move an entry to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRequest {
    /// Id of the entry to move.
    pub id: EntryId,
    /// Error from the last attempt, or the reason why the entry could not be decoded.
    pub reason: String,
    /// Number of attempts at this entry alone; 0 if it could not be decoded.
    pub attempts: u32,
    /// When the last attempt failed or the entry was found to be broken.
    pub died_at: Timestamp,
}

impl Consumer {
    pub(super) fn new(client: Client, reader: Client, flow: Flow) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "host" } else { host.trim() };
        let name = format!("{host}-{}-{}", std::process::id(), Uuid::now_v7().simple());
        Self {
            client,
            reader,
            flow,
            name,
            cursor: Mutex::new(FIRST.to_owned()),
            unknown: UnknownEntryTracker::default(),
        }
    }

    /// Returns the name under which Redis lists the consumer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates the stream and its group if they do not exist, and removes the names of dead consumers. A new group
    /// starts at the first entry, so it misses nothing that was sent before the first start.
    pub async fn create_group(&self) -> Result<(), StreamError> {
        let created: Result<Value, _> =
            self.client.commands().xgroup_create(&self.flow.stream, GROUP, "0", true).await;
        match created {
            Err(error) if !error.details().starts_with("BUSYGROUP") => return Err(error.into()),
            _ => {}
        }
        self.sweep("").await
    }

    /// Reads up to `count` new entries, waiting up to `block`, at most 5 s, for the first one. Returns an empty list if
    /// none arrives.
    ///
    /// Creates the group again if Redis has lost it. While Redis is down, it fails at once, so wait before calling it
    /// again. Entries of an unknown version or kind stay pending for a newer process. Entries read by a future that was
    /// dropped also stay pending; [`Consumer::claim`] returns them later.
    pub async fn read(&self, count: usize, block: Duration) -> Result<Vec<Delivered>, StreamError> {
        match self.read_new(count, block).await {
            Err(error) if error.is_group_missing() => {
                self.create_group().await?;
                self.read_new(count, block).await
            }
            outcome => outcome,
        }
    }

    /// Claims up to `count` entries that a consumer, possibly this one, has left unacknowledged for at least
    /// `min_idle`, and returns them with their delivery counts. Continues where the previous call ended. Returns an
    /// empty list if the pages it reads contain none.
    ///
    /// Skips entries of a version or kind that this process does not know. Neither their idle time nor their delivery
    /// count changes, so a newer process finds them as they were.
    pub async fn claim(&self, min_idle: Duration, count: usize) -> Result<Vec<Delivered>, StreamError> {
        let mut cursor = self.cursor.lock().await;
        for _ in 0..PAGES_MAX {
            let entries = match self.claim_page(&mut cursor, min_idle, count).await {
                Err(error) if error.is_group_missing() => {
                    self.create_group().await?;
                    return Ok(Vec::new());
                }
                outcome => outcome?,
            };
            if cursor.as_str() == FIRST {
                self.unknown.scan_finished();
                return Ok(entries);
            }
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }

    /// Returns how many entries of each version and kind are waiting for a newer process, as found by the last full
    /// scan of [`Consumer::claim`].
    pub fn unknown_entries(&self) -> Vec<UnknownEntries> {
        self.unknown.pending()
    }

    async fn claim_page(
        &self,
        cursor: &mut String,
        min_idle: Duration,
        count: usize,
    ) -> Result<Vec<Delivered>, StreamError> {
        // XAUTOCLAIM cannot skip entries. This script also removes entries deleted by hand from the pending list.
        const LUA: &str = with_is_unknown!(
            "
            local page = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], ARGV[4], '+', ARGV[5])
            local cursor = '-'
            if #page == tonumber(ARGV[5]) then cursor = '(' .. page[#page][1] end
            local ids, counts, unknown = {}, {}, {}
            for _, pending in ipairs(page) do
                local id = pending[1]
                local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
                if entry then
                    local is_other, fields = is_unknown(entry, ARGV[6], ARGV[7])
                    if is_other then
                        unknown[#unknown + 1] = fields.v or ''
                        unknown[#unknown + 1] = fields.kind or ''
                    else
                        ids[#ids + 1] = id
                        counts[#counts + 1] = pending[4] + 1
                    end
                else
                    redis.call('XACK', KEYS[1], ARGV[1], id)
                end
            end
            local claimed = {}
            if #ids > 0 then
                claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], unpack(ids))
            end
            return {cursor, claimed, counts, unknown}"
        );

        let args = vec![
            Value::from(GROUP),
            Value::from(self.name.as_str()),
            Value::from(min_idle.as_millis().to_string()),
            Value::from(cursor.as_str()),
            Value::from(count.clamp(1, IDS_PER_SCRIPT).to_string()),
            Value::from_static_str(VERSION),
            Value::from_static_str(self.flow.kind),
        ];
        let script = Script { lua: LUA, keys: &[&self.flow.stream] };
        let mut parts = self.client.eval(script, args).await?.into_array().into_iter();
        let next = parts.next().and_then(Value::into_string);
        *cursor = next.ok_or_else(|| StreamError::unexpected("no cursor"))?;
        let mut part = || parts.next().map(Value::into_array).unwrap_or_default();
        let (entries, counts, mut unknown) = (part(), part(), part().into_iter().map(Value::into_string));
        while let (Some(Some(version)), Some(Some(kind))) = (unknown.next(), unknown.next()) {
            self.unknown.skipped(EntrySchema::named(&version, &kind, self.flow.kind));
        }
        let count_of = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX);
        self.known(entries.into_iter().zip(counts.iter().map(count_of)))
    }

    /// Reads the entries of a version and kind that this process knows. The others stay pending.
    fn known(&self, found: impl Iterator<Item = (Value, u32)>) -> Result<Vec<Delivered>, StreamError> {
        let mut known = Vec::new();
        for (entry, n_deliveries) in found {
            match entry::read(entry, n_deliveries, self.flow.kind)? {
                Ok(delivered) => known.push(delivered),
                Err(schema) => self.unknown.record(schema),
            }
        }
        Ok(known)
    }

    /// Resets the idle time of entries that are still being processed, so that no other consumer claims them. Entries
    /// that another consumer has already claimed stay with that consumer.
    pub async fn renew(&self, ids: &[EntryId]) -> Result<(), StreamError> {
        // JUSTID does not increment the delivery count.
        const LUA: &str = "
            for i = 3, #ARGV do
                local id = ARGV[i]
                if redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1] then
                    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'JUSTID')
                end
            end";

        for chunk in ids.chunks(IDS_PER_SCRIPT) {
            let mut args = vec![Value::from(GROUP), Value::from(self.name.as_str())];
            args.extend(chunk.iter().map(|id| Value::from(id.as_str())));
            match self.client.eval(Script { lua: LUA, keys: &[&self.flow.stream] }, args).await {
                Err(error) if !error.is_group_missing() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Acknowledges entries: removes them from the pending entries and from the stream, and deletes their attempt
    /// counts. Acknowledging an entry twice is harmless.
    pub async fn acknowledge(&self, ids: &[EntryId]) -> Result<(), StreamError> {
        // In one script, because an entry acknowledged but not deleted would count as backlog forever.
        const LUA: &str = "
            redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
            redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
            if redis.call('EXISTS', KEYS[2]) == 1 then
                redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
            end";

        for chunk in ids.chunks(IDS_PER_SCRIPT) {
            let mut args = vec![Value::from(GROUP)];
            args.extend(chunk.iter().map(|id| Value::from(id.as_str())));
            let script = Script { lua: LUA, keys: &[&self.flow.stream, &self.flow.attempts] };
            self.client.eval(script, args).await?;
        }
        Ok(())
    }

    /// Counts an attempt at this entry alone, and returns its number.
    ///
    /// Call this before the attempt, because an attempt that kills the process must count too.
    pub async fn note_attempt(&self, id: &EntryId) -> Result<u32, StreamError> {
        Ok(self.client.commands().hincrby(&self.flow.attempts, id.as_str(), 1).await?)
    }

    /// Atomically moves an entry with all its fields to the dead letters.
    ///
    /// Returns false if the entry no longer exists, for example because it has already been dead-lettered.
    pub async fn dead_letter(&self, request: &DeadLetterRequest) -> Result<bool, StreamError> {
        // Posts have four fields; the limit keeps an entry with too many from failing this script.
        const LUA: &str = "
            local found = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
            if found then
                redis.call('XADD', KEYS[2], '*', 'reason', ARGV[3], 'attempts', ARGV[4],
                    'original_id', ARGV[2], 'died_at', ARGV[5], unpack(found[2], 1, math.min(#found[2], 200)))
            end
            redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
            redis.call('XDEL', KEYS[1], ARGV[2])
            redis.call('HDEL', KEYS[3], ARGV[2])
            return found and 1 or 0";

        let args = vec![
            Value::from(GROUP),
            Value::from(request.id.as_str()),
            Value::from(request.reason.as_str()),
            Value::from(request.attempts.to_string()),
            Value::from(request.died_at.to_string()),
        ];
        let keys = [self.flow.stream.as_str(), &self.flow.dead, &self.flow.attempts];
        Ok(self.client.eval(Script { lua: LUA, keys: &keys }, args).await?.convert()?)
    }

    /// Closes the reading connection and removes this consumer's name, unless it has pending entries. In that case
    /// other consumers claim the entries, and a later start removes the name.
    pub async fn disconnect(&self) -> Result<(), StreamError> {
        self.reader.close().await;
        self.sweep(&self.name).await
    }

    async fn read_new(&self, count: usize, block: Duration) -> Result<Vec<Delivered>, StreamError> {
        let block = block.min(BLOCK_MAX);
        // Zero would block forever.
        let block_ms = u64::try_from(block.as_millis()).ok().filter(|ms| *ms > 0);
        let count = u64::try_from(count.max(1)).ok();
        let commands = self.reader.with_timeout(block + COMMAND_TIMEOUT);
        let response: Value = commands
            .xreadgroup(GROUP, self.name.as_str(), count, block_ms, false, &self.flow.stream, ">")
            .await?;
        // The response is null if nothing arrived, otherwise one stream: `[[name, entries]]`.
        let Some(stream) = response.into_array().into_iter().next().filter(|stream| !stream.is_null()) else {
            return Ok(Vec::new());
        };
        let entries = stream.into_array().into_iter().nth(1).map(Value::into_array).unwrap_or_default();
        self.known(entries.into_iter().map(|entry| (entry, 1)))
    }

    /// Removes the names of consumers without pending entries if they are dead or named `leaving`.
    async fn sweep(&self, leaving: &str) -> Result<(), StreamError> {
        // In one script, because an entry delivered between the check and the removal would be lost with the name.
        const LUA: &str = "
            local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
            if consumers.err then return end
            for _, pairs in ipairs(consumers) do
                local consumer = {}
                for i = 1, #pairs, 2 do consumer[pairs[i]] = pairs[i + 1] end
                local gone = consumer.name == ARGV[2] or consumer.idle > tonumber(ARGV[3])
                if gone and consumer.pending == 0 then
                    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
                end
            end";

        let dead_after_ms = DEAD_AFTER.as_millis().to_string();
        let args = vec![Value::from(GROUP), Value::from(leaving), Value::from(dead_after_ms)];
        self.client.eval(Script { lua: LUA, keys: &[&self.flow.stream] }, args).await?;
        Ok(())
    }
}
