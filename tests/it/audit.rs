//! The audit log: every acknowledged change has its entry, whatever process is killed, and tampering is detected.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};
use std::time::Duration;

use groundswell::auth::audit::finding::Tampering;
use groundswell::auth::audit::keys::AuditKeys;
use groundswell::auth::audit::verification::{Verdict, VerifierParams};
use groundswell::auth::audit::verify::verify;
use groundswell::keyring::Keyring;
use rand::RngExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::api_with_accounts::{ApiWithAccounts, text};
use crate::support::process::Process;
use crate::support::{Client, Space, TestApp, dice, in_soak, until};

/// Key of every server that is started as a process.
const KEY: &str = "the key that all processes of a test share";

const TOKEN: &str = "0123456789abcdef";

/// Writers that change settings at the same time.
const N_WRITERS: u64 = 4;

async fn verdict_of(space: &Space) -> Verdict {
    let store = space.store().await;
    let keys = vec![AuditKeys::new(&Keyring::from_secret(KEY))];
    let verdict = verify(&store, VerifierParams { keys, ..VerifierParams::default() }).await.unwrap();
    store.close();
    verdict
}

/// Changes settings until the server is gone, and returns the values of the changes that it acknowledged.
async fn change_until_gone(client: Client, writer: u64, round: u64) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for n in 0_u64.. {
        // Distinct in the whole test, and within the limits of the setting.
        let volume = 10 + (round * N_WRITERS + writer) * 10_000 + n;
        let body = json!({"sensitivity": "balanced", "minimum_volume": volume});
        let put = client.try_act(("PUT", "/api/v1/signal-settings"), &body, "Ana").await;
        match put {
            Ok(answer) if answer.status == 200 => acknowledged.push(volume),
            Ok(answer) => panic!("the change was refused: {} {}", answer.status, answer.body),
            Err(_) => return acknowledged,
        }
    }
    acknowledged
}

#[tokio::test]
async fn every_acknowledged_change_has_its_entry_and_the_chain_verifies_after_each_kill() {
    let n_kills = in_soak(12, 4);
    let space = Space::new().await;
    let (mut acknowledged, mut dice) = (BTreeSet::new(), dice(0));
    for round in 0..n_kills {
        let mut server = Process::start_on(&space, &[]);
        let client = Client::new(server.ready().await);
        let writers =
            (0..N_WRITERS).map(|writer| tokio::spawn(change_until_gone(client.clone(), writer, round)));
        let writers: Vec<_> = writers.collect();
        let sql = space.sql().await;
        let count =
            async || -> i64 { sql.query_one("SELECT count(*) FROM audit_logs", &[]).await.unwrap().get(0) };
        let enough = count().await + dice.random_range(20..200);
        until("changes are made", async || count().await >= enough).await;
        server.kill().await;
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        // Whatever was not chained waits; what was chained verifies.
        let verdict = verdict_of(&space).await;
        assert_eq!(verdict.findings.n_total(), 0, "after kill {round}: {:?}", verdict.findings);
    }
    let mut server = Process::start_on(&space, &[]);
    server.ready().await;
    server.terminate();
    assert!(server.ended().await.success());
    let verdict = verdict_of(&space).await;
    assert_eq!((verdict.findings.n_total(), verdict.n_waiting), (0, 0), "{:?}", verdict.findings);
    const RECORDED: &str = "
        SELECT (payload -> 'after' ->> 'minimum_volume')::bigint FROM audit_logs JOIN audit_chain USING (id)
        WHERE action = 'signal_settings_changed' AND actor_name = 'Ana' AND actor_kind = 'local_operator'
            AND host(ip_address) = '127.0.0.1'";
    let rows = space.sql().await.query(RECORDED, &[]).await.unwrap();
    let recorded: BTreeSet<u64> = rows.iter().map(|row| row.get::<_, i64>(0).unsigned_abs()).collect();
    let missing: Vec<_> = acknowledged.difference(&recorded).collect();
    assert!(missing.is_empty(), "{} of {} changes have no entry", missing.len(), acknowledged.len());
    println!("measured: {} changes over {n_kills} kills, {} links", acknowledged.len(), verdict.n_links);
}

