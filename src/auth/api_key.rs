//! API keys: `gsk_<id>_<secret>`. The id finds the key, and is no secret.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use uuid::Uuid;

use super::AuthError;
use super::key_usage::KeyUsage;
use super::keyed_digest::KeyedDigest;
use super::password::PasswordHasher;
use super::patience::{OUTAGE_MAX, ask_briefly};
use super::{program_secret, secret};
use crate::models::id::ApiKeyId;
use crate::store::Store;
use crate::store::credentials::{StoredSecret, api_keys};

/// Start of every API key, by which scanners recognize one that was published by mistake.
const PREFIX: &str = "gsk_";

/// Length of a UUID in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// How long a verified key is remembered. Within this time it is not hashed again; whether it has ended is looked up
/// anyway.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How long other requests go on with a verified key while one of them verifies it again.
const PAUSE: Duration = Duration::from_secs(2);

/// Maximum number of remembered keys.
const REMEMBERED_MAX: usize = 10_000;

/// Returns whether the text is an API key, valid or not.
pub fn is_api_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Returns the text of a key.
fn text_of(id: ApiKeyId, secret: &str) -> String {
    format!("{PREFIX}{}_{secret}", Uuid::from(id).simple())
}

/// Returns the id and the secret of a key; `None` if the text has another form.
fn parts_of(text: &str) -> Option<(ApiKeyId, &str)> {
    let (id, rest) = text.strip_prefix(PREFIX)?.split_at_checked(ID_DIGITS)?;
    let secret = rest.strip_prefix('_').filter(|secret| secret::is_well_formed(secret))?;
    let is_plain = id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    Some((id.parse().ok().filter(|_| is_plain)?, secret))
}

/// New API key, which is not stored yet.
pub struct NewKey {
    /// Id of the key.
    pub id: ApiKeyId,
    /// Text to show once.
    pub text: String,
    /// What to store of its secret.
    pub secret: StoredSecret,
}

/// When a key was verified.
#[derive(Debug, Clone, Copy)]
struct Verified {
    at: Instant,
    /// When it is verified again.
    again_at: Instant,
}

impl Verified {
    fn now() -> Self {
        let at = Instant::now();
        Self { at, again_at: at + REMEMBERED }
    }

    /// Returns whether it may still count while PostgreSQL is unavailable.
    fn is_recent(&self) -> bool {
        self.at.elapsed() < OUTAGE_MAX
    }
}

/// Creates and verifies API keys. Clones share what they remember.
#[derive(Clone)]
pub struct ApiKeys {
    store: Store,
    hasher: PasswordHasher,
    /// Keys that were verified, by keyed digest.
    verified: Arc<Cache<[u8; 32], Verified>>,
    digest: KeyedDigest,
    usage: KeyUsage,
}

impl ApiKeys {
    /// Creates the verification of the keys in this store.
    pub fn new(store: Store, hasher: PasswordHasher) -> Self {
        let verified = Arc::new(Cache::new(REMEMBERED_MAX));
        Self { usage: KeyUsage::new(store.clone()), store, hasher, verified, digest: KeyedDigest::new() }
    }

    /// Returns a new key, which the caller stores.
    ///
    /// # Errors
    /// [`AuthError::Busy`] if too many secrets are being hashed.
    pub async fn create(&self) -> Result<NewKey, AuthError> {
        let id = ApiKeyId::now_v7();
        let (secret, stored) = program_secret::create(&self.hasher).await?;
        Ok(NewKey { id, text: text_of(id, &secret), secret: stored })
    }

