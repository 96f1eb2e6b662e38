//! Tokens that nobody issued: a thousand of them at random with a fixed seed, and the known tricks one by one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use rand::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::tests::{subject, tokens};
use super::*;
use crate::auth::ed25519::{SEED_BYTES, public_key_of};
use crate::models::id::UserId;
use crate::store::credentials::signing_keys;
use crate::store::testing::test_store;

const SEED: u64 = 24;

/// What a forger knows, and the key that only the server has.
struct Forger {
    now: Timestamp,
    kid: String,
    public_key: Vec<u8>,
    own_seed: [u8; SEED_BYTES],
    valid: String,
    server_key: EncodingKey,
    random: StdRng,
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(message: &str, seed: &[u8]) -> String {
    let key = EncodingKey::from_ed_der(seed);
    format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA).unwrap())
}

/// Returns the HMAC-SHA256 of a message (RFC 2104), with which a library that confuses keys would verify.
fn hmac(key: &[u8], message: &str) -> String {
    let pad = |with: u8| (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

impl Forger {
    fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": self.kid})
    }

    fn claims(&self) -> Value {
        let issued_at = self.now.as_second();
        json!({
            "iss": "groundswell", "aud": "groundswell", "sub": format!("user:{}", UserId::now_v7()),
            "iat": issued_at, "nbf": issued_at, "exp": issued_at + 900, "jti": "forged", "scope": "read admin",
        })
    }

    /// Signs with the server's own key, as if a valid token of another purpose had been found.
    fn signed_by_the_server(&self, header: &Value, claims: &Value) -> String {
        signed(&format!("{}.{}", part(header), part(claims)), self.server_key.as_bytes())
    }

    /// Returns a token with another algorithm or with the key of somebody else.
    fn with_other_keys(&mut self) -> String {
        let algorithms =
            ["none", "None", "NONE", "HS256", "HS512", "ES256", "RS256", "PS256", "EdDSA", "", "eddsa"];
        let algorithm = *algorithms.choose(&mut self.random).unwrap();
        let mut header = self.header();
        header["alg"] = json!(algorithm);
        let kids = [self.kid.clone(), "invented".to_owned(), String::new(), "../../dev/null".to_owned()];
        header["kid"] = json!(kids.choose(&mut self.random).unwrap());
        if self.random.random_bool(0.3) {
            let x = URL_SAFE_NO_PAD.encode(public_key_of(&self.own_seed).unwrap());
            header["jwk"] = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
            header["jku"] = json!("https://attacker.example/jwks.json");
        }
        let message = format!("{}.{}", part(&header), part(&self.claims()));
        match self.random.random_range(0..5) {
            0 => format!("{message}."),
            1 => format!("{message}.{}", hmac(&self.public_key, &message)),
            2 => format!("{message}.{}", hmac(URL_SAFE_NO_PAD.encode(&self.public_key).as_bytes(), &message)),
            3 => signed(&message, &self.own_seed),
            _ => format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.random.random::<[u8; 64]>())),
        }
    }

    /// Returns a token that the server signed, for another time, issuer or purpose.
    fn with_other_claims(&mut self) -> String {
        let now = self.now.as_second();
        let past = now - self.random.random_range(900..1_000_000);
        let future = now + self.random.random_range(31..1_000_000);
        let (mut header, mut claims) = (self.header(), self.claims());
        let texts = ["", "elsewhere", "Groundswell", "groundswell ", "groundswell\0"];
        let text = *texts.choose(&mut self.random).unwrap();
        match self.random.random_range(0..12) {
            0 => {
                (claims["iat"], claims["nbf"], claims["exp"]) = (json!(past), json!(past), json!(past + 900))
            }
            1 => {
                (claims["iat"], claims["nbf"], claims["exp"]) =
                    (json!(future), json!(future), json!(future + 900))
            }
            2 => claims["nbf"] = json!(future),
            3 => claims["exp"] = json!(now + self.random.random_range(901..1_000_000_000)),
            4 => claims["exp"] = json!(past),
            5 => claims["iss"] = json!(text),
            6 => claims["aud"] = json!(text),
            7 => claims["aud"] = json!(["groundswell", text]),
            8 => claims["sub"] = json!(format!("operator:{}", UserId::now_v7())),
            9 => {
                header["typ"] =
                    json!(["JWT", "id+jwt", "", "application/at+jwt"].choose(&mut self.random).unwrap())
            }
            10 => header["crit"] = json!(["exp"]),
            _ => {
                let names = ["iss", "sub", "aud", "iat", "nbf", "exp", "scope"];
                let name = *names.choose(&mut self.random).unwrap();
                let wrong = [Value::Null, json!("x"), json!(-1.5), json!([]), json!({})];
                match self.random.random_bool(0.5) {
                    true => drop(claims.as_object_mut().unwrap().remove(name)),
                    false if name == "scope" || name == "sub" => claims[name] = json!(17),
                    false => claims[name] = wrong.choose(&mut self.random).unwrap().clone(),
                }
            }
        }
        self.signed_by_the_server(&header, &claims)
    }

    /// Returns a valid token that was damaged.
    fn damaged(&mut self) -> String {
        let mut token = self.valid.clone().into_bytes();
        match self.random.random_range(0..4) {
            0 => token.truncate(self.random.random_range(0..token.len())),
            1 => {
                // Another letter of the alphabet. The last one is left alone: it holds unused bits.
                let at = self.random.random_range(0..token.len() - 1);
                let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
                token[at] =
                    *letters.iter().filter(|letter| **letter != token[at]).choose(&mut self.random).unwrap();
            }
            2 => {
                let at = self.random.random_range(0..token.len());
                token.insert(at, *b"A.\0 =".choose(&mut self.random).unwrap());
            }
            _ => {
                // Other claims, with the signature of a valid token.
                let mut parts: Vec<&[u8]> = self.valid.as_bytes().split(|byte| *byte == b'.').collect();
                let forged = part(&self.claims());
                parts[self.random.random_range(0..2)] = forged.as_bytes();
                token = parts.join(&b'.');
            }
        }
        String::from_utf8_lossy(&token).into_owned()
    }

    fn garbage(&mut self) -> String {
        let n = self.random.random_range(0..3_000);
        let dots = ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30"];
        if self.random.random_bool(0.2) {
            return (*dots.choose(&mut self.random).unwrap()).to_owned();
        }
        (0..n).map(|_| char::from(self.random.random_range(b' '..=b'~'))).collect()
    }
}

