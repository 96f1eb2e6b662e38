//! Cache of the ids of pieces. A small vocabulary makes up most posts.

/// Number of cached pieces. The slots take up one mebibyte.
const N_SLOTS: usize = 1 << 14;

/// Maximum bytes of a cached piece.
const KEY_BYTES: usize = 32;

/// Maximum ids of a cached piece.
const N_IDS_MAX: usize = 7;

/// A direct-mapped cache of constant size: each piece has one slot, which holds the latest piece.
pub struct WordIds {
    slots: Vec<Slot>,
}

/// The whole piece as a key, so that two pieces never share an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Key([u64; KEY_BYTES / 8]);

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: Key,
    ids: [u32; N_IDS_MAX],
    n_ids: u32,
}

impl Key {
    /// Returns a piece's key, which is unique to it; `None` if the piece is too long.
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
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self { slots: vec![Slot::default(); N_SLOTS] }
    }

    /// Returns a piece's ids, if they are cached.
    pub fn get(&self, key: &Key) -> Option<&[u32]> {
        let slot = self.slots.get(key.slot())?;
        let n_ids = usize::try_from(slot.n_ids).ok()?;
        (slot.key == *key && n_ids > 0).then(|| slot.ids.get(..n_ids))?
    }

    /// Caches a piece's ids, unless there are too many.
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
