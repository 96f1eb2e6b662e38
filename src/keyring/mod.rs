//! Encryption of secrets: of channels, webhooks and sources. The database holds the ciphertext; the key is stored
//! elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;

/// Name of the file that holds the key if none is configured.
const FILE: &str = "secret.key";

/// Minimum length of a configured secret in characters. Shorter ones could be guessed.
pub const SECRET_CHARACTERS_MIN: usize = 32;

const NONCE_BYTES: usize = 12;

/// The secrets cannot be decrypted: they were altered, or encrypted with another key or for another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secrets were encrypted with another key")]
pub struct DecryptError;

/// Key that encrypts and decrypts secrets.
#[derive(Clone)]
pub struct Keyring {
    cipher: Aes256Gcm,
    expander: Hkdf<Sha256>,
    fingerprint: String,
    is_persistent: bool,
}

impl Keyring {
    /// Derives the key from a configured secret of at least [`SECRET_CHARACTERS_MIN`] characters.
    pub fn from_secret(secret: &str) -> Self {
        let expander = Hkdf::<Sha256>::new(Some(b"groundswell"), secret.trim().as_bytes());
        let mut key = [0; 32];
        let mut fingerprint = [0; 8];
        // HKDF fails only for outputs of more than 8 KiB.
        let _ = expander.expand(b"channel secrets", &mut key);
        let _ = expander.expand(b"fingerprint", &mut fingerprint);
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
        Self { cipher, expander, fingerprint: hex::encode(fingerprint), is_persistent: true }
    }

    /// Creates a random key that is lost with the process, for use if no key is configured and none can be stored. Do
    /// not use it to encrypt anything that must last.
    pub fn ephemeral() -> Self {
        Self { is_persistent: false, ..Self::from_secret(&STANDARD.encode(rand::random::<[u8; 32]>())) }
    }

    /// Returns whether the key outlives the process.
    pub fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// Loads the key from its file in a directory; `None` if there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn find(folder: &Path) -> io::Result<Option<Self>> {
        Ok(read(&folder.join(FILE))?.map(|secret| Self::from_secret(&secret)))
    }

    /// Loads the key from its file in a directory, or creates the file if there is none. Only its owner can read the
    /// file.
    ///
    /// # Errors
    /// If the file can be neither read nor created.
    pub fn from_folder(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        if let Some(secret) = read(&path)? {
            return Ok(Self::from_secret(&secret));
        }
        fs::create_dir_all(folder)?;
        let secret = STANDARD.encode(rand::random::<[u8; 32]>());
        // Written to a temporary file and linked, so that concurrent processes use the same key and none reads half of
        // one.
        let draft = folder.join(format!("{FILE}.{}", uuid::Uuid::now_v7().simple()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(secret.as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, &path);
        fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => read(&path)?.map(|secret| Self::from_secret(&secret)).ok_or(io::ErrorKind::NotFound.into()),
        }
    }

    /// Derives a key for another purpose from the secret. Neither this key nor those for other labels follow from it.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        // The prefix keeps labels apart from those of the keyring itself. HKDF fails only for longer outputs.
        let _ = self.expander.expand_multi_info(&[b"derived: ", label.as_bytes()], &mut key);
        key
    }

    /// Returns a fingerprint that identifies the key without revealing anything about it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Encrypts a secret so that it can be decrypted only for the same owner.
    pub fn seal(&self, owner: &[u8], secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret, aad: owner };
        // AES-GCM fails only for secrets of more than 64 GiB.
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts a secret that was encrypted for this owner.
    ///
    /// # Errors
    /// [`DecryptError`] if the key or the owner is a different one, or the ciphertext was altered.
    pub fn open(&self, owner: &[u8], sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(DecryptError)?;
        let payload = Payload { msg: sealed, aad: owner };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| DecryptError)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(secret) if secret.trim().len() < SECRET_CHARACTERS_MIN => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no key", path.display())))
        }
        Ok(secret) => Ok(Some(secret)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_same_key_and_owner_decrypt_a_secret() {
        let keyring = Keyring::from_secret("0123456789abcdef0123456789abcdef");
        let other = Keyring::from_secret("0123456789abcdef0123456789abcdeF");
        let sealed = keyring.seal(b"one", b"whsec_x");
        assert_eq!(keyring.open(b"one", &sealed).unwrap(), b"whsec_x");
        assert_eq!(keyring.open(b"two", &sealed), Err(DecryptError));
        assert_eq!(other.open(b"one", &sealed), Err(DecryptError));
        assert_ne!(other.fingerprint(), keyring.fingerprint());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(keyring.open(b"one", &changed), Err(DecryptError));
        assert_eq!(keyring.open(b"one", &sealed[..5]), Err(DecryptError));
        assert_ne!(keyring.seal(b"one", b"whsec_x"), sealed);
    }

    #[test]
    fn derived_keys_depend_on_the_secret_and_on_the_label() {
        let keyring = Keyring::from_secret("0123456789abcdef0123456789abcdef");
        let other = Keyring::from_secret("0123456789abcdef0123456789abcdeF");
        assert_eq!(keyring.derive("audit"), keyring.clone().derive("audit"));
        assert_ne!(keyring.derive("audit"), keyring.derive("tokens"));
        assert_ne!(keyring.derive("audit"), other.derive("audit"));
    }

    #[test]
    fn the_key_file_is_created_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let first = Keyring::from_folder(&data_dir).unwrap();
        let again = Keyring::from_folder(&data_dir).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        let mode = fs::metadata(data_dir.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data_dir).unwrap().count(), 1);
        fs::write(data_dir.join(FILE), "short").unwrap();
        assert!(Keyring::from_folder(&data_dir).is_err());
    }
}
