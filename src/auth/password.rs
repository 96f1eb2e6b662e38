//! Passwords: Argon2id hashes, computed a few at a time, and the rules for new passwords.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

use super::AuthError;
use crate::models::account::Email;

/// Memory that one hash fills, in KiB: 19 MiB, with [`PASSES`] the least that OWASP recommends for Argon2id.
///
/// An attacker with the table of users pays for every guess with the same memory. A larger amount would cost this server
/// more as well: every sign-in, and every first use of an API key, fills it.
const MEMORY_KIB: u32 = 19 * 1_024;

/// Number of passes over the memory. See [`MEMORY_KIB`].
const PASSES: u32 = 2;

/// Number of lanes. More would need threads of their own.
const LANES: u32 = 1;

/// Length of a salt in bytes, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// Number of hashes computed at the same time. On the smallest machine with two cores, one core stays free for everyone
/// who is signed in already.
const HASHES_MAX: usize = 1;

/// Number of hashes that may wait for those being computed. The last one waits for all before it, so a longer queue would
/// keep people waiting instead of telling them to try again.
const WAITING_MAX: usize = 16;

/// Minimum length of a new password in characters. Length resists guessing where required digits and symbols do not
/// (NIST SP 800-63B, section 3.1.1).
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Maximum length of a password in characters: room for any sentence, and little enough to be read into memory.
pub const PASSWORD_CHARS_MAX: usize = 1_024;

/// Hashes secrets that people or programs present: passwords, API keys and secrets of clients. Clones share the limits.
///
/// A hash is computed on a thread for blocking work, so it delays no request but those that wait for a hash as well.
/// Secrets are compared in Unicode's normalization form KC, because keyboards differ in how they compose characters.
#[derive(Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    computing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Hash that no secret has, with the cost of any other.
    nobody: Arc<str>,
}

impl PasswordHasher {
    /// Creates a hasher with limits of its own.
    pub fn new() -> Self {
        // `Params::new` refuses only values out of range.
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            computing: Arc::new(Semaphore::new(HASHES_MAX)),
            waiting: Arc::new(Semaphore::new(HASHES_MAX + WAITING_MAX)),
            nobody: format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}").into(),
        }
    }

    /// Returns the hash of a secret with a new salt, as a string in PHC format.
    ///
    /// # Errors
    /// [`AuthError::Busy`] if too many hashes are waiting.
    pub async fn hash(&self, secret: &str) -> Result<String, AuthError> {
        let (argon2, secret) = (self.argon2.clone(), normalized(secret));
        let hash = move || {
            let salt = rand::random::<[u8; SALT_BYTES]>();
            let hash: PasswordHash = argon2.hash_password_with_salt(secret.as_bytes(), &salt)?;
            Ok(hash.to_string())
        };
        self.compute(hash).await
    }

    /// Returns whether the hash, in PHC format, is that of the secret.
    ///
    /// # Errors
    /// [`AuthError::Busy`] if too many hashes are waiting, [`AuthError::Hash`] if the hash is malformed.
    pub async fn verify(&self, secret: &str, hash: &str) -> Result<bool, AuthError> {
        let (argon2, secret, hash) = (self.argon2.clone(), normalized(secret), hash.to_owned());
        let verify = move || {
            let hash = PasswordHash::new(&hash)?;
            match argon2.verify_password(secret.as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.compute(verify).await
    }

    /// Takes as long as [`Self::verify`] and finds no match, so that the time of a refusal does not tell whether an
    /// account exists.
    ///
    /// # Errors
    /// [`AuthError::Busy`] if too many hashes are waiting.
    pub async fn verify_nobody(&self, secret: &str) -> Result<(), AuthError> {
        let nobody = Arc::clone(&self.nobody);
        self.verify(secret, &nobody).await.map(drop)
    }

    /// Computes a hash on another thread once its turn has come. A caller who leaves gives up a place in the queue, but
    /// not a computation that has begun, which therefore keeps its permits.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, AuthError> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| AuthError::Busy)?;
        let turn = Arc::clone(&self.computing).acquire_owned().await.map_err(|_| AuthError::Busy)?;
        // unsupervised: a computation ends, and the caller waits for it
        let computing = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((place, turn));
            outcome
        });
        let outcome = computing.await.map_err(|error| AuthError::Hash(error.to_string()))?;
        outcome.map_err(|error| AuthError::Hash(error.to_string()))
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHasher(…)")
    }
}

fn normalized(secret: &str) -> String {
    secret.nfkc().collect()
}

/// Reason why a new password is refused. Each is the predicate of a sentence whose subject is the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It has fewer than [`PASSWORD_CHARS_MIN`] characters.
    #[error("must be at least {PASSWORD_CHARS_MIN} characters long")]
    TooShort,
    /// It has more than [`PASSWORD_CHARS_MAX`] characters.
    #[error("must be at most {PASSWORD_CHARS_MAX} characters long")]
    TooLong,
    /// It is the email address of the account, or the part before the `@`, apart from digits and symbols around it.
    #[error("must not be the email address")]
    IsEmail,
    /// It is one of the first that an attacker tries: a word from the list, a repetition or a row of keys.
    #[error("is among the first that an attacker tries; choose several unrelated words")]
    Common,
}

/// Words that are no password, even with digits and symbols before and after them.
const COMMON: [&str; 20] = [
    "administrator",
    "adminadmin",
    "changeme",
    "changemenow",
    "correcthorsebatterystaple",
    "dashboard",
    "groundswell",
    "iloveyou",
    "letmein",
    "letmeinplease",
    "mypassword",
    "newpassword",
    "passphrase",
    "password",
    "passwordpassword",
    "secretsecret",
    "superman",
    "supersecret",
    "trustno",
    "welcome",
];

