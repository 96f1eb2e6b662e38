//! The dictionary that frames are compressed with.

/// A dictionary that frames are compressed with. The one place where compression enters: the host itself has no zstd.
#[derive(Debug, Clone)]
pub struct Dictionary {
    /// The id, as the dictionary itself states it.
    pub id: u32,
    /// What `getZstdDictionary` answers.
    pub bytes: Vec<u8>,
    /// Makes a zstd frame of a text frame, given the id.
    pub compress: fn(u32, &[u8]) -> Vec<u8>,
}
