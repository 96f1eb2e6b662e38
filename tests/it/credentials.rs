//! API keys: what they open, and until when.

use groundswell::models::principal::Role;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::api_server::read;
use crate::support::api_with_accounts::{ApiWithAccounts, KEYS, PASSWORD, code, text};
use crate::support::client::Socket;
use crate::support::people::Person;
use crate::support::{Client, Space, TestApp, until};

#[actix_web::test]
async fn a_key_does_what_its_scopes_name_and_nothing_else() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_key(&api.ana, json!({"name": " Upload ", "scopes": ["ingest"]})).await;
    assert_eq!((&created["name"], &created["scopes"]), (&json!("Upload"), &json!(["ingest"])));
    assert_eq!(created["owner"], json!(api.ana.user.id));
    let key = text(&created["key"]);
    let simple = text(&created["id"]).replace('-', "");
    assert!(key.starts_with(&format!("gsk_{simple}_")) && key.len() == 80, "{key}");
    assert_eq!(api.reads_and_sends(key).await, (403, 202));
    let reading = api.create_key(&api.ana, json!({"name": "Read", "scopes": ["read"]})).await;
    assert_eq!(api.reads_and_sends(text(&reading["key"])).await, (200, 403));
    // Also as a password, as in `curl --user :gsk_…`.
    let basic = api.server.request(Method::GET, "/api/v1/posts").basic_auth("", Some(text(&reading["key"])));
    assert_eq!(basic.send().await.unwrap().status(), 200);
    // Without scopes, it has those of its owner.
    let whole = api.create_key(&api.ana, json!({"name": "All"})).await;
    assert_eq!(whole["scopes"], json!(["read", "ingest", "write", "analyze"]));
    assert_eq!(api.reads_and_sends(text(&whole["key"])).await, (200, 202));
    // Nothing shows the key again.
    let (_, listed) = api.call_as(&api.ana, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert!(!listed.to_string().contains("gsk_") && !listed.to_string().contains("argon2"), "{listed}");
}

#[actix_web::test]
async fn a_wrong_key_is_nobody_even_beside_a_session() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_key(&api.ana, json!({"name": "one"})).await;
    let other = api.create_key(&api.ana, json!({"name": "other"})).await;
    let (key, other) = (text(&created["key"]), text(&other["key"]));
    let mixed = format!("{}{}", &key[..37], &other[37..]);
    let unknown = format!("gsk_{}{}", "0".repeat(32), &key[36..]);
    for wrong in ["gsk_", "gsk_x", &mixed, &unknown, &format!("{key}x"), &key[..79], &key.to_uppercase()] {
        assert_eq!(api.reads_and_sends(wrong).await, (401, 401), "{wrong}");
        let call = (Method::GET, "/api/v1/posts");
        let beside = api.page_request(&api.ana, call).bearer_auth(wrong).send().await.unwrap();
        assert_eq!(beside.status(), 401, "{wrong}");
    }
    // What a proxy may have left there is no credential, but a broken one is.
    for (header, status) in [("Bearer", 401), ("Basic !", 401), ("Digest username=\"x\"", 200), ("", 200)] {
        let call = api.page_request(&api.ana, (Method::GET, "/api/v1/posts"));
        let answer = call.header("authorization", header).send().await.unwrap();
        assert_eq!(answer.status(), status, "{header}");
    }
    assert_eq!(api.reads_and_sends(key).await, (200, 202));
}

#[actix_web::test]
async fn a_key_ends_when_it_is_revoked_or_expires_or_its_owner_loses_access() {
    let api = ApiWithAccounts::new().await;
    let soon = Timestamp::now() + SignedDuration::from_hours(1);
    let key_of = async |body: Value| {
        let created = api.create_key(&api.ana, body).await;
        (text(&created["id"]).to_owned(), text(&created["key"]).to_owned())
    };
    let (revoked, revoked_key) = key_of(json!({"name": "revoked"})).await;
    let (expired, expired_key) = key_of(json!({"name": "expired", "expires_at": soon})).await;
    let (_, kept_key) = key_of(json!({"name": "kept"})).await;
    for key in [&revoked_key, &expired_key, &kept_key] {
        assert_eq!(api.reads_and_sends(key).await, (200, 202));
    }
    for _ in 0..2 {
        let path = format!("{KEYS}/{revoked}");
        assert_eq!(api.call_as(&api.ana, (Method::DELETE, &path), Value::Null).await.0, 204);
        assert_eq!(api.reads_and_sends(&revoked_key).await, (401, 401), "at once in this process");
    }
    api.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{expired}'")).await;
    assert_eq!(api.reads_and_sends(&expired_key).await, (401, 401));
    for key in [&revoked_key, &expired_key] {
        let (status, answer) = api.exchange(json!({"api_key": key})).await;
        assert_eq!((status, code(&answer)), (403, "revoked"));
    }
    // A role that is taken away narrows the key.
    let ana = api.ana.user.id;
    api.sql(&format!("UPDATE users SET rbac_roles = '{{viewer}}' WHERE id = '{ana}'")).await;
    assert_eq!(api.reads_and_sends(&kept_key).await, (200, 403));
    api.sql(&format!("UPDATE users SET is_active = false WHERE id = '{ana}'")).await;
    assert_eq!(api.reads_and_sends(&kept_key).await, (401, 401));
}

