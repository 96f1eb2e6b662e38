//! An invitation ends with the access of the administrator who created it.

use groundswell::models::principal::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::api_server::read;
use crate::support::api_with_accounts::{ApiWithAccounts, PASSWORD, text};
use crate::support::people::Person;

const INVITATIONS: &str = "/api/v1/invitations";

/// Invites a viewer, and returns the token of the invitation.
async fn invite(request: RequestBuilder, email: &str) -> String {
    let (status, created) =
        read(request.json(&json!({"email": email, "role": "viewer"})).send().await.unwrap()).await;
    assert_eq!(status, 201, "{created}");
    text(&created["token"]).to_owned()
}

/// Accepts an invitation.
async fn accept(api: &ApiWithAccounts, token: &str) -> (u16, Value) {
    let request = api.server.request(Method::POST, "/api/v1/auth/invitation");
    read(request.json(&json!({"token": token, "password": PASSWORD})).send().await.unwrap()).await
}

#[actix_web::test]
async fn an_invitation_by_an_administrator_who_is_disabled_cannot_be_accepted() {
    let api = ApiWithAccounts::new().await;
    let leaver = Person::new(&api.server.store, &api.server.stream, Role::Admin).await;
    let key = api.create_key(&leaver, json!({"name": "Deployment"})).await;
    let call = || (Method::POST, INVITATIONS);
    let by_session = invite(api.page_request(&leaver, call()), "bob@example.com").await;
    let with_key = api.server.request(Method::POST, INVITATIONS).bearer_auth(text(&key["key"]));
    let by_key = invite(with_key, "eve@example.com").await;
    let by_another = invite(api.page_request(&api.admin, call()), "ivy@example.com").await;
    let path = format!("/api/v1/users/{}", leaver.user.id);
    let disable = json!({"is_active": false});
    assert_eq!(api.call_as(&api.admin, (Method::PATCH, &path), disable).await.0, 200);
    for token in [by_session, by_key] {
        let (status, answer) = accept(&api, &token).await;
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("link_ended")), "{answer}");
    }
    let (status, account) = accept(&api, &by_another).await;
    assert_eq!((status, &account["email"]), (201, &json!("ivy@example.com")), "{account}");
}
