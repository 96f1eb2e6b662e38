//! Tells every process the news, under one sequence of frame ids.

use std::sync::{Arc, Mutex, PoisonError};

use fred::types::Value;
use uuid::Uuid;

use crate::models::live::{FrameId, LiveUpdate, SequencedUpdate};

use super::StreamError;
use super::client::{Client, Script};
use super::keys::Keys;

/// Publishes updates. Clones share what they know of the sequence.
#[derive(Clone)]
pub struct Updates {
    client: Client,
    keys: Keys,
    /// The last offset this process was given.
    last: Arc<Mutex<Option<FrameId>>>,
}

impl Updates {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys, last: Arc::default() }
    }

    /// Publishes an update, and answers the id of its first frame. It took
    /// [`LiveUpdate::n_frames`] ids.
    ///
    /// Counting and publishing are one step, so updates arrive in the order of their ids. After an error
    /// they may have been taken without the update arriving; listeners see the gap.
    pub async fn publish(&self, update: &LiveUpdate) -> Result<FrameId, StreamError> {
        // A counter that is gone, or went back because Redis lost its last second, would give out ids twice.
        // Under a new epoch they are other ids.
        const LUA: &str = "
            local epoch = redis.call('GET', KEYS[1])
            local offset = tonumber(redis.call('GET', KEYS[2]) or -1)
            local lost = not epoch or offset < 0 or (epoch == ARGV[3] and offset < tonumber(ARGV[4]))
            if lost then
                epoch = ARGV[1]
                offset = 0
                redis.call('SET', KEYS[1], epoch)
            end
            redis.call('SET', KEYS[2], string.format('%.0f', offset + tonumber(ARGV[2])))
            local first = string.format('%.0f', offset + 1)
            redis.call('PUBLISH', ARGV[5], epoch .. '\\n' .. first .. '\\n' .. ARGV[6])
            return {epoch, first}";

        let json = serde_json::to_vec(update)
            .map_err(|error| StreamError::Refused(format!("an update is no JSON: {error}")))?;
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = known.unwrap_or(FrameId { epoch: String::new(), offset: 0 });
        let args = vec![
            Value::from(Uuid::now_v7().simple().to_string()),
            Value::from(update.n_frames().to_string()),
            Value::from(known.epoch),
            Value::from(known.offset.to_string()),
            Value::from(self.keys.updates.as_str()),
            Value::Bytes(json.into()),
        ];
        let script = Script { lua: LUA, keys: &[&self.keys.epoch, &self.keys.offset] };
        let (epoch, offset): (String, u64) = self.client.eval(script, args).await?.convert()?;
        self.note(&epoch, offset + update.n_frames() - 1);
        Ok(FrameId { epoch, offset })
    }

    fn note(&self, epoch: &str, offset: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers to publishers of one process may overtake each other.
        if last.as_ref().is_none_or(|last| last.epoch != epoch || last.offset < offset) {
            *last = Some(FrameId { epoch: epoch.to_owned(), offset });
        }
    }
}

/// Takes the envelope `epoch\noffset\njson` apart. `None` when it is none, as from a newer version.
pub(super) fn open(envelope: &[u8]) -> Option<SequencedUpdate> {
    let mut parts = envelope.splitn(3, |byte| *byte == b'\n');
    let epoch = std::str::from_utf8(parts.next()?).ok()?.to_owned();
    let offset = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let update = serde_json::from_slice(parts.next()?).ok()?;
    Some(SequencedUpdate { first: FrameId { epoch, offset }, update })
}
