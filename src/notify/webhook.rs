//! Signed webhooks (Standard Webhooks 1.0.0).

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use super::message::{Item, Message, MessageKind, Topic, cut};
use crate::egress::PostRequest;

/// Maximum size of a body in bytes. Standard Webhooks recommends less than 20 kB.
pub const BODY_BYTES_MAX: usize = 20_000;

/// Returns the request for a message. It carries one signature per secret, so a receiver that knows any of them accepts
/// it.
pub fn request(url: Url, secrets: &[String], message: &Message, now: Timestamp) -> Option<PostRequest> {
    let body = body(message);
    let id = message.wire_id();
    let signatures: Option<Vec<String>> = secrets
        .iter()
        .map(|secret| Webhook::new(secret).ok()?.sign(&id, now.as_second(), &body).ok())
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let values = [
        (HEADER_WEBHOOK_ID, id),
        (HEADER_WEBHOOK_TIMESTAMP, now.as_second().to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signatures?.join(" ")),
    ];
    for (name, value) in values {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
    }
    Some(PostRequest { url, headers, body })
}

/// Returns the body with as much detail as fits.
fn body(message: &Message) -> Vec<u8> {
    let mut n_items = message.items.len();
    loop {
        let whole = n_items == message.items.len();
        for detail in Detail::ALL {
            let body = payload(message, n_items, detail).to_string().into_bytes();
            if body.len() <= BODY_BYTES_MAX || (n_items <= 1 && detail == Detail::Name) {
                return body;
            }
            // Prefer fewer items to a truncated digest of names.
            if !whole && detail == Detail::Name {
                break;
            }
        }
        n_items /= 2;
    }
}

/// How much of each alert a body contains, in descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The alert with all of its posts and evidence.
    Full,
    /// The alert with truncated posts.
    ShortPosts,
    /// The alert with at most five posts, which are truncated.
    FewPosts,
    /// The alert without posts or evidence.
    NoPosts,
    /// Only the fields that identify the alert.
    Name,
}

impl Detail {
    const ALL: [Self; 5] = [Self::Full, Self::ShortPosts, Self::FewPosts, Self::NoPosts, Self::Name];
}

fn payload(message: &Message, n_items: usize, detail: Detail) -> Value {
    let payload = |item: &Item| json!({"type": event_type(message, item), "timestamp": item.at, "data": alert(item, detail)});
    match (message.kind, message.items.as_slice()) {
        (MessageKind::Single | MessageKind::Test, [item]) => payload(item),
        (_, items) => {
            let items: Vec<Value> = items.iter().take(n_items).map(payload).collect();
            let n_omitted = message.items.len() - items.len();
            let at = message.items.last().map(|item| item.at);
            json!({"type": "alert.digest", "timestamp": at, "data": {"items": items, "omitted": n_omitted}})
        }
    }
}

fn event_type(message: &Message, item: &Item) -> String {
    if message.kind == MessageKind::Test {
        return "alert.test".to_owned();
    }
    let topic = match item.topic {
        Topic::Posts => "alert",
        Topic::Service => "service",
    };
    format!("{topic}.{}", item.event.as_str())
}

fn alert(item: &Item, detail: Detail) -> Value {
    let mut alert = item.alert.clone();
    if detail == Detail::Name {
        return json!({
            "id": item.alert_id(), "rule": item.text("/rule"), "state": item.text("/state"),
            "severity": item.severity(), "title": cut(&item.title(), 200),
        });
    }
    let n_posts = match detail {
        Detail::Full | Detail::ShortPosts => usize::MAX,
        Detail::FewPosts => 5,
        Detail::NoPosts | Detail::Name => 0,
    };
    if let Some(posts) = alert.pointer_mut("/posts").and_then(Value::as_array_mut) {
        posts.truncate(n_posts);
        for text in posts.iter_mut().filter_map(|post| post.pointer_mut("/text")) {
            if let (true, Some(whole)) = (detail != Detail::Full, text.as_str()) {
                *text = cut(whole, 280).into();
            }
        }
    }
    if let (Detail::NoPosts, Some(evidence)) = (detail, alert.pointer_mut("/evidence")) {
        *evidence = Value::Null;
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::message;
    use super::*;

    fn checked(message: &Message) -> Value {
        let body = body(message);
        assert!(body.len() <= BODY_BYTES_MAX, "{}", body.len());
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn a_body_is_at_most_20_kb_with_as_much_detail_as_fits() {
        let small = message(3, 100);
        assert_eq!(checked(&small)["data"], small.items[0].alert);
        assert_eq!(checked(&message(20, 10_000))["data"]["posts"].as_array().unwrap().len(), 20);
        let mut evidence = message(20, 10_000);
        evidence.items[0].alert["evidence"] = "x".repeat(15_000).into();
        assert_eq!(checked(&evidence)["data"]["posts"].as_array().unwrap().len(), 5);
        evidence.items[0].alert["evidence"] = "x".repeat(30_000).into();
        let payload = checked(&evidence);
        assert_eq!(
            (&payload["data"]["evidence"], payload["data"]["posts"].as_array().unwrap().len()),
            (&Value::Null, 0)
        );
        evidence.items[0].alert["key"] = "x".repeat(30_000).into();
        assert_eq!(checked(&evidence)["data"]["id"], evidence.items[0].alert_id());
    }

    #[test]
    fn a_digest_counts_the_items_it_omits() {
        let mut digest = message(1, 50);
        digest.kind = MessageKind::Digest;
        digest.items = vec![digest.items[0].clone(); 10];
        let payload = checked(&digest);
        assert_eq!((&payload["type"], &payload["data"]["omitted"]), (&json!("alert.digest"), &json!(0)));
        digest.items = vec![digest.items[0].clone(); 300];
        let payload = checked(&digest);
        let n_told = payload["data"]["items"].as_array().unwrap().len();
        assert!(n_told > 10);
        assert_eq!(payload["data"]["omitted"], 300 - n_told);
    }

    #[test]
    fn the_published_signature_is_reproduced() {
        // From the documentation of Svix, whose signatures became the standard.
        let secret = Webhook::new("whsec_plJ3nmyCDGBKInavdOK15jsl").unwrap();
        let body = br#"{"event_type":"ping","data":{"success":true}}"#;
        let signature = secret.sign("msg_loFOjxBNrRLzqYUf", 1_731_705_121, body).unwrap();
        assert_eq!(signature, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
    }

    #[test]
    fn old_and_new_secrets_both_sign_and_each_attempt_has_its_own_time() {
        let url: Url = "https://example.org/hook".parse().unwrap();
        let secrets = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"];
        let (first, now) = (message(0, 0), Timestamp::now());
        let post = request(url.clone(), &secrets.map(str::to_owned), &first, now).unwrap();
        for secret in secrets {
            Webhook::new(secret).unwrap().verify(&post.body, &post.headers).unwrap();
        }
        let later = now + jiff::SignedDuration::from_secs(300);
        let again = request(url, &secrets.map(str::to_owned), &first, later).unwrap();
        assert_eq!(again.headers[HEADER_WEBHOOK_ID], post.headers[HEADER_WEBHOOK_ID]);
        assert_ne!(again.headers[HEADER_WEBHOOK_TIMESTAMP], post.headers[HEADER_WEBHOOK_TIMESTAMP]);
        assert_ne!(again.headers[HEADER_WEBHOOK_SIGNATURE], post.headers[HEADER_WEBHOOK_SIGNATURE]);
        assert_eq!(again.body, post.body);
    }
}