    /// Returns the id of the key with this text; `None` if there is none. Whether the key has ended is another question,
    /// and is not remembered.
    ///
    /// A text that is no key, an unknown id and a wrong secret cost at most one lookup, and each about the same. Only the
    /// right secret is hashed, at most once a minute however many requests present it. While PostgreSQL is unavailable, or
    /// takes longer than two seconds to answer, a key that was verified counts for at most [`OUTAGE_MAX`].
    ///
    /// # Errors
    /// If PostgreSQL is unavailable, or too many secrets are being hashed.
    pub async fn verify(&self, text: &str) -> Result<Option<ApiKeyId>, AuthError> {
        let Some((id, secret)) = parts_of(text) else { return Ok(None) };
        let digest = self.digest.of(text);
        let earlier = self.verified.get(&digest).filter(Verified::is_recent);
        let guard = match earlier {
            Some(earlier) if Instant::now() < earlier.again_at => return Ok(Some(id)),
            Some(earlier) => {
                // Others go on meanwhile. If this request fails, the next one after the pause verifies the key.
                let pause = Verified { again_at: Instant::now() + PAUSE, ..earlier };
                self.verified.insert(digest, pause);
                None
            }
            None => {
                self.verified.remove_if(&digest, |earlier| !earlier.is_recent());
                // Others that present the same key wait for the first one.
                match self.verified.get_value_or_guard_async(&digest).await {
                    Ok(_) => return Ok(Some(id)),
                    Err(guard) => Some(guard),
                }
            }
        };
        let Some(guard) = guard else {
            let (keys, secret) = (self.clone(), secret.to_owned());
            return match ask_briefly(async move { keys.verify_again(digest, (id, &secret)).await }).await {
                Some(Err(AuthError::Store(error))) if error.is_unavailable() => Ok(Some(id)),
                Some(outcome) => Ok(outcome?.then_some(id)),
                None => Ok(Some(id)),
            };
        };
        let is_right = self.is_stored(id, secret).await?;
        if is_right {
            // Fails only if the key was removed meanwhile. A wrong key takes up no memory.
            let _ = guard.insert(Verified::now());
        }
        Ok(is_right.then_some(id))
    }

    /// Returns whether a remembered key is still right, and remembers that.
    async fn verify_again(
        &self,
        digest: [u8; 32],
        (id, secret): (ApiKeyId, &str),
    ) -> Result<bool, AuthError> {
        let is_right = self.is_stored(id, secret).await?;
        if is_right {
            self.verified.insert(digest, Verified::now());
        } else {
            self.verified.remove(&digest);
        }
        Ok(is_right)
    }

    /// Returns the counter of calls.
    pub fn usage(&self) -> &KeyUsage {
        &self.usage
    }

