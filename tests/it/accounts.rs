//! Signing in and out, the first account, passwords and sessions.

use groundswell::auth::password::PasswordHasher;
use groundswell::models::account::User;
use groundswell::models::plan::Plan;
use groundswell::models::principal::Role;
use groundswell::store::accounts::users::{self, NewUser};
use groundswell::stream::{Attempt, SignInTarget};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::eventually;
use crate::support::people::Person;

const PASSWORD: &str = "four unrelated words";

async fn create(api: &ApiServer, email: &str, role: Role) -> User {
    let hashed_secret = PasswordHasher::new().hash(PASSWORD).await.unwrap();
    let new = NewUser { email: email.parse().unwrap(), name: None, plan: Plan::Pro, role, hashed_secret };
    let user = users::create(&api.store, &new, Timestamp::now()).await.unwrap().unwrap();
    api.open_access.refresh().await.unwrap();
    user
}

/// Makes a request as a page of the server's own does.
fn from_page(api: &ApiServer, method: Method, path: &str, cookie: &str) -> RequestBuilder {
    api.request(method, path).header("origin", api.url.as_str()).header("cookie", cookie)
}

async fn sign_in(api: &ApiServer, cookie: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password});
    from_page(api, Method::POST, "/api/v1/auth/login", cookie).json(&body).send().await.unwrap()
}

/// Returns the cookies that a response sets, as a browser sends them back.
fn cookies_of(response: &Response) -> String {
    let set = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    set.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ")
}

