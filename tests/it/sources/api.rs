//! What people do with sources.

use serde_json::{Value, json};

use super::hosts::jetstream::post;
use crate::support::jetstream::{Fault, HostOptions, JetstreamHost, Refusal};
use crate::support::{TestApp, until};

async fn act(app: &TestApp, method: &str, path: &str, body: Value) -> (u16, Value) {
    let answer = app.act((method, path), &body, "Ana").await;
    (answer.status, answer.body)
}

/// Creates a source that hears a host. Returns its path.
pub async fn hear(app: &TestApp, name: &str, url: &str) -> String {
    let source = json!({"network": "bluesky", "name": name, "settings": {"base_url": url}});
    let (status, made) = act(app, "POST", "/api/v1/sources", source).await;
    assert_eq!(status, 201, "{made}");
    format!("/api/v1/sources/{}", made["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_source_is_created_tested_paused_resumed_moved_back_and_deleted() {
    let host = JetstreamHost::start(HostOptions::default()).await;
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let path = hear(&app, "Sky", &host.url()).await;
    host.append_many((0..10).map(post));
    app.space.assert_counted_once(10).await;
    until("it says so", async || {
        let source = app.get(&path).await;
        source["state"] == "running" && source["stored"] == 10 && source["lag_s"].is_number()
    })
    .await;
    let (status, test) = act(&app, "POST", &format!("{path}/test"), json!({})).await;
    assert_eq!((status, &test["state"]), (200, &json!("running")), "{test}");

    let (status, paused) = act(&app, "POST", &format!("{path}/pause"), json!({})).await;
    assert_eq!((status, &paused["state"], &paused["updated_by"]), (200, &json!("paused"), &json!("Ana")));
    until("the connection is closed", async || host.connections().iter().all(|it| it.is_over)).await;
    host.append_many((10..20).map(post));
    let (status, _) = act(&app, "POST", &format!("{path}/resume"), json!({})).await;
    assert_eq!(status, 200);
    app.space.assert_counted_once(20).await;

    let (status, moved) = act(&app, "POST", &format!("{path}/backfill"), json!({"hours": 36})).await;
    assert_eq!(status, 200, "{moved}");
    host.append_many((20..25).map(post));
    app.space.assert_counted_once(25).await;
    for wrong in [json!({"hours": 0}), json!({"hours": 37})] {
        assert_eq!(act(&app, "POST", &format!("{path}/backfill"), wrong).await.0, 422);
    }

    let (status, renamed) = act(&app, "PATCH", &path, json!({"name": " Bluesky "})).await;
    assert_eq!((status, &renamed["name"]), (200, &json!("Bluesky")));
    assert_eq!(act(&app, "DELETE", &path, json!({})).await.0, 204);
    assert_eq!(act(&app, "GET", &path, json!({})).await.0, 404);
    until("the connection is closed", async || host.connections().iter().all(|it| it.is_over)).await;
    app.space.assert_counted_once(25).await;
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused_by_name() {
    let app = TestApp::start().await;
    for (base_url, says) in [
        ("http://127.0.0.1:1", "not allowed"),
        ("http://example.com", "https://"),
        ("no address", "not valid"),
        ("ws://example.com", "not valid"),
    ] {
        let source = json!({"network": "bluesky", "name": "Sky", "settings": {"base_url": base_url}});
        let (status, refused) = act(&app, "POST", "/api/v1/sources", source).await;
        assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("settings.base_url")));
        assert!(refused["error"]["message"].as_str().unwrap().contains(says), "{refused}");
    }
    for wrong in [json!({"network": "sky", "name": "a"}), json!({"network": "bluesky", "name": " "})] {
        assert_eq!(act(&app, "POST", "/api/v1/sources", wrong).await.0, 422);
    }
}

#[tokio::test]
async fn credentials_are_never_shown_and_stay_with_their_host() {
    let app = TestApp::start().await;
    let settings = json!({"queries": ["nimbrel"], "base_url": "https://one.invalid"});
    let of_x = |name: &str| json!({"network": "x", "name": name, "settings": settings, "credentials": {"token": "hunter2"}});
    let (status, made) = act(&app, "POST", "/api/v1/sources", of_x("one")).await;
    assert_eq!((status, &made["has_credentials"]), (201, &json!(true)));
    let path = format!("/api/v1/sources/{}", made["id"].as_str().unwrap());
    assert!(!app.get("/api/v1/sources").await.to_string().contains("hunter2"));
    // Two sources would replace each other's rules.
    let (status, refused) = act(&app, "POST", "/api/v1/sources", of_x("two")).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("account_in_use")));
    // Whoever moves the source does not get them sent elsewhere.
    let moved = json!({"settings": {"queries": ["nimbrel"], "base_url": "https://two.invalid"}});
    let (status, moved) = act(&app, "PATCH", &path, moved).await;
    assert_eq!((status, &moved["has_credentials"]), (200, &json!(false)));
    let token = json!({"token": "hunter3"});
    let (status, stored) = act(&app, "PUT", &format!("{path}/credentials"), token).await;
    assert_eq!((status, &stored["has_credentials"]), (200, &json!(true)));
    for wrong in [json!({"token": "a b"}), json!({"token": ""}), json!({"client_id": "1"})] {
        assert_eq!(act(&app, "PUT", &format!("{path}/credentials"), wrong).await.0, 422);
    }
}

