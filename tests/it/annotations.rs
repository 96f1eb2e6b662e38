//! Annotations through the API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};

#[actix_web::test]
async fn an_annotation_is_created_listed_changed_deleted_and_restored() {
    let api = ApiServer::open(Setup::default()).await;
    let path = "/api/v1/annotations";
    let launch = json!({"text": "launch", "starts_at": "2026-11-21T08:40:00Z", "product": "alpha"});
    let request =
        api.request(Method::POST, path).header("x-groundswell-actor", "Ana%20M%C3%BCller").json(&launch);
    let (status, made) = read(request.send().await.unwrap()).await;
    assert_eq!((status, &made["created_by"]), (201, &"Ana Müller".into()), "{made}");

    let listed = async |query: &str| {
        let (status, answer) = api.get(&format!("{path}?{query}")).await;
        assert_eq!(status, 200, "{answer}");
        answer["items"].as_array().unwrap().clone()
    };
    let day = "from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z";
    assert_eq!(listed(day).await, std::slice::from_ref(&made));
    assert_eq!(listed(&format!("{day}&product=beta")).await, Vec::<Value>::new());
    assert_eq!(listed("from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z").await, Vec::<Value>::new());

    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let campaign =
        json!({"text": "campaign", "starts_at": "2026-11-21T08:40:00Z", "ends_at": "2026-11-21T09:40:00Z"});
    let put =
        async |body: &Value| read(api.request(Method::PUT, &one).json(body).send().await.unwrap()).await;
    let (status, changed) = put(&campaign).await;
    assert_eq!(
        (status, &changed["product"], &changed["created_by"]),
        (200, &Value::Null, &made["created_by"])
    );

    let delete = async || api.request(Method::DELETE, &one).send().await.unwrap().status().as_u16();
    assert_eq!(delete().await, 204);
    assert_eq!(delete().await, 404);
    assert_eq!(listed(day).await, Vec::<Value>::new());
    assert_eq!(put(&campaign).await.0, 200);
    assert_eq!(listed(day).await[0]["id"], made["id"]);

    let backwards =
        json!({"text": "x", "starts_at": "2026-11-21T08:40:00Z", "ends_at": "2026-11-21T08:30:00Z"});
    let (status, refusal) = api.post(path, "application/json", backwards.to_string()).await;
    assert_eq!((status, &refusal["error"]["details"]["field"]), (422, &"ends_at".into()), "{refusal}");
    let (status, _) = api.get(&format!("{path}?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z")).await;
    assert_eq!(status, 400);
}
