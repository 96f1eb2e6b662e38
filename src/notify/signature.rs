//! Verifies the signatures of webhook deliveries (Standard Webhooks 1.0.0).

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use standardwebhooks::Webhook;

/// Maximum difference between the time of a delivery and now. An older delivery could be a replay by an attacker.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of signatures to compare. A sender that rotates its secret sends two.
const SIGNATURES_MAX: usize = 16;

/// Headers of a signed delivery whose time is close to now.
#[derive(Debug, Clone, Copy)]
pub struct SignatureHeaders<'a> {
    id: &'a str,
    timestamp: i64,
    signatures: &'a str,
}

impl<'a> SignatureHeaders<'a> {
    /// Reads `webhook-id`, `webhook-timestamp` and `webhook-signature`. Returns `None` if the id is empty, or the time is
    /// not within five minutes of now.
    pub fn new([id, timestamp, signatures]: [&'a str; 3], now: Timestamp) -> Option<Self> {
        let timestamp: i64 = timestamp.parse().ok()?;
        let age = Timestamp::from_second(timestamp).ok()?.duration_since(now).abs();
        (!id.is_empty() && age <= TOLERANCE).then_some(Self { id, timestamp, signatures })
    }

    /// Returns the id of the delivery, which is the same when it is repeated.
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// Returns whether one of the signatures was made with this secret. Compares in constant time, so that timing
    /// reveals nothing about the secret.
    pub fn are_by(&self, secret: &str, body: &[u8]) -> bool {
        let signed = Webhook::new(secret).and_then(|secret| secret.sign(self.id, self.timestamp, body));
        let Ok(expected) = signed.map(|signature| digest(&signature)) else {
            return false;
        };
        let signatures = self.signatures.split(' ').take(SIGNATURES_MAX);
        signatures.fold(false, |found, signature| found | is_equal(&digest(signature), &expected))
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn is_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    // From the documentation of Svix, whose signatures became the standard.
    const SECRET: &str = "whsec_plJ3nmyCDGBKInavdOK15jsl";
    const ID: &str = "msg_loFOjxBNrRLzqYUf";
    const SIGNATURE: &str = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";
    const BODY: &[u8] = br#"{"event_type":"ping","data":{"success":true}}"#;
    const AT: i64 = 1_731_705_121;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(AT + seconds).unwrap()
    }

    #[test]
    fn only_what_was_signed_with_the_secret_is_genuine() {
        let check = |id: &str, signatures: &str, secret: &str, body: &[u8], expected: bool| {
            let headers = SignatureHeaders::new([id, "1731705121", signatures], at(0)).unwrap();
            assert_eq!(headers.are_by(secret, body), expected, "{id} {signatures} {secret}");
        };
        check(ID, SIGNATURE, SECRET, BODY, true);
        check(ID, &format!("v1,AAAA v1a,BBBB {SIGNATURE}"), SECRET, BODY, true);
        check(ID, &format!("{}{SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX)), SECRET, BODY, false);
        check(ID, SIGNATURE, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", BODY, false);
        check(ID, SIGNATURE, "no secret", BODY, false);
        check(ID, SIGNATURE, SECRET, b"{}", false);
        check(ID, SIGNATURE, SECRET, b"\xff", false);
        check("msg_2", SIGNATURE, SECRET, BODY, false);
        check(ID, SIGNATURE.trim_start_matches("v1,"), SECRET, BODY, false);
        check(ID, &SIGNATURE.replace("v1,", "v2,"), SECRET, BODY, false);
        check(ID, "", SECRET, BODY, false);
    }

    #[test]
    fn a_delivery_is_at_most_five_minutes_from_now() {
        let check = |timestamp: &str, seconds: i64, expected: bool| {
            let headers = SignatureHeaders::new([ID, timestamp, SIGNATURE], at(seconds));
            assert_eq!(headers.is_some(), expected, "{timestamp} {seconds}");
        };
        check("1731705121", 300, true);
        check("1731705121", 301, false);
        check("1731705121", -300, true);
        check("1731705121", -301, false);
        for wrong in ["", "now", "1731705121.5", "9223372036854775807", "-9223372036854775808"] {
            check(wrong, 0, false);
        }
        assert!(SignatureHeaders::new(["", "1731705121", SIGNATURE], at(0)).is_none());
    }
}
