//! What is hardly a status, and messages that no instance sends.

use serde_json::json;

use super::status::Status;

/// Size of the largest in bytes.
const N_BYTES: usize = 1 << 20;

/// Returns statuses of which each is wrong, though all are JSON. They come after the one with an id.
pub(super) fn statuses(last_id: u64) -> Vec<Status> {
    let good = json!({"id": "1", "created_at": "2026-11-22T10:00:00.000Z", "content": "<p>strange</p>", "visibility": "public",
        "uri": "https://strange.example/1", "account": {"id": "1", "acct": "strange", "username": "strange"},
        "mentions": [], "tags": [], "media_attachments": []});
    let with = |field: &str, value: serde_json::Value| {
        let mut wrong = good.clone();
        wrong[field] = value;
        wrong.to_string()
    };
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let texts = [
        "7".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        nested.clone(),
        with("id", json!(["?"])),
        with("content", json!({"is": "an object"})),
        with("created_at", json!("yesterday")),
        with("account", json!("ana")),
        with("content", json!("huge ".repeat(N_BYTES / 5))).replace("\"id\":\"1\"", "\"id\":{}"),
        with("card", json!("__NESTED__"))
            .replace("\"__NESTED__\"", &nested)
            .replace("\"id\":\"1\"", "\"id\":2"),
    ];
    let wrong = |(raw, id)| Status { raw: Some(raw), own_id: Some(id), ..Status::new(u32::MAX) };
    texts.into_iter().zip(last_id + 1..).map(wrong).collect()
}

/// Returns whole messages of a stream.
pub(super) fn messages() -> Vec<String> {
    let update =
        |payload: &str| json!({"stream": ["public"], "event": "update", "payload": payload}).to_string();
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    vec![
        "{\"stream\":[\"public\"],\"event\":\"update\",".to_owned(),
        "Proxy error: upstream is gone".to_owned(),
        format!("{{\"stream\":[\"public\"],\"event\":\"update\",\"payload\":{nested}}}"),
        json!({"stream": ["public"], "event": "update", "payload": {"id": "1"}}).to_string(),
        json!({"stream": ["public"], "event": 7, "payload": "1"}).to_string(),
        json!({"stream": ["public"], "event": "delete", "payload": ["1"]}).to_string(),
        update("{\"id\":\"1\","),
        update(&nested),
        update(&json!({"id": 1, "content": "huge ".repeat(N_BYTES / 5)}).to_string()),
    ]
}
