//! What becomes of the secrets of webhooks: revealed once, replaced at once, never stored or shown in the clear.

use std::process::Stdio;

use serde_json::{Value, json};

use super::api::command;
use crate::support::process::Process;
use crate::support::webhook_sender::{Delivery, WebhookSender};
use crate::support::{Client, Space, TestApp, post};

/// Replaces the secret. Returns a sender that knows the new one.
async fn rotate(sender: &WebhookSender) -> WebhookSender {
    let answer = sender.act("rotate-secret").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    WebhookSender { secret: answer.body["secret"].as_str().unwrap().to_owned(), ..sender.clone() }
}

#[tokio::test]
async fn a_secret_that_was_rotated_away_opens_nothing() {
    let app = TestApp::start().await;
    let old = WebhookSender::create(&app, "CRM", &json!({})).await;
    let new = rotate(&old).await;
    assert_ne!(old.secret, new.secret);
    let delivery = Delivery::new("msg_1", &json!(post(1, "I love it")));
    assert_eq!(old.send(&delivery).await.status, 401);
    assert_eq!(new.send(&delivery).await.status, 202);
    app.space.assert_counted_once(1).await;
    let sky = app.post("/api/v1/sources", &json!({"network": "bluesky", "name": "Sky"})).await.unwrap().body;
    let path = format!("/api/v1/sources/{}/rotate-secret", sky["id"].as_str().unwrap());
    let answer = app.post(&path, &json!({})).await.unwrap();
    assert_eq!((answer.status, &answer.body["error"]["code"]), (409, &json!("no_secret")), "{}", answer.body);
    let missing = "/api/v1/sources/01930000-0000-7000-8000-000000000001/rotate-secret";
    assert_eq!(app.post(missing, &json!({})).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_delivery_needs_no_token_and_everything_else_does() {
    const TOKEN: &str = "0123456789abcdef";
    let space = Space::new().await;
    let sender = {
        let mut open = TestApp::start_on(&space, &[]).await;
        open.leaves_others = true;
        WebhookSender::create(&open, "CRM", &json!({})).await
    };
    let app = TestApp::start_on(&space, &["--auth-token", TOKEN]).await;
    let sender = WebhookSender { client: app.client(), ..sender };
    assert_eq!(sender.deliver("msg_1", &json!(post(1, "I love it"))).await.status, 202);
    for path in ["/rotate-secret", "/pause", "/events/", "/events/more"] {
        let answer = app.post(&format!("{}{path}", sender.path), &json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.body["error"]["code"]), (401, &json!("unauthorized")), "{path}");
    }
    let answer = app.post("/api/v1/sources/preview-mapping", &json!({})).await.unwrap();
    assert_eq!(answer.body["error"]["code"], "unauthorized");
    space.assert_counted_once(1).await;
}

#[tokio::test]
async fn a_secret_is_in_no_log_no_answer_and_no_table() {
    let space = Space::new().await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = Process::command_on(&space, &[]);
    let copy = |it: &std::fs::File| Stdio::from(it.try_clone().unwrap());
    command.env("GROUNDSWELL_LOG", "trace").stderr(copy(log.as_file()));
    let mut server = Process::run(command);
    let client = Client::new(server.ready().await);
    let first = WebhookSender::create(&client, "CRM", &json!({"mapping": {"text": "/t"}})).await;
    let second = rotate(&first).await;
    for sender in [&first, &second] {
        for body in ["{\"t\": \"I love it\"}", "{\"t\": 5}", "{"] {
            sender.send(&Delivery::raw("msg_1", body)).await;
        }
    }
    let mut shown: Vec<Value> = vec![client.get("/api/v1/sources").await, second.source().await];
    for action in ["test", "pause", "resume"] {
        shown.push(second.act(action).await.body);
    }
    shown.push(client.act(("PATCH", &second.path), &json!({"name": "Desk"}), "Ana").await.body);
    shown.push(client.get("/api/v1/system/errors").await);
    space.assert_counted_once(1).await;
    let row = space.sql().await.query_one("SELECT source::text FROM sources AS source", &[]).await.unwrap();
    let row: String = row.get(0);
    server.terminate();
    assert!(server.ended().await.success());
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("TRACE"), "nothing was logged in detail");
    let sealed = row.rsplit_once("\\x").unwrap().1;
    assert!(sealed.len() > 64, "{row}");
    for secret in [&first.secret, &second.secret] {
        let inner = secret.strip_prefix("whsec_").unwrap();
        assert!(!log.contains(inner), "the log has the secret");
        assert!(!json!(shown).to_string().contains("whsec_"), "{shown:?}");
        assert!(!row.contains(inner) && !sealed.contains(&hex::encode(secret)), "{row}");
    }
}

