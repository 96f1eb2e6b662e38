//! Keys that sign access tokens: kept in PostgreSQL, with the private part encrypted, and replaced every month.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tracing::{info, warn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::AuthError;
use super::ed25519::{self, SEED_BYTES};
use crate::keyring::Keyring;
use crate::store::Store;
use crate::store::credentials::signing_keys::{self, StoredSigningKey};

/// Age at which a key is replaced.
const REPLACE_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a new key is published before it signs: other services keep the published keys for a few minutes.
const ANNOUNCED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// How long a key verifies after it has signed its last token: longer than any token is valid.
const KEPT_AFTER: SignedDuration = SignedDuration::from_mins(20);

/// Minimum interval between lookups of keys with unknown ids, which anybody can invent.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(5);

/// Name of the algorithm of every key, as in the header of a token.
const ALGORITHM: &str = "EdDSA";

/// Public keys that verify access tokens, as a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JwkSet {
    /// Keys, oldest first.
    pub keys: Vec<Jwk>,
}

/// Public key that verifies access tokens, as a JSON Web Key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Kind of key: `OKP`.
    pub kty: String,
    /// Curve: `Ed25519`.
    pub crv: String,
    /// Use of the key: `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Algorithm: `EdDSA`.
    pub alg: String,
    /// Id of the key, which each token that it signed names.
    pub kid: String,
    /// Public key in URL-safe Base64.
    pub x: String,
}

/// Key of this process's copy.
struct Key {
    kid: String,
    public: Vec<u8>,
    decoding: DecodingKey,
    /// `None` if the private part was encrypted with another key.
    encoding: Option<EncodingKey>,
    created_at: Timestamp,
    retired_at: Option<Timestamp>,
}

/// Key that signs the next token.
#[derive(Clone)]
pub struct Signer {
    /// Id of the key.
    pub kid: String,
    /// Private part.
    pub key: EncodingKey,
    /// The only algorithm that the key is used with.
    pub algorithm: Algorithm,
}

/// Key that verifies a token.
#[derive(Clone)]
pub struct Verifier {
    /// Public part.
    pub key: DecodingKey,
    /// The only algorithm that the key is used with.
    pub algorithm: Algorithm,
}

/// Keys that sign and verify access tokens. Clones share one copy, which [`SigningKeys::refresh`] keeps up to date.
#[derive(Clone)]
pub struct SigningKeys {
    store: Store,
    keyring: Keyring,
    keys: Arc<RwLock<Arc<Vec<Key>>>>,
    /// Time of the last lookup. The lock is held during a lookup, so that requests wait for one rather than start more.
    looked_up_at: Arc<Mutex<Option<Instant>>>,
}

impl SigningKeys {
    /// Creates an empty copy, which is filled when a key is first needed.
    pub fn new(store: Store, keyring: Keyring) -> Self {
        ed25519::install();
        Self { store, keyring, keys: Arc::default(), looked_up_at: Arc::default() }
    }

    /// Returns the key that signs the next token, which is created if there is none.
    ///
    /// # Errors
    /// [`AuthError::NoSecretKey`] if the key that encrypts private parts would be lost with the process.
    pub async fn signer(&self, now: Timestamp) -> Result<Signer, AuthError> {
        if !self.keyring.is_persistent() {
            return Err(AuthError::NoSecretKey);
        }
        for _ in 0..2 {
            let keys = self.current();
            if let Some(key) = signer_of(&keys, now)
                && let Some(encoding) = &key.encoding
            {
                return Ok(Signer {
                    kid: key.kid.clone(),
                    key: encoding.clone(),
                    algorithm: Algorithm::EdDSA,
                });
            }
            self.refresh(now).await?;
        }
        Err(AuthError::NoSecretKey)
    }

