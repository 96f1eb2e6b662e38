//! Clients, and the tokens that credentials are exchanged for.

use groundswell::store::accounts::users;
use groundswell::stream::{Attempt, SignInTarget};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_with_accounts::{ApiWithAccounts, CLIENTS, KEYS, PASSWORD, code, text};
use crate::support::eventually;

#[actix_web::test]
async fn a_client_exchanges_its_secret_in_every_shape_for_a_token() {
    let api = ApiWithAccounts::new().await;
    let created =
        api.create_client(json!({"name": "Importer", "role": "analyst", "scopes": ["ingest", "read"]})).await;
    let (id, secret) = (text(&created["id"]).to_owned(), text(&created["client_secret"]).to_owned());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&audience=x");
    let outcomes = [
        api.exchange(json!({"client_id": id, "client_secret": secret})).await,
        api.exchange(json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}))
            .await,
        api.exchange_form(&form, None).await,
        api.exchange_form("grant_type=client_credentials", Some((&id, &secret))).await,
    ];
    for (status, tokens) in outcomes {
        assert_eq!(status, 200, "{tokens}");
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("bearer"), &json!(900)));
        assert_eq!((&tokens["scope"], &tokens["refresh_token"]), (&json!("read ingest"), &Value::Null));
        assert_eq!(api.reads_and_sends(text(&tokens["access_token"])).await, (200, 202));
    }
    let (_, narrow) =
        api.exchange(json!({"client_id": id, "client_secret": secret, "scope": "ingest"})).await;
    assert_eq!(api.reads_and_sends(text(&narrow["access_token"])).await, (403, 202));
    let (status, answer) =
        api.exchange(json!({"client_id": id, "client_secret": secret, "scope": "admin"})).await;
    assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("scope")), "{answer}");
    let unknown = id.replace(&id[..8], "01930000");
    for (id, secret) in [(id.as_str(), "wrong"), (&unknown, secret.as_str()), ("x", "y"), (&id, "")] {
        let (status, answer) = api.exchange(json!({"client_id": id, "client_secret": secret})).await;
        assert_eq!((status, code(&answer)), (401, "wrong_credentials"), "{id} {secret}");
    }
    // Only administrators see clients; nobody sees the secret again.
    let (_, listed) = api.call_as(&api.admin, (Method::GET, CLIENTS), Value::Null).await;
    assert_eq!((&listed["items"][0]["id"], listed.to_string().contains(&secret)), (&json!(id), false));
    assert!(listed["items"][0]["last_used_at"].is_string(), "{listed}");
    assert_eq!(api.call_as(&api.ana, (Method::GET, CLIENTS), Value::Null).await.0, 403);
}

#[actix_web::test]
async fn a_client_rotates_its_secret_with_an_overlap_and_ends_when_it_is_revoked() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_client(json!({"name": "Importer", "role": "viewer"})).await;
    let id = text(&created["id"]).to_owned();
    let path = format!("{CLIENTS}/{id}/rotate-secret");
    let (status, rotated) =
        api.call_as(&api.admin, (Method::POST, &path), json!({"overlap_seconds": 3_600})).await;
    assert_eq!(status, 200, "{rotated}");
    let exchange =
        async |secret: &Value| api.exchange(json!({"client_id": id, "client_secret": secret})).await;
    let (old, new) = (&created["client_secret"], &rotated["client_secret"]);
    for secret in [old, new] {
        assert_eq!(exchange(secret).await.0, 200);
    }
    api.sql("UPDATE clients SET previous_expires_at = now()").await;
    assert_eq!(exchange(old).await.0, 401);
    let (_, tokens) = exchange(new).await;
    let token = text(&tokens["access_token"]);
    assert_eq!(api.reads_and_sends(token).await, (200, 403));
    let path = format!("{CLIENTS}/{id}");
    assert_eq!(api.call_as(&api.admin, (Method::DELETE, &path), Value::Null).await.0, 204);
    assert_eq!(api.reads_and_sends(token).await, (401, 401), "at once in this process");
    let (status, answer) = exchange(new).await;
    assert_eq!((status, code(&answer)), (403, "revoked"));
    assert_eq!(exchange(old).await.0, 401);
    assert_eq!(api.call_as(&api.admin, (Method::DELETE, &path), Value::Null).await.0, 404);
}

