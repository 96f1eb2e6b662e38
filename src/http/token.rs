//! Token that callers of the API present.

use sha2::{Digest, Sha256};

/// API token, kept as a digest so that it cannot end up in a log and comparisons take constant time.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Creates a token from the configured text.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Creates a token from the digest of its text.
    pub(super) const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the digest of the token's text.
    pub(super) const fn digest(&self) -> [u8; 32] {
        self.0
    }

    /// Returns whether `candidate` is the configured token.
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
