//! Remembers the videos and comments that were yielded, so that each is yielded once, and again when it was edited.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Maximum number of videos and comments to remember. At this maximum, the memory takes 85 kB in the database. A
/// forgotten item is yielded again if it is found again, and is recognized by its id.
const TRACES_MAX: usize = 4_000;

/// Size of a remembered item in bytes.
const TRACE_BYTES: usize = 16;

/// Fingerprints of the content that was yielded, by fingerprint of the id, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    order: VecDeque<u64>,
    contents: HashMap<u64, u64>,
}

impl Seen {
    /// Remembers the content of an item, and returns whether it is new for this id.
    pub(super) fn is_news(&mut self, key: u64, content: u64) -> bool {
        let before = self.contents.insert(key, content);
        if before.is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > TRACES_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.contents.remove(&oldest);
            }
        }
        before != Some(content)
    }

    /// Returns whether an item with this id was yielded.
    pub(super) fn contains(&self, key: u64) -> bool {
        self.contents.contains_key(&key)
    }

    /// Encodes the memory as text.
    pub(super) fn encoded(&self) -> String {
        let numbers = self.order.iter().flat_map(|key| [*key, self.contents.get(key).copied().unwrap_or(0)]);
        STANDARD.encode(numbers.flat_map(u64::to_be_bytes).collect::<Vec<u8>>())
    }

    /// Decodes a memory. Invalid text is decoded as an empty memory.
    pub(super) fn decode(text: &str) -> Self {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut seen = Self::default();
        for trace in bytes.as_chunks::<TRACE_BYTES>().0 {
            let (key, content) = trace.split_at(8);
            seen.is_news(number(key), number(content));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_content_is_news_once() {
        let mut seen = Seen::default();
        assert!(seen.is_news(1, 10) && !seen.is_news(1, 10) && seen.is_news(1, 11) && !seen.is_news(1, 11));
        assert!(seen.contains(1) && !seen.contains(2));
        assert_eq!(Seen::decode(&seen.encoded()), seen);
        assert_eq!(Seen::decode("no base64"), Seen::default());
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut seen = Seen::default();
        for key in 0..=4_000 {
            seen.is_news(key, key);
        }
        assert!(!seen.contains(0) && seen.contains(1) && seen.contains(4_000));
        assert_eq!((seen.order.len(), seen.contents.len()), (4_000, 4_000));
    }
}