#[tokio::test]
async fn without_a_key_there_are_no_webhooks_and_with_another_key_a_rotation_mends_them() {
    let space = Space::new().await;
    let mut app = TestApp::start_on(&space, &[]).await;
    app.leaves_others = true;
    let sender = WebhookSender::create(&app, "CRM", &json!({})).await;
    drop(app);

    // Nowhere to keep a key either.
    let mut command = Process::command_on(&space, &["--data-dir=/dev/null/none"]);
    command.env_remove("GROUNDSWELL_SECRET_KEY");
    let mut server = Process::run(command);
    let sender = WebhookSender { client: Client::new(server.ready().await), ..sender };
    let source = json!({"network": "webhook", "name": "Forum"});
    for (path, body) in
        [("/api/v1/sources".to_owned(), source), (format!("{}/rotate-secret", sender.path), json!({}))]
    {
        let answer = sender.client.post(&path, &body).await.unwrap();
        let error = &answer.body["error"];
        assert_eq!(
            (answer.status, &error["code"]),
            (409, &json!("no_secret_key")),
            "{path}: {}",
            answer.body
        );
        assert!(error["message"].as_str().unwrap().contains("GROUNDSWELL_SECRET_KEY"), "{error}");
    }
    let delivery = Delivery::new("msg_1", &json!(post(1, "I love it")));
    assert_eq!(sender.send(&delivery).await.status, 401);
    let seen = sender.source().await;
    assert_eq!(seen["state"], "needs_key", "{seen}");
    assert!(seen["reason"].as_str().unwrap().contains("rotate"), "{seen}");
    let tested = sender.act("test").await.body;
    assert_eq!((&tested["state"], &tested["message"]), (&seen["state"], &seen["reason"]));
    server.terminate();
    assert!(server.ended().await.success());

    // The right key mends it, and so does a rotation under another.
    let app = TestApp::start_on(&space, &[]).await;
    let sender = WebhookSender { client: app.client(), ..sender };
    assert_eq!(sender.send(&delivery).await.status, 202);
    let seen = sender.source().await;
    assert_eq!((&seen["state"], seen.get("reason")), (&json!("running"), None), "{seen}");
    drop(app);
    let app =
        TestApp::start_on(&space, &["--secret-key=another key than the one that was used before"]).await;
    let sender = WebhookSender { client: app.client(), ..sender };
    assert_eq!(sender.send(&delivery).await.status, 401);
    let sender = rotate(&sender).await;
    assert_eq!(sender.source().await["state"], "running");
    assert_eq!(sender.deliver("msg_2", &json!(post(2, "I hate it"))).await.status, 202);
    space.assert_counted_once(2).await;
}

#[tokio::test]
async fn a_webhook_is_added_and_its_secret_rotated_from_the_command_line() {
    let app = TestApp::start().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, br#"{"text": "/body"}"#).unwrap();
    let mapping = file.path().to_str().unwrap();
    let options = ["--name", "Desk", "--mapping", mapping, "--items", "/tickets", "--platform", "desk"];
    let added = command(&app, &[&["sources", "add", "webhook"], &options[..]].concat()).await.unwrap();
    let added: Value = serde_json::from_str(&added).unwrap();
    let sender = WebhookSender {
        client: app.client(),
        path: format!("/api/v1/sources/{}", added["id"].as_str().unwrap()),
        secret: added["secret"].as_str().unwrap().to_owned(),
    };
    let body = json!({"tickets": [{"body": "I love it"}]});
    assert_eq!(sender.deliver("msg_1", &body).await.status, 202);
    let rotated = command(&app, &["sources", "rotate-secret", "desk"]).await.unwrap();
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    assert_eq!(sender.deliver("msg_2", &body).await.status, 401);
    let sender = WebhookSender { secret: rotated["secret"].as_str().unwrap().to_owned(), ..sender };
    assert_eq!(sender.deliver("msg_2", &body).await.status, 202);
    app.space.assert_counted_once(2).await;
    assert!(!command(&app, &["sources", "list"]).await.unwrap().contains("whsec_"));
    for wrong in [&["--items", "tickets"][..], &["--mapping", "/nowhere"]] {
        let refused = command(&app, &[&["sources", "add", "webhook", "--name", "b"], wrong].concat()).await;
        assert!(refused.unwrap_err().contains(wrong[1]), "{wrong:?}");
    }
}
