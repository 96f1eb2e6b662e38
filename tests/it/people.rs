//! Administration of people over HTTP: accounts, invitations, password resets, and under which names changes are recorded.

use futures_util::future::join_all;
use groundswell::store::accounts::password_resets::{self, NewReset};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::process::Process;
use crate::support::receivers::MailServer;
use crate::support::{Client, Space};

const TOKEN: &str = "0123456789abcdef";

const PASSWORD: &str = "four unrelated words";

const OTHER_PASSWORD: &str = "five even less related words";

async fn api() -> ApiServer {
    ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await
}

async fn ask(request: RequestBuilder) -> (u16, Value) {
    read(request.send().await.unwrap()).await
}

/// Makes a call as the operator.
async fn operator(api: &ApiServer, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = api.request(method, path).bearer_auth(TOKEN);
    ask(if body.is_null() { request } else { request.json(body) }).await
}

/// Makes a call without a credential.
async fn stranger(api: &ApiServer, method: Method, path: &str, body: &Value) -> (u16, Value) {
    ask(api.request(method, path).json(body)).await
}

/// Creates an account and returns it.
async fn account(api: &ApiServer, email: &str, role: &str) -> Value {
    let wish = json!({"email": email, "password": PASSWORD, "role": role});
    let (status, made) = operator(api, Method::POST, "/api/v1/users", &wish).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// Signs in and returns the cookie of the session; the status if that fails.
async fn sign_in(api: &ApiServer, email: &str, password: &str) -> Result<String, u16> {
    let wish = json!({"email": email, "password": password});
    let response = api.request(Method::POST, "/api/v1/auth/login").json(&wish).send().await.unwrap();
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    let cookies = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let session = cookies.filter_map(|cookie| cookie.split(';').next());
    Ok(session.into_iter().find(|cookie| cookie.starts_with("groundswell_session=")).unwrap().to_owned())
}

/// Begins a request of the dashboard in a session.
fn in_session(api: &ApiServer, session: &str, method: Method, path: &str) -> RequestBuilder {
    api.request(method, path).header("cookie", session).header("sec-fetch-site", "same-origin")
}

fn id_of(account: &Value) -> &str {
    account["id"].as_str().unwrap()
}

#[actix_web::test]
async fn an_admin_creates_lists_changes_and_archives_accounts() {
    let api = api().await;
    let ana = account(&api, "ana@example.com", "admin").await;
    let bob = account(&api, "Bob@Example.com", "viewer").await;
    assert_eq!(
        (&bob["email"], &bob["plan"], &bob["is_active"]),
        (&json!("bob@example.com"), &json!("free"), &json!(true))
    );
    assert!(!bob.to_string().contains("hash") && !bob.to_string().contains(PASSWORD), "{bob}");
    for (wish, status, code) in [
        (json!({"email": "bob@example.com", "password": PASSWORD, "role": "viewer"}), 409, "email_taken"),
        (json!({"email": "eve@example.com", "password": "short", "role": "viewer"}), 422, "invalid_field"),
        (json!({"email": "eve", "password": PASSWORD, "role": "viewer"}), 422, "invalid_field"),
        (json!({"email": "eve@example.com", "password": PASSWORD, "role": "owner"}), 422, "invalid_field"),
    ] {
        let (found, refusal) = operator(&api, Method::POST, "/api/v1/users", &wish).await;
        assert_eq!((found, &refusal["error"]["code"]), (status, &json!(code)), "{wish}");
    }
    let listed = async |query: &str| {
        let path = format!("/api/v1/users{query}");
        let (status, page) = operator(&api, Method::GET, &path, &Value::Null).await;
        assert_eq!(status, 200, "{page}");
        page
    };
    let first = listed("?limit=1").await;
    assert_eq!(first["items"], json!([bob]));
    let second = listed(&format!("?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&second["items"], &second["next_cursor"]), (&json!([ana]), &Value::Null));
    assert_eq!(listed("?role=admin&is_active=true&plan=free&q=ANA").await["items"], json!([ana]));
    assert_eq!(listed("?q=nobody").await["items"], json!([]));
    for wrong in ["?cursor=x", "?limit=0", "?role=owner", "?user=x"] {
        let path = format!("/api/v1/users{wrong}");
        assert_eq!(operator(&api, Method::GET, &path, &Value::Null).await.0, 400, "{wrong}");
    }

    let one = format!("/api/v1/users/{}", id_of(&bob));
    let change = json!({"role": "analyst", "plan": "pro", "name": "Bob"});
    let (status, changed) = operator(&api, Method::PATCH, &one, &change).await;
    assert_eq!(
        (status, &changed["role"], &changed["plan"], &changed["name"]),
        (200, &json!("analyst"), &json!("pro"), &json!("Bob"))
    );
    assert_eq!(operator(&api, Method::GET, &one, &Value::Null).await, (200, changed));
    let (_, nameless) = operator(&api, Method::PATCH, &one, &json!({"name": null})).await;
    assert_eq!((&nameless["name"], &nameless["role"]), (&Value::Null, &json!("analyst")));
    for wrong in [json!({}), json!({"email": "eve@example.com"}), json!({"name": ""})] {
        assert_eq!(operator(&api, Method::PATCH, &one, &wrong).await.0, 422, "{wrong}");
    }
    assert_eq!(operator(&api, Method::DELETE, &one, &Value::Null).await.0, 204);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(operator(&api, method, &one, &Value::Null).await.0, 404);
    }
    assert_eq!(listed("").await["items"], json!([ana]));
}

#[actix_web::test]
async fn of_two_admins_who_are_demoted_at_the_same_time_one_stays() {
    let api = api().await;
    let change = |account: &Value, body: Value| {
        let path = format!("/api/v1/users/{}", id_of(account));
        let api = &api;
        async move { operator(api, Method::PATCH, &path, &body).await }
    };
    let delete = async |path: &str| operator(&api, Method::DELETE, path, &Value::Null).await;
    let mut last_of_before: Option<String> = None;
    for (n, body) in [json!({"role": "viewer"}), json!({"is_active": false})].into_iter().enumerate() {
        let one = account(&api, &format!("one{n}@example.com"), "admin").await;
        let other = account(&api, &format!("other{n}@example.com"), "admin").await;
        if let Some(path) = &last_of_before {
            assert_eq!(delete(path).await.0, 204);
        }
        let outcomes = join_all([change(&one, body.clone()), change(&other, body)]).await;
        let mut found: Vec<(u16, &str)> = outcomes
            .iter()
            .map(|(status, it)| (*status, it["error"]["code"].as_str().unwrap_or("")))
            .collect();
        found.sort_unstable();
        assert_eq!(found, [(200, ""), (409, "last_admin")]);
        let admins = "/api/v1/users?role=admin&is_active=true";
        let (_, admins) = operator(&api, Method::GET, admins, &Value::Null).await;
        let [last] = admins["items"].as_array().unwrap().as_slice() else { panic!("{admins}") };
        let path = format!("/api/v1/users/{}", id_of(last));
        let (status, refusal) = delete(&path).await;
        assert_eq!((status, &refusal["error"]["code"]), (409, &json!("last_admin")));
        last_of_before = Some(path);
    }
}

#[actix_web::test]
async fn only_admins_manage_people() {
    let api = api().await;
    let ana = account(&api, "ana@example.com", "admin").await;
    let id = id_of(&ana);
    let calls = [
        (Method::GET, "/api/v1/users".to_owned()),
        (Method::POST, "/api/v1/users".to_owned()),
        (Method::GET, format!("/api/v1/users/{id}")),
        (Method::PATCH, format!("/api/v1/users/{id}")),
        (Method::DELETE, format!("/api/v1/users/{id}")),
        (Method::POST, format!("/api/v1/users/{id}/password-reset")),
        (Method::POST, format!("/api/v1/users/{id}/sign-out")),
        (Method::GET, "/api/v1/invitations".to_owned()),
        (Method::POST, "/api/v1/invitations".to_owned()),
        (Method::DELETE, format!("/api/v1/invitations/{id}")),
    ];
    for role in ["viewer", "analyst"] {
        let email = format!("{role}@example.com");
        let own = account(&api, &email, role).await;
        let session = sign_in(&api, &email, PASSWORD).await.unwrap();
        let (status, me) = ask(in_session(&api, &session, Method::GET, "/api/v1/auth/me")).await;
        assert_eq!((status, &me["user"]["id"]), (200, &own["id"]));
        for (method, path) in &calls {
            let (status, refusal) =
                ask(in_session(&api, &session, method.clone(), path).json(&json!({}))).await;
            assert_eq!(
                (status, &refusal["error"]["code"]),
                (403, &json!("forbidden")),
                "{role}: {method} {path}"
            );
        }
    }
    for (method, path) in &calls {
        assert_eq!(stranger(&api, method.clone(), path, &json!({})).await.0, 401, "{method} {path}");
    }
    let session = sign_in(&api, "ana@example.com", PASSWORD).await.unwrap();
    assert_eq!(ask(in_session(&api, &session, Method::GET, "/api/v1/users")).await.0, 200);
}

#[actix_web::test]
async fn an_account_that_is_disabled_or_signed_out_loses_its_sessions() {
    let api = api().await;
    account(&api, "ana@example.com", "admin").await;
    let bob = account(&api, "bob@example.com", "viewer").await;
    let one = format!("/api/v1/users/{}", id_of(&bob));
    let session = sign_in(&api, "bob@example.com", PASSWORD).await.unwrap();
    let status = async |session: &str| ask(in_session(&api, session, Method::GET, "/api/v1/views")).await.0;
    assert_eq!(status(&session).await, 200);
    assert_eq!(operator(&api, Method::POST, &format!("{one}/sign-out"), &Value::Null).await.0, 204);
    assert_eq!(status(&session).await, 401);
    let session = sign_in(&api, "bob@example.com", PASSWORD).await.unwrap();
    assert_eq!(operator(&api, Method::PATCH, &one, &json!({"is_active": false})).await.0, 200);
    assert_eq!((status(&session).await, sign_in(&api, "bob@example.com", PASSWORD).await), (401, Err(401)));
    assert_eq!(operator(&api, Method::PATCH, &one, &json!({"is_active": true})).await.0, 200);
    assert_eq!(status(&session).await, 401, "the session is not revived");
    assert!(sign_in(&api, "bob@example.com", PASSWORD).await.is_ok());
    let nobody = "/api/v1/users/01930000-0000-7000-8000-000000000001/sign-out";
    assert_eq!(operator(&api, Method::POST, nobody, &Value::Null).await.0, 404);
}

#[actix_web::test]
async fn an_invited_person_creates_one_account_with_the_promised_role() {
    let api = api().await;
    let invite = async |email: &str| {
        let wish = json!({"email": email, "role": "analyst", "plan": "pro"});
        operator(&api, Method::POST, "/api/v1/invitations", &wish).await
    };
    let (status, made) = invite("bob@example.com").await;
    assert_eq!((status, &made["mailed"], &made["role"]), (201, &json!(false), &json!("analyst")), "{made}");
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["link"], format!("/invitation#{token}"));
    let (_, open) = operator(&api, Method::GET, "/api/v1/invitations", &Value::Null).await;
    assert_eq!((&open["items"][0]["id"], open["items"].as_array().unwrap().len()), (&made["id"], 1));
    assert!(!open.to_string().contains(token), "{open}");

    let accept = async |token: &str, password: &str| {
        let choice = json!({"token": token, "password": password, "name": "Bob"});
        stranger(&api, Method::POST, "/api/v1/auth/invitation", &choice).await
    };
    let (status, refusal) = accept(token, "passwordpassword").await;
    assert_eq!((status, &refusal["error"]["details"]["field"]), (422, &json!("password")));
    let accepted = join_all((0..4).map(|_| accept(token, PASSWORD))).await;
    let (made, refused): (Vec<_>, Vec<_>) = accepted.into_iter().partition(|(status, _)| *status == 201);
    let [(_, bob)] = made.as_slice() else { panic!("{made:?} {refused:?}") };
    assert_eq!(
        (&bob["email"], &bob["role"], &bob["plan"]),
        (&json!("bob@example.com"), &json!("analyst"), &json!("pro"))
    );
    for (status, refusal) in refused {
        // A hash that waits too long is refused before it is tried.
        assert!(
            (status, &refusal["error"]["code"]) == (409, &json!("link_ended")) || status == 429,
            "{refusal}"
        );
    }
    let session = sign_in(&api, "bob@example.com", PASSWORD).await.unwrap();
    let (_, me) = ask(in_session(&api, &session, Method::GET, "/api/v1/auth/me")).await;
    assert_eq!(me["role"], "analyst");
    assert_eq!(invite("bob@example.com").await.1["error"]["code"], "email_taken");

    let (_, second) = invite("eve@example.com").await;
    let path = format!("/api/v1/invitations/{}", id_of(&second));
    assert_eq!(operator(&api, Method::DELETE, &path, &Value::Null).await.0, 204);
    assert_eq!(operator(&api, Method::DELETE, &path, &Value::Null).await.0, 404);
    for token in [second["token"].as_str().unwrap(), "", "x", token] {
        let (status, refusal) = accept(token, PASSWORD).await;
        assert_eq!((status, &refusal["error"]["code"]), (409, &json!("link_ended")), "{token}");
    }
}

#[actix_web::test]
async fn the_first_account_is_an_admins_and_ends_open_access() {
    let api = ApiServer::open(Setup::default()).await;
    let wish = json!({"email": "bob@example.com", "role": "viewer"});
    let (status, invitation) = stranger(&api, Method::POST, "/api/v1/invitations", &wish).await;
    assert_eq!(status, 201, "{invitation}");
    let viewer = json!({"email": "bob@example.com", "password": PASSWORD, "role": "viewer"});
    let choice = json!({"token": invitation["token"], "password": PASSWORD});
    for (path, body) in [("/api/v1/users", &viewer), ("/api/v1/auth/invitation", &choice)] {
        let (status, refusal) = stranger(&api, Method::POST, path, body).await;
        assert_eq!((status, &refusal["error"]["code"]), (409, &json!("first_admin")), "{path}");
    }
    let admin = json!({"email": "ana@example.com", "password": PASSWORD, "role": "admin"});
    assert_eq!(stranger(&api, Method::POST, "/api/v1/users", &admin).await.0, 201);
    assert_eq!(stranger(&api, Method::POST, "/api/v1/users", &viewer).await.0, 401);
    assert_eq!(stranger(&api, Method::POST, "/api/v1/auth/invitation", &choice).await.0, 201);
}

#[actix_web::test]
async fn a_link_from_an_admin_sets_a_password_once_and_ends_all_sessions() {
    let api = api().await;
    let ana = account(&api, "ana@example.com", "viewer").await;
    let session = sign_in(&api, "ana@example.com", PASSWORD).await.unwrap();
    let path = format!("/api/v1/users/{}/password-reset", id_of(&ana));
    let (status, made) = operator(&api, Method::POST, &path, &Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["link"], format!("/password-reset#{token}"));
    // A stranger who asks for a mailed link does not end this one.
    let (digest, at) = ([7; 32], Timestamp::now());
    let mailed = NewReset { digest, at, expires_at: at + SignedDuration::from_mins(30) };
    let email = "ana@example.com".parse().unwrap();
    assert!(password_resets::request(&api.store, &email, &mailed).await.unwrap());
    let set = async |token: &str, password: &str| {
        let wish = json!({"token": token, "password": password});
        stranger(&api, Method::PUT, "/api/v1/auth/password-reset", &wish).await
    };
    let (status, refusal) = set(token, "ana@example.com").await;
    assert_eq!((status, &refusal["error"]["details"]["field"]), (422, &json!("password")));
    assert_eq!(set(token, OTHER_PASSWORD).await.0, 204);
    for token in [token, "", "x"] {
        let (status, refusal) = set(token, PASSWORD).await;
        assert_eq!((status, &refusal["error"]["code"]), (409, &json!("link_ended")), "{token}");
    }
    assert_eq!(ask(in_session(&api, &session, Method::GET, "/api/v1/views")).await.0, 401);
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await, Err(401));
    assert!(sign_in(&api, "ana@example.com", OTHER_PASSWORD).await.is_ok());
    let one = format!("/api/v1/users/{}", id_of(&ana));
    assert_eq!(operator(&api, Method::PATCH, &one, &json!({"is_active": false})).await.0, 200);
    assert_eq!(operator(&api, Method::POST, &path, &Value::Null).await.0, 404);
}