    /// Returns the key with this id that verifies tokens; `None` if there is none.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn verifier(&self, kid: &str, now: Timestamp) -> Result<Option<Verifier>, AuthError> {
        if let Some(found) = self.find(kid, now) {
            return Ok(Some(found));
        }
        let mut looked_up_at = self.looked_up_at.lock().await;
        // Another request may have found it in the meantime.
        let is_recent = looked_up_at.is_some_and(|at| at.elapsed() < LOOKUP_INTERVAL);
        if !is_recent && self.find(kid, now).is_none() {
            self.load(now).await?;
            *looked_up_at = Some(Instant::now());
        }
        Ok(self.find(kid, now))
    }

    /// Returns the public keys.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn published(&self, now: Timestamp) -> Result<JwkSet, AuthError> {
        if self.current().is_empty() {
            self.load(now).await?;
        }
        let keys = self.current();
        let living = keys.iter().filter(|key| !is_retired(key, now));
        Ok(JwkSet { keys: living.map(jwk_of).collect() })
    }

    /// Updates this process's copy, and creates a key if there is none or the newest is a month old. Without a
    /// persistent key to encrypt it with, none is created.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), AuthError> {
        self.load(now).await?;
        if !self.keyring.is_persistent() {
            return Ok(());
        }
        let keys = self.current();
        let month_ago = now.checked_sub(REPLACE_AFTER).unwrap_or(Timestamp::UNIX_EPOCH);
        if keys.iter().any(|key| key.encoding.is_some() && key.created_at > month_ago) {
            return Ok(());
        }
        // Keys that cannot be decrypted are replaced at once, whatever their age.
        let newest_before = keys.iter().map(|key| key.created_at).max().unwrap_or(month_ago).max(month_ago);
        let retire_at = now + ANNOUNCED_FOR + KEPT_AFTER;
        if signing_keys::add(&self.store, &self.new_key(now), (newest_before, retire_at)).await? {
            info!("a new key signs access tokens");
        }
        self.load(now).await
    }

    async fn load(&self, now: Timestamp) -> Result<(), AuthError> {
        let stored = signing_keys::list(&self.store, now).await?;
        let keys = stored.into_iter().filter(|key| key.algorithm == ALGORITHM).map(|key| self.opened(key));
        let keys = Arc::new(keys.collect());
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn opened(&self, stored: StoredSigningKey) -> Key {
        let seed = self.keyring.open(owner_of(&stored.kid).as_bytes(), &stored.sealed_private);
        if seed.is_err() {
            warn!(kid = stored.kid, "a signing key was encrypted with another key, so it only verifies");
        }
        Key {
            decoding: DecodingKey::from_ed_der(&stored.public_key),
            encoding: seed.ok().map(|seed| EncodingKey::from_ed_der(&seed)),
            kid: stored.kid,
            public: stored.public_key,
            created_at: stored.created_at,
            retired_at: stored.retired_at,
        }
    }

    fn new_key(&self, now: Timestamp) -> StoredSigningKey {
        let kid = Uuid::now_v7().simple().to_string();
        let seed = rand::random::<[u8; SEED_BYTES]>();
        StoredSigningKey {
            algorithm: ALGORITHM.to_owned(),
            // Only a seed of another length has no public key.
            public_key: ed25519::public_key_of(&seed).unwrap_or_default(),
            sealed_private: self.keyring.seal(owner_of(&kid).as_bytes(), &seed),
            kid,
            created_at: now,
            retired_at: None,
        }
    }

    fn current(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, kid: &str, now: Timestamp) -> Option<Verifier> {
        let keys = self.current();
        let key = keys.iter().find(|key| key.kid == kid && !is_retired(key, now))?;
        Some(Verifier { key: key.decoding.clone(), algorithm: Algorithm::EdDSA })
    }
}

/// Returns the key that signs: the newest that has been published for long enough, or else the oldest.
fn signer_of(keys: &[Key], now: Timestamp) -> Option<&Key> {
    let usable = || keys.iter().filter(|key| key.encoding.is_some() && !is_retired(key, now));
    let is_announced = |key: &&Key| key.created_at + ANNOUNCED_FOR <= now;
    usable()
        .filter(is_announced)
        .max_by_key(|key| key.created_at)
        .or_else(|| usable().min_by_key(|key| key.created_at))
}

fn is_retired(key: &Key, now: Timestamp) -> bool {
    key.retired_at.is_some_and(|retired_at| retired_at <= now)
}

/// Returns the name for which the private part of a key is encrypted.
fn owner_of(kid: &str) -> String {
    format!("signing key {kid}")
}