async fn status_of(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_person_signs_in_is_known_and_signs_out() {
    let api = ApiServer::open(Setup::default()).await;
    let ana = create(&api, "ana@example.com", Role::Analyst).await;
    assert_eq!(status_of(from_page(&api, Method::GET, "/api/v1/auth/me", "")).await, 401);
    let response = sign_in(&api, "", " Ana@Example.com", PASSWORD).await;
    for cookie in response.headers().get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let cookies = cookies_of(&response);
    assert!(cookies.contains("groundswell_session=") && cookies.contains("groundswell_device="), "{cookies}");
    let (status, me) = read(response).await;
    assert_eq!((status, &me["identity"], &me["role"]), (200, &json!("user"), &json!("analyst")));
    assert_eq!((&me["plan"], &me["sign_in"]), (&json!("pro"), &json!("required")));
    assert_eq!(me["user"]["id"], json!(ana.id));
    let (status, again) =
        read(from_page(&api, Method::GET, "/api/v1/auth/me", &cookies).send().await.unwrap()).await;
    assert_eq!((status, again), (200, me));
    assert_eq!(status_of(from_page(&api, Method::POST, "/api/v1/auth/logout", &cookies)).await, 204);
    assert_eq!(status_of(from_page(&api, Method::GET, "/api/v1/auth/me", &cookies)).await, 401);
    // Nobody is signed out twice.
    assert_eq!(status_of(from_page(&api, Method::POST, "/api/v1/auth/logout", &cookies)).await, 204);
}

#[actix_web::test]
async fn a_refusal_does_not_tell_whether_the_account_exists() {
    let api = ApiServer::open(Setup::default()).await;
    let ana = create(&api, "ana@example.com", Role::Viewer).await;
    users::set_active(&api.store, ana.id, false, Timestamp::now()).await.unwrap();
    create(&api, "bo@example.com", Role::Viewer).await;
    let mut answers = Vec::new();
    for (email, password) in
        [("ana@example.com", PASSWORD), ("bo@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
    {
        let response = sign_in(&api, "", email, password).await;
        assert_eq!(cookies_of(&response), "");
        answers.push(read(response).await);
    }
    assert_eq!((answers[0].0, &answers[0].1["error"]["code"]), (401, &json!("wrong_credentials")));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[actix_web::test]
async fn failures_delay_further_attempts_but_not_on_a_device_that_has_signed_in() {
    let api = ApiServer::open(Setup::default()).await;
    create(&api, "ana@example.com", Role::Viewer).await;
    let device = cookies_of(&sign_in(&api, "", "ana@example.com", PASSWORD).await);
    let device = device.split("; ").find(|cookie| cookie.starts_with("groundswell_device=")).unwrap();
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        let refused = sign_in(&api, "", "ana@example.com", "wrong").await;
        statuses.push(refused.status().as_u16());
        if refused.status() == 429 {
            assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
            assert_eq!(read(refused).await.1["error"]["code"], "too_many_attempts");
        }
        assert!(statuses.len() < 1_000, "{statuses:?}");
    }
    assert!(statuses.len() > 5, "{statuses:?}");
    // The delays have grown beyond what this test takes.
    for failures in 0..8 {
        let attempt = Attempt {
            target: SignInTarget::PasswordOf("ana@example.com".parse().unwrap()),
            address: "127.0.0.1".parse().unwrap(),
            known_device: None,
        };
        let later = Timestamp::now() + jiff::SignedDuration::from_mins(20 * (failures + 1));
        api.stream.sign_in_attempts().begin(&attempt, later).await.unwrap();
    }
    assert_eq!(sign_in(&api, "", "ana@example.com", PASSWORD).await.status(), 429);
    assert_eq!(sign_in(&api, "groundswell_device=invented", "ana@example.com", PASSWORD).await.status(), 429);
    assert_eq!(sign_in(&api, device, "ana@example.com", PASSWORD).await.status(), 200);
}

#[actix_web::test]
async fn the_first_account_is_created_once_with_the_code_and_closes_the_server() {
    let api = ApiServer::open(Setup::default()).await;
    let state = async || api.get("/api/v1/auth/state").await.1;
    assert_eq!(state().await, json!({"setup_required": true, "sign_in_required": false, "mail": false}));
    assert_eq!(api.get("/api/v1/auth/me").await.1["identity"], "local_operator");
    let code = api.stream.setup_code().show().await.unwrap();
    let set_up = async |code: &str, email: &str, password: &str| {
        let body = json!({"code": code, "email": email, "password": password, "name": "Ana"});
        from_page(&api, Method::POST, "/api/v1/auth/setup", "").json(&body).send().await.unwrap()
    };
    let (status, refused) = read(set_up("AAAA-AAAA-AAAA", "ana@example.com", PASSWORD).await).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("wrong_setup_code")));
    let (status, refused) = read(set_up(&code, "ana@example.com", "password1234").await).await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("password")));
    assert_eq!(api.get("/api/v1/system").await.0, 200);
    // Two people at the same time.
    let (one, other) =
        tokio::join!(set_up(&code, "ana@example.com", PASSWORD), set_up(&code, "bo@example.com", PASSWORD));
    let (made, refused) = if one.status() == 201 { (one, other) } else { (other, one) };
    let cookies = cookies_of(&made);
    let (status, me) = read(made).await;
    assert_eq!((status, &me["role"], &me["sign_in"]), (201, &json!("admin"), &json!("required")));
    let (status, refused) = read(refused).await;
    // The code may be gone already.
    let expected = [(409, "already_set_up"), (401, "wrong_setup_code")];
    assert!(expected.contains(&(status, refused["error"]["code"].as_str().unwrap())), "{status} {refused}");
    assert_eq!(users::list(&api.store).await.unwrap().len(), 1);
    assert_eq!(state().await, json!({"setup_required": false, "sign_in_required": true, "mail": false}));
    assert_eq!(api.get("/api/v1/system").await.0, 401);
    assert_eq!(status_of(from_page(&api, Method::GET, "/api/v1/dead-letters", &cookies)).await, 200);
    assert_eq!(read(set_up(&code, "cy@example.com", PASSWORD).await).await.0, 409);
}

#[actix_web::test]
async fn wrong_setup_codes_from_elsewhere_do_not_delay_who_sets_the_server_up() {
    let api = ApiServer::open(Setup::default()).await;
    let code = api.stream.setup_code().show().await.unwrap();
    for n in 0..100 {
        let attempt = Attempt {
            target: SignInTarget::SetupCode,
            address: format!("2001:db8:0:{n:x}::1").parse().unwrap(),
            known_device: None,
        };
        api.stream.sign_in_attempts().begin(&attempt, Timestamp::now()).await.unwrap();
    }
    let body = json!({"code": code, "email": "ana@example.com", "password": PASSWORD});
    let made = from_page(&api, Method::POST, "/api/v1/auth/setup", "").json(&body);
    assert_eq!(status_of(made).await, 201);
}