#[actix_web::test]
async fn a_stranger_does_not_learn_whether_an_account_exists() {
    let api = api().await;
    account(&api, "ana@example.com", "viewer").await;
    let mut answers = Vec::new();
    for email in ["ana@example.com", "nobody@example.com"] {
        let request = api.request(Method::POST, "/api/v1/auth/password-reset").json(&json!({"email": email}));
        let response = request.send().await.unwrap();
        let mut names: Vec<String> = response.headers().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        answers.push((response.status().as_u16(), names, response.bytes().await.unwrap()));
    }
    assert_eq!((answers[0].0, &answers[0]), (202, &answers[1]));
    let wrong = json!({"email": "nobody"});
    assert_eq!(stranger(&api, Method::POST, "/api/v1/auth/password-reset", &wrong).await.0, 422);
    let (_, state) = stranger(&api, Method::GET, "/api/v1/auth/state", &Value::Null).await;
    assert_eq!(state["mail"], false);
}

#[actix_web::test]
async fn a_change_is_recorded_under_the_name_of_the_account_and_never_under_another() {
    let api = api().await;
    let ana = account(&api, "ana@example.com", "admin").await;
    let session = sign_in(&api, "ana@example.com", PASSWORD).await.unwrap();
    let as_ana = async |method: Method, path: &str, body: &Value| {
        ask(in_session(&api, &session, method, path).header("x-groundswell-actor", "Mallory").json(body))
            .await
    };
    let as_operator = async |method: Method, path: &str, body: &Value| {
        ask(api.request(method, path).bearer_auth(TOKEN).header("x-groundswell-actor", "Olga").json(body))
            .await
    };
    let (_, rules) = operator(&api, Method::GET, "/api/v1/alert-rules", &Value::Null).await;
    let mut rule = rules["items"][0].clone();
    assert_eq!((&rule["created_by"], &rule["updated_by"]), (&Value::Null, &Value::Null));
    for key in ["id", "builtin", "created_at", "updated_at", "created_by", "updated_by"] {
        rule.as_object_mut().unwrap().remove(key);
    }
    let view = json!({"name": "mine", "page": "live", "query": ""});
    let channel = json!({"name": "team", "kind": "email", "settings": {"to": ["team@example.com"]}});
    for (path, body) in
        [("/api/v1/views", view), ("/api/v1/alert-rules", rule), ("/api/v1/notification-channels", channel)]
    {
        let (status, made) = as_ana(Method::POST, path, &body).await;
        assert_eq!(status, 201, "{path}: {made}");
        assert_eq!(
            (&made["created_by"], &made["updated_by"]),
            (&json!("ana@example.com"), &json!("ana@example.com"))
        );
        let one = format!("{path}/{}", id_of(&made));
        let (status, changed) = as_operator(Method::PUT, &one, &body).await;
        assert_eq!(status, 200, "{path}: {changed}");
        assert_eq!(
            (&changed["created_by"], &changed["updated_by"]),
            (&json!("ana@example.com"), &json!("Olga"))
        );
    }
    let silence = json!({"everything": true, "ends_at": "2100-01-01T00:00:00Z"});
    let (status, made) = as_operator(Method::POST, "/api/v1/silences", &silence).await;
    assert_eq!(
        (status, &made["created_by"], &made["updated_by"]),
        (201, &json!("Olga"), &Value::Null),
        "{made}"
    );
    let one = format!("/api/v1/silences/{}", id_of(&made));
    let (status, ended) = as_ana(Method::DELETE, &one, &json!({})).await;
    assert_eq!(
        (status, &ended["created_by"], &ended["updated_by"]),
        (200, &json!("Olga"), &json!("ana@example.com"))
    );
    let annotation = json!({"text": "launch", "starts_at": "2026-11-21T08:40:00Z"});
    let (_, made) = as_ana(Method::POST, "/api/v1/annotations", &annotation).await;
    assert_eq!(
        (&made["created_by"], &made["updated_by"]),
        (&json!("ana@example.com"), &json!("ana@example.com"))
    );
    let wish = json!({"email": "bob@example.com", "role": "viewer"});
    let (_, invitation) = as_ana(Method::POST, "/api/v1/invitations", &wish).await;
    assert_eq!(invitation["created_by"], "ana@example.com");
    let named = format!("/api/v1/users/{}", id_of(&ana));
    assert_eq!(operator(&api, Method::PATCH, &named, &json!({"name": "Ana"})).await.0, 200);
}

