//! API keys, clients, and the tokens that they are exchanged for.

use groundswell::auth::password::PasswordHasher;
use groundswell::models::principal::Role;
use groundswell::store::accounts::users;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::client::Socket;
use crate::support::people::Person;
use crate::support::{Client, Space, TestApp, eventually, until};

const KEYS: &str = "/api/v1/api-keys";
const CLIENTS: &str = "/api/v1/clients";
const TOKEN: &str = "/api/v1/auth/token";
const PASSWORD: &str = "four unrelated words";
const FORM: &str = "application/x-www-form-urlencoded";

/// API with accounts, and somebody who uses it.
struct Office {
    api: ApiServer,
    ana: Person,
    admin: Person,
}

impl Office {
    /// Creates an analyst named Ana and an administrator.
    async fn new() -> Self {
        let api = ApiServer::open(Setup::default()).await;
        let ana = Person::new(&api.store, &api.stream, Role::Analyst).await;
        let admin = Person::new(&api.store, &api.stream, Role::Admin).await;
        api.open_access.refresh().await.unwrap();
        Self { api, ana, admin }
    }

    /// Makes a request as a page of the server's own does.
    fn page_of(&self, person: &Person, (method, path): (Method, &str)) -> RequestBuilder {
        let request = self.api.request(method, path).header("origin", self.api.url.as_str());
        request.header("cookie", format!("groundswell_session={}", person.cookie))
    }