#[actix_web::test]
async fn an_access_token_of_a_client_ends_with_the_secret_that_it_was_issued_for() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_client(json!({"name": "Importer", "role": "viewer"})).await;
    let path = format!("{CLIENTS}/{}/rotate-secret", text(&created["id"]));
    let rotate = async |overlap_seconds: u64| {
        let body = json!({"overlap_seconds": overlap_seconds});
        let (status, rotated) = api.call_as(&api.admin, (Method::POST, &path), body).await;
        assert_eq!(status, 200, "{rotated}");
        rotated
    };
    let token_for = async |client: &Value| {
        let body = json!({"client_id": created["id"], "client_secret": client["client_secret"]});
        let (status, tokens) = api.exchange(body).await;
        assert_eq!(status, 200, "{tokens}");
        text(&tokens["access_token"]).to_owned()
    };
    let first = token_for(&created).await;
    let second = token_for(&rotate(3_600).await).await;
    for token in [&first, &second] {
        assert_eq!(api.reads_and_sends(token).await, (200, 403), "both secrets are accepted");
    }
    let third = token_for(&rotate(0).await).await;
    for token in [&first, &second] {
        assert_eq!(api.reads_and_sends(token).await, (401, 401), "at once in this process");
    }
    assert_eq!(api.reads_and_sends(&third).await, (200, 403));
}

#[actix_web::test]
async fn a_person_signs_a_program_in_and_it_renews_its_token() {
    let api = ApiWithAccounts::new().await;
    let first = api.tokens_of_ana().await;
    assert_eq!(first["scope"], json!("read ingest write analyze"));
    assert_eq!(api.reads_and_sends(text(&first["access_token"])).await, (200, 202));
    let (status, second) = api.renew(text(&first["refresh_token"])).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // A second tab, within the grace period.
    let (status, of_tab) = api.renew(text(&first["refresh_token"])).await;
    assert_eq!(status, 200, "{of_tab}");
    for tokens in [&first, &second, &of_tab] {
        assert_eq!(api.reads_and_sends(text(&tokens["access_token"])).await, (200, 202));
    }
    // A thief, after it: the whole sign-in ends, with its access tokens.
    api.sql("UPDATE refresh_tokens SET used_at = used_at - interval '20 seconds'").await;
    let (status, answer) = api.renew(text(&first["refresh_token"])).await;
    assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
    for tokens in [&second, &of_tab] {
        let (status, answer) = api.renew(text(&tokens["refresh_token"])).await;
        assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
    }
    api.server.standings.forget();
    for tokens in [&first, &second, &of_tab] {
        assert_eq!(api.reads_and_sends(text(&tokens["access_token"])).await, (401, 401));
    }
    assert_eq!(api.renew("gsr_invented").await.0, 401);
    // Her session in the dashboard is another sign-in.
    assert_eq!(api.call_as(&api.ana, (Method::GET, KEYS), Value::Null).await.0, 200);
}

#[actix_web::test]
async fn signing_out_with_an_access_token_ends_its_sign_in_and_no_other() {
    let api = ApiWithAccounts::new().await;
    let ended = api.tokens_of_ana().await;
    let elsewhere = json!({"grant_type": "password", "username": api.ana.user.email, "password": PASSWORD});
    let (status, kept) = api.exchange(elsewhere).await;
    assert_eq!(status, 200, "{kept}");
    let renewed = api.renew(text(&ended["refresh_token"])).await.1;
    let sign_out = api.server.request(Method::POST, "/api/v1/auth/logout");
    let sign_out = sign_out.bearer_auth(text(&ended["access_token"])).send().await.unwrap();
    assert_eq!(sign_out.status(), 204);
    for tokens in [&ended, &renewed] {
        let access_token = text(&tokens["access_token"]);
        assert_eq!(api.reads_and_sends(access_token).await, (401, 401), "at once in this process");
        let (status, answer) = api.renew(text(&tokens["refresh_token"])).await;
        assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
    }
    assert_eq!(api.reads_and_sends(text(&kept["access_token"])).await, (200, 202));
    assert_eq!(api.renew(text(&kept["refresh_token"])).await.0, 200);
    assert_eq!(api.call_as(&api.ana, (Method::GET, KEYS), Value::Null).await.0, 200, "her session goes on");
}

