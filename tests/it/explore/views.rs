//! Saved views and corrected labels.

use reqwest::Method;
use serde_json::{Value, json};

use super::season::season;
use crate::support::api_server::{ApiServer, Setup, read};

#[actix_web::test]
async fn views_and_corrected_labels_go_in_and_come_out() {
    let season = season().await;
    let api = ApiServer::open_on(&season.space, Setup::default()).await;
    let view = json!({"name": "Watches", "page": "explore", "query": "product=Nimbrel+Watch"}).to_string();
    let (status, saved) = api.post("/api/v1/views", "application/json", view.clone()).await;
    assert_eq!(status, 201, "{saved}");
    let id = saved["id"].as_str().unwrap();
    let send = async |method: Method, path: &str, body: String| {
        let request = api.request(method, path).header("content-type", "application/json").body(body);
        read(request.send().await.unwrap()).await
    };
    let (status, changed) =
        send(Method::PUT, &format!("/api/v1/views/{id}"), view.replace("Watches", "W")).await;
    assert_eq!((status, &changed["name"]), (200, &json!("W")));
    assert_eq!(api.get("/api/v1/views").await.1["items"], json!([changed]));
    let (status, wrong) =
        api.post("/api/v1/views", "application/json", view.replace("explore", "admin")).await;
    assert_eq!((status, &wrong["error"]["details"]["field"]), (422, &json!("page")));
    assert_eq!(send(Method::DELETE, &format!("/api/v1/views/{id}"), String::new()).await.0, 204);
    assert_eq!(send(Method::DELETE, &format!("/api/v1/views/{id}"), String::new()).await.0, 404);

    let (_, page) = api.get("/api/v1/posts?limit=1&label=positive").await;
    let post = page["items"][0]["post"]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(page["items"][0]["corrected_label"], Value::Null);
    let path = format!("/api/v1/posts/{post}/label");
    let (status, made) =
        send(Method::PUT, &path, json!({"label": "negative", "note": "=irony"}).to_string()).await;
    assert_eq!(
        (status, &made["label"], &made["was"]["label"]),
        (200, &json!("negative"), &json!("positive"))
    );
    assert_eq!(api.get(&format!("/api/v1/posts/{post}")).await.1["corrected_label"], "negative");
    let export = async |format: &str| {
        let path = format!("/api/v1/labels/export?format={format}");
        api.request(Method::GET, &path).send().await.unwrap().text().await.unwrap()
    };
    let line: Value = serde_json::from_str(export("ndjson").await.trim()).unwrap();
    assert_eq!(
        (&line["label"], &line["model_label"], &line["post"]),
        (&json!("negative"), &json!("positive"), &json!(post))
    );
    let table = export("csv").await;
    assert!(table.starts_with("text,label,model_label,") && table.contains("'=irony"), "{table}");
    let (status, wrong) = send(Method::PUT, &path, json!({"label": "angry"}).to_string()).await;
    assert_eq!((status, &wrong["error"]["details"]["field"]), (422, &json!("label")));
    assert_eq!(send(Method::DELETE, &path, String::new()).await.0, 204);
    assert_eq!(export("ndjson").await, "");
}
