//! Digests by which this process remembers credentials that it has verified.

use sha2::{Digest as _, Sha256};

/// Digests with a random key, which is lost with the process. Nobody else can compute the digest of a credential, so
/// what is remembered reveals nothing and cannot be aimed at.
#[derive(Clone)]
pub struct KeyedDigest([u8; 32]);

impl KeyedDigest {
    /// Creates digests with a new key.
    pub fn new() -> Self {
        Self(rand::random())
    }

    /// Returns the digest of a credential.
    pub fn of(&self, credential: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(credential).finalize().into()
    }
}

impl Default for KeyedDigest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_the_credential_and_the_key() {
        let (one, other) = (KeyedDigest::new(), KeyedDigest::new());
        assert_eq!(one.of("gsk_a"), one.clone().of("gsk_a"));
        assert_ne!(one.of("gsk_a"), one.of("gsk_b"));
        assert_ne!(one.of("gsk_a"), other.of("gsk_a"));
    }
}
