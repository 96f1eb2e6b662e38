//! Identity that this server presents to push services (VAPID, RFC 8292): a key pair, whose public key browsers use to
//! subscribe.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use reqwest::Url;
use serde_json::json;

/// Lifetime of a token. Half of the allowed day leaves room for clocks that differ.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// Key pair that identifies this server to push services.
#[derive(Clone)]
pub struct VapidKey(SigningKey);

impl VapidKey {
    /// Generates a key pair. Browsers that subscribed with a different one must subscribe again.
    pub fn generate() -> Self {
        loop {
            // Almost every 32-byte number is a valid key; only one in 2³² is not.
            if let Some(key) = Self::from_bytes(&rand::random::<[u8; 32]>()) {
                return key;
            }
        }
    }

    /// Restores a stored key pair, or returns `None` if the bytes are not a valid private key.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        SigningKey::from_slice(bytes).ok().map(Self)
    }

    /// Returns the private key for storage. It must be kept secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    /// Returns the public key as an uncompressed point on the curve.
    pub fn public_key(&self) -> Vec<u8> {
        self.0.verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// Returns the public key as text, in the form that browsers accept as `applicationServerKey`.
    pub fn public_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public_key())
    }

    /// Returns the `Authorization` header for a request to a push service. `subject` is a contact for its operators, a
    /// `mailto:` or `https:` URL.
    pub fn authorization(&self, endpoint: &Url, subject: &str, now: Timestamp) -> String {
        let expires_at = now.saturating_add(TOKEN_LASTS).unwrap_or(now);
        let claims = json!({
            "aud": endpoint.origin().ascii_serialization(), "exp": expires_at.as_second(), "sub": subject,
        });
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature: Signature = self.0.sign(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
        format!("vapid t={token}, k={}", self.public_text())
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VapidKey").field(&self.public_text()).finish()
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;

    use super::*;

    #[test]
    fn a_token_is_signed_by_the_key_that_browsers_subscribed_to() {
        let key = VapidKey::generate();
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let endpoint: Url = "https://push.example.net:8443/push/abc?d=e".parse().unwrap();
        let value = key.authorization(&endpoint, "mailto:ops@example.org", now);
        let (token, public) = value.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let point = URL_SAFE_NO_PAD.decode(public).unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        VerifyingKey::from_sec1_bytes(&point).unwrap().verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net:8443");
        assert_eq!(claims["exp"].as_i64().unwrap() - now.as_second(), 12 * 3_600);
        assert_eq!(claims["sub"], "mailto:ops@example.org");
    }

    #[test]
    fn a_restored_key_is_the_same_key() {
        let key = VapidKey::generate();
        let kept = VapidKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(kept.public_text(), key.public_text());
        assert!(VapidKey::from_bytes(&[0; 32]).is_none() && VapidKey::from_bytes(b"short").is_none());
    }
}
