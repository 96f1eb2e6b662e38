//! Notifications: signed, in order, retried after failures, and never sent to private networks.

use deadpool_postgres::{Manager, Pool};
use groundswell::models::alert::{Alert, Severity};
use groundswell::models::id::AlertId;
use groundswell::store::notifications::outbox::{self, Notice, NoticeEvent};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::support::process::Process;
use crate::support::receivers::{Answer, MailServer, Receiver, is_genuine};
use crate::support::{Client, PATIENCE, Space, TestApp, eventually, judge_in_soak, post, until};

const ALLOW: &str = "--notify-allow=127.0.0.1";

fn alert() -> Alert {
    let at = "2026-11-21T10:00:00Z";
    serde_json::from_value(json!({
        "id": AlertId::now_v7(), "rule": "churn", "scope": {"dimension": "product", "key": "Tide"}, "state": "open",
        "severity": Severity::Warning, "title": "Customers of Tide are about to leave", "value": 0.9, "threshold": 0.8,
        "count": 3, "opened_at": at, "updated_at": at, "resolved_at": null, "acknowledged_at": null,
        "rule_id": null, "rule_name": null, "metric": null, "phase": "firing", "silenced": false, "inhibited_by": null,
        "flapping": false, "evidence": null, "posts": [],
    }))
    .unwrap()
}