    async fn of(&self, person: &Person, call: (Method, &str), body: Value) -> (u16, Value) {
        let mut request = self.page_of(person, call);
        if !body.is_null() {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    async fn create_key(&self, person: &Person, body: Value) -> Value {
        let (status, created) = self.of(person, (Method::POST, KEYS), body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    async fn create_client(&self, body: Value) -> Value {
        let (status, created) = self.of(&self.admin, (Method::POST, CLIENTS), body).await;
        assert_eq!(status, 201, "{created}");
        created
    }

    /// Returns the status of reading and of sending posts with this bearer.
    async fn reads_and_sends(&self, bearer: &str) -> (u16, u16) {
        let read = self.api.request(Method::GET, "/api/v1/posts").bearer_auth(bearer).send().await.unwrap();
        let post = json!({"id": "1", "platform": "web", "text": "hello"});
        let sent = self.api.request(Method::POST, "/api/v1/posts").bearer_auth(bearer).json(&post);
        (read.status().as_u16(), sent.send().await.unwrap().status().as_u16())
    }

    async fn exchange(&self, body: Value) -> (u16, Value) {
        read(self.api.request(Method::POST, TOKEN).json(&body).send().await.unwrap()).await
    }

    async fn exchange_form(&self, body: &str, basic: Option<(&str, &str)>) -> (u16, Value) {
        let mut request = self.api.request(Method::POST, TOKEN).header("content-type", FORM);
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        read(request.body(body.to_owned()).send().await.unwrap()).await
    }

    async fn sql(&self, statement: &str) {
        self.api.space.sql().await.batch_execute(statement).await.unwrap();
        self.api.standings.forget();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn code(answer: &Value) -> &str {
    text(&answer["error"]["code"])
}

#[actix_web::test]
async fn a_key_does_what_its_scopes_name_and_nothing_else() {
    let office = Office::new().await;
    let created = office.create_key(&office.ana, json!({"name": " Upload ", "scopes": ["ingest"]})).await;
    assert_eq!((&created["name"], &created["scopes"]), (&json!("Upload"), &json!(["ingest"])));
    assert_eq!(created["owner"], json!(office.ana.user.id));
    let key = text(&created["key"]);
    let simple = text(&created["id"]).replace('-', "");
    assert!(key.starts_with(&format!("gsk_{simple}_")) && key.len() == 80, "{key}");
    assert_eq!(office.reads_and_sends(key).await, (403, 202));
    let reading = office.create_key(&office.ana, json!({"name": "Read", "scopes": ["read"]})).await;
    assert_eq!(office.reads_and_sends(text(&reading["key"])).await, (200, 403));
    // Also as a password, as in `curl --user :gsk_…`.
    let basic = office.api.request(Method::GET, "/api/v1/posts").basic_auth("", Some(text(&reading["key"])));
    assert_eq!(basic.send().await.unwrap().status(), 200);
    // Without scopes, it has those of its owner.
    let whole = office.create_key(&office.ana, json!({"name": "All"})).await;
    assert_eq!(whole["scopes"], json!(["read", "ingest", "write", "analyze"]));
    assert_eq!(office.reads_and_sends(text(&whole["key"])).await, (200, 202));
    // Nothing shows the key again.
    let (_, listed) = office.of(&office.ana, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert!(!listed.to_string().contains("gsk_") && !listed.to_string().contains("argon2"), "{listed}");
}

#[actix_web::test]
async fn a_wrong_key_is_nobody_even_beside_a_session() {
    let office = Office::new().await;
    let created = office.create_key(&office.ana, json!({"name": "one"})).await;
    let other = office.create_key(&office.ana, json!({"name": "other"})).await;
    let (key, other) = (text(&created["key"]), text(&other["key"]));
    let mixed = format!("{}{}", &key[..37], &other[37..]);
    let unknown = format!("gsk_{}{}", "0".repeat(32), &key[36..]);
    for wrong in ["gsk_", "gsk_x", &mixed, &unknown, &format!("{key}x"), &key[..79], &key.to_uppercase()] {
        assert_eq!(office.reads_and_sends(wrong).await, (401, 401), "{wrong}");
        let call = (Method::GET, "/api/v1/posts");
        let beside = office.page_of(&office.ana, call).bearer_auth(wrong).send().await.unwrap();
        assert_eq!(beside.status(), 401, "{wrong}");
    }
    assert_eq!(office.reads_and_sends(key).await, (200, 202));
}

#[actix_web::test]
async fn a_key_ends_when_it_is_revoked_or_expires_or_its_owner_loses_access() {
    let office = Office::new().await;
    let soon = Timestamp::now() + SignedDuration::from_hours(1);
    let key_of = async |body: Value| {
        let created = office.create_key(&office.ana, body).await;
        (text(&created["id"]).to_owned(), text(&created["key"]).to_owned())
    };
    let (revoked, revoked_key) = key_of(json!({"name": "revoked"})).await;
    let (expired, expired_key) = key_of(json!({"name": "expired", "expires_at": soon})).await;
    let (_, kept_key) = key_of(json!({"name": "kept"})).await;
    for key in [&revoked_key, &expired_key, &kept_key] {
        assert_eq!(office.reads_and_sends(key).await, (200, 202));
    }
    for _ in 0..2 {
        let path = format!("{KEYS}/{revoked}");
        assert_eq!(office.of(&office.ana, (Method::DELETE, &path), Value::Null).await.0, 204);
        assert_eq!(office.reads_and_sends(&revoked_key).await, (401, 401), "at once in this process");
    }
    office.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{expired}'")).await;
    assert_eq!(office.reads_and_sends(&expired_key).await, (401, 401));
    for key in [&revoked_key, &expired_key] {
        let (status, answer) = office.exchange(json!({"api_key": key})).await;
        assert_eq!((status, code(&answer)), (403, "revoked"));
    }
    // A role that is taken away narrows the key.
    let ana = office.ana.user.id;
    office.sql(&format!("UPDATE users SET rbac_roles = '{{viewer}}' WHERE id = '{ana}'")).await;
    assert_eq!(office.reads_and_sends(&kept_key).await, (200, 403));
    office.sql(&format!("UPDATE users SET is_active = false WHERE id = '{ana}'")).await;
    assert_eq!(office.reads_and_sends(&kept_key).await, (401, 401));
}

#[actix_web::test]
async fn a_rotated_key_and_its_successor_are_both_accepted_until_the_overlap_is_over() {
    let office = Office::new().await;
    let old = office.create_key(&office.ana, json!({"name": "one", "scopes": ["ingest"]})).await;
    let path = format!("{KEYS}/{}/rotate", text(&old["id"]));
    let rotate = async |path: &str, body: Value| office.of(&office.ana, (Method::POST, path), body).await;
    let (status, new) = rotate(&path, json!({"overlap_seconds": 3_600})).await;
    assert_eq!((status, &new["name"], &new["scopes"]), (201, &json!("one"), &json!(["ingest"])), "{new}");
    assert_eq!(new["rotated_from"], old["id"]);
    for key in [&old, &new] {
        assert_eq!(office.reads_and_sends(text(&key["key"])).await, (403, 202));
    }
    let (status, answer) = rotate(&path, json!({})).await;
    assert_eq!((status, code(&answer)), (409, "key_replaced"));
    let id = text(&old["id"]);
    office.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{id}'")).await;
    assert_eq!(office.reads_and_sends(text(&old["key"])).await, (401, 401));
    assert_eq!(office.reads_and_sends(text(&new["key"])).await, (403, 202));
    let (status, answer) = rotate(&path, json!({})).await;
    assert_eq!((status, code(&answer)), (409, "key_ended"));
    // Without an overlap, the old key ends at once.
    let path = format!("{KEYS}/{}/rotate", text(&new["id"]));
    let (status, newest) = rotate(&path, json!({"overlap_seconds": 0})).await;
    assert_eq!(status, 201);
    office.api.standings.forget();
    assert_eq!(office.reads_and_sends(text(&new["key"])).await, (401, 401));
    assert_eq!(office.reads_and_sends(text(&newest["key"])).await, (403, 202));
}

#[actix_web::test]
async fn another_persons_key_does_not_exist_except_for_administrators() {
    let office = Office::new().await;
    let bo = Person::new(&office.api.store, &office.api.stream, Role::Analyst).await;
    let created = office.create_key(&office.ana, json!({"name": "one"})).await;
    let of_admin = office.create_key(&office.admin, json!({"name": "admin"})).await;
    let key = format!("{KEYS}/{}", text(&created["id"]));
    let (rotate, usage) = (format!("{key}/rotate"), format!("{key}/usage"));
    let calls = [
        (Method::GET, &usage, Value::Null),
        (Method::POST, &rotate, json!({})),
        (Method::DELETE, &key, Value::Null),
    ];
    for (method, path, body) in &calls {
        let (status, answer) = office.of(&bo, (method.clone(), path), body.clone()).await;
        assert_eq!((status, code(&answer)), (404, "not_found"), "{method} {path}");
    }
    let (_, of_bo) = office.of(&bo, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(of_bo["items"], json!([]));
    let owner = format!("{KEYS}?owner={}", office.ana.user.id);
    assert_eq!(office.of(&bo, (Method::GET, &owner), Value::Null).await.1["items"], json!([]));
    let (_, of_all) = office.of(&office.admin, (Method::GET, KEYS), Value::Null).await;
    assert_eq!(of_all["items"].as_array().unwrap().len(), 2);
    let (_, of_ana) = office.of(&office.admin, (Method::GET, &owner), Value::Null).await;
    assert_eq!(of_ana["items"][0]["id"], created["id"]);
    // A narrow key of an administrator opens no more than it names.
    let narrow = office.create_key(&office.admin, json!({"name": "narrow", "scopes": ["read"]})).await;
    let asks = office.api.request(Method::DELETE, &key).bearer_auth(text(&narrow["key"]));
    assert_eq!(asks.send().await.unwrap().status(), 404);
    for (method, path, body) in calls {
        let (status, answer) = office.of(&office.admin, (method.clone(), path), body).await;
        assert!([200, 201, 204].contains(&status), "{method} {path}: {answer}");
    }
    assert_eq!(office.reads_and_sends(text(&of_admin["key"])).await, (200, 202));
}

#[actix_web::test]
async fn nobody_creates_a_key_that_may_do_more_or_lasts_longer_than_its_creator() {
    let office = Office::new().await;
    let viewer = Person::new(&office.api.store, &office.api.stream, Role::Viewer).await;
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    for (body, field) in [
        (json!({"name": "x", "scopes": ["ingest"]}), "scopes"),
        (json!({"name": "x", "scopes": ["read", "admin"]}), "scopes"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x", "expires_at": past}), "expires_at"),
    ] {
        let (status, answer) = office.of(&viewer, (Method::POST, KEYS), body.clone()).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!(field)), "{body}: {answer}");
    }
    let of_viewer = office.create_key(&viewer, json!({"name": "x"})).await;
    // A stolen key cannot make itself another one; only an administrator's can.
    let with_key =
        |key: &str, body: &Value| office.api.request(Method::POST, KEYS).bearer_auth(key).json(body);
    let body = json!({"name": "x"});
    let refused = with_key(text(&of_viewer["key"]), &body).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let of_admin = office.create_key(&office.admin, json!({"name": "admin"})).await;
    let (status, made) = read(with_key(text(&of_admin["key"]), &body).send().await.unwrap()).await;
    assert_eq!((status, &made["owner"]), (201, &Value::Null), "{made}");
    assert_eq!(office.reads_and_sends(text(&made["key"])).await, (200, 202));
    // A token with fewer scopes gets no key with more by rotating one.
    let ana_key = office.create_key(&office.ana, json!({"name": "wide"})).await;
    let narrow = office.tokens_of_ana(Some("read")).await;
    let rotate = format!("{KEYS}/{}/rotate", text(&ana_key["id"]));
    let request = office.api.request(Method::POST, &rotate).bearer_auth(text(&narrow["access_token"]));
    let (status, answer) = read(request.json(&json!({})).send().await.unwrap()).await;
    assert_eq!((status, code(&answer)), (403, "forbidden"), "{answer}");
}

impl Office {
    /// Gives Ana a password and signs her in with it.
    async fn tokens_of_ana(&self, scope: Option<&str>) -> Value {
        let hash = PasswordHasher::new().hash(PASSWORD).await.unwrap();
        users::set_password(&self.api.store, self.ana.user.id, &hash, Timestamp::now()).await.unwrap();
        let mut body =
            json!({"grant_type": "password", "username": self.ana.user.email, "password": PASSWORD});
        if let Some(scope) = scope {
            body["scope"] = json!(scope);
        }
        let (status, tokens) = self.exchange(body).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn renew(&self, token: &str) -> (u16, Value) {
        self.exchange_form(&format!("grant_type=refresh_token&refresh_token={token}"), None).await
    }
}

#[actix_web::test]
async fn a_client_exchanges_its_secret_in_every_shape_for_a_token() {
    let office = Office::new().await;
    let created = office
        .create_client(json!({"name": "Importer", "role": "analyst", "scopes": ["ingest", "read"]}))
        .await;
    let (id, secret) = (text(&created["id"]).to_owned(), text(&created["client_secret"]).to_owned());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&audience=x");
    let outcomes = [
        office.exchange(json!({"client_id": id, "client_secret": secret})).await,
        office
            .exchange(json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}))
            .await,
        office.exchange_form(&form, None).await,
        office.exchange_form("grant_type=client_credentials", Some((&id, &secret))).await,
    ];
    for (status, tokens) in outcomes {
        assert_eq!(status, 200, "{tokens}");
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(900)));
        assert_eq!((&tokens["scope"], &tokens["refresh_token"]), (&json!("read ingest"), &Value::Null));
        assert_eq!(office.reads_and_sends(text(&tokens["access_token"])).await, (200, 202));
    }
    let (_, narrow) =
        office.exchange(json!({"client_id": id, "client_secret": secret, "scope": "ingest"})).await;
    assert_eq!(office.reads_and_sends(text(&narrow["access_token"])).await, (403, 202));
    let (status, answer) =
        office.exchange(json!({"client_id": id, "client_secret": secret, "scope": "admin"})).await;
    assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("scope")), "{answer}");
    let unknown = id.replace(&id[..8], "01930000");
    for (id, secret) in [(id.as_str(), "wrong"), (&unknown, secret.as_str()), ("x", "y"), (&id, "")] {
        let (status, answer) = office.exchange(json!({"client_id": id, "client_secret": secret})).await;
        assert_eq!((status, code(&answer)), (401, "wrong_credentials"), "{id} {secret}");
    }
    // Only administrators see clients; nobody sees the secret again.
    let (_, listed) = office.of(&office.admin, (Method::GET, CLIENTS), Value::Null).await;
    assert_eq!((&listed["items"][0]["id"], listed.to_string().contains(&secret)), (&json!(id), false));
    assert!(listed["items"][0]["last_used_at"].is_string(), "{listed}");
    assert_eq!(office.of(&office.ana, (Method::GET, CLIENTS), Value::Null).await.0, 403);
}

#[actix_web::test]
async fn a_client_rotates_its_secret_with_an_overlap_and_ends_when_it_is_revoked() {
    let office = Office::new().await;
    let created = office.create_client(json!({"name": "Importer", "role": "viewer"})).await;
    let id = text(&created["id"]).to_owned();
    let path = format!("{CLIENTS}/{id}/rotate-secret");
    let (status, rotated) =
        office.of(&office.admin, (Method::POST, &path), json!({"overlap_seconds": 3_600})).await;
    assert_eq!(status, 200, "{rotated}");
    let exchange =
        async |secret: &Value| office.exchange(json!({"client_id": id, "client_secret": secret})).await;
    let (old, new) = (&created["client_secret"], &rotated["client_secret"]);
    for secret in [old, new] {
        assert_eq!(exchange(secret).await.0, 200);
    }
    office.sql("UPDATE clients SET previous_expires_at = now()").await;
    assert_eq!(exchange(old).await.0, 401);
    let (_, tokens) = exchange(new).await;
    let token = text(&tokens["access_token"]);
    assert_eq!(office.reads_and_sends(token).await, (200, 403));
    let path = format!("{CLIENTS}/{id}");
    assert_eq!(office.of(&office.admin, (Method::DELETE, &path), Value::Null).await.0, 204);
    assert_eq!(office.reads_and_sends(token).await, (401, 401), "at once in this process");
    let (status, answer) = exchange(new).await;
    assert_eq!((status, code(&answer)), (403, "revoked"));
    assert_eq!(exchange(old).await.0, 401);
    assert_eq!(office.of(&office.admin, (Method::DELETE, &path), Value::Null).await.0, 404);
}

#[actix_web::test]
async fn a_person_signs_a_program_in_and_it_renews_its_token() {
    let office = Office::new().await;
    let first = office.tokens_of_ana(None).await;
    assert_eq!(first["scope"], json!("read ingest write analyze"));
    assert_eq!(office.reads_and_sends(text(&first["access_token"])).await, (200, 202));
    let (status, second) = office.renew(text(&first["refresh_token"])).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // A second tab, within the grace period.
    let (status, of_tab) = office.renew(text(&first["refresh_token"])).await;
    assert_eq!(status, 200, "{of_tab}");
    for tokens in [&first, &second, &of_tab] {
        assert_eq!(office.reads_and_sends(text(&tokens["access_token"])).await, (200, 202));
    }
    // A thief, after it: the whole sign-in ends, with its access tokens.
    office.sql("UPDATE refresh_tokens SET used_at = used_at - interval '20 seconds'").await;
    let (status, answer) = office.renew(text(&first["refresh_token"])).await;
    assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
    for tokens in [&second, &of_tab] {
        let (status, answer) = office.renew(text(&tokens["refresh_token"])).await;
        assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
    }
    office.api.standings.forget();
    for tokens in [&first, &second, &of_tab] {
        assert_eq!(office.reads_and_sends(text(&tokens["access_token"])).await, (401, 401));
    }
    assert_eq!(office.renew("gsr_invented").await.0, 401);
    // Her session in the dashboard is another sign-in.
    assert_eq!(office.of(&office.ana, (Method::GET, KEYS), Value::Null).await.0, 200);
}

#[actix_web::test]
async fn a_password_is_exchanged_with_the_delays_of_a_sign_in() {
    let office = Office::new().await;
    office.tokens_of_ana(None).await;
    let wrong = json!({"grant_type": "password", "username": office.ana.user.email, "password": "wrong"});
    let (status, answer) = office.exchange(wrong.clone()).await;
    assert_eq!((status, code(&answer)), (401, "wrong_credentials"), "{answer}");
    // The delays double, so that one is met however long an attempt takes.
    let delayed = eventually("an attempt is delayed", async || {
        let (status, answer) = office.exchange(wrong.clone()).await;
        (status == 429).then_some(answer)
    });
    assert_eq!(code(&delayed.await), "too_many_attempts");
    let (status, answer) = office.exchange(json!({"grant_type": "password", "username": "ana"})).await;
    assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("password")));
}