#[actix_web::test]
async fn a_password_is_exchanged_with_the_delays_of_a_sign_in() {
    let api = ApiWithAccounts::new().await;
    api.tokens_of_ana().await;
    let wrong = json!({"grant_type": "password", "username": api.ana.user.email, "password": "wrong"});
    let (status, answer) = api.exchange(wrong.clone()).await;
    assert_eq!((status, code(&answer)), (401, "wrong_credentials"), "{answer}");
    // The delays double, so that one is met however long an attempt takes.
    let delayed = eventually("an attempt is delayed", async || {
        let (status, answer) = api.exchange(wrong.clone()).await;
        (status == 429).then_some(answer)
    });
    assert_eq!(code(&delayed.await), "too_many_attempts");
    let (status, answer) = api.exchange(json!({"grant_type": "password", "username": "ana"})).await;
    assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("password")));
}

#[actix_web::test]
async fn failures_elsewhere_do_not_delay_a_program_where_it_has_signed_in() {
    let api = ApiWithAccounts::new().await;
    api.tokens_of_ana().await;
    let attempts = api.server.stream.sign_in_attempts();
    let mut is_delayed = false;
    for n in 0..100 {
        let attempt = Attempt {
            target: SignInTarget::PasswordOf(api.ana.user.email.clone()),
            address: format!("2001:db8:0:{n:x}::1").parse().unwrap(),
            known_device: None,
        };
        is_delayed |= attempts.begin(&attempt, Timestamp::now()).await.unwrap().is_some();
    }
    assert!(is_delayed, "no attack is under way");
    let right = json!({"grant_type": "password", "username": api.ana.user.email, "password": PASSWORD});
    let (status, tokens) = api.exchange(right).await;
    assert_eq!(status, 200, "{tokens}");
}

#[actix_web::test]
async fn a_key_is_exchanged_for_a_token_that_ends_with_the_key() {
    let api = ApiWithAccounts::new().await;
    let created = api.create_key(&api.ana, json!({"name": "one", "scopes": ["ingest", "read"]})).await;
    let (status, tokens) = api.exchange(json!({"api_key": created["key"], "scope": "ingest"})).await;
    assert_eq!((status, &tokens["scope"]), (200, &json!("ingest")), "{tokens}");
    let token = text(&tokens["access_token"]);
    assert_eq!(api.reads_and_sends(token).await, (403, 202));
    let key = format!("{KEYS}/{}", text(&created["id"]));
    assert_eq!(api.call_as(&api.ana, (Method::DELETE, &key), Value::Null).await.0, 204);
    assert_eq!(api.reads_and_sends(token).await, (401, 401));
    assert_eq!(api.exchange(json!({"api_key": "gsk_x"})).await.0, 401);
}

#[actix_web::test]
async fn the_published_keys_verify_the_tokens_and_a_damaged_token_is_nobody() {
    let api = ApiWithAccounts::new().await;
    let tokens = api.tokens_of_ana().await;
    let token = text(&tokens["access_token"]);
    let (status, published) = api.server.get("/.well-known/jwks.json").await;
    assert_eq!((status, published["keys"].as_array().unwrap().len()), (200, 1), "{published}");
    let parts: Vec<&str> = token.split('.').collect();
    let decoded = |part: &str| -> Value {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    assert_eq!((&header["kid"], &header["alg"]), (&published["keys"][0]["kid"], &json!("EdDSA")));
    assert_eq!(claims["sub"], json!(format!("user:{}", api.ana.user.id)));
    let claims_end = parts[0].len() + 1 + parts[1].len();
    for at in [0, parts[0].len() + 10, claims_end + 20] {
        let replaced = if &token[at..=at] == "A" { "B" } else { "A" };
        let damaged = format!("{}{replaced}{}", &token[..at], &token[at + 1..]);
        assert_eq!(api.reads_and_sends(&damaged).await, (401, 401), "{damaged}");
    }
    let unsigned = format!("{}.{}.", parts[0], parts[1]);
    assert_eq!(api.reads_and_sends(&unsigned).await, (401, 401));
}

#[actix_web::test]
async fn an_account_that_is_disabled_gets_no_tokens() {
    let api = ApiWithAccounts::new().await;
    let tokens = api.tokens_of_ana().await;
    let (id, email) = (api.ana.user.id, &api.ana.user.email);
    users::set_active(&api.server.store, id, false, Timestamp::now()).await.unwrap();
    api.server.standings.forget();
    assert_eq!(api.reads_and_sends(text(&tokens["access_token"])).await, (401, 401));
    let body = json!({"grant_type": "password", "username": email, "password": PASSWORD});
    assert_eq!(api.exchange(body).await.0, 401);
    let (status, answer) = api.renew(text(&tokens["refresh_token"])).await;
    assert_eq!((status, code(&answer)), (403, "revoked"), "{answer}");
}
