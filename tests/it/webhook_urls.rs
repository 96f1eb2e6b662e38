//! URLs of webhooks. They are secret, because anyone who knows one can post there.

use groundswell::keyring::Keyring;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::receivers::Receiver;
use crate::support::{Client, Space, TestApp, until};

const ALLOW: &str = "--notify-allow=127.0.0.1";

/// The end of the URL, which must appear nowhere.
const PATH: &str = "T0123/hooksecret";

async fn receiver_url() -> (Receiver, String) {
    let receiver = Receiver::content().await;
    let url = format!("{}/{PATH}", receiver.url);
    (receiver, url)
}

async fn create(client: &Client, url: &str) -> Value {
    let wish = json!({"name": "one", "kind": "webhook", "settings": {"url": url}});
    let answer = client.post("/api/v1/notification-channels", &wish).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

fn path_of(channel: &Value) -> String {
    format!("/api/v1/notification-channels/{}", channel["id"].as_str().unwrap())
}

async fn replace(client: &Client, path: &str, settings: Value) -> u16 {
    let wish = json!({"name": "two", "kind": "webhook", "settings": settings});
    client.act(("PUT", path), &wish, "Ana").await.status
}

async fn is_delivered(client: &Client, path: &str) -> bool {
    client.post(&format!("{path}/test"), &json!({})).await.unwrap().body["delivered"] == true
}

/// Everything that is stored about the channels.
async fn stored(space: &Space) -> String {
    const DUMP: &str = "SELECT coalesce(string_agg(c::text || encode(sealed, 'escape'), ' '), '') FROM notification_channels AS c";
    space.sql().await.query_one(DUMP, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_webhooks_url_is_stored_encrypted_and_shown_shortened_and_sending_that_back_keeps_it() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let (receiver, url) = receiver_url().await;
    let made = create(&app, &url).await;
    let path = path_of(&made);
    let shown = made["settings"]["url"].as_str().unwrap().to_owned();
    assert_eq!(shown, format!("{}…", receiver.url));
    assert!(!stored(&app.space).await.contains("hooksecret"));
    let listed = app.get("/api/v1/notification-channels").await.to_string();
    assert!(listed.contains("hook…") && !listed.contains("hooksecret"), "{listed}");

    assert_eq!(replace(&app, &path, json!({"url": shown})).await, 200);
    assert_eq!(replace(&app, &path, json!({})).await, 200);
    assert!(is_delivered(&app, &path).await);
    assert_eq!(receiver.received().len(), 1);
    let refused = replace(&app, &path, json!({"url": "https://other.example.org/hook…"})).await;
    assert_eq!(refused, 422, "a shortened url is not a url");

    let rotated = app.post(&format!("{path}/rotate-secret"), &json!({})).await.unwrap().body;
    assert_eq!(rotated["settings"]["url"], shown);
    assert!(is_delivered(&app, &path).await, "the url outlives the secret");
}

#[tokio::test]
async fn webhooks_of_earlier_versions_keep_working_and_the_next_start_encrypts_their_urls() {
    let space = Space::new().await;
    let (receiver, url) = receiver_url().await;
    let path = {
        let mut app = TestApp::start_on(&space, &[ALLOW]).await;
        app.leaves_others = true;
        let made = create(&app, &url).await;
        // As an earlier version stored it.
        let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
        let secrets = json!({"webhook": {"secret": made["settings"]["secret"], "previous": null}});
        let keyring = Keyring::from_secret("the key that all processes of a test share");
        let sealed = keyring.seal(id.as_bytes(), secrets.to_string().as_bytes());
        let settings = json!({"url": url, "secret": {"set": true}}).to_string();
        const REWRITE: &str =
            "UPDATE notification_channels SET settings = $2::text::jsonb, sealed = $3 WHERE id = $1";
        space.sql().await.execute(REWRITE, &[&id, &settings, &sealed]).await.unwrap();
        let path = path_of(&made);
        let shown = app.get(&path).await;
        assert!(!shown.to_string().contains("hooksecret"), "{shown}");
        assert!(is_delivered(&app, &path).await);
        path
    };
    assert!(stored(&space).await.contains("hooksecret"));
    let app = TestApp::start_on(&space, &[ALLOW]).await;
    until("the url is encrypted", async || !stored(&space).await.contains("hooksecret")).await;
    assert!(is_delivered(&app, &path).await);
    assert_eq!(receiver.received().len(), 2);
    let shown = app.get(&path).await["settings"]["url"].clone();
    assert!(shown.as_str().unwrap().ends_with("/hook…"), "{shown}");
}