/// Fires alerts, each in a transaction as the alerter does.
async fn fire(space: &Space, n_alerts: usize) {
    let manager = Manager::new(space.database_url.parse().unwrap(), NoTls);
    let pool = Pool::builder(manager).max_size(1).build().unwrap();
    let mut client = pool.get().await.unwrap();
    for _ in 0..n_alerts {
        let transaction = client.transaction().await.unwrap();
        let notice = Notice { event: NoticeEvent::Fired, alert: &alert(), channels: &[] };
        outbox::enqueue(&transaction, &notice).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

async fn channel(client: &Client, kind: &str, settings: Value) -> Value {
    let wish = json!({"name": "one", "kind": kind, "settings": settings});
    let answer = client.post("/api/v1/notification-channels", &wish).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn webhook(client: &Client, receiver: &Receiver) -> Value {
    channel(client, "webhook", json!({"url": receiver.url})).await
}

async fn test(client: &Client, channel: &Value) -> Value {
    let path = format!("/api/v1/notification-channels/{}/test", channel["id"].as_str().unwrap());
    client.post(&path, &json!({})).await.unwrap().body
}

async fn notifications(client: &Client, filter: &str) -> Vec<Value> {
    client.get(&format!("/api/v1/notifications?{filter}")).await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_independent_verifier_accepts_a_webhook_before_and_after_a_rotation() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let receiver = Receiver::content().await;
    let made = webhook(&app, &receiver).await;
    let old = made["settings"]["secret"].as_str().unwrap().to_owned();
    fire(&app.space, 1).await;
    let first = receiver.wait_for(1).await.remove(0);
    assert!(is_genuine(&old, &first));
    assert_eq!(first.json()["type"], "alert.fired");

    let path = format!("/api/v1/notification-channels/{}", made["id"].as_str().unwrap());
    let rotated = app.post(&format!("{path}/rotate-secret"), &json!({})).await.unwrap().body;
    let new = rotated["settings"]["secret"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(app.get(&path).await["settings"]["secret"], json!({"set": true}));
    assert_eq!(test(&app, &made).await["delivered"], true);
    let second = receiver.wait_for(2).await.remove(1);
    assert!(is_genuine(&new, &second) && is_genuine(&old, &second));
    assert!(!is_genuine("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", &second));
    let mut forged = second.clone();
    forged.body = forged.body.replace("warning", "critical");
    assert!(!is_genuine(&new, &forged));
}

#[tokio::test]
async fn an_alert_is_notified_when_it_fires_and_when_it_resolves() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let receiver = Receiver::content().await;
    webhook(&app, &receiver).await;
    let told = async |event: &str| {
        eventually(&format!("people are told {event}"), async || {
            let bodies = receiver.received().into_iter().map(|it| it.json());
            bodies.into_iter().find(|body| body["type"] == event && body["data"]["rule"] == "negativity")
        })
        .await
    };
    app.publish((0..30).map(|id| post(id, "I hate it")).collect()).await;
    let fired = told("alert.fired").await;
    assert_eq!(fired["data"]["state"], "open");
    app.publish((30..90).map(|id| post(id, "I love it")).collect()).await;
    let resolved = told("alert.resolved").await;
    assert_eq!(resolved["data"]["id"], fired["data"]["id"]);
}

#[tokio::test]
async fn email_arrives_at_a_real_server_as_text_and_html() {
    let mut server = MailServer::start().await;
    let smtp = format!("--smtp-url={}", server.url);
    let app = TestApp::start_with(&[&smtp, "--smtp-from=Groundswell <mood@example.org>"]).await;
    let made = channel(&app, "email", json!({"to": ["ann@example.org", "bob@example.org"]})).await;
    assert_eq!(test(&app, &made).await["delivered"], true);
    assert!(server.next().await.contains("Subject: Test: this channel works"));
    fire(&app.space, 1).await;
    let mail = server.next().await;
    for part in [
        "From: Groundswell <mood@example.org>",
        "To: ann@example.org, bob@example.org",
        "Subject: Warning: Customers of Tide are about to leave",
        "Content-Type: text/plain",
        "Content-Type: text/html",
        "multipart/alternative",
    ] {
        assert!(mail.contains(part), "{part} is missing in\n{mail}");
    }
}

#[tokio::test]
async fn a_push_message_is_encrypted_and_signed_by_the_published_key() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let receiver = Receiver::start(vec![Answer::status(201)]).await;
    let key = app.get("/api/v1/push/key").await["public_key"].as_str().unwrap().to_owned();
    let keys = json!({
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    });
    let made = channel(&app, "web_push", json!({"endpoint": receiver.url, "keys": keys})).await;
    assert_eq!(test(&app, &made).await["delivered"], true);
    let pushed = receiver.wait_for(1).await.remove(0);
    assert_eq!((pushed.header("content-encoding"), pushed.header("ttl")), ("aes128gcm", "86400"));
    assert!(pushed.header("authorization").ends_with(&format!("k={key}")));
    assert_eq!(app.get("/api/v1/push/key").await["public_key"], key);
}

#[tokio::test]
async fn a_failed_message_is_retried_with_the_same_id_and_a_new_time() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let receiver = Receiver::start(vec![Answer::status(500), Answer::status(200)]).await;
    let made = webhook(&app, &receiver).await;
    fire(&app.space, 1).await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_ne!(received[0].header("webhook-timestamp"), received[1].header("webhook-timestamp"));
    assert!(is_genuine(made["settings"]["secret"].as_str().unwrap(), &received[1]));
    let done = eventually("it is sent", async || notifications(&app, "state=sent").await.pop()).await;
    let statuses: Vec<&Value> = done["attempts"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [500, 200]);

    let resend = format!("/api/v1/notifications/{}/resend", done["id"].as_str().unwrap());
    assert_eq!(app.post(&resend, &json!({})).await.unwrap().status, 200);
    assert_eq!(receiver.wait_for(3).await[2].header("webhook-id"), received[0].header("webhook-id"));
}

#[tokio::test]
async fn each_response_status_has_its_effect_and_no_response_body_is_exposed() {
    const SAID: &str = "the receiver's inner secret";
    let app = TestApp::start_with(&[ALLOW]).await;
    let inside = Receiver::content().await;
    let says = |status: u16, headers: String| vec![Answer { body: SAID, headers, ..Answer::status(status) }];
    let redirects = Receiver::start(says(302, format!("location: {}\r\n", inside.url))).await;
    let is_gone = Receiver::start(says(410, String::new())).await;
    let is_busy = Receiver::start(says(429, "retry-after: 900\r\n".to_owned())).await;
    let late = 2 * PATIENCE;
    let is_slow = Receiver::start(vec![Answer { after: late, ..Answer::status(200) }]).await;
    let mut ids = Vec::new();
    for receiver in [&redirects, &is_gone, &is_busy, &is_slow] {
        ids.push(webhook(&app, receiver).await["id"].as_str().unwrap().to_owned());
    }
    let fired_at = jiff::Timestamp::now();
    fire(&app.space, 2).await;
    let last = async |id: &str| {
        eventually("an attempt is noted", async || {
            let mut all = notifications(&app, &format!("channel={id}")).await;
            all.retain(|it| !it["attempts"].as_array().unwrap().is_empty());
            all.pop()
        })
        .await
    };
    let shown = async |id: &str| app.get(&format!("/api/v1/notification-channels/{id}")).await;

    let redirected = last(&ids[0]).await;
    assert_eq!(
        (&redirected["state"], &redirected["attempts"][0]["status"]),
        (&json!("pending"), &json!(302))
    );
    assert!(inside.received().is_empty());

    let gone = last(&ids[1]).await;
    assert_eq!((&gone["state"], &gone["next_attempt_at"]), (&json!("dead"), &Value::Null));
    let channel = shown(&ids[1]).await;
    assert_eq!(channel["enabled"], false);
    assert!(channel["disabled_reason"].as_str().unwrap().contains("410"), "{channel}");

    let busy = last(&ids[2]).await;
    let next: jiff::Timestamp = busy["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert!(next > fired_at + jiff::SignedDuration::from_secs(899), "{busy}");
    // The other message to it waits as well, although it was not attempted.
    assert_eq!(is_busy.received().len(), 1);

    let slow = last(&ids[3]).await;
    assert_eq!(slow["attempts"][0]["status"], Value::Null);
    assert!(slow["attempts"][0]["error"].as_str().unwrap().contains("15 seconds"), "{slow}");
    let took_ms = slow["attempts"][0]["duration_ms"].as_u64().unwrap();
    judge_in_soak(took_ms < 17_000, &format!("notifications: an attempt was given up after {took_ms} ms"));

    let told = [
        app.get("/api/v1/notifications").await,
        app.get("/api/v1/notification-channels").await,
        test(&app, &json!({"id": ids[0]})).await,
    ];
    assert!(told.iter().all(|answer| !answer.to_string().contains(SAID)), "{told:?}");
    assert_eq!((is_gone.received().len(), is_busy.received().len()), (1, 1));
}

#[tokio::test]
async fn private_networks_are_not_reached_unless_the_operator_allows_it() {
    let app = TestApp::start().await;
    let receiver = Receiver::content().await;
    let port = receiver.url.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "0x7f000001", "169.254.169.254", "10.0.0.1"] {
        let wish =
            json!({"name": "one", "kind": "webhook", "settings": {"url": format!("https://{host}:{port}")}});
        let answer = app.post("/api/v1/notification-channels", &wish).await.unwrap();
        assert_eq!((answer.status, &answer.body["error"]["details"]["field"]), (422, &json!("settings.url")));
    }
    // Host names are resolved when a message is sent.
    let made = channel(&app, "webhook", json!({"url": format!("https://localhost:{port}")})).await;
    let outcome = test(&app, &made).await;
    assert_eq!((&outcome["delivered"], &outcome["status"]), (&json!(false), &Value::Null));
    assert!(outcome["error"].as_str().unwrap().contains("network that is not allowed"), "{outcome}");
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn secrets_appear_neither_in_responses_nor_in_the_database() {
    let app = TestApp::start_with(&[ALLOW]).await;
    let receiver = Receiver::content().await;
    let secret = webhook(&app, &receiver).await["settings"]["secret"].as_str().unwrap().to_owned();
    channel(&app, "slack", json!({"url": "https://hooks.slack.com/services/T0/B0/slacksecret"})).await;
    channel(&app, "pagerduty", json!({"routing_key": "0123456789abcdef0123456789abcdef"})).await;
    app.get("/api/v1/push/key").await;
    let listed = app.get("/api/v1/notification-channels").await.to_string();
    let rows = app.space.sql().await;
    let dump = "SELECT string_agg(it::text, ' ') FROM (
        SELECT c::text || encode(sealed, 'escape') AS it FROM notification_channels AS c
        UNION ALL SELECT k::text || encode(sealed, 'escape') FROM push_keys AS k) AS all_rows";
    let stored: String = rows.query_one(dump, &[]).await.unwrap().get(0);
    for hidden in [secret.as_str(), "slacksecret", "0123456789abcdef0123456789abcdef"] {
        assert!(!listed.contains(hidden) && !stored.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn processes_share_the_outbox_and_each_message_arrives_once() {
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &[ALLOW]).await;
    let other = TestApp::start_on(&space, &[ALLOW]).await;
    one.leaves_others = true;
    let mut receivers = Vec::new();
    for _ in 0..6 {
        let receiver = Receiver::content().await;
        webhook(&one, &receiver).await;
        receivers.push(receiver);
    }
    fire(&space, 15).await;
    for receiver in &receivers {
        let received = receiver.wait_for(15).await;
        let alerts: Vec<Value> = received.iter().map(|it| it.json()["data"]["id"].clone()).collect();
        let mut distinct: Vec<String> = alerts.iter().map(Value::to_string).collect();
        // Ids follow the order in which the alerts were created.
        assert!(distinct.is_sorted(), "{distinct:?}");
        distinct.dedup();
        assert_eq!(distinct.len(), 15);
    }
    // On a busy machine, one may send everything before the other comes to it. There is more to send, then.
    let n_noted = async |client: &Client| notifications(client, "state=sent&limit=500").await.len();
    let mut n_fired = 15;
    for app in [&one, &other] {
        until("each has sent some", async || {
            let has_sent = app.stage("notifier").await.handled > 0;
            if !has_sent && n_noted(&one).await == n_fired * receivers.len() {
                fire(&space, 1).await;
                n_fired += 1;
            }
            has_sent
        })
        .await;
    }
    until("all are noted", async || n_noted(&one).await == n_fired * receivers.len()).await;
    assert!(receivers.iter().all(|receiver| receiver.received().len() == n_fired));
}

#[tokio::test]
async fn messages_sent_but_not_recorded_by_a_killed_process_are_resent_with_the_same_id() {
    let space = Space::new().await;
    let options = |space: &Space| {
        [
            ALLOW.to_owned(),
            format!("--database-url={}", space.database_url),
            format!("--redis-url={}", space.redis_url),
            format!("--prefix={}", space.prefix),
        ]
    };
    let ours = options(&space);
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let mut first = Process::start(&ours);
    let client = Client::new(first.ready().await);
    let thinks = Answer { after: 2 * PATIENCE, ..Answer::status(204) };
    let receiver = Receiver::start(vec![thinks, Answer::status(204)]).await;
    webhook(&client, &receiver).await;
    fire(&space, 3).await;
    receiver.wait_for(1).await;
    first.kill().await;
    let mut second = Process::start(&ours);
    let client = Client::new(second.ready().await);
    let received = receiver.wait_for(4).await;
    let ids: Vec<&str> = received.iter().map(|it| it.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[1] != ids[2] && ids[2] != ids[3] && ids[1] != ids[3], "{ids:?}");
    until("all are noted", async || notifications(&client, "state=sent").await.len() == 3).await;
    second.kill().await;
}
