//! Secrets of programs, as API keys and clients have them: random, hashed with Argon2id, and recognized by a fingerprint
//! before anything is hashed.

use super::AuthError;
use super::password::PasswordHasher;
use super::secret;
use crate::store::credentials::StoredSecret;

/// Length of a fingerprint in bytes: long enough that no wrong secret ever shares it, and of no use to a guesser, since
/// a secret has 32 random bytes.
const FINGERPRINT_BYTES: usize = 8;

/// Returns a new secret, and what to store of it.
///
/// # Errors
/// [`AuthError::Busy`] if too many secrets are being hashed.
pub async fn create(hasher: &PasswordHasher) -> Result<(String, StoredSecret), AuthError> {
    let secret = secret::random();
    let stored = StoredSecret { hash: hasher.hash(&secret).await?, fingerprint: fingerprint_of(&secret) };
    Ok((secret, stored))
}

/// Returns whether the stored secret could be this one. Takes the time of one digest. Wrong secrets fail here, so
/// inventing secrets costs the server no hashes.
pub fn is_plausible(secret: &str, stored: &StoredSecret) -> bool {
    secret::is_equal(&fingerprint_of(secret), &stored.fingerprint)
}

/// Returns whether the stored secret is this one.
///
/// # Errors
/// [`AuthError::Busy`] if too many secrets are being hashed, [`AuthError::Hash`] if the stored hash is malformed.
pub async fn verify(hasher: &PasswordHasher, secret: &str, stored: &StoredSecret) -> Result<bool, AuthError> {
    Ok(is_plausible(secret, stored) && hasher.verify(secret, &stored.hash).await?)
}

fn fingerprint_of(secret: &str) -> Vec<u8> {
    secret::digest(secret).iter().copied().take(FINGERPRINT_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_verified_and_a_wrong_one_is_not_even_hashed() {
        let hasher = PasswordHasher::new();
        let (secret, stored) = create(&hasher).await.unwrap();
        assert!(verify(&hasher, &secret, &stored).await.unwrap());
        assert!(!stored.hash.contains(&secret) && stored.fingerprint.len() == FINGERPRINT_BYTES);
        // Hashing it would be an error, because this is no hash.
        let unhashable = StoredSecret { hash: "none".to_owned(), ..stored.clone() };
        assert!(!verify(&hasher, &secret::random(), &unhashable).await.unwrap());
        assert!(verify(&hasher, &secret, &unhashable).await.is_err());
        // The fingerprint alone opens nothing.
        let (_, other) = create(&hasher).await.unwrap();
        let mixed = StoredSecret { hash: other.hash, ..stored };
        assert!(!verify(&hasher, &secret, &mixed).await.unwrap());
    }
}
