//! Cache of token ids, by piece of text. A small vocabulary makes up most posts.

/// Number of slots, each of which can hold one piece. Together they take up one mebibyte.
const N_SLOTS: usize = 1 << 14;

/// Maximum length in bytes of a piece that can be cached.
const KEY_BYTES: usize = 32;

/// Maximum number of ids that can be cached for a piece.
const N_IDS_MAX: usize = 7;

/// A direct-mapped cache of constant size. Each piece maps to one slot, and a slot holds the latest of its pieces.
pub struct WordIds {
    slots: Vec<Slot>,
}

/// The complete piece, so two pieces never share an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Key([u64; KEY_BYTES / 8]);

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: Key,
    ids: [u32; N_IDS_MAX],
    n_ids: u32,
}

impl Key {
    /// Returns the key of a piece; `None` if the piece is too long to be cached.
    pub fn of(piece: &[char]) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        let mut n = 0;
        for character in piece {
            match u8::try_from(*character) {
                // Zeros are excluded because keys are padded with them.
                Ok(byte @ 1..=0x7f) => {
                    *bytes.get_mut(n)? = byte;
                    n += 1;
                }
                Ok(0) => return None,
                _ => n += character.encode_utf8(bytes.get_mut(n..n + 4)?).len(),
            }
        }
        let mut key = Self::default();
        let (words, _) = bytes.as_chunks::<8>();
        for (word, bytes) in key.0.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        Some(key)
    }

    fn slot(&self) -> usize {
        let mixed = self
            .0
            .iter()
            .fold(0_u64, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95));
        usize::try_from(mixed >> 32).unwrap_or_default() % N_SLOTS
    }
}

impl WordIds {
    /// Creates a cache with empty slots.
    pub fn new() -> Self {
        Self { slots: vec![Slot::default(); N_SLOTS] }
    }

    /// Returns the cached ids of a piece, if there are any.
    pub fn get(&self, key: &Key) -> Option<&[u32]> {
        let slot = self.slots.get(key.slot())?;
        let n_ids = usize::try_from(slot.n_ids).ok()?;
        (slot.key == *key && n_ids > 0).then(|| slot.ids.get(..n_ids))?
    }

    /// Caches the ids of a piece, unless there are too many.
    pub fn insert(&mut self, key: Key, ids: &[u32]) {
        let Some(slot) = self.slots.get_mut(key.slot()) else {
            return;
        };
        let Some(room) = slot.ids.get_mut(..ids.len()) else {
            return;
        };
        room.copy_from_slice(ids);
        slot.key = key;
        slot.n_ids = u32::try_from(ids.len()).unwrap_or_default();
    }
}