/// Rows of keys and of characters, each of which is as common backwards, and with any start.
const ROWS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "012345678901234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// Checks a new password for the account with this address.
///
/// # Errors
/// The first rule that the password breaks.
pub fn check_new(password: &str, email: &Email) -> Result<(), WeakPassword> {
    let password = normalized(password).to_lowercase();
    let n_chars = password.chars().count();
    if n_chars < PASSWORD_CHARS_MIN {
        return Err(WeakPassword::TooShort);
    }
    if n_chars > PASSWORD_CHARS_MAX {
        return Err(WeakPassword::TooLong);
    }
    let word = password.trim_matches(|character: char| !character.is_alphabetic());
    let local = email.as_str().split('@').next().unwrap_or_default();
    if password == email.as_str() || word == email.as_str() || password == local || word == local {
        return Err(WeakPassword::IsEmail);
    }
    let backwards: String = password.chars().rev().collect();
    let is_row = ROWS.iter().any(|row| row.contains(&password) || row.contains(&backwards));
    if is_row || has_few_characters(&password) || COMMON.contains(&word) {
        return Err(WeakPassword::Common);
    }
    Ok(())
}

/// Returns whether the text has at most three different characters, as repetitions do.
fn has_few_characters(text: &str) -> bool {
    let mut known = Vec::new();
    for character in text.chars() {
        if !known.contains(&character) {
            known.push(character);
        }
        if known.len() > 3 {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_secret_alone() {
        let hasher = PasswordHasher::new();
        let secret = "four unrelated words";
        let hash = hasher.hash(secret).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(secret), "{hash}");
        assert_ne!(hash, hasher.hash(secret).await.unwrap(), "two hashes share a salt");
        assert!(hasher.verify(secret, &hash).await.unwrap());
        for wrong in ["", "four unrelated word", "Four unrelated words", "four unrelated words "] {
            assert!(!hasher.verify(wrong, &hash).await.unwrap(), "{wrong}");
        }
        assert!(matches!(hasher.verify(secret, "plain").await, Err(AuthError::Hash(_))));
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_the_keyboard_composes_it() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash("vier Türme am Fluss").await.unwrap();
        assert!(hasher.verify("vier Tu\u{308}rme am Fluss", &hash).await.unwrap());
    }

    /// The work must be the same; how long it takes depends on the machine.
    #[tokio::test]
    async fn an_unknown_account_costs_as_much_as_a_wrong_password() {
        let hasher = PasswordHasher::new();
        let hash = hasher.hash("four unrelated words").await.unwrap();
        let params = |hash: &str| PasswordHash::new(hash).unwrap().params.to_string();
        assert_eq!(params(&hasher.nobody), params(&hash));
        let began_at = Instant::now();
        assert!(!hasher.verify("wrong", &hash).await.unwrap());
        let known = began_at.elapsed();
        hasher.verify_nobody("wrong").await.unwrap();
        println!(
            "measured: a wrong password took {known:.1?}, an unknown account {:.1?}",
            began_at.elapsed() - known
        );
    }

    #[tokio::test]
    async fn hashes_queue_up_to_a_limit_and_are_refused_beyond_it() {
        let hasher = PasswordHasher::new();
        let turn = hasher.computing.acquire().await.unwrap();
        let mut waiting: Vec<_> =
            (0..HASHES_MAX + WAITING_MAX).map(|_| Box::pin(hasher.verify_nobody("secret"))).collect();
        for waiting in &mut waiting {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        assert!(matches!(hasher.hash("secret").await, Err(AuthError::Busy)));
        // A caller who leaves the queue makes room.
        waiting.pop();
        let mut next = Box::pin(hasher.verify_nobody("secret"));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(turn);
        for waiting in waiting.into_iter().chain([next]) {
            waiting.await.unwrap();
        }
        assert_eq!(hasher.waiting.available_permits(), HASHES_MAX + WAITING_MAX);
    }

    #[test]
    fn a_new_password_is_long_and_not_among_the_first_guesses() {
        let email: Email = "ana.berg.of.oslo@example.com".parse().unwrap();
        let check = |password: &str, expected: Result<(), WeakPassword>| {
            assert_eq!(check_new(password, &email), expected, "{password}");
        };
        check("four unrelated words", Ok(()));
        check("kD8!x0-qQz7_", Ok(()));
        check("山田太郎は今日も元気です", Ok(()));
        check("kD8!x0-qQz7", Err(WeakPassword::TooShort));
        check("", Err(WeakPassword::TooShort));
        check(&"ab cd".repeat(205), Err(WeakPassword::TooLong));
        check("Ana.Berg.of.Oslo@example.com", Err(WeakPassword::IsEmail));
        check("ana.berg.of.oslo", Err(WeakPassword::IsEmail));
        check("ana.berg.of.oslo2026!", Err(WeakPassword::IsEmail));
        check("Password1234", Err(WeakPassword::Common));
        check("123Groundswell!", Err(WeakPassword::Common));
        check("aaaaaaaaaaaa", Err(WeakPassword::Common));
        check("abcabcabcabc", Err(WeakPassword::Common));
        check("qwertyuiopas", Err(WeakPassword::Common));
        check("0987654321098", Err(WeakPassword::Common));
    }
}
