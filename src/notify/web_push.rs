//! Encrypted push messages to browsers (RFC 8030 and RFC 8291, with the content coding of RFC 8188).
//!
//! Written by hand because the available crates need OpenSSL or bring their own HTTP client, and the code fits on a
//! page.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Key, Nonce};
use hkdf::Hkdf;
use jiff::Timestamp;
use p256::{PublicKey, SecretKey};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use sha2::Sha256;

use super::message::{Item, Message, MessageKind, cut};
use super::vapid::VapidKey;
use crate::egress::PostRequest;

/// Number of seconds for which a push service keeps a message for a browser that is offline.
const TTL_SECONDS: &str = "86400";

/// Declared record size in bytes. Push services accept a single record of 4,096 bytes.
const RECORD_BYTES: u32 = 4_096;

const SALT_BYTES: usize = 16;

/// Push subscription of a browser, with its keys decoded.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// URL that the push service assigned to the browser.
    pub endpoint: Url,
    /// Public key of the browser, as an encoded point on the curve.
    pub p256dh: Vec<u8>,
    /// Authentication secret that this server and the browser share.
    pub auth: Vec<u8>,
}

/// Returns the request that sends a message, or `None` if the keys of the subscription are invalid.
pub fn request(to: &Subscriber, vapid: &VapidKey, subject: &str, message: &Message) -> Option<PostRequest> {
    let sender = loop {
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            break key;
        }
    };
    let body = encrypt(to, &notification(message), &sender, rand::random())?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
    headers.insert(HeaderName::from_static("ttl"), HeaderValue::from_static(TTL_SECONDS));
    headers.insert(HeaderName::from_static("urgency"), HeaderValue::from_static("high"));
    if let (MessageKind::Single, [item]) = (message.kind, message.items.as_slice()) {
        // A browser that was offline receives only the newest message about each alert. A topic has at most 32
        // characters, as many as a UUID without hyphens.
        let topic = HeaderValue::from_str(&item.alert_id().replace('-', "")).ok()?;
        headers.insert(HeaderName::from_static("topic"), topic);
    }
    let authorization = vapid.authorization(&to.endpoint, subject, Timestamp::now());
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&authorization).ok()?);
    Some(PostRequest { url: to.endpoint.clone(), headers, body })
}

/// Returns the message as JSON for the dashboard's service worker.
fn notification(message: &Message) -> Vec<u8> {
    let first = message.items.first();
    let lines: Vec<String> = match message.kind {
        MessageKind::Digest => message.items.iter().take(5).map(Item::headline).collect(),
        MessageKind::Single | MessageKind::Test => first.map(|item| item.quotes(1, 200)).unwrap_or_default(),
    };
    let text = json!({
        "id": message.wire_id(),
        "title": cut(&message.headline(), 120),
        "body": cut(&lines.join("\n"), 400),
        "alert": first.map(Item::alert_id),
        "event": first.map(|item| item.event),
        "severity": first.map(Item::severity),
        "url": first.map(Item::page),
        "test": message.kind == MessageKind::Test,
    });
    text.to_string().into_bytes()
}

/// Encrypts text as a single `aes128gcm` record. Returns `None` if the key is not a point on the curve or the text is
/// too long.
fn encrypt(to: &Subscriber, text: &[u8], sender: &SecretKey, salt: [u8; SALT_BYTES]) -> Option<Vec<u8>> {
    let receiver = PublicKey::from_sec1_bytes(&to.p256dh).ok()?;
    let sender_point = sender.public_key().to_sec1_bytes();
    let shared = sender.diffie_hellman(&receiver);

    // RFC 8291, section 3.4: binds the key to both parties and to the authentication secret.
    let info = [b"WebPush: info\0".as_slice(), &receiver.to_sec1_bytes(), &sender_point].concat();
    let mut input_key = [0; 32];
    Hkdf::<Sha256>::new(Some(&to.auth), shared.raw_secret_bytes()).expand(&info, &mut input_key).ok()?;

    // RFC 8188, section 2.2.
    let keys = Hkdf::<Sha256>::new(Some(&salt), &input_key);
    let (mut key, mut nonce) = ([0; 16], [0; 12]);
    keys.expand(b"Content-Encoding: aes128gcm\0", &mut key).ok()?;
    keys.expand(b"Content-Encoding: nonce\0", &mut nonce).ok()?;

    // The delimiter 2 marks the last record.
    let padded = [text, &[2]].concat();
    let sealed =
        Aes128Gcm::new(&Key::<Aes128Gcm>::from(key)).encrypt(&Nonce::from(nonce), padded.as_slice()).ok()?;
    let length = u8::try_from(sender_point.len()).ok()?;
    let body = [salt.as_slice(), &RECORD_BYTES.to_be_bytes(), &[length], &sender_point, &sealed].concat();
    (body.len() <= usize::try_from(RECORD_BYTES).ok()?).then_some(body)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::message::tests::message;
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn subscriber() -> Subscriber {
        Subscriber {
            endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV".parse().unwrap(),
            p256dh: bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            ),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        }
    }

    #[test]
    fn the_example_of_rfc_8291_is_reproduced() {
        let sender = SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let text = b"When I grow up, I want to be a watermelon";
        let body = encrypt(&subscriber(), text, &sender, salt).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
             AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn any_message_fits_into_one_record() {
        let mut digest = message(20, 10_000);
        digest.items[0].alert["title"] = "\u{1F4A5}".repeat(1_000).into();
        digest.items = vec![digest.items[0].clone(); 100];
        for kind in [MessageKind::Single, MessageKind::Digest, MessageKind::Test] {
            digest.kind = kind;
            let text = notification(&digest);
            assert!(text.len() < 3_900, "{kind:?} {}", text.len());
        }
        assert!(
            request(&subscriber(), &VapidKey::generate(), "mailto:a@example.org", &message(20, 300))
                .is_some()
        );
    }

    #[test]
    fn a_subscription_with_an_invalid_key_gets_no_message() {
        let wrong = Subscriber { p256dh: vec![4; 65], ..subscriber() };
        assert!(request(&wrong, &VapidKey::generate(), "mailto:a@example.org", &message(0, 0)).is_none());
    }
}