fn jwk_of(key: &Key) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        usage: "sig".to_owned(),
        alg: ALGORITHM.to_owned(),
        kid: key.kid.clone(),
        x: URL_SAFE_NO_PAD.encode(&key.public),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{now_in_micros, test_store};

    fn keyring() -> Keyring {
        Keyring::from_secret("the key of the tests of signing keys")
    }

    #[tokio::test]
    async fn processes_share_one_key_and_its_private_part_is_encrypted() {
        let store = test_store().await;
        let now = now_in_micros();
        let (one, other) =
            (SigningKeys::new(store.clone(), keyring()), SigningKeys::new(store.clone(), keyring()));
        let signer = one.signer(now).await.unwrap();
        assert_eq!(other.signer(now).await.unwrap().kid, signer.kid);
        assert!(other.verifier(&signer.kid, now).await.unwrap().is_some());
        let stored = signing_keys::list(&store, now).await.unwrap();
        let seed = signer.key.as_bytes();
        assert_eq!((stored.len(), seed.len()), (1, SEED_BYTES));
        assert!(!stored[0].sealed_private.windows(SEED_BYTES).any(|part| part == seed));
        let published = one.published(now).await.unwrap();
        assert_eq!(published, other.published(now).await.unwrap());
        let sent = serde_json::to_value(&published).unwrap();
        assert_eq!(sent["keys"][0]["kid"], signer.kid);
        assert_eq!(sent["keys"][0]["x"], URL_SAFE_NO_PAD.encode(&stored[0].public_key));
        assert_eq!(sent["keys"][0].as_object().unwrap().len(), 6, "nothing else is published: {sent}");
    }

    #[tokio::test]
    async fn a_key_is_replaced_after_a_month_without_a_gap() {
        let store = test_store().await;
        let start = now_in_micros();
        let keys = SigningKeys::new(store, keyring());
        let first = keys.signer(start).await.unwrap().kid;
        let almost = start + REPLACE_AFTER - SignedDuration::from_secs(1);
        keys.refresh(almost).await.unwrap();
        assert_eq!(keys.published(almost).await.unwrap().keys.len(), 1);
        let month = start + REPLACE_AFTER;
        keys.refresh(month).await.unwrap();
        keys.refresh(month).await.unwrap();
        // Published, but not used yet.
        let published = keys.published(month).await.unwrap().keys;
        assert_eq!(published.len(), 2);
        assert_eq!(keys.signer(month).await.unwrap().kid, first);
        let used = month + ANNOUNCED_FOR;
        let second = keys.signer(used).await.unwrap().kid;
        assert_eq!(second, published[1].kid);
        // The last token of the first key is verified until it expires.
        let last = used + SignedDuration::from_mins(15);
        assert!(keys.verifier(&first, last).await.unwrap().is_some());
        let end = used + KEPT_AFTER;
        assert!(keys.verifier(&first, end).await.unwrap().is_none());
        assert!(keys.verifier(&second, end).await.unwrap().is_some());
        assert_eq!(keys.published(end).await.unwrap().keys.len(), 1);
    }

    #[tokio::test]
    async fn without_a_persistent_key_no_signing_key_is_created() {
        let store = test_store().await;
        let now = now_in_micros();
        let keys = SigningKeys::new(store.clone(), Keyring::ephemeral());
        assert!(matches!(keys.signer(now).await, Err(AuthError::NoSecretKey)));
        keys.refresh(now).await.unwrap();
        assert_eq!(keys.published(now).await.unwrap().keys, []);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_decrypted_is_replaced_and_still_verifies() {
        let store = test_store().await;
        let now = now_in_micros();
        let before = SigningKeys::new(store.clone(), keyring()).signer(now).await.unwrap().kid;
        let later = now + SignedDuration::from_secs(1);
        let keys = SigningKeys::new(store, Keyring::from_secret("another key of the tests of signing keys"));
        let signer = keys.signer(later).await.unwrap();
        assert_ne!(signer.kid, before);
        assert!(keys.verifier(&before, later).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn invented_ids_cause_no_lookup_each() {
        let store = test_store().await;
        let now = now_in_micros();
        let keys = SigningKeys::new(store.clone(), keyring());
        assert!(keys.verifier("invented", now).await.unwrap().is_none());
        store.close();
        for n in 0..100 {
            assert!(keys.verifier(&format!("invented {n}"), now).await.unwrap().is_none());
        }
    }
}
