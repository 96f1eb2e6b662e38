//! History of recent updates, from which reconnecting clients get what they missed.

use std::time::Duration;

use fred::types::Value;
use uuid::Uuid;

use crate::models::live::{FrameId, SequencedUpdate};

use super::StreamError;
use super::client::{Client, Script};
use super::frame_sequence::{self, NewestFrame};
use super::keys::Keys;
use super::update_encoding;

/// Maximum number of updates per page. An update may contain 256 posts, so a page takes up to a few megabytes and
/// blocks Redis for a few milliseconds.
const PAGE: usize = 100;

/// Limits on the history, which is trimmed as soon as it exceeds one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Maximum number of updates. An update is an alert, or a commit with its posts.
    pub n_updates_max: usize,
    /// Maximum total size of the updates as JSON, in bytes.
    pub bytes_max: usize,
    /// Maximum age of an update before it is removed.
    pub age_max: Duration,
}

impl Default for HistoryLimits {
    /// Returns limits generous enough for a train tunnel or a closed laptop: ten minutes, and 32 MB, which holds about
    /// 30,000 posts.
    fn default() -> Self {
        Self { n_updates_max: 10_000, bytes_max: 32 << 20, age_max: Duration::from_secs(600) }
    }
}

/// Update read from the history. It contains everything needed to make frames, but not the rollup delta.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfilledUpdate {
    /// Update with its position in the sequence.
    pub sequenced: SequencedUpdate,
    /// When Redis published it, in milliseconds since 1970 according to Redis's own clock.
    pub at_ms: i64,
}

/// All updates after a given id that are still in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Backfill {
    /// Newest id assigned to any update so far.
    pub head: FrameId,
    /// Updates in order. Older ones may have expired, so compare the first id with the requested one.
    pub updates: Vec<BackfilledUpdate>,
}

/// Reads the history that [`super::Updates`] writes. Clones share the connection.
#[derive(Clone)]
pub struct History {
    client: Client,
    keys: Keys,
    newest: NewestFrame,
}

impl History {
    pub(super) fn new(client: Client, keys: Keys, newest: NewestFrame) -> Self {
        Self { client, keys, newest }
    }

    /// Returns every update whose last frame comes after `offset`; without an offset, returns all updates.
    ///
    /// # Errors
    /// If Redis is down, or the sequence was lost during the call.
    pub async fn after(&self, offset: Option<u64>) -> Result<Backfill, StreamError> {
        let mut after = offset;
        let mut past: Option<Backfill> = None;
        loop {
            let page = self.page(after).await?;
            let is_last = page.updates.len() < PAGE;
            after = page.updates.last().map(|update| last_offset(&update.sequenced)).or(after);
            match &mut past {
                None => past = Some(page),
                Some(past) if past.head.epoch == page.head.epoch => {
                    past.head = page.head;
                    past.updates.extend(page.updates);
                }
                Some(_) => return Err(StreamError::unexpected("the sequence was lost while it was read")),
            }
            if is_last {
                return past.ok_or_else(|| StreamError::unexpected("no page of history"));
            }
        }
    }

    /// Reads one page with the current epoch and offset. This is atomic, so they are consistent.
    async fn page(&self, after: Option<u64>) -> Result<Backfill, StreamError> {
        const LUA: &str = concat!(
            frame_sequence::prelude!(),
            "
            local entries = redis.call('XRANGE', KEYS[3], ARGV[4], '+', 'COUNT', ARGV[5])
            local response = {epoch, string.format('%.0f', offset)}
            for _, entry in ipairs(entries) do
                for _, field in ipairs({2, 4, 6}) do
                    response[#response + 1] = entry[2][field]
                end
            end
            return response"
        );
        let newest = frame_sequence::newest(&self.newest);
        let args = vec![
            Value::from(Uuid::now_v7().simple().to_string()),
            Value::from(newest.epoch),
            Value::from(newest.offset.to_string()),
            Value::from(after.map_or_else(|| "-".to_owned(), |offset| format!("({offset}-0"))),
            Value::from(PAGE.to_string()),
        ];
        let names = frame_sequence::key_names(&self.keys);
        let response = self.client.eval(Script { lua: LUA, keys: &names }, args).await?;
        let page = read_page(&response)?;
        frame_sequence::advance(&self.newest, &page.head);
        Ok(page)
    }
}

/// Returns the offset of the last frame of an update.
fn last_offset(sequenced: &SequencedUpdate) -> u64 {
    sequenced.first.offset.saturating_add(sequenced.update.n_frames().saturating_sub(1))
}

/// Decodes a page: the epoch and the offset, followed by the first offset, the time and the content of each update.
fn read_page(response: &Value) -> Result<Backfill, StreamError> {
    let broken = || StreamError::unexpected("a page of history in another form");
    let Value::Array(items) = response else {
        return Err(broken());
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_string).ok_or_else(broken);
    let epoch = text(items.first())?;
    let offset = text(items.get(1))?.parse().map_err(|_| broken())?;
    let mut updates = Vec::with_capacity(items.len() / 3);
    for entry in items.get(2..).unwrap_or_default().chunks_exact(3) {
        let first = text(entry.first())?.parse().map_err(|_| broken())?;
        let at_ms = text(entry.get(1))?.parse().map_err(|_| broken())?;
        let json = entry.get(2).and_then(Value::as_bytes).ok_or_else(broken)?;
        let (audience, update) = update_encoding::decode(json).map_err(|_| broken())?;
        let first = FrameId { epoch: epoch.clone(), offset: first };
        updates.push(BackfilledUpdate { sequenced: SequencedUpdate { first, audience, update }, at_ms });
    }
    Ok(Backfill { head: FrameId { epoch, offset }, updates })
}