#[actix_web::test]
async fn a_key_is_exchanged_for_a_token_that_ends_with_the_key() {
    let office = Office::new().await;
    let created = office.create_key(&office.ana, json!({"name": "one", "scopes": ["ingest", "read"]})).await;
    let (status, tokens) = office.exchange(json!({"api_key": created["key"], "scope": "ingest"})).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!("ingest")), "{tokens}");
    let token = text(&tokens["access_token"]);
    assert_eq!(office.reads_and_sends(token).await, (403, 202));
    let key = format!("{KEYS}/{}", text(&created["id"]));
    assert_eq!(office.of(&office.ana, (Method::DELETE, &key), Value::Null).await.0, 204);
    assert_eq!(office.reads_and_sends(token).await, (401, 401));
    assert_eq!(office.exchange(json!({"api_key": "gsk_x"})).await.0, 401);
}

#[actix_web::test]
async fn the_published_keys_verify_the_tokens_and_a_damaged_token_is_nobody() {
    let office = Office::new().await;
    let tokens = office.tokens_of_ana(None).await;
    let token = text(&tokens["access_token"]);
    let (status, published) = office.api.get("/.well-known/jwks.json").await;
    assert_eq!((status, published["keys"].as_array().unwrap().len()), (200, 1), "{published}");
    let parts: Vec<&str> = token.split('.').collect();
    let decoded = |part: &str| -> Value {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    assert_eq!((&header["kid"], &header["alg"]), (&published["keys"][0]["kid"], &json!("EdDSA")));
    assert_eq!(claims["sub"], json!(format!("user:{}", office.ana.user.id)));
    let claims_end = parts[0].len() + 1 + parts[1].len();
    for at in [0, parts[0].len() + 10, claims_end + 20] {
        let replaced = if &token[at..=at] == "A" { "B" } else { "A" };
        let damaged = format!("{}{replaced}{}", &token[..at], &token[at + 1..]);
        assert_eq!(office.reads_and_sends(&damaged).await, (401, 401), "{damaged}");
    }
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(office.reads_and_sends(&unsigned).await, (401, 401));
}

#[actix_web::test]
async fn calls_with_a_key_are_counted() {
    let office = Office::new().await;
    let created = office.create_key(&office.ana, json!({"name": "one"})).await;
    let usage = format!("{KEYS}/{}/usage", text(&created["id"]));
    let (_, none) = office.of(&office.ana, (Method::GET, &usage), Value::Null).await;
    assert_eq!(none, json!({"last_used_at": null, "days": []}));
    for _ in 0..3 {
        office.reads_and_sends(text(&created["key"])).await;
    }
    office.reads_and_sends("gsk_wrong").await;
    office.api.credentials.api_keys().usage().write().await.unwrap();
    let (_, counted) = office.of(&office.ana, (Method::GET, &usage), Value::Null).await;
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
        acting.try_get("/api/v1/auth/me").await.is_ok_and(|answer| answer.status == 200)
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
async fn an_account_that_is_disabled_gets_no_tokens() {
    let office = Office::new().await;
    let tokens = office.tokens_of_ana(None).await;
    let (id, email) = (office.ana.user.id, &office.ana.user.email);
    users::set_active(&office.api.store, id, false, Timestamp::now()).await.unwrap();
    office.api.standings.forget();
    assert_eq!(office.reads_and_sends(text(&tokens["access_token"])).await, (401, 401));
    let body = json!({"grant_type": "password", "username": email, "password": PASSWORD});
    assert_eq!(office.exchange(body).await.0, 401);
    let (status, answer) = office.renew(text(&tokens["refresh_token"])).await;
    assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
}
