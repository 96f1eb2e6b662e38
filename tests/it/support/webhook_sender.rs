//! A system that delivers to webhooks, written from the description of Standard Webhooks and not with our library.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::client::{Answer, Client};

/// Size of the blocks of SHA-256 in bytes.
const BLOCK_BYTES: usize = 64;

/// Sender that knows where to deliver, and with which secret.
#[derive(Debug, Clone)]
pub struct WebhookSender {
    /// Client of the server.
    pub client: Client,
    /// Path of the source.
    pub path: String,
    /// Secret as it was revealed.
    pub secret: String,
}

/// Something to deliver.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Id, the same when it is repeated.
    pub id: String,
    /// When it is sent.
    pub at: Timestamp,
    /// What is signed.
    pub body: Vec<u8>,
}

impl Delivery {
    /// Returns a delivery of JSON, sent now.
    pub fn new(id: &str, body: &Value) -> Self {
        Self::raw(id, body.to_string())
    }

    /// Returns a delivery of any text, sent now.
    pub fn raw(id: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { id: id.to_owned(), at: Timestamp::now(), body: body.into() }
    }

    /// Returns the headers that go with it.
    pub fn headers(&self, secret: &str) -> Vec<(&'static str, String)> {
        let timestamp = self.at.as_second().to_string();
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = [self.id.as_bytes(), timestamp.as_bytes(), &self.body].join(&b'.');
        let signature = format!("v1,{}", STANDARD.encode(hmac(&key, &signed)));
        vec![
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
            ("content-type", "application/json".to_owned()),
        ]
    }
}

impl WebhookSender {
    /// Creates a webhook with these settings.
    pub async fn create(client: &Client, name: &str, settings: &Value) -> Self {
        let source = serde_json::json!({"network": "webhook", "name": name, "settings": settings});
        let made = client.post("/api/v1/sources", &source).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        let path = format!("/api/v1/sources/{}", made.body["id"].as_str().unwrap());
        Self { client: client.clone(), path, secret: made.body["secret"].as_str().unwrap().to_owned() }
    }

    /// Delivers something, signed with the secret.
    pub async fn send(&self, delivery: &Delivery) -> Answer {
        self.send_with(&delivery.headers(&self.secret), delivery.body.clone()).await
    }

    /// Delivers JSON under an id.
    pub async fn deliver(&self, id: &str, body: &Value) -> Answer {
        self.send(&Delivery::new(id, body)).await
    }

    /// Delivers something compressed. What is signed is what it was before.
    pub async fn send_compressed(&self, delivery: &Delivery) -> Answer {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&delivery.body).unwrap();
        let mut headers = delivery.headers(&self.secret);
        headers.push(("content-encoding", "gzip".to_owned()));
        self.send_with(&headers, encoder.finish().unwrap()).await
    }

    /// Sends a body with these headers.
    pub async fn send_with(&self, headers: &[(&str, String)], body: Vec<u8>) -> Answer {
        self.client.post_raw(&format!("{}/events", self.path), headers, body).await
    }

    /// Returns the source as the server shows it.
    pub async fn source(&self) -> Value {
        self.client.get(&self.path).await
    }

    /// Does something with the source.
    pub async fn act(&self, action: &str) -> Answer {
        self.client.post(&format!("{}/{action}", self.path), &serde_json::json!({})).await.unwrap()
    }
}

/// Computes HMAC-SHA256, by RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK_BYTES];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::digest([&padded(0x36)[..], message].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

#[test]
fn the_sender_signs_as_the_published_example_does() {
    let delivery = Delivery {
        id: "msg_loFOjxBNrRLzqYUf".to_owned(),
        at: Timestamp::from_second(1_731_705_121).unwrap(),
        body: br#"{"event_type":"ping","data":{"success":true}}"#.to_vec(),
    };
    let headers = delivery.headers("whsec_plJ3nmyCDGBKInavdOK15jsl");
    assert_eq!(headers[2].1, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
}
