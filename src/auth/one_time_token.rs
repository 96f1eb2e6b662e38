//! Tokens of links that work once: invitations and password resets.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::store::share_links::SecretDigest;

/// Number of random bytes in a token: too many to guess, so a fast digest suffices to store it.
const TOKEN_BYTES: usize = 32;

/// Token that was just made. It is shown or mailed once; only its digest is stored.
pub struct OneTimeToken {
    /// Token, as it stands in the link.
    pub token: String,
    /// SHA-256 of the token.
    pub digest: SecretDigest,
}

impl OneTimeToken {
    /// Makes a random token.
    pub fn random() -> Self {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>());
        Self { digest: digest_of(&token), token }
    }
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OneTimeToken(…)")
    }
}

/// Returns the digest by which a presented token is found.
pub fn digest_of(token: &str) -> SecretDigest {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_found_by_their_digests() {
        let (one, other) = (OneTimeToken::random(), OneTimeToken::random());
        assert_ne!(one.token, other.token);
        assert_eq!((one.token.len(), digest_of(&one.token)), (43, one.digest));
        assert!(!format!("{one:?}").contains(&one.token));
    }
}
