//! Publisher of updates to every process. It numbers the frames of all updates in one sequence, and keeps a history for
//! reconnecting clients.

use std::collections::BTreeMap;

use fred::types::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::models::alert::Alert;
use crate::models::live::{AlertChange, CorrectedPost, FrameId, LiveUpdate, SequencedUpdate};
use crate::models::post::ScoredPost;
use crate::models::rollup::{RollupKey, Sums};

use super::StreamError;
use super::client::{Client, Script};
use super::frame_sequence::{self, NewestFrame};
use super::history::HistoryLimits;
use super::keys::Keys;

/// Publishes updates. Clones share the connection and the newest known id.
#[derive(Clone)]
pub struct Updates {
    client: Client,
    keys: Keys,
    limits: HistoryLimits,
    newest: NewestFrame,
}

/// Part of an update that frames are made from, which is all that reconnecting clients need. It can be decoded as a
/// [`LiveUpdate`].
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Frames<'a> {
    Committed { posts: &'a [ScoredPost], n_posts: u64 },
    Corrected { posts: &'a [CorrectedPost] },
    Alert { change: AlertChange, alert: &'a Alert },
    Missed,
}

/// Part of an update that changes rollups. A subscriber that missed it reads the rollups instead.
#[derive(Default, Serialize, Deserialize)]
struct Changes {
    delta: Vec<(RollupKey, Sums)>,
    places: BTreeMap<String, (f64, f64)>,
}

/// Borrowed form of [`Changes`], used for encoding.
#[derive(Serialize)]
struct ChangesRef<'a> {
    delta: &'a [(RollupKey, Sums)],
    places: &'a BTreeMap<String, (f64, f64)>,
}

impl Updates {
    pub(super) fn new(client: Client, keys: Keys, memory: (HistoryLimits, NewestFrame)) -> Self {
        let (limits, newest) = memory;
        Self { client, keys, limits, newest }
    }

    /// Publishes an update and returns the id of its first frame. The update takes [`LiveUpdate::n_frames`] ids.
    ///
    /// Numbering, storing and publishing happen in one step, so updates arrive in the order of their ids, and every
    /// published update is in the history. After an error, the ids may be taken even though the update did not arrive;
    /// subscribers then notice a gap.
    pub async fn publish(&self, update: &LiveUpdate) -> Result<FrameId, StreamError> {
        // Each entry has the id of its last frame, so a frame's id can be used to find what follows it. Entries beyond the
        // limits are removed from the oldest end, at most a hundred per call, so that lowering a limit does not block Redis
        // for long.
        const LUA: &str = concat!(
            frame_sequence::prelude!(),
            "
            local first = string.format('%.0f', offset + 1)
            local last = string.format('%.0f', offset + tonumber(ARGV[4]))
            local time = redis.call('TIME')
            local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
            redis.call('SET', KEYS[2], last)
            redis.call('XADD', KEYS[3], last .. '-0',
                'first', first, 'at', string.format('%.0f', now), 'update', ARGV[6])
            local bytes = redis.call('INCRBY', KEYS[4], #ARGV[6])
            local n = redis.call('XLEN', KEYS[3])
            for _ = 1, 100 do
                local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
                if not oldest then break end
                local is_old = now - tonumber(oldest[2][4]) > tonumber(ARGV[10])
                if n <= tonumber(ARGV[8]) and bytes <= tonumber(ARGV[9]) and not is_old then break end
                redis.call('XDEL', KEYS[3], oldest[1])
                bytes = redis.call('DECRBY', KEYS[4], #oldest[2][6])
                n = n - 1
            end
            redis.call('PEXPIRE', KEYS[3], ARGV[10])
            redis.call('PEXPIRE', KEYS[4], ARGV[10])
            redis.call('PUBLISH', ARGV[5],
                epoch .. '\\n' .. first .. '\\n' .. ARGV[6] .. '\\n' .. ARGV[7])
            return {epoch, first}"
        );

        let (frames, changes) = parts(update)
            .map_err(|error| StreamError::Refused(format!("cannot encode an update as JSON: {error}")))?;
        let newest = frame_sequence::newest(&self.newest);
        let args = vec![
            Value::from(Uuid::now_v7().simple().to_string()),
            Value::from(newest.epoch),
            Value::from(newest.offset.to_string()),
            Value::from(update.n_frames().to_string()),
            Value::from(self.keys.updates.as_str()),
            Value::Bytes(frames.into()),
            Value::Bytes(changes.into()),
            Value::from(self.limits.n_updates_max.to_string()),
            Value::from(self.limits.bytes_max.to_string()),
            Value::from(self.limits.age_max.as_millis().to_string()),
        ];
        let names = frame_sequence::key_names(&self.keys);
        let script = Script { lua: LUA, keys: &names };
        let (epoch, offset): (String, u64) = self.client.eval(script, args).await?.convert()?;
        let last = offset.saturating_add(update.n_frames().saturating_sub(1));
        frame_sequence::advance(&self.newest, &FrameId { epoch: epoch.clone(), offset: last });
        Ok(FrameId { epoch, offset })
    }
}

/// Encodes an update in two parts: one that is also stored in the history, and one that is only published.
fn parts(update: &LiveUpdate) -> Result<(Vec<u8>, Vec<u8>), serde_json::Error> {
    let no_places = BTreeMap::new();
    let (frames, changes) = match update {
        LiveUpdate::Committed { delta, posts, n_posts, places } => {
            (Frames::Committed { posts, n_posts: *n_posts }, Some(ChangesRef { delta, places }))
        }
        LiveUpdate::Corrected { delta, posts } => {
            (Frames::Corrected { posts }, Some(ChangesRef { delta, places: &no_places }))
        }
        LiveUpdate::Alert { change, alert } => (Frames::Alert { change: *change, alert }, None),
        LiveUpdate::Missed => (Frames::Missed, None),
    };
    let changes = changes.map(|changes| serde_json::to_vec(&changes)).transpose()?;
    Ok((serde_json::to_vec(&frames)?, changes.unwrap_or_default()))
}

/// Decodes an envelope of the form `epoch\noffset\nframes\nchanges`; `None` if it has any other form, for example
/// because a newer version published it.
pub(super) fn open(envelope: &[u8]) -> Option<SequencedUpdate> {
    let mut parts = envelope.splitn(4, |byte| *byte == b'\n');
    let epoch = std::str::from_utf8(parts.next()?).ok()?.to_owned();
    let offset = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let mut update: LiveUpdate = serde_json::from_slice(parts.next()?).ok()?;
    let changes = parts.next()?;
    if !changes.is_empty() {
        let changes: Changes = serde_json::from_slice(changes).ok()?;
        match &mut update {
            LiveUpdate::Committed { delta, places, .. } => {
                *delta = changes.delta;
                *places = changes.places;
            }
            LiveUpdate::Corrected { delta, .. } => *delta = changes.delta,
            LiveUpdate::Alert { .. } | LiveUpdate::Missed => {}
        }
    }
    Some(SequencedUpdate { first: FrameId { epoch, offset }, update })
}