#[actix_web::test]
async fn a_rotated_key_and_its_successor_are_both_accepted_until_the_overlap_is_over() {
    let api = ApiWithAccounts::new().await;
    let old = api.create_key(&api.ana, json!({"name": "one", "scopes": ["ingest"]})).await;
    let path = format!("{KEYS}/{}/rotate", text(&old["id"]));
    let rotate = async |path: &str, body: Value| api.call_as(&api.ana, (Method::POST, path), body).await;
    let (status, new) = rotate(&path, json!({"overlap_seconds": 3_600})).await;
    assert_eq!((status, &new["name"], &new["scopes"]), (201, &json!("one"), &json!(["ingest"])), "{new}");
    assert_eq!(new["rotated_from"], old["id"]);
    for key in [&old, &new] {
        assert_eq!(api.reads_and_sends(text(&key["key"])).await, (403, 202));
    }
    let (status, answer) = rotate(&path, json!({})).await;
    assert_eq!((status, code(&answer)), (409, "key_replaced"));
    let id = text(&old["id"]);
    api.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{id}'")).await;
    assert_eq!(api.reads_and_sends(text(&old["key"])).await, (401, 401));
    assert_eq!(api.reads_and_sends(text(&new["key"])).await, (403, 202));
    let (status, answer) = rotate(&path, json!({})).await;
    assert_eq!((status, code(&answer)), (409, "key_ended"));
    // Without an overlap, the old key ends at once.
    let path = format!("{KEYS}/{}/rotate", text(&new["id"]));
    let (status, newest) = rotate(&path, json!({"overlap_seconds": 0})).await;
    assert_eq!(status, 201);
    api.server.standings.forget();
    assert_eq!(api.reads_and_sends(text(&new["key"])).await, (401, 401));
    assert_eq!(api.reads_and_sends(text(&newest["key"])).await, (403, 202));
}

