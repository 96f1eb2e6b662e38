//! PostgreSQL goes away under load and comes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use groundswell::models::principal::Role;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::people::Person;
use crate::support::posts::post;
use crate::support::{Client, PrivateServers, Space, TestApp, in_soak, stays, until};

#[tokio::test]
async fn while_postgres_is_away_posts_wait_in_the_stream_up_to_its_mark_and_afterwards_all_are_stored() {
    let away = in_soak(Duration::from_secs(30), Duration::from_secs(6));
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = TestApp::start_on(&space, &["--high-water=2000", "--batch-size=100"]).await;
    let load = app.load();
    for n in 1..=2 {
        let n_before = load.n_accepted();
        until("the load is accepted", async || load.n_accepted() > n_before + 500).await;
        servers.embedded.stop_postgres().await.unwrap();
        let n_accepted = load.n_accepted();
        until("readyz names postgres and nothing else", async || {
            app.readiness().await.is_some_and(|answer| {
                let reasons = answer.body["reasons"].as_array().cloned().unwrap_or_default();
                answer.status == 503 && reasons.len() == 1 && reasons[0]["what"] == "postgres"
            })
        })
        .await;
        until("posts are still accepted", async || load.n_accepted() > n_accepted).await;
        let n_refused = load.n_answered(429);
        until("posts are answered 429 at the mark", async || load.n_answered(429) > n_refused).await;
        let length = space.backlog().await.length;
        assert!((1_900..=2_000).contains(&length), "the stream holds {length} at a mark of 2000");
        stays("posts wait in the stream", away, async || space.backlog().await.length <= 2_000).await;
        servers.embedded.start_postgres().await.unwrap();
        until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
        println!("postgres restart: {n} of 2, away for {away:?}");
    }
    assert_eq!(load.n_answered(503), 0, "posts were refused although redis was there");
    let n_sent = load.stop().await;
    space.assert_counted_once(n_sent).await;
    assert_eq!(space.backlog().await.dead, 0, "innocent posts are among the dead letters");
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 0, "`{stage}` died of postgres being away");
    }
    drop(app);
    servers.stop().await;
}

/// Token of the operator.
const OPERATOR: &str = "token-of-the-operator";

/// Longer than the answer about a credential is remembered while PostgreSQL is there.
const OUTAGE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn while_postgres_is_away_credentials_that_were_used_before_go_on_sending_posts() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = TestApp::start_on(&space, &[&format!("--auth-token={OPERATOR}")]).await;
    let operator = Client::with_token(app.address, OPERATOR);
    let create = async |name: &str, lifetime: Option<SignedDuration>| -> (String, Client) {
        let expires_at = lifetime.map(|lifetime| Timestamp::now() + lifetime);
        let body = json!({"name": name, "scopes": ["ingest"], "expires_at": expires_at});
        let created = operator.post("/api/v1/api-keys", &body).await.unwrap();
        assert_eq!(created.status, 201, "{}", created.body);
        let text = |field: &str| created.body[field].as_str().unwrap().to_owned();
        (text("id"), Client::with_token(app.address, &text("key")))
    };
    let n_sent = AtomicU64::new(0);
    let send = async |client: &Client| -> u16 {
        let id = n_sent.fetch_add(1, Ordering::Relaxed);
        client.post("/api/v1/posts", &post(id, "hello")).await.unwrap().status
    };
    let (id, known) = create("known", None).await;
    let (_, unused) = create("unused", None).await;
    let (_, expiring) = create("expiring", Some(SignedDuration::from_secs(8))).await;
    let (ended, revoked) = create("revoked", None).await;
    assert_eq!(send(&revoked).await, 202);
    assert_eq!(operator.delete(&format!("/api/v1/api-keys/{ended}")).await, 204);
    let (store, stream) = (space.store().await, space.stream().await);
    let person = Person::new(&store, &stream, Role::Viewer).await;
    let session = Client::with_session(app.address, &person.cookie);
    assert_eq!(session.try_get("/api/v1/views").await.unwrap().status, 200);
    store.close();
    stream.close().await;
    assert_eq!([send(&known).await, send(&expiring).await, send(&revoked).await], [202, 202, 401]);

    servers.embedded.stop_postgres().await.unwrap();
    stays("a known key sends posts", OUTAGE, async || send(&known).await == 202).await;
    assert_eq!(send(&unused).await, 503, "nobody knows what this key may do");
    assert_eq!(send(&revoked).await, 503, "what was refused stays refused");
    // It ends in Redis, although the audit log cannot record it.
    assert_eq!(session.post("/api/v1/auth/logout", &Value::Null).await.unwrap().status, 503);
    assert_eq!(session.try_get("/api/v1/views").await.unwrap().status, 401);
    assert_eq!(send(&known).await, 202, "a sign-out ends nobody else's access");
    until("a key ends when it expires, outage or not", async || send(&expiring).await == 503).await;
    assert_eq!(send(&known).await, 202);

    servers.embedded.start_postgres().await.unwrap();
    until("the unused key is known", async || send(&unused).await == 202).await;
    until("the key is revoked", async || operator.delete(&format!("/api/v1/api-keys/{id}")).await == 204)
        .await;
    assert_eq!(send(&known).await, 401);
    drop(app);
    servers.stop().await;
}