/// Returns the token in the link to a page of the dashboard.
fn token_in(mail: &str, page: &str) -> String {
    let start = format!("https://mood.example.org{page}#");
    // Long lines are folded.
    let mail = mail.replace("=\r\n", "").replace("=\n", "");
    let link = mail.lines().find_map(|line| line.trim().strip_prefix(&start));
    link.unwrap_or_else(|| panic!("no link to {page} in\n{mail}")).to_owned()
}

#[tokio::test]
async fn links_are_mailed_and_at_most_three_resets_in_an_hour() {
    let mut server = MailServer::start().await;
    let space = Space::new().await;
    let smtp = format!("--smtp-url={}", server.url);
    let options = [
        "--auth-token",
        TOKEN,
        smtp.as_str(),
        "--smtp-from=Groundswell <mood@example.org>",
        "--public-url=https://mood.example.org/",
        "--rate-limits=false",
    ];
    let mut process = Process::start_on(&space, &options);
    let address = process.ready().await;
    let (client, anyone) = (Client::with_token(address, TOKEN), Client::new(address));

    let wish = json!({"email": "ana@example.com", "role": "admin"});
    let made = client.post("/api/v1/invitations", &wish).await.unwrap().body;
    assert_eq!(made["mailed"], true, "{made}");
    let mail = server.next().await;
    for part in ["To: ana@example.com", "Subject: Your invitation to Groundswell", "as admin"] {
        assert!(mail.contains(part), "{part} is missing in\n{mail}");
    }
    let token = token_in(&mail, "/invitation");
    assert_eq!(
        (&made["token"], &made["link"]),
        (&json!(token), &json!(format!("https://mood.example.org/invitation#{token}")))
    );
    let choice = json!({"token": token, "password": PASSWORD});
    assert_eq!(anyone.post("/api/v1/auth/invitation", &choice).await.unwrap().status, 201);

    let forgot = async |email: &str| {
        let answer = anyone.post("/api/v1/auth/password-reset", &json!({"email": email})).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
    };
    forgot("nobody@example.com").await;
    forgot("ana@example.com").await;
    let first = server.next().await;
    assert!(
        first.contains("To: ana@example.com") && first.contains("Subject: Set a new password"),
        "{first}"
    );
    for _ in 0..4 {
        forgot("ana@example.com").await;
    }
    // Letters are sent in order, so all requests have been served once this one arrives.
    let wish = json!({"email": "eve@example.com", "role": "viewer"});
    assert_eq!(client.post("/api/v1/invitations", &wish).await.unwrap().status, 201);
    let second = server.next().await;
    let third = server.next().await;
    let invitation = server.next().await;
    assert!(invitation.contains("To: eve@example.com"), "{invitation}");
    let set = async |token: &str| {
        let wish = json!({"token": token, "password": OTHER_PASSWORD});
        anyone.act(("PUT", "/api/v1/auth/password-reset"), &wish, "").await.status
    };
    for replaced in [&first, &second] {
        assert_eq!(set(&token_in(replaced, "/password-reset")).await, 409);
    }
    // The requests beyond the third have not replaced the link.
    assert_eq!(set(&token_in(&third, "/password-reset")).await, 204);
    let changed = server.next().await;
    assert!(changed.contains("Subject: Your password for Groundswell was changed"), "{changed}");
    let credentials = json!({"email": "ana@example.com", "password": OTHER_PASSWORD});
    assert_eq!(anyone.post("/api/v1/auth/login", &credentials).await.unwrap().status, 200);
}