#[actix_web::test]
async fn another_persons_key_does_not_exist_except_for_administrators() {
    let api = ApiWithAccounts::new().await;
    let bo = Person::new(&api.server.store, &api.server.stream, Role::Analyst).await;
    let created = api.create_key(&api.ana, json!({"name": "one"})).await;
    let of_admin = api.create_key(&api.admin, json!({"name": "admin"})).await;
    let key = format!("{KEYS}/{}", text(&created["id"]));
    let (rotate, usage) = (format!("{key}/rotate"), format!("{key}/usage"));
    let calls = [
        (Method::GET, &usage, Value::Null),
        (Method::POST, &rotate, json!({})),
        (Method::DELETE, &key, Value::Null),
    ];
    for (method, path, body) in &calls {
        let (status, answer) = api.call_as(&bo, (method.clone(), path), body.clone()).await;
        assert_eq!((status, code(&answer)), (404, "not_found"), "{method} {path}");
    }
    let (_, of_bo) = api.call_as(&bo, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(of_bo["items"], json!([]));
    let owner = format!("{KEYS}?owner={}", api.ana.user.id);
    assert_eq!(api.call_as(&bo, (Method::GET, &owner), Value::Null).await.1["items"], json!([]));
    let (_, of_all) = api.call_as(&api.admin, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(of_all["items"].as_array().unwrap().len(), 2);
    let (_, of_ana) = api.call_as(&api.admin, (Method::GET, &owner), Value::Null).await;
    assert_eq!(of_ana["items"][0]["id"], created["id"]);
    // A narrow key of an administrator opens no more than it names.
    let narrow = api.create_key(&api.admin, json!({"name": "narrow", "scopes": ["read"]})).await;
    let asks = api.server.request(Method::DELETE, &key).bearer_auth(text(&narrow["key"]));
    assert_eq!(asks.send().await.unwrap().status(), 404);
    for (method, path, body) in calls {
        let (status, answer) = api.call_as(&api.admin, (method.clone(), path), body).await;
        assert!([200, 201, 204].contains(&status), "{method} {path}: {answer}");
    }
    assert_eq!(api.reads_and_sends(text(&of_admin["key"])).await, (200, 202));
}

#[actix_web::test]
async fn nobody_creates_a_key_that_may_do_more_or_lasts_longer_than_its_creator() {
    let api = ApiWithAccounts::new().await;
    let viewer = Person::new(&api.server.store, &api.server.stream, Role::Viewer).await;
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    for (body, field) in [
        (json!({"name": "x", "scopes": ["ingest"]}), "scopes"),
        (json!({"name": "x", "scopes": ["read", "admin"]}), "scopes"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x", "expires_at": past}), "expires_at"),
    ] {
        let (status, answer) = api.call_as(&viewer, (Method::POST, KEYS), body.clone()).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!(field)), "{body}: {answer}");
    }
    let of_viewer = api.create_key(&viewer, json!({"name": "x"})).await;
    // A stolen key cannot make itself another one; only an administrator's can.
    let with_key =
        |key: &str, body: &Value| api.server.request(Method::POST, KEYS).bearer_auth(key).json(body);
    let body = json!({"name": "x"});
    let refused = with_key(text(&of_viewer["key"]), &body).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let of_admin = api.create_key(&api.admin, json!({"name": "admin"})).await;
    let (status, made) = read(with_key(text(&of_admin["key"]), &body).send().await.unwrap()).await;
    assert_eq!((status, &made["owner"]), (201, &json!(api.admin.user.id)), "{made}");
    assert_eq!(api.reads_and_sends(text(&made["key"])).await, (200, 202));
    let narrow = api.create_key(&api.admin, json!({"name": "x", "scopes": ["read", "admin"]})).await;
    let (status, refused) = read(with_key(text(&narrow["key"]), &body).send().await.unwrap()).await;
    assert_eq!((status, code(&refused)), (403, "forbidden"), "{refused}");
    // Nor can a key that expires make one that lasts longer.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let day = |n: i64| now + SignedDuration::from_hours(24 * n);
    let brief = api.create_key(&api.admin, json!({"name": "brief", "expires_at": day(2)})).await;
    for (asked, status, expires_at) in [
        (Value::Null, 201, &brief["expires_at"]),
        (json!(day(1)), 201, &json!(day(1))),
        (json!(day(3)), 422, &Value::Null),
    ] {
        let body = json!({"name": "x", "expires_at": asked});
        let made = read(with_key(text(&brief["key"]), &body).send().await.unwrap()).await;
        assert_eq!((made.0, &made.1["expires_at"]), (status, expires_at), "{asked}: {}", made.1);
    }
    let rotate = format!("{KEYS}/{}/rotate", text(&brief["id"]));
    let rotated = api.server.request(Method::POST, &rotate).bearer_auth(text(&brief["key"]));
    let (status, successor) = read(rotated.json(&json!({})).send().await.unwrap()).await;
    assert_eq!((status, &successor["expires_at"]), (201, &brief["expires_at"]), "{successor}");
}

#[actix_web::test]
async fn a_key_made_with_a_key_belongs_to_the_same_person_and_ends_with_their_access() {
    let api = ApiWithAccounts::new().await;
    let boss = Person::new(&api.server.store, &api.server.stream, Role::Admin).await;
    let with = async |bearer: &str, path: &str| {
        let request = api.server.request(Method::POST, path).bearer_auth(bearer);
        read(request.json(&if path == KEYS { json!({"name": "x"}) } else { json!({}) }).send().await.unwrap())
            .await
    };
    let first = api.create_key(&boss, json!({"name": "first"})).await;
    let (_, token) = api.exchange(json!({"api_key": first["key"]})).await;
    let mut made = Vec::new();
    for bearer in [text(&first["key"]), text(&token["access_token"])] {
        let (status, key) = with(bearer, KEYS).await;
        assert_eq!((status, &key["owner"]), (201, &json!(boss.user.id)), "{key}");
        made.push(text(&key["key"]).to_owned());
    }
    // A key of the installation makes and replaces others of it; a person's key does neither.
    let of_nobody = api.create_key(&boss, json!({"name": "installation"})).await;
    let id = text(&of_nobody["id"]);
    api.sql(&format!("UPDATE api_keys SET owner_id = NULL WHERE id = '{id}'")).await;
    let (status, child) = with(text(&of_nobody["key"]), KEYS).await;
    assert_eq!((status, &child["owner"]), (201, &Value::Null), "{child}");
    let rotate = format!("{KEYS}/{id}/rotate");
    let (status, refused) = with(text(&first["key"]), &rotate).await;
    assert_eq!((status, code(&refused)), (403, "forbidden"), "{refused}");
    let (status, successor) = with(text(&of_nobody["key"]), &rotate).await;
    assert_eq!((status, &successor["owner"]), (201, &Value::Null), "{successor}");
    // A client has a secret of its own, and no keys.
    let client = api.create_client(json!({"name": "Importer", "role": "admin"})).await;
    let (_, of_client) =
        api.exchange(json!({"client_id": client["id"], "client_secret": client["client_secret"]})).await;
    for path in [KEYS, &rotate] {
        let (status, refused) = with(text(&of_client["access_token"]), path).await;
        assert_eq!((status, code(&refused)), (403, "forbidden"), "{path}: {refused}");
    }
    let disable = format!("UPDATE users SET is_active = false WHERE id = '{}'", boss.user.id);
    api.sql(&disable).await;
    for key in &made {
        assert_eq!(api.reads_and_sends(key).await, (401, 401));
    }
    assert_eq!(api.reads_and_sends(text(&child["key"])).await, (200, 202));
}

#[actix_web::test]
async fn calls_with_a_key_are_counted() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_key(&api.ana, json!({"name": "one"})).await;
    let usage = format!("{KEYS}/{}/usage", text(&created["id"]));
    let (_, none) = api.call_as(&api.ana, (Method::GET, &usage), Value::Null).await;
    assert_eq!(none, json!({"last_used_at": null, "days": []}));
    for _ in 0..3 {
        api.reads_and_sends(text(&created["key"])).await;
    }
    api.reads_and_sends("gsk_wrong").await;
    api.server.credentials.api_keys().usage().write().await.unwrap();
    let (_, counted) = api.call_as(&api.ana, (Method::GET, &usage), Value::Null).await;
    // Midnight may lie between two calls.
    let n_calls: i64 =
        counted["days"].as_array().unwrap().iter().map(|day| day["n_calls"].as_i64().unwrap()).sum();
    assert_eq!((n_calls, counted["last_used_at"].is_string()), (6, true), "{counted}");
}