    /// Returns whether the stored key with this id has this secret.
    async fn is_stored(&self, id: ApiKeyId, secret: &str) -> Result<bool, AuthError> {
        let Some((_, stored)) = api_keys::find(&self.store, id).await? else { return Ok(false) };
        program_secret::verify(&self.hasher, secret, &stored).await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;

    use futures_util::future::join_all;
    use futures_util::poll;
    use jiff::Timestamp;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::models::credential::ApiKey;
    use crate::models::principal::Scopes;
    use crate::store::testing::{connection, execute, test_store};

    /// Stores a new key without an owner, and returns its id and text.
    async fn stored(keys: &ApiKeys, store: &Store) -> (ApiKeyId, String) {
        let new = keys.create().await.unwrap();
        let key = ApiKey {
            id: new.id,
            owner: None,
            name: "Upload".to_owned(),
            scopes: Scopes::all(),
            created_at: Timestamp::now(),
            created_by: None,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            rotated_from: None,
        };
        assert!(api_keys::create(store, &key, &new.secret).await.unwrap());
        (new.id, new.text)
    }

    #[test]
    fn a_key_names_its_id_and_anything_else_is_no_key() {
        let (id, secret) = (ApiKeyId::now_v7(), secret::random());
        let text = text_of(id, &secret);
        assert_eq!(parts_of(&text), Some((id, secret.as_str())));
        assert_eq!(text.len(), 4 + 32 + 1 + 43);
        assert!(is_api_key(&text) && is_api_key("gsk_") && !is_api_key("GSK_") && !is_api_key("share_"));
        let simple = Uuid::from(id).simple().to_string();
        for wrong in [
            "gsk_".to_owned(),
            format!("gsk_{simple}"),
            format!("gsk_{simple}_"),
            format!("gsk_{simple}{secret}"),
            format!("gsk_{}_{secret}", simple.to_uppercase()),
            format!("gsk_{id}_{secret}"),
            format!("{text}x"),
            format!("{text} "),
            text.replacen("gsk", "gsK", 1),
            text[..text.len() - 1].to_owned(),
            "gsk_ü".repeat(20),
        ] {
            assert_eq!(parts_of(&wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn only_the_whole_key_is_verified() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        let (other, _) = stored(&keys, &store).await;
        let secret = parts_of(&text).unwrap().1;
        for (text, expected) in [
            (text.clone(), Some(id)),
            (text_of(other, secret), None),
            (text_of(ApiKeyId::now_v7(), secret), None),
            (text_of(id, &secret::random()), None),
            (text.clone(), Some(id)),
        ] {
            assert_eq!(keys.verify(&text).await.unwrap(), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn many_requests_with_one_key_hash_it_once() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        // More at once than may wait for a hash.
        let verified = join_all((0..200).map(|_| keys.verify(&text))).await;
        assert!(verified.into_iter().all(|found| found.unwrap() == Some(id)));
        // From now on neither the database nor a hash is needed.
        execute(&store, "UPDATE api_keys SET hashed_secret = 'none'").await;
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        assert!(ApiKeys::new(store, PasswordHasher::new()).verify(&text).await.is_err());
    }

    /// Moves the verification of a key into the past.
    fn age(keys: &ApiKeys, text: &str, age: Duration) {
        let now = Instant::now();
        let earlier = Verified { at: now.checked_sub(age).unwrap(), again_at: now };
        keys.verified.insert(keys.digest.of(text), earlier);
    }

    #[tokio::test]
    async fn a_key_is_verified_again_after_a_minute() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        age(&keys, &text, REMEMBERED);
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        // Remembered again.
        execute(&store, "UPDATE api_keys SET fingerprint = '\\x0000000000000000'").await;
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        age(&keys, &text, REMEMBERED);
        for _ in 0..2 {
            assert_eq!(keys.verify(&text).await.unwrap(), None);
            assert_eq!(keys.verified.len(), 0);
        }
    }

    #[tokio::test]
    async fn a_verified_key_counts_for_a_while_without_postgresql() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        store.close();
        age(&keys, &text, REMEMBERED);
        // One request asks PostgreSQL, and others do not until the pause is over.
        let paused = async || {
            assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
            keys.verified.get(&keys.digest.of(&text)).unwrap()
        };
        let pause = paused().await;
        assert!(pause.again_at - pause.at >= REMEMBERED + PAUSE, "{pause:?}");
        assert_eq!(paused().await.again_at, pause.again_at);
        age(&keys, &text, OUTAGE_MAX);
        assert!(keys.verify(&text).await.is_err());
        assert!(keys.verify(&text_of(id, &secret::random())).await.is_err(), "never verified");
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_holds_up_one_request_and_the_key_is_verified_late() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        age(&keys, &text, REMEMBERED);
        let verified_at = || keys.verified.get(&keys.digest.of(&text)).unwrap().at;
        let earlier = verified_at();
        // Queries of keys wait for a lock from now on, until the statement below.
        let holder = connection(&store).await;
        holder.batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let mut first = Box::pin(keys.verify(&text));
        assert!(poll!(&mut first).is_pending());
        let others = poll!(pin!(keys.verify(&text)));
        assert!(matches!(others, Poll::Ready(Ok(Some(found))) if found == id), "others ask as well");
        assert_eq!(first.await.unwrap(), Some(id));
        assert_eq!(verified_at(), earlier);
        holder.batch_execute("COMMIT").await.unwrap();
        let renewed = async {
            while verified_at() == earlier {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(60), renewed).await.expect("the late answer is lost");
    }

    #[tokio::test]
    async fn wrong_keys_neither_fill_the_memory_nor_hold_up_right_ones() {
        let store = test_store().await;
        let keys = ApiKeys::new(store.clone(), PasswordHasher::new());
        let (id, text) = stored(&keys, &store).await;
        let wrong: Vec<String> = (0..200).map(|_| text_of(id, &secret::random())).collect();
        let verified = join_all(wrong.iter().map(|text| keys.verify(text))).await;
        assert!(verified.into_iter().all(|found| found.unwrap().is_none()), "a wrong key waits for no hash");
        assert_eq!(keys.verified.len(), 0);
        assert_eq!(keys.verify(&text).await.unwrap(), Some(id));
        assert_eq!(keys.verified.len(), 1);
    }
}