#[actix_web::test]
async fn a_change_in_a_session_must_come_from_the_servers_own_pages() {
    let api = ApiServer::open(Setup::default()).await;
    let ana = Person::new(&api.store, &api.stream, Role::Admin).await;
    api.open_access.refresh().await.unwrap();
    let cookie = format!("groundswell_session={}", ana.cookie);
    let path = "/api/v1/live/tickets";
    let change = |origin: Option<(&'static str, String)>| {
        let request = api.request(Method::POST, path).header("cookie", &cookie);
        let request = match origin {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        async move { read(request.send().await.unwrap()).await }
    };
    let own = |name: &'static str, value: &str| Some((name, value.to_owned()));
    assert_eq!(change(own("origin", &api.url)).await.0, 201);
    assert_eq!(change(own("sec-fetch-site", "same-origin")).await.0, 201);
    let allowed = crate::support::api_server::ALLOWED_ORIGIN;
    for origin in [
        None,
        own("sec-fetch-site", "same-site"),
        own("sec-fetch-site", "cross-site"),
        own("sec-fetch-site", "none"),
        own("origin", allowed),
    ] {
        let (status, refused) = change(origin.clone()).await;
        assert_eq!((status, &refused["error"]["code"]), (403, &json!("cross_site")), "{origin:?}");
    }
    let (status, refused) = change(own("origin", "https://evil.example")).await;
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("foreign_origin")));
    // Reading changes nothing.
    let read_only = api.request(Method::GET, "/api/v1/auth/me").header("cookie", &cookie);
    assert_eq!(status_of(read_only).await, 200);
}

#[actix_web::test]
async fn over_tls_a_session_in_a_cookie_that_another_host_may_have_set_is_none() {
    let api = ApiServer::open(Setup::default()).await;
    let ana = Person::new(&api.store, &api.stream, Role::Admin).await;
    api.open_access.refresh().await.unwrap();
    let me = async |prefix: &str, header: (&str, &str)| {
        let request = api.request(Method::GET, "/api/v1/auth/me").header(header.0, header.1);
        let cookie = format!("{prefix}groundswell_session={}", ana.cookie);
        status_of(request.header("host", "dash.example.org").header("cookie", cookie)).await
    };
    for tls in [
        ("origin", "https://dash.example.org"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=192.0.2.7;proto=https"),
    ] {
        assert_eq!((me("", tls).await, me("__Host-", tls).await), (401, 200), "{tls:?}");
    }
    assert_eq!(me("", ("x-forwarded-proto", "http")).await, 200);
}

#[actix_web::test]
async fn a_wrong_token_beside_a_session_is_not_replaced_by_it() {
    let api = ApiServer::open(Setup { token: Some("0123456789abcdef"), ..Setup::default() }).await;
    let ana = Person::new(&api.store, &api.stream, Role::Admin).await;
    let cookie = format!("groundswell_session={}", ana.cookie);
    let me = |bearer: Option<&str>| {
        let request = from_page(&api, Method::GET, "/api/v1/auth/me", &cookie);
        let request = match bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        };
        async move { read(request.send().await.unwrap()).await }
    };
    assert_eq!(me(None).await.1["identity"], "user");
    assert_eq!(me(Some("0123456789abcdef")).await.1["identity"], "operator");
    for wrong in ["0123456789abcdeg", "gsk_0193_secret", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"] {
        assert_eq!(me(Some(wrong)).await.0, 401, "{wrong}");
    }
}