#[tokio::test]
async fn a_key_that_is_revoked_in_one_process_ends_in_the_other() {
    let space = Space::new().await;
    let (store, stream) = (space.store().await, space.stream().await);
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &[]).await;
    one.leaves_others = true;
    let ana = Person::new(&store, &stream, Role::Analyst).await;
    let acting = Client::with_session(one.address, &ana.cookie);
    until("the process lets Ana in", async || {
        acting.try_get("/api/v1/auth/me").await.is_ok_and(|answer| answer.body["identity"] == "user")
    })
    .await;
    let created = acting.post(KEYS, &json!({"name": "Watch", "scopes": ["read"]})).await.unwrap();
    assert_eq!(created.status, 201, "{}", created.body);
    let key = text(&created.body["key"]).to_owned();
    let user = Client::with_token(other.address, &key);
    until("the other process knows the key", async || {
        user.try_get("/api/v1/posts").await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    let mut request = format!("ws://{}/ws", other.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let mut socket = Socket::from(tokio_tungstenite::connect_async(request).await.unwrap().0);
    socket.subscribe(&["alerts"]).await;
    assert_eq!(acting.delete(&format!("{KEYS}/{}", text(&created.body["id"]))).await, 204);
    assert_eq!(socket.close_code().await, 4401);
    until("the other process refuses the key", async || {
        user.try_get("/api/v1/posts").await.is_ok_and(|answer| answer.status == 401)
    })
    .await;
}

#[actix_web::test]
async fn a_token_with_fewer_scopes_than_its_owner_gets_no_lasting_access_and_ends_nobodys() {
    let api = ApiWithAccounts::new().await;
    let key = api.create_key(&api.ana, json!({"name": "wide"})).await;
    let whole = api.tokens_of_ana().await;
    let email = &api.ana.user.email;
    let wish = json!({"grant_type": "password", "username": email, "password": PASSWORD, "scope": "read"});
    let (_, narrow) = api.exchange(wish).await;
    let ask = async |tokens: &Value, method: Method, path: &str, body: Value| {
        let request = api.server.request(method, path).bearer_auth(text(&tokens["access_token"]));
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let session = format!("/api/v1/sessions/{}", api.ana.session.id);
    let key = format!("{KEYS}/{}", text(&key["id"]));
    let calls = [
        (Method::POST, KEYS.to_owned(), json!({"name": "x"}), 201),
        (Method::GET, "/api/v1/sessions".to_owned(), Value::Null, 200),
        (Method::POST, format!("{key}/rotate"), json!({}), 201),
        (Method::DELETE, key, Value::Null, 204),
        (Method::DELETE, session, Value::Null, 204),
    ];
    for (method, path, body, expected) in calls {
        assert_eq!(ask(&narrow, method.clone(), &path, body.clone()).await, 403, "{method} {path}");
        assert_eq!(ask(&whole, method.clone(), &path, body).await, expected, "{method} {path}");
    }
}
