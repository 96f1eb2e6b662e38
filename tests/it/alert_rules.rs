//! Rules and silences, as people write them.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};

const JSON: &str = "application/json";

fn rule() -> Value {
    json!({
        "name": "angry cities", "enabled": true, "metric": "emotion:anger",
        "scope": {"dimension": "city", "key": null}, "window_seconds": 600, "comparison": "above",
        "threshold": 0.4, "clear_threshold": 0.3, "minimum_volume": 50, "for_seconds": 30,
        "keep_firing_seconds": 60, "cooldown_seconds": 300, "severity": "info", "channels": []
    })
}

async fn put(api: &ApiServer, path: &str, body: &Value) -> (u16, Value) {
    let request = api.request(Method::PUT, path).header("content-type", JSON).body(body.to_string());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(api: &ApiServer, path: &str, body: &Value) -> (u16, Value) {
    api.post(path, JSON, body.to_string()).await
}

async fn delete(api: &ApiServer, path: &str) -> u16 {
    api.request(Method::DELETE, path).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_rule_is_answered_as_it_was_written_and_can_be_changed_and_deleted() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, made) = post(&api, "/api/v1/alert-rules", &rule()).await;
    assert_eq!((status, &made["builtin"]), (201, &json!(false)), "{made}");
    for (field, value) in rule().as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    let path = format!("/api/v1/alert-rules/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await, (200, made.clone()));
    let (_, listed) = api.get("/api/v1/alert-rules").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    let mut other = rule();
    other["enabled"] = json!(false);
    let (status, changed) = put(&api, &path, &other).await;
    assert_eq!((status, &changed["enabled"], &changed["id"]), (200, &json!(false), &made["id"]));
    assert_eq!(delete(&api, &path).await, 204);
    assert_eq!(delete(&api, &path).await, 404);
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(put(&api, &path, &rule()).await.0, 404);
}

#[actix_web::test]
async fn a_rule_names_channels_that_there_are_and_keeps_the_last_of_them() {
    let api = ApiServer::open(Setup::default()).await;
    let wish = json!({"name": "one", "kind": "pagerduty", "settings": {"routing_key": "0123456789abcdef0123456789abcdef"}});
    let (status, channel) = post(&api, "/api/v1/notification-channels", &wish).await;
    assert_eq!(status, 201, "{channel}");
    let mut wish = rule();
    wish["channels"] = json!([channel["id"]]);
    let (status, made) = post(&api, "/api/v1/alert-rules", &wish).await;
    assert_eq!((status, &made["channels"]), (201, &wish["channels"]), "{made}");

    let channel = format!("/api/v1/notification-channels/{}", channel["id"].as_str().unwrap());
    let kept = api.request(Method::DELETE, &channel).send().await.unwrap();
    let (status, answer) = read(kept).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("channel_in_use")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("`angry cities`"), "{answer}");
    assert_eq!(api.get(&channel).await.0, 200);

    wish["channels"] = json!([]);
    let path = format!("/api/v1/alert-rules/{}", made["id"].as_str().unwrap());
    assert_eq!(put(&api, &path, &wish).await.0, 200);
    assert_eq!(delete(&api, &channel).await, 204);
    wish["channels"] = made["channels"].clone();
    for (status, answer) in [put(&api, &path, &wish).await, post(&api, "/api/v1/alert-rules", &wish).await] {
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("channels")), "{answer}");
    }
}

#[actix_web::test]
async fn a_rule_that_makes_no_sense_is_refused_by_field() {
    let api = ApiServer::open(Setup::default()).await;
    for (field, value, named) in [
        ("metric", json!("sales"), "metric"),
        ("metric", json!("emotion:love"), "metric"),
        ("scope", json!({"dimension": "planet"}), "scope.dimension"),
        ("scope", json!({"dimension": "city", "name": "Ulm"}), "scope.name"),
        ("threshold", json!(2), "threshold"),
        ("clear_threshold", json!(0.9), "clear_threshold"),
        ("window_seconds", json!(5), "window_seconds"),
        ("severity", json!("deadly"), "severity"),
        ("cooldwn", json!(3), "cooldwn"),
    ] {
        let mut wrong = rule();
        wrong[field] = value;
        let (status, answer) = post(&api, "/api/v1/alert-rules", &wrong).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!(named)), "{answer}");
    }
    let (_, listed) = api.get("/api/v1/alert-rules").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3, "only those of the field are stored");
}

#[actix_web::test]
async fn a_rule_that_came_with_the_program_can_be_switched_off_but_not_deleted() {
    let api = ApiServer::open(Setup::default()).await;
    let (_, listed) = api.get("/api/v1/alert-rules").await;
    for mut builtin in listed["items"].as_array().unwrap().clone() {
        let path = format!("/api/v1/alert-rules/{}", builtin["id"].as_str().unwrap());
        assert_eq!(delete(&api, &path).await, 422);
        builtin["enabled"] = json!(false);
        for only_answered in ["id", "builtin", "created_at", "created_by", "updated_at", "updated_by"] {
            builtin.as_object_mut().unwrap().remove(only_answered);
        }
        let (status, changed) = put(&api, &path, &builtin).await;
        assert_eq!((status, &changed["enabled"]), (200, &json!(false)), "{changed}");
    }
}

#[actix_web::test]
async fn a_preview_shows_the_last_day_and_stores_nothing() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, preview) = post(&api, "/api/v1/alert-rules/preview", &rule()).await;
    assert_eq!((status, preview["series"].as_array().map(Vec::len)), (200, Some(288)), "{preview}");
    assert_eq!((&preview["firings"], &preview["seconds"]), (&json!([]), &json!(86_400)));
    let mut wrong = rule();
    wrong["threshold"] = json!(2);
    assert_eq!(post(&api, "/api/v1/alert-rules/preview", &wrong).await.0, 422);
    let (_, listed) = api.get("/api/v1/alert-rules").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn a_silence_is_made_listed_and_ended() {
    let api = ApiServer::open(Setup::default()).await;
    let what = json!({"dimension": "product", "key": "alpha", "ends_at": "2100-01-01T00:00:00Z"});
    let (status, made) = post(&api, "/api/v1/silences", &what).await;
    assert_eq!((status, &made["key"], &made["rule_id"]), (201, &json!("alpha"), &Value::Null), "{made}");
    // As text, a time without trailing zeros would sort after a later one.
    let time = |name: &str| made[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time("starts_at") <= time("created_at"), "it starts at once: {made}");
    let path = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    assert_eq!(delete(&api, &path).await, 200);
    let (_, listed) = api.get("/api/v1/silences").await;
    assert_ne!(listed["items"][0]["ends_at"], what["ends_at"]);
    for (wrong, field) in [
        (json!({"key": "alpha", "ends_at": "2100-01-01T00:00:00Z"}), "dimension"),
        (json!({"ends_at": "2020-01-01T00:00:00Z"}), "ends_at"),
        (json!({"ends_at": "2100-01-01T00:00:00Z"}), "everything"),
        (json!({"dimension": "product", "key": " ", "ends_at": "2100-01-01T00:00:00Z"}), "key"),
        (json!({"severity": "loud", "ends_at": "2100-01-01T00:00:00Z"}), "severity"),
    ] {
        let (status, answer) = post(&api, "/api/v1/silences", &wrong).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!(field)), "{answer}");
    }
    assert_eq!(delete(&api, "/api/v1/silences/00000000-0000-7000-8000-000000000000").await, 404);
}