/// Runs `groundswell audit verify`.
async fn run_verify(space: &Space, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GROUNDSWELL_CONFIG", "/dev/null").env("GROUNDSWELL_SECRET_KEY", KEY);
    command.args(["audit", "verify", "--database-url", &space.database_url, "--redis-url", &space.redis_url]);
    command.args(options).stdin(Stdio::null()).output().await.unwrap()
}

#[tokio::test]
async fn the_command_names_what_was_done_and_fails() {
    let space = Space::new().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoints");
    let file = file.to_str().unwrap();
    let app = TestApp::start_on(&space, &["--audit-checkpoint-file", file]).await;
    for n in 0..5 {
        let topic = json!({"name": format!("Topic {n}"), "kind": "issue", "query": "delay"});
        let made = app.post("/api/v1/topics", &topic).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
    }
    drop(app);
    let intact = run_verify(&space, &["--checkpoints", file]).await;
    let said = String::from_utf8_lossy(&intact.stdout).into_owned();
    assert!(intact.status.success() && said.contains("5 entries verified"), "{said} {intact:?}");
    let sql = space.sql().await;
    let tamper = "SET session_replication_role = replica;
        UPDATE audit_logs SET actor_name = 'Bob' WHERE id = (SELECT id FROM audit_chain WHERE seq = 2);
        DELETE FROM audit_logs WHERE id = (SELECT id FROM audit_chain WHERE seq = 5);
        DELETE FROM audit_chain WHERE seq = 5;
        DELETE FROM audit_checkpoints";
    sql.batch_execute(tamper).await.unwrap();
    let without = run_verify(&space, &[]).await;
    let said = String::from_utf8_lossy(&without.stdout).into_owned();
    assert!(!without.status.success() && said.contains("edited at 2"), "{said}");
    assert!(!said.contains("truncated"), "{said}");
    let with = run_verify(&space, &["--checkpoints", file, "--json"]).await;
    assert!(!with.status.success());
    let report: Value = serde_json::from_slice(&with.stdout).unwrap();
    let found = report["findings"].as_array().unwrap().iter();
    let found: Vec<_> = found.map(|finding| (finding["tampering"].clone(), finding["seq"].clone())).collect();
    assert_eq!(found, [(json!("edited"), json!(2)), (json!("truncated"), json!(5))], "{report}");
}

#[tokio::test]
async fn no_secret_that_a_request_carries_reaches_the_audit_log() {
    let app = TestApp::start_with(&["--egress-allow", "127.0.0.1"]).await;
    let secrets = [
        "dGhlIHNlY3JldCBvZiB0aGUgY2hhbm5lbCAzMiBieSE=",
        "T0PS3CRETPATH",
        "hunter2-is-my-password",
        "rot4tingk3y0123456789abcdefghijk",
    ];
    let [signing, path, password, routing] = secrets;
    let webhook = json!({"kind": "webhook", "name": "Ops", "minimum_severity": "info", "enabled": true,
        "settings": {"url": format!("http://127.0.0.1:9/{path}?token={password}"), "secret": format!("whsec_{signing}")}});
    let made = app.post("/api/v1/notification-channels", &webhook).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let again = app.act(("PUT", &format!("/api/v1/notification-channels/{id}")), &webhook, "Ana").await;
    assert_eq!(again.status, 200, "{}", again.body);
    let slack = json!({"kind": "slack", "name": "Chat", "minimum_severity": "info", "enabled": true,
        "settings": {"url": format!("http://127.0.0.1:9/services/{path}")}});
    assert_eq!(app.post("/api/v1/notification-channels", &slack).await.unwrap().status, 201);
    let pager = json!({"kind": "pagerduty", "name": "Pager", "minimum_severity": "info", "enabled": true,
        "settings": {"routing_key": routing}});
    assert_eq!(app.post("/api/v1/notification-channels", &pager).await.unwrap().status, 201);
    let rotated =
        app.post(&format!("/api/v1/notification-channels/{id}/rotate-secret"), &json!({})).await.unwrap();
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let new_secret = rotated.body["settings"]["secret"].as_str().unwrap().to_owned();
    let source = json!({"name": "Ones", "network": "mastodon",
        "settings": {"base_url": "http://127.0.0.1:9"}, "credentials": {"token": password}});
    let made = app.post("/api/v1/sources", &source).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let link =
        json!({"name": "Weekly", "page": "explore", "query": "window=1h", "expires_in_seconds": 3_600});
    let link = app.post("/api/v1/share-links", &link).await.unwrap();
    let token = link.body["token"].as_str().unwrap().to_owned();
    assert_eq!(app.delete(&format!("/api/v1/notification-channels/{id}")).await, 204);
    let rows = app
        .space
        .sql()
        .await
        .query("SELECT log::text, payload::text FROM audit_logs AS log", &[])
        .await
        .unwrap();
    assert!(rows.len() >= 7, "{}", rows.len());
    for row in rows {
        let (row, payload): (String, String) = (row.get(0), row.get(1));
        let known = secrets.iter().copied().chain([new_secret.as_str(), token.as_str()]);
        for secret in known {
            assert!(!row.contains(secret) && !payload.contains(secret), "{secret} in {payload}");
        }
    }
}

