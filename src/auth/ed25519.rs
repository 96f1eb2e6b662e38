//! Signatures of access tokens: Ed25519, which is the only algorithm for tokens that this process contains. So a token
//! whose header names another one cannot be verified, by whatever mistake elsewhere.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// Length of the private part of a key in bytes.
pub const SEED_BYTES: usize = 32;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use this implementation. Later calls change nothing.
pub fn install() {
    // Fails if it is installed already.
    let _ = PROVIDER.install_default();
}

/// Returns the public part of the key with this private part; `None` if the private part has another length.
pub fn public_key_of(seed: &[u8]) -> Option<Vec<u8>> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    check(*algorithm, key.family())?;
    let pair = Ed25519KeyPair::from_seed_unchecked(key.as_bytes());
    Ok(Box::new(Pair(pair.map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    check(*algorithm, key.family())?;
    Ok(Box::new(Public(UnparsedPublicKey::new(&ED25519, key.try_get_as_bytes()?.to_vec()))))
}

fn check(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm == Algorithm::EdDSA && family == AlgorithmFamily::Ed {
        return Ok(());
    }
    Err(new_error(ErrorKind::UnsupportedAlgorithm))
}

struct Pair(Ed25519KeyPair);

impl Signer<Vec<u8>> for Pair {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Pair {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Public(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1.
    #[test]
    fn keys_and_signatures_are_those_of_rfc_8032() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let public = hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").unwrap();
        assert_eq!(public_key_of(&seed).unwrap(), public);
        assert_eq!(public_key_of(&seed[1..]), None);
        let signer = signer(&Algorithm::EdDSA, &EncodingKey::from_ed_der(&seed)).unwrap();
        let signature = signer.try_sign(b"").unwrap();
        assert!(hex::encode(&signature).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974"));
        let verifier = verifier(&Algorithm::EdDSA, &DecodingKey::from_ed_der(&public)).unwrap();
        verifier.verify(b"", &signature).unwrap();
        assert!(verifier.verify(b"x", &signature).is_err());
    }

    #[test]
    fn every_other_algorithm_is_refused() {
        let (seed, public) = ([7; SEED_BYTES], public_key_of(&[7; SEED_BYTES]).unwrap());
        for algorithm in [Algorithm::HS256, Algorithm::ES256, Algorithm::RS256, Algorithm::PS512] {
            assert!(signer(&algorithm, &EncodingKey::from_ed_der(&seed)).is_err(), "{algorithm:?}");
            assert!(verifier(&algorithm, &DecodingKey::from_ed_der(&public)).is_err(), "{algorithm:?}");
        }
        assert!(signer(&Algorithm::HS256, &EncodingKey::from_secret(&public)).is_err());
        assert!(verifier(&Algorithm::EdDSA, &DecodingKey::from_secret(&public)).is_err());
    }
}
