//! Publisher of updates to every process. It numbers the frames of all updates in one sequence, and keeps a history for
//! reconnecting clients.

use fred::types::Value;
use uuid::Uuid;

use crate::models::live::{Audience, FrameId, LiveUpdate};

use super::StreamError;
use super::client::{Client, Script};
use super::frame_sequence::{self, NewestFrame};
use super::history::HistoryLimits;
use super::keys::Keys;
use super::update_encoding;

/// Publishes updates. Clones share the connection and the newest known id.
#[derive(Clone)]
pub struct Updates {
    client: Client,
    keys: Keys,
    limits: HistoryLimits,
    newest: NewestFrame,
}

impl Updates {
    pub(super) fn new(client: Client, keys: Keys, memory: (HistoryLimits, NewestFrame)) -> Self {
        let (limits, newest) = memory;
        Self { client, keys, limits, newest }
    }

    /// Publishes an update for everyone and returns the id of its first frame. The update takes
    /// [`LiveUpdate::n_frames`] ids.
    ///
    /// # Errors
    /// The same as for [`Self::publish_to`].
    pub async fn publish(&self, update: &LiveUpdate) -> Result<FrameId, StreamError> {
        self.publish_to(Audience::Everyone, update).await
    }

    /// Publishes an update whose frames only the audience receives, and returns the id of its first frame. It takes ids
    /// of the same sequence.
    ///
    /// Numbering, storing and publishing happen in one step, so updates arrive in the order of their ids, and every
    /// published update is in the history. After an error, the ids may be taken even though the update did not arrive;
    /// subscribers then notice a gap.
    ///
    /// # Errors
    /// If Redis is down.
    pub async fn publish_to(&self, audience: Audience, update: &LiveUpdate) -> Result<FrameId, StreamError> {
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

        let (frames, changes) = update_encoding::parts(audience, update)
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