#[actix_web::test]
async fn changes_and_refusals_are_listed_filtered_and_exported_for_administrators() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let ask = async |path: &str| {
        read(api.request(Method::GET, path).bearer_auth(TOKEN).send().await.unwrap()).await
    };
    for _ in 0..20 {
        let refused = api.request(Method::GET, "/api/v1/audit").bearer_auth("wrong").send().await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    let silence = json!({"everything": true, "ends_at": "2099-01-01T00:00:00Z", "comment": "maintenance"});
    let topic = json!({"name": "Topic", "kind": "issue", "query": "delay"});
    let send = async |method: Method, path: &str, body: &Value| {
        let request = api.request(method, path).bearer_auth(TOKEN).header("x-groundswell-actor", "Ana");
        read(request.json(body).send().await.unwrap()).await
    };
    assert_eq!(send(Method::POST, "/api/v1/silences", &silence).await.0, 201);
    let (status, made) = send(Method::POST, "/api/v1/topics", &topic).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let renamed = json!({"name": "Renamed", "kind": "issue", "query": "delay"});
    assert_eq!(send(Method::PUT, &format!("/api/v1/topics/{id}"), &renamed).await.0, 200);
    assert_eq!(send(Method::DELETE, &format!("/api/v1/topics/{id}"), &Value::Null).await.0, 204);
    let (status, found) = ask(&format!("/api/v1/audit?object={id}")).await;
    assert_eq!(status, 200, "{found}");
    let items = found["items"].as_array().unwrap();
    let actions: Vec<_> = items.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["topic_deleted", "topic_changed", "topic_created"]);
    let changed = &items[1];
    assert_eq!((&changed["actor_kind"], &changed["actor_name"]), (&json!("operator"), &json!("Ana")));
    assert_eq!((&changed["actor_id"], &changed["ip_address"]), (&Value::Null, &json!("127.0.0.1")));
    assert_eq!(changed["payload"]["before"]["name"], "Topic");
    assert_eq!(changed["payload"]["after"]["name"], "Renamed");
    let (_, refused) = ask("/api/v1/audit?action=requests_refused&actor=stranger").await;
    assert_eq!(refused["items"].as_array().unwrap().len(), 1, "{refused}");
    assert_eq!(refused["items"][0]["payload"]["route"], "/api/v1/audit");
    let (_, page) = ask("/api/v1/audit?limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, next) = ask(&format!("/api/v1/audit?limit=2&cursor={cursor}")).await;
    assert_eq!(next["items"].as_array().unwrap().len(), 2);
    for wrong in ["action=nothing", "limit=0", "from=yesterday", "cursor=x", "what=1"] {
        assert_eq!(ask(&format!("/api/v1/audit?{wrong}")).await.0, 400, "{wrong}");
    }
    let export = async |format: &str| {
        let path = format!("/api/v1/audit/export?format={format}&actor=operator");
        api.request(Method::GET, &path).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap()
    };
    let lines: Vec<Value> =
        export("ndjson").await.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["action"], "audit_exported");
    assert!(lines.iter().all(|entry| entry["actor_kind"] == "operator"));
    let table = export("csv").await;
    assert!(table.starts_with("id,created_at,action,actor_kind"), "{table}");
    assert!(table.contains("topic_changed"), "{table}");
}