#[tokio::test]
async fn a_source_says_why_it_hears_nothing_and_recovers() {
    let host = JetstreamHost::start(HostOptions::default()).await;
    host.keep_faults([Fault::Refuse(Refusal::status(503).body("warming up"))]);
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let path = hear(&app, "Sky", &host.url()).await;
    until("it waits and counts its attempts", async || {
        let source = app.get(&path).await;
        let reason = source["reason"].as_str().unwrap_or_default().to_owned();
        source["state"] == "waiting" && reason.contains("warming up (attempt 2)")
    })
    .await;
    host.clear_faults();
    host.append_many((0..5).map(post));
    app.space.assert_counted_once(5).await;
    until("it runs", async || app.get(&path).await["state"] == "running").await;

    // A key that is refused stops it until somebody changes something.
    host.keep_faults([Fault::Refuse(Refusal::status(401))]);
    host.disconnect(crate::support::jetstream::Disconnect::Reset);
    until("it needs a key", async || app.get(&path).await["state"] == "needs_key").await;
    host.clear_faults();
    let n_connections = host.connections().len();
    // Another that is refused for the time being tries again and again meanwhile.
    let other = JetstreamHost::start(HostOptions::default()).await;
    other.keep_faults([Fault::Refuse(Refusal::status(503))]);
    let insisting = hear(&app, "Insisting", &other.url()).await;
    until("another tries again", async || other.connections().len() >= 3).await;
    assert_eq!(app.delete(&insisting).await, 204);
    assert_eq!(host.connections().len(), n_connections, "it does not try again by itself");
    act(&app, "POST", &format!("{path}/resume"), json!({})).await;
    host.append_many((5..9).map(post));
    app.space.assert_counted_once(9).await;
}

/// Runs a command against a server. Returns what it printed, or its error.
pub async fn command(app: &TestApp, arguments: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_groundswell"));
    let output = command
        .args(arguments)
        .env("GROUNDSWELL_URL", format!("http://{}", app.address))
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test]
async fn sources_are_managed_from_the_command_line() {
    let host = JetstreamHost::start(HostOptions::default()).await;
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let url = host.url();
    let added =
        command(&app, &["sources", "add", "bluesky", "--name", "Sky", "--base-url", &url]).await.unwrap();
    let added: Value = serde_json::from_str(&added).unwrap();
    assert_eq!(added["settings"]["base_url"], json!(url));
    host.append_many((0..5).map(post));
    app.space.assert_counted_once(5).await;
    let found = command(&app, &["sources", "test", "sky"]).await.unwrap();
    assert_eq!(found, "connected; no key is required (Jetstream version 2)\n");
    for arguments in [
        &["sources", "pause", "Sky"][..],
        &["sources", "resume", added["id"].as_str().unwrap()],
        &["sources", "backfill", "SKY", "--hours", "3"],
    ] {
        command(&app, arguments).await.unwrap();
    }
    host.keep_faults([Fault::Refuse(Refusal::status(401))]);
    let refused = command(&app, &["sources", "test", "Sky"]).await.unwrap_err();
    assert!(refused.contains("needs_key: the host answered with status 401"), "{refused}");
    let twice = command(&app, &["sources", "add", "bluesky", "--name", "SKY"]).await.unwrap_err();
    assert!(twice.contains("another source has this name"), "{twice}");
    let listed = command(&app, &["sources", "list"]).await.unwrap();
    assert_eq!(listed.lines().count(), 1, "{listed}");
    command(&app, &["sources", "remove", "Sky"]).await.unwrap();
    let missing = command(&app, &["sources", "remove", "Sky"]).await.unwrap_err();
    assert!(missing.contains("there is no source `Sky`"), "{missing}");
    let topic = json!({"name": "Shoes", "kind": "issue", "query": "shoes"});
    app.post("/api/v1/topics", &topic).await.unwrap();
    let topics = command(&app, &["topics", "list"]).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&topics).unwrap()["name"], json!("Shoes"));
}
