//! Encrypts the credentials of sources for the database. Each ciphertext belongs to one source.

use sha2::{Digest as _, Sha256};

use super::ConnectorError;
use crate::keyring::Keyring;
use crate::models::id::SourceId;
use crate::models::source::Network;
use crate::models::source::credentials::Credentials;

/// Encrypts credentials for a source. Returns `None` if there are none.
pub fn seal(keyring: &Keyring, id: SourceId, credentials: &Credentials) -> Option<Vec<u8>> {
    let text = serde_json::to_vec(credentials).unwrap_or_default();
    (!credentials.is_empty()).then(|| keyring.seal(owner(id).as_bytes(), &text))
}

/// Decrypts the credentials of a source.
///
/// # Errors
/// [`ConnectorError::NeedsKey`] if they were encrypted with another key or for another source.
pub fn open(keyring: &Keyring, id: SourceId, sealed: Option<&[u8]>) -> Result<Credentials, ConnectorError> {
    let Some(sealed) = sealed else {
        return Ok(Credentials::default());
    };
    let opened =
        keyring.open(owner(id).as_bytes(), sealed).ok().and_then(|text| serde_json::from_slice(&text).ok());
    opened.ok_or_else(|| {
        ConnectorError::NeedsKey(
            "the credentials were encrypted with another key; enter them again".to_owned(),
        )
    })
}

/// Returns a hash that identifies the account to which a network issued credentials. It reveals nothing about the
/// credentials, because networks generate them at random.
pub fn account(network: Network, credentials: &Credentials) -> String {
    let mut hash = Sha256::new_with_prefix(network.as_str());
    for (name, value) in credentials.fields() {
        // An application stays the same account when its secret changes.
        if let Some(value) = value.filter(|_| name != "client_secret") {
            hash.update([0]);
            hash.update(name);
            hash.update([0]);
            hash.update(value);
        }
    }
    hex::encode(hash.finalize())
}

/// Returns the name that a source's credentials are encrypted for. It differs from that of the source's webhook secret.
fn owner(id: SourceId) -> String {
    format!("credentials of {}", uuid::Uuid::from(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_their_source_and_key_open_credentials() {
        let keyring = Keyring::from_secret("0123456789abcdef0123456789abcdef");
        let other = Keyring::from_secret("0123456789abcdef0123456789abcdeF");
        let (id, other_id) = (SourceId::from_u128(1), SourceId::from_u128(2));
        let credentials = Credentials { token: Some("hunter2".to_owned()), ..Credentials::default() };
        let sealed = seal(&keyring, id, &credentials).unwrap();
        assert_eq!(open(&keyring, id, Some(&sealed)), Ok(credentials));
        for opened in [open(&keyring, other_id, Some(&sealed)), open(&other, id, Some(&sealed))] {
            assert!(matches!(opened, Err(ConnectorError::NeedsKey(_))), "{opened:?}");
        }
        assert_eq!(seal(&keyring, id, &Credentials::default()), None);
        assert_eq!(open(&keyring, id, None), Ok(Credentials::default()));
    }
}