#[tokio::test]
async fn a_thousand_forged_tokens_are_refused() {
    let store = test_store().await;
    let tokens = tokens(&store);
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let subject = subject(Identity::User(UserId::now_v7()));
    let valid = tokens.issue(&subject, now).await.unwrap();
    let stored = signing_keys::list(&store, now).await.unwrap().remove(0);
    let mut forger = Forger {
        now,
        kid: stored.kid,
        public_key: stored.public_key,
        own_seed: [7; SEED_BYTES],
        server_key: tokens.keys.signer(now).await.unwrap().key,
        valid: valid.clone(),
        random: StdRng::seed_from_u64(SEED),
    };
    // The forger's own tools work: with the server's key and true claims the result is a valid token.
    let genuine = forger.signed_by_the_server(&forger.header(), &forger.claims());
    assert!(tokens.verify(&genuine, now).await.unwrap().is_some());
    for n in 0..1_000 {
        let forged = match n % 10 {
            0..=3 => forger.with_other_keys(),
            4..=6 => forger.with_other_claims(),
            7..=8 => forger.damaged(),
            _ => forger.garbage(),
        };
        let found = tokens.verify(&forged, now).await.unwrap();
        assert_eq!(found, None, "seed {SEED}, token {n}: {forged}");
    }
    assert_eq!(tokens.verify(&valid, now).await.unwrap(), Some(subject), "the valid one still is");
}

#[tokio::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let store = test_store().await;
    let tokens = tokens(&store);
    let now = Timestamp::now();
    tokens.issue(&subject(Identity::User(UserId::now_v7())), now).await.unwrap();
    let stored = signing_keys::list(&store, now).await.unwrap().remove(0);
    let claims = json!({
        "iss": "groundswell", "aud": "groundswell", "sub": format!("user:{}", UserId::now_v7()),
        "iat": now.as_second(), "nbf": now.as_second(), "exp": now.as_second() + 900, "jti": "x", "scope": "admin",
    });
    for algorithm in ["none", "HS256"] {
        let header = json!({"typ": "at+jwt", "alg": algorithm, "kid": stored.kid});
        let message = format!("{}.{}", part(&header), part(&claims));
        for signature in [String::new(), hmac(&stored.public_key, &message)] {
            let forged = format!("{message}.{signature}");
            assert_eq!(tokens.verify(&forged, now).await.unwrap(), None, "{forged}");
        }
    }
}
