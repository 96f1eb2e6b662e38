//! The counter behind the ids of frames, and what this process knows of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::keys::Keys;
use crate::models::live::FrameId;

/// How every script that touches the sequence begins. `KEYS`: epoch, offset, history and its size; `ARGV`: an epoch in
/// case one is needed, and the newest id this process knows of.
///
/// A counter that is gone, or went back because Redis lost its last second, would give out ids twice. Under a new epoch
/// they are other ids, and what is kept of the old one is worth nothing any more.
macro_rules! prelude {
    () => {
        "
        local epoch = redis.call('GET', KEYS[1])
        local offset = tonumber(redis.call('GET', KEYS[2]) or -1)
        if not epoch or offset < 0 or (epoch == ARGV[2] and offset < tonumber(ARGV[3])) then
            epoch = ARGV[1]
            offset = 0
            redis.call('SET', KEYS[1], epoch)
            redis.call('SET', KEYS[2], '0')
            redis.call('DEL', KEYS[3], KEYS[4])
        end"
    };
}
pub(super) use prelude;

/// The newest id this process was given or has heard of, whoever asked or listened.
pub(super) type NewestFrame = Arc<Mutex<Option<FrameId>>>;

/// What [`prelude`] is told.
pub(super) fn newest(newest: &NewestFrame) -> FrameId {
    let newest = newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
    newest.unwrap_or(FrameId { epoch: String::new(), offset: 0 })
}

/// Notes an id that was given out. Those of one process may overtake each other on their way.
pub(super) fn advance(newest: &NewestFrame, id: &FrameId) {
    let mut last = newest.lock().unwrap_or_else(PoisonError::into_inner);
    if last.as_ref().is_none_or(|last| last.epoch != id.epoch || last.offset < id.offset) {
        *last = Some(id.clone());
    }
}

/// The `KEYS` of [`prelude`].
pub(super) fn key_names(keys: &Keys) -> [&str; 4] {
    [&keys.epoch, &keys.offset, &keys.history, &keys.history_bytes]
}
