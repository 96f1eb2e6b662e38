//! Keys for seals, links and checkpoints, derived from the secret of the keyring.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use sha2::Sha256;

use super::encoding;
use crate::keyring::Keyring;
use crate::models::audit::{AuditRow, ChainEnd, HASH_BYTES, Hash, Link, SealedRow};

/// Keys for seals, links and checkpoints.
#[derive(Clone)]
pub struct AuditKeys {
    seal: Hmac<Sha256>,
    link: Hmac<Sha256>,
    signing: SigningKey,
    fingerprint: String,
}

impl AuditKeys {
    /// Derives the keys.
    pub fn new(keyring: &Keyring) -> Self {
        let key = |label| keyed(&keyring.derive(label));
        Self {
            seal: key("audit seals"),
            link: key("audit links"),
            signing: signing_key(keyring),
            fingerprint: keyring.fingerprint().to_owned(),
        }
    }

    /// Returns the fingerprint of the secret that the keys are derived from.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the public key for checkpoints, as a compressed point.
    pub fn public_key(&self) -> Vec<u8> {
        self.signing.verifying_key().to_sec1_point(true).as_bytes().to_vec()
    }

    /// Returns the keyed hash of every column of a row.
    pub fn seal_of(&self, row: &AuditRow) -> Hash {
        hash(&self.seal, &encoding::row(row))
    }

    /// Seals a row.
    pub fn seal(&self, row: AuditRow) -> SealedRow {
        let seal = self.seal_of(&row).to_vec();
        SealedRow { row, seal, sealed_by: self.fingerprint.clone() }
    }

    /// Returns whether a row is as it was sealed with these keys.
    pub fn verify_seal(&self, sealed: &SealedRow) -> bool {
        sealed.seal == self.seal_of(&sealed.row)
    }

    /// Returns the hash that a link has at the position after `before`.
    pub fn hash_of(&self, link: &Link, before: &ChainEnd) -> Hash {
        hash(&self.link, &encoding::link(link, before))
    }

    /// Links a sealed row to the end of the chain, and returns the link and the new end.
    pub fn link(&self, sealed: &SealedRow, before: &ChainEnd) -> (Link, ChainEnd) {
        let mut link = Link {
            seq: before.seq.saturating_add(1),
            created_at: sealed.row.created_at,
            id: sealed.row.id,
            seal: sealed.seal.clone(),
            linked_by: self.fingerprint.clone(),
            hash: Vec::new(),
        };
        let hash = self.hash_of(&link, before);
        link.hash = hash.to_vec();
        let end = ChainEnd { seq: link.seq, hash };
        (link, end)
    }

    /// Returns the signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.signing.sign(message);
        signature.to_bytes().to_vec()
    }
}

impl std::fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKeys").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key that is shorter than a block is padded with zeros (RFC 2104), and for one of a whole block nothing can fail.
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(padded, byte)| *padded = *byte);
    Hmac::new(&block)
}

fn hash(keyed: &Hmac<Sha256>, bytes: &[u8]) -> Hash {
    let mut mac = keyed.clone();
    mac.update(bytes);
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&mac.finalize().into_bytes());
    hash
}

fn signing_key(keyring: &Keyring) -> SigningKey {
    let mut attempt = 0_u64;
    loop {
        // Almost every 32-byte number is a valid key; only one in 2³² is not.
        let bytes = keyring.derive(&format!("audit checkpoints {attempt}"));
        if let Ok(key) = SigningKey::from_slice(&bytes) {
            return key;
        }
        attempt = attempt.wrapping_add(1);
    }
}

/// Rows and keys for tests.
#[cfg(test)]
pub mod testing {
    use std::net::IpAddr;

    use uuid::Uuid;

    use super::*;
    use crate::models::audit::Inet;

    /// Returns keys that every test shares.
    pub fn keys() -> AuditKeys {
        AuditKeys::new(&Keyring::from_secret("the key that all processes of a test share"))
    }

    /// Returns a row whose columns depend on `n`.
    pub fn row_of(n: u64) -> AuditRow {
        AuditRow {
            id: Uuid::from_u128(u128::from(n) + (1 << 64)),
            created_at: 1_790_000_000_000_000 + i64::try_from(n).unwrap(),
            action: "topic_created".to_owned(),
            actor_kind: "user".to_owned(),
            actor_id: Some(format!("ana-{n}")),
            actor_name: None,
            object: Some(format!("topic-{n}")),
            ip_address: Some(Inet::from(IpAddr::from([10, 0, 0, 1]))),
            payload: format!(r#"{{"after":{{"n":{n}}}}}"#),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{keys, row_of};
    use super::*;

    #[test]
    fn a_seal_and_a_link_depend_on_the_key_and_on_the_position() {
        let (keys, other) = (keys(), AuditKeys::new(&Keyring::from_secret(&"x".repeat(32))));
        let sealed = keys.seal(row_of(1));
        assert!(keys.verify_seal(&sealed) && !other.verify_seal(&sealed));
        let (link, end) = keys.link(&sealed, &ChainEnd::GENESIS);
        assert_eq!((link.seq, link.hash.as_slice(), end.seq), (1, end.hash.as_slice(), 1));
        assert_ne!(other.hash_of(&link, &ChainEnd::GENESIS), end.hash);
        assert_ne!(keys.hash_of(&link, &end), end.hash);
        assert_ne!(keys.hash_of(&link, &ChainEnd { seq: 7, ..ChainEnd::GENESIS }), end.hash);
        assert_ne!(keys.public_key(), other.public_key());
    }
}
