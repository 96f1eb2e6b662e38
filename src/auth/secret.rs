//! Random secrets, and the digests by which presented ones are found again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Number of random bytes in a secret: too many to guess.
const SECRET_BYTES: usize = 32;

/// Length of a secret in characters.
pub const SECRET_CHARS: usize = 43;

/// SHA-256 digest of a secret. It is enough to find a random secret, which nobody can guess; secrets that people choose
/// are hashed with [`super::password::PasswordHasher`].
pub type SecretDigest = [u8; 32];

/// Returns a new random secret of [`SECRET_CHARS`] characters, which need no escaping in URLs and headers.
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>())
}

/// Returns whether the text has the form of a secret. A text of another form needs no lookup.
pub fn is_well_formed(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == SECRET_CHARS && text.bytes().all(is_plain)
}

/// Returns the digest of a secret.
pub fn digest(secret: &str) -> SecretDigest {
    Sha256::digest(secret.as_bytes()).into()
}

/// Returns whether two byte strings are equal, in a time that depends only on their lengths.
pub fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_need_no_escaping() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        assert!(is_well_formed(&one) && is_well_formed(&other), "{one} {other}");
        assert_ne!(digest(&one), digest(&other));
        for wrong in ["", &one[1..], &format!("{one}a"), &one.replace(&one[..1], "+"), &"é".repeat(21)] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }

    #[test]
    fn only_equal_bytes_are_equal() {
        for (one, other, expected) in [
            (&b""[..], &b""[..], true),
            (b"secret", b"secret", true),
            (b"secret", b"secreT", false),
            (b"secret", b"secrets", false),
            (b"secret", b"", false),
        ] {
            assert_eq!(is_equal(one, other), expected, "{one:?} {other:?}");
        }
    }
}
