//! API token.

use sha2::{Digest, Sha256};

/// API token, kept as a digest so that it cannot end up in a log and comparisons take constant time.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Digests the configured token.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Returns whether a caller's token is this one.
    pub(super) fn matches(&self, candidate: &str) -> bool {
        let candidate: [u8; 32] = Sha256::digest(candidate.as_bytes()).into();
        self.0.iter().zip(candidate).fold(0, |differences, (ours, theirs)| differences | (ours ^ theirs)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}
