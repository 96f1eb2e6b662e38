//! Memory of what was listed: so that each post and comment is offered once, and again when it was edited; and so that it
//! is looked at again, because deletions are never announced.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// Maximum number of things to remember of a listing, the oldest of which make room. Of this many, the memory takes
/// 70 kB in the database. A listing has about 1,000.
pub(super) const THINGS_MAX: usize = 2_500;

/// Number of bytes in which something is remembered: a key, a fingerprint, two times and marks.
const RECORD_BYTES: usize = 21;

/// Bit of keys that are fingerprints of what cannot be read. Numbers of names never have it.
const UNREADABLE: u64 = 1 << 63;

const MISSING: u8 = 1;
const GONE: u8 = 2;

/// Thing that was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Fingerprint of what it says.
    pub content: u32,
    pub created_at: Timestamp,
    /// When to look at it next; `None` if it was not offered, or is no longer looked at.
    pub look_at: Option<Timestamp>,
    /// Whether the last look did not find it.
    pub is_missing: bool,
    /// Whether it was erased, so that it is not offered again by a page from a cache.
    pub is_gone: bool,
}

/// Things that were listed, by number, the first ones first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    order: VecDeque<u64>,
    things: HashMap<u64, Known>,
}

impl Memory {
    /// Remembers a thing.
    pub(super) fn insert(&mut self, number: u64, thing: Known) {
        if self.things.insert(number, thing).is_none() {
            self.order.push_back(number);
        }
        while self.order.len() > THINGS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.things.remove(&oldest);
            }
        }
    }

    /// Remembers what cannot be read, and returns whether it is new.
    pub(super) fn insert_unreadable(&mut self, key: u64) -> bool {
        let (key, at) = (key | UNREADABLE, Timestamp::UNIX_EPOCH);
        let is_new = !self.things.contains_key(&key);
        let thing = Known { content: 0, created_at: at, look_at: None, is_missing: false, is_gone: true };
        self.insert(key, thing);
        is_new
    }

    /// Returns a thing.
    pub(super) fn get(&self, number: u64) -> Option<&Known> {
        self.things.get(&number)
    }

    /// Returns a thing.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Known> {
        self.things.get_mut(&number)
    }

    /// Returns the things to look at, with when.
    pub(super) fn looks(&self) -> impl Iterator<Item = (Timestamp, u64)> {
        self.things.iter().filter_map(|(number, thing)| Some((thing.look_at?, *number)))
    }

    /// Returns the memory as text.
    pub(super) fn encoded(&self) -> String {
        let mut bytes = Vec::with_capacity(self.order.len() * RECORD_BYTES);
        for (number, thing) in self.order.iter().filter_map(|number| Some((number, self.things.get(number)?)))
        {
            bytes.extend(number.to_be_bytes());
            bytes.extend(thing.content.to_be_bytes());
            bytes.extend(seconds(Some(thing.created_at)).to_be_bytes());
            bytes.extend(seconds(thing.look_at).to_be_bytes());
            let mark = |is_set: bool, mark: u8| if is_set { mark } else { 0 };
            bytes.push(mark(thing.is_missing, MISSING) | mark(thing.is_gone, GONE));
        }
        STANDARD.encode(bytes)
    }

    /// Reads a memory that was written as text. What is not one is empty.
    pub(super) fn decode(text: &str) -> Self {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        let mut memory = Self::default();
        for record in bytes.as_chunks::<RECORD_BYTES>().0 {
            let field = |from: usize, to: usize| {
                let bytes = record.get(from..to).unwrap_or_default();
                bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
            };
            let look_at = field(16, 20);
            let marks = record.last().copied().unwrap_or_default();
            let thing = Known {
                content: u32::try_from(field(8, 12)).unwrap_or_default(),
                created_at: time(field(12, 16)),
                look_at: (look_at > 0).then(|| time(look_at)),
                is_missing: marks & MISSING != 0,
                is_gone: marks & GONE != 0,
            };
            memory.insert(field(0, 8), thing);
        }
        memory
    }
}

/// Returns a time in whole seconds since 1970; 0 if there is none.
fn seconds(at: Option<Timestamp>) -> u32 {
    at.and_then(|at| u32::try_from(at.as_second()).ok()).unwrap_or_default()
}

fn time(seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(|it| Timestamp::from_second(it).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

    fn known(content: u32) -> Known {
        Known { content, created_at: NOW, look_at: None, is_missing: false, is_gone: false }
    }

    #[test]
    fn a_memory_is_read_as_it_was_written() {
        let mut memory = Memory::default();
        memory.insert(u64::MAX >> 1, known(u32::MAX));
        memory.insert(7, Known { look_at: Some(NOW), is_missing: true, ..known(1) });
        memory.insert(8, Known { is_gone: true, ..known(2) });
        assert!(memory.insert_unreadable(7) && !memory.insert_unreadable(7));
        assert_eq!(Memory::decode(&memory.encoded()), memory);
        assert_eq!(memory.looks().collect::<Vec<_>>(), [(NOW, 7)]);
        assert_eq!(Memory::decode("no base64"), Memory::default());
    }

    #[test]
    fn the_first_things_make_room() {
        let mut memory = Memory::default();
        for number in 0..=2_500 {
            memory.insert(number, known(0));
        }
        assert!(memory.get(0).is_none() && memory.get(1).is_some() && memory.get(2_500).is_some());
        assert_eq!((memory.order.len(), memory.things.len()), (THINGS_MAX, THINGS_MAX));
        assert!(memory.encoded().len() < 71_000);
    }
}