#[actix_web::test]
async fn a_new_password_counts_at_once_and_ends_the_other_sessions() {
    let api = ApiServer::open(Setup::default()).await;
    create(&api, "ana@example.com", Role::Viewer).await;
    let here = cookies_of(&sign_in(&api, "", "ana@example.com", PASSWORD).await);
    let there = cookies_of(&sign_in(&api, "", "ana@example.com", PASSWORD).await);
    let change = async |cookies: &str, current: &str, new: &str| {
        let request = from_page(&api, Method::POST, "/api/v1/auth/password", cookies);
        read(request.json(&json!({"current": current, "new": new})).send().await.unwrap()).await
    };
    let (status, refused) = change(&here, "wrong", "five other unrelated words").await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("current")));
    const NOTED: &str = "
        SELECT payload ->> 'account' FROM audit_logs
        WHERE action = 'sign_in_failed' AND actor_kind = 'user' AND payload ->> 'route' = '/api/v1/auth/password'";
    let sql = api.space.sql().await;
    let noted =
        eventually("the failure is in the audit log", async || sql.query_opt(NOTED, &[]).await.unwrap());
    assert_eq!(noted.await.get::<_, &str>(0), "ana@example.com");
    let (status, refused) = change(&here, PASSWORD, "ana@example.com").await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("new")));
    assert_eq!(change(&here, PASSWORD, "five other unrelated words").await, (204, Value::Null));
    assert_eq!(status_of(from_page(&api, Method::GET, "/api/v1/auth/me", &here)).await, 200);
    assert_eq!(status_of(from_page(&api, Method::GET, "/api/v1/auth/me", &there)).await, 401);
    assert_eq!(sign_in(&api, "", "ana@example.com", PASSWORD).await.status(), 401);
    assert_eq!(sign_in(&api, "", "ana@example.com", "five other unrelated words").await.status(), 200);
    let operator = api.request(Method::POST, "/api/v1/auth/password");
    assert_eq!(status_of(operator.json(&json!({"current": "a", "new": "b"}))).await, 401);
}

#[actix_web::test]
async fn people_see_and_end_their_own_sessions_and_administrators_all() {
    let api = ApiServer::open(Setup::default()).await;
    let ana = Person::new(&api.store, &api.stream, Role::Analyst).await;
    let admin = Person::new(&api.store, &api.stream, Role::Admin).await;
    let elsewhere = Person::sign_in(ana.user.clone(), &api.stream, Timestamp::now()).await;
    api.open_access.refresh().await.unwrap();
    let request = |person: &Person, method: Method, path: &str| {
        let cookie = format!("groundswell_session={}", person.cookie);
        from_page(&api, method, path, &cookie)
    };
    let list = async |person: &Person, query: &str| {
        let path = format!("/api/v1/sessions{query}");
        read(request(person, Method::GET, &path).send().await.unwrap()).await
    };
    let (status, listed) = list(&ana, "").await;
    let found: Vec<(&Value, &Value)> =
        listed["items"].as_array().unwrap().iter().map(|it| (&it["id"], &it["is_current"])).collect();
    let (here, there) = (json!(ana.session.id), json!(elsewhere.session.id));
    assert_eq!(status, 200);
    assert_eq!(found, [(&there, &json!(false)), (&here, &json!(true))]);
    assert!(!listed.to_string().contains("digest"), "{listed}");
    let of_ana = format!("?user={}", ana.user.id);
    assert_eq!(list(&ana, &of_ana).await.1, listed);
    assert_eq!(list(&ana, &format!("?user={}", admin.user.id)).await.0, 403);
    assert_eq!(list(&admin, &of_ana).await.1["items"].as_array().unwrap().len(), 2);
    let end = async |person: &Person, ended: &Person| {
        status_of(request(person, Method::DELETE, &format!("/api/v1/sessions/{}", ended.session.id))).await
    };
    // Another's is as if it did not exist.
    assert_eq!(end(&ana, &admin).await, 404);
    assert_eq!(end(&ana, &elsewhere).await, 204);
    assert_eq!(end(&ana, &elsewhere).await, 404);
    assert_eq!(list(&elsewhere, "").await.0, 401);
    assert_eq!(end(&admin, &ana).await, 204);
    assert_eq!(list(&ana, "").await.0, 401);
}
