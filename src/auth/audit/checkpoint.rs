//! Signed statements about the chain: that it reached a position, or that it starts after one.
//!
//! Anyone can verify a checkpoint with the public key, without the secret that seals and links entries.

use jiff::Timestamp;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::keys::AuditKeys;
use crate::models::audit::{ChainEnd, Checkpoint, CheckpointKind, Hash, SignedCheckpoint};

/// Start of every signed message, which keeps it apart from other uses of the key.
const CONTEXT: &[u8] = b"groundswell audit checkpoint 1\0";

/// Error for a line that is not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: {0}")]
pub struct NoCheckpoint(String);

/// Checkpoint as one line of JSON, the format of the file and of the webhook.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    version: u8,
    kind: String,
    seq: i64,
    hash: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expired_before: Option<Timestamp>,
    public_key: String,
    signature: String,
}

/// Version of [`CheckpointLine`].
const VERSION: u8 = 1;

/// Signs a checkpoint.
pub fn sign(keys: &AuditKeys, checkpoint: Checkpoint) -> SignedCheckpoint {
    let signature = keys.sign(&message(&checkpoint));
    SignedCheckpoint { checkpoint, public_key: keys.public_key(), signature }
}

/// Returns whether the signature is valid for the public key that the checkpoint names. Whether that key can be trusted
/// is for the caller to decide.
pub fn is_signed(signed: &SignedCheckpoint) -> bool {
    let key = VerifyingKey::from_sec1_bytes(&signed.public_key);
    let signature = Signature::from_slice(&signed.signature);
    key.and_then(|key| key.verify(&message(&signed.checkpoint), &signature?)).is_ok()
}

/// Returns the checkpoint as one line of JSON, without a line break.
pub fn to_line(signed: &SignedCheckpoint) -> String {
    let Checkpoint { kind, end, at, expired_before } = signed.checkpoint;
    let line = CheckpointLine {
        version: VERSION,
        kind: kind.as_str().to_owned(),
        seq: end.seq,
        hash: hex::encode(end.hash),
        at,
        expired_before,
        public_key: hex::encode(&signed.public_key),
        signature: hex::encode(&signed.signature),
    };
    // No field of the line can fail to be encoded.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Reads a checkpoint from one line of JSON, without checking its signature.
///
/// # Errors
/// If the line is not a checkpoint of this version.
pub fn of_line(line: &str) -> Result<SignedCheckpoint, NoCheckpoint> {
    let wrong = |problem: &str| NoCheckpoint(problem.to_owned());
    let line: CheckpointLine = serde_json::from_str(line).map_err(|error| NoCheckpoint(error.to_string()))?;
    if line.version != VERSION {
        return Err(wrong("its version is unknown"));
    }
    let kind = CheckpointKind::ALL.into_iter().find(|kind| kind.as_str() == line.kind);
    let mut hash = Hash::default();
    hex::decode_to_slice(&line.hash, &mut hash).map_err(|_| wrong("its hash is not 32 bytes"))?;
    let bytes = |text: &str| hex::decode(text).map_err(|_| wrong("a field is not hexadecimal"));
    Ok(SignedCheckpoint {
        checkpoint: Checkpoint {
            kind: kind.ok_or_else(|| wrong("its kind is unknown"))?,
            end: ChainEnd { seq: line.seq, hash },
            at: line.at,
            expired_before: line.expired_before,
        },
        public_key: bytes(&line.public_key)?,
        signature: bytes(&line.signature)?,
    })
}

/// Reads a public key in hexadecimal.
///
/// # Errors
/// If the text is not a public key.
pub fn public_key_of(text: &str) -> Result<Vec<u8>, NoCheckpoint> {
    let bytes = hex::decode(text.trim());
    let bytes = bytes.map_err(|_| NoCheckpoint("the public key is not hexadecimal".to_owned()))?;
    match VerifyingKey::from_sec1_bytes(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(NoCheckpoint("the public key is not valid".to_owned())),
    }
}

fn message(checkpoint: &Checkpoint) -> Vec<u8> {
    let Checkpoint { kind, end, at, expired_before } = checkpoint;
    let mut message = CONTEXT.to_vec();
    message.push(match kind {
        CheckpointKind::Head => 1,
        CheckpointKind::Tombstone => 2,
    });
    message.extend_from_slice(&end.seq.to_be_bytes());
    message.extend_from_slice(&end.hash);
    message.extend_from_slice(&at.as_microsecond().to_be_bytes());
    let before = expired_before.map_or(i64::MIN, Timestamp::as_microsecond);
    message.extend_from_slice(&before.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::audit::keys::testing::keys;
    use crate::keyring::Keyring;

    fn checkpoint() -> Checkpoint {
        let at = Timestamp::from_microsecond(1_790_000_000_000_001).unwrap();
        Checkpoint {
            kind: CheckpointKind::Head,
            end: ChainEnd { seq: 7, hash: [3; 32] },
            at,
            expired_before: None,
        }
    }

    #[test]
    fn a_checkpoint_survives_its_line_and_no_field_of_it_can_be_changed() {
        let signed = sign(&keys(), checkpoint());
        assert!(is_signed(&signed));
        assert_eq!(of_line(&to_line(&signed)).unwrap(), signed);
        let changed = |change: fn(&mut SignedCheckpoint)| {
            let mut changed = signed.clone();
            change(&mut changed);
            assert!(!is_signed(&changed), "{changed:?}");
        };
        changed(|signed| signed.checkpoint.kind = CheckpointKind::Tombstone);
        changed(|signed| signed.checkpoint.end.seq = 6);
        changed(|signed| signed.checkpoint.end.hash = [4; 32]);
        changed(|signed| signed.checkpoint.at = Timestamp::UNIX_EPOCH);
        changed(|signed| signed.checkpoint.expired_before = Some(Timestamp::UNIX_EPOCH));
        changed(|signed| signed.signature = vec![0; 64]);
        changed(|signed| signed.signature.clear());
        changed(|signed| signed.public_key.clear());
        changed(|signed| {
            signed.public_key = AuditKeys::new(&Keyring::from_secret(&"x".repeat(32))).public_key();
        });
    }

    #[test]
    fn a_line_that_is_no_checkpoint_is_refused() {
        let line = to_line(&sign(&keys(), checkpoint()));
        for wrong in [
            "",
            "{}",
            &line.replace("\"version\":1", "\"version\":2"),
            &line.replace("head", "tail"),
            &line.replace("0303", "03"),
            &line[..40],
        ] {
            assert!(of_line(wrong).is_err(), "{wrong}");
        }
        assert!(public_key_of(&hex::encode(keys().public_key())).is_ok());
        assert!(public_key_of("00").is_err());
    }
}
