//! Counter from which frame ids are assigned, and the newest id that this process knows.

use std::sync::{Arc, Mutex, PoisonError};

use super::keys::Keys;
use crate::models::live::FrameId;

/// Beginning of every script that accesses the sequence. `KEYS`: epoch, offset, history and history size; `ARGV`: an
/// epoch in case a new one is needed, and the newest id that this process knows.
///
/// If the counter is missing, or went back because Redis lost its last second of data, it would assign ids twice. A new
/// epoch makes these ids different and discards the old history.
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

/// Newest id assigned to or received by this process, shared by publishers and subscribers.
pub(super) type NewestFrame = Arc<Mutex<Option<FrameId>>>;

/// Returns the newest known id as an argument for [`prelude`].
pub(super) fn newest(newest: &NewestFrame) -> FrameId {
    let newest = newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
    newest.unwrap_or(FrameId { epoch: String::new(), offset: 0 })
}

/// Records an assigned id if it is newer than the newest known one. Ids assigned to one process may arrive out of
/// order.
pub(super) fn advance(newest: &NewestFrame, id: &FrameId) {
    let mut last = newest.lock().unwrap_or_else(PoisonError::into_inner);
    if last.as_ref().is_none_or(|last| last.epoch != id.epoch || last.offset < id.offset) {
        *last = Some(id.clone());
    }
}

/// Returns the keys that [`prelude`] uses, in `KEYS` order.
pub(super) fn key_names(keys: &Keys) -> [&str; 4] {
    [&keys.epoch, &keys.offset, &keys.history, &keys.history_bytes]
}