#[tokio::test]
async fn a_killed_writer_or_chainer_is_restarted_and_nothing_is_lost() {
    let app = TestApp::start().await;
    for n in 0..6 {
        app.kill(["audit_writer", "audit_chainer"][n % 2]).await;
        let topic = json!({"name": format!("Topic {n}"), "kind": "issue", "query": "delay"});
        until("the change is made", async || {
            let made = app.post("/api/v1/topics", &topic).await.unwrap();
            // The audit log was away for a moment. The change may have been made.
            made.status == 201 || made.status == 409
        })
        .await;
    }
    let sql = app.space.sql().await;
    until("everything is chained", async || {
        let waiting: i64 = sql.query_one("SELECT count(*) FROM audit_unchained", &[]).await.unwrap().get(0);
        waiting == 0
    })
    .await;
    let verdict = verdict_of(&app.space).await;
    assert_eq!(verdict.findings.n_total(), 0, "{:?}", verdict.findings);
    assert!(verdict.n_links > 0);
    assert!(verdict.findings.as_slice().iter().all(|finding| finding.tampering != Tampering::Edited));
}

/// Actix drops a handler whose connection breaks. The change must be made and recorded all the same, or neither.
#[tokio::test]
async fn a_change_whose_client_disconnects_is_made_and_recorded() {
    let app = TestApp::start().await;
    let mut sql = app.space.sql().await;
    let lock = sql.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE topics IN SHARE MODE").await.unwrap();
    let mut client = TcpStream::connect(app.address).await.unwrap();
    let topic = json!({"name": "Delays", "kind": "issue", "query": "delay"}).to_string();
    let request = format!(
        "POST /api/v1/topics HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{topic}",
        app.address,
        topic.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let waiting = app.space.sql().await;
    until("the change waits for the lock", async || {
        let query =
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'topics'::regclass)";
        waiting.query_one(query, &[]).await.unwrap().get(0)
    })
    .await;
    // Closes the connection at once, with a reset.
    client.set_zero_linger().unwrap();
    drop(client);
    // Long enough for the server to notice.
    tokio::time::sleep(Duration::from_millis(300)).await;
    lock.rollback().await.unwrap();
    let query = "SELECT count(*) FROM audit_logs WHERE action = 'topic_created'";
    until("the change has its entry", async || {
        waiting.query_one(query, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    assert_eq!(app.get("/api/v1/topics").await["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn entries_name_the_person_who_signed_in_and_the_key_that_changed_something() {
    let api = ApiWithAccounts::new().await;
    api.tokens_of_ana().await;
    let created = api.create_key(&api.admin, json!({"name": "Deployment"})).await;
    let topic = json!({"name": "Topic", "kind": "issue", "query": "delay"});
    let request = api.server.request(Method::POST, "/api/v1/topics").bearer_auth(text(&created["key"]));
    assert_eq!(read(request.json(&topic).send().await.unwrap()).await.0, 201);
    let ana = api.ana.user.email.as_str();
    for (action, kind, name) in [("token_issued", "user", ana), ("topic_created", "api_key", "Deployment")] {
        let call = (Method::GET, &*format!("/api/v1/audit?action={action}"));
        let (status, found) = api.call_as(&api.admin, call, Value::Null).await;
        assert_eq!(status, 200, "{found}");
        let entry = &found["items"][0];
        assert_eq!((&entry["actor_kind"], &entry["actor_name"]), (&json!(kind), &json!(name)), "{entry}");
    }
}
