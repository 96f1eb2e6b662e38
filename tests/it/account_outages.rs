//! Redis goes away between the change of an account in PostgreSQL and the end of its sessions in Redis.

use std::time::Instant;

use groundswell::auth::password::PasswordHasher;
use groundswell::models::id::UserId;
use groundswell::models::principal::Role;
use groundswell::store::accounts::passwords;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::people::Person;
use crate::support::{Client, PrivateServers, Space, TestApp, judge_in_soak, until};

const TOKEN: &str = "0123456789abcdef";

const PASSWORD: &str = "four unrelated words";

const OTHER_PASSWORD: &str = "five even less related words";

/// Longer than what a test does while a statement of the server waits for a lock.
const PATIENT: &str = "options=-c%20statement_timeout%3D60s%20-c%20lock_timeout%3D60s";

/// Server with private servers behind it, and an operator who manages accounts.
struct Outage {
    servers: PrivateServers,
    space: Space,
    app: TestApp,
    operator: Client,
}

impl Outage {
    async fn new() -> Self {
        let servers = PrivateServers::start().await;
        let mut space = Space::all_of(servers.embedded.endpoints());
        space.database_url = format!("{}&{PATIENT}", space.database_url);
        let app = TestApp::start_on(&space, &["--auth-token", TOKEN, "--rate-limits=false"]).await;
        let operator = Client::with_token(app.address, TOKEN);
        Self { servers, space, app, operator }
    }

    async fn person(&self) -> (Person, Client) {
        let (store, stream) = (self.space.store().await, self.space.stream().await);
        let person = Person::new(&store, &stream, Role::Analyst).await;
        let hash = PasswordHasher::new().hash(PASSWORD).await.unwrap();
        passwords::set(&store, person.user.id, &hash, Timestamp::now()).await.unwrap();
        store.close();
        stream.close().await;
        let client = Client::with_session(self.app.address, &person.cookie);
        assert_eq!(client.try_get("/api/v1/views").await.unwrap().status, 200);
        (person, client)
    }

    /// Makes a change, during which Redis stops once `changed` holds in PostgreSQL, and returns the response. Until then,
    /// the entry of the audit log waits for a lock, and so does what follows it.
    async fn stop_redis_during(
        &self,
        change: impl Future<Output = Answer>,
        changed: &str,
        id: UserId,
    ) -> Answer {
        let (holder, observer) = (self.space.sql().await, self.space.sql().await);
        holder.batch_execute("BEGIN; LOCK TABLE audit_unchained IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let stopping = async {
            let is_changed = format!("SELECT EXISTS (SELECT FROM users WHERE id = $1 AND {changed})");
            until("the account is changed", async || {
                observer.query_one(&is_changed, &[&uuid::Uuid::from(id)]).await.unwrap().get(0)
            })
            .await;
            self.servers.embedded.stop_redis().await.unwrap();
            holder.batch_execute("COMMIT").await.unwrap();
        };
        tokio::join!(change, stopping).0
    }

    /// Starts Redis again, and waits until the person's requests are refused.
    async fn ended_after_redis_is_back(&self, client: &Client, what: &str) {
        self.servers.embedded.start_redis().await.unwrap();
        until("the server is ready again", async || {
            self.app.readiness().await.is_some_and(|answer| answer.status == 200)
        })
        .await;
        let began_at = Instant::now();
        until(&format!("{what} ends access"), async || {
            client.try_get("/api/v1/views").await.is_ok_and(|answer| answer.status == 401)
        })
        .await;
        let took = began_at.elapsed();
        judge_in_soak(
            took.as_secs_f64() < 5.0,
            &format!("{what} ended access {took:.1?} after Redis was back"),
        );
    }

    /// Checks that the log has one entry about the account with this action.
    async fn assert_recorded(&self, action: &str, object: UserId) {
        const SQL: &str = "SELECT count(*) FROM audit_logs WHERE action = $1 AND object = $2";
        let object = object.to_string();
        let n_entries: i64 = self.space.sql().await.query_one(SQL, &[&action, &object]).await.unwrap().get(0);
        assert_eq!(n_entries, 1, "{action}");
    }

    async fn stop(self) {
        drop(self.app);
        self.servers.stop().await;
    }
}

fn assert_redis_is_named(answer: &Answer) {
    let code = &answer.body["error"]["code"];
    assert_eq!((answer.status, code), (503, &json!("unavailable")), "{}", answer.body);
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("Redis"), "{}", answer.body);
}

#[tokio::test]
async fn an_account_that_is_disabled_or_archived_while_redis_goes_away_has_its_entry_and_loses_access() {
    let outage = Outage::new().await;
    for (method, body, changed, action) in [
        ("PATCH", json!({"is_active": false}), "NOT is_active AND archived_at IS NULL", "user_changed"),
        ("DELETE", Value::Null, "archived_at IS NOT NULL", "user_deleted"),
    ] {
        let (person, client) = outage.person().await;
        let path = format!("/api/v1/users/{}", person.user.id);
        let change = outage.operator.act((method, &path), &body, "Olga");
        let answer = outage.stop_redis_during(change, changed, person.user.id).await;
        assert_redis_is_named(&answer);
        outage.assert_recorded(action, person.user.id).await;
        outage.ended_after_redis_is_back(&client, action).await;
    }
    outage.stop().await;
}

#[tokio::test]
async fn a_password_that_changes_while_redis_goes_away_has_its_entry_and_ends_the_other_sessions() {
    let outage = Outage::new().await;
    let (person, elsewhere) = outage.person().await;
    let stream = outage.space.stream().await;
    let here = Person::sign_in(person.user.clone(), &stream, Timestamp::now()).await;
    stream.close().await;
    let client = Client::with_session(outage.app.address, &here.cookie);
    let store = outage.space.store().await;
    let before = groundswell::store::accounts::users::hash_of(&store, person.user.id).await.unwrap().unwrap();
    store.close();
    let wish = json!({"current": PASSWORD, "new": OTHER_PASSWORD});
    let change = async { client.post("/api/v1/auth/password", &wish).await.unwrap() };
    let changed = format!("hashed_secret <> '{before}'");
    let answer = outage.stop_redis_during(change, &changed, person.user.id).await;
    assert_redis_is_named(&answer);
    outage.assert_recorded("password_changed", person.user.id).await;
    outage.ended_after_redis_is_back(&elsewhere, "a new password").await;
    assert_eq!(
        client.try_get("/api/v1/views").await.unwrap().status,
        200,
        "the session that changed it stays"
    );
    let sign_in = async |password: &str| {
        let body = json!({"email": person.user.email, "password": password});
        Client::new(outage.app.address).post("/api/v1/auth/login", &body).await.unwrap().status
    };
    assert_eq!((sign_in(PASSWORD).await, sign_in(OTHER_PASSWORD).await), (401, 200));
    outage.stop().await;
}
