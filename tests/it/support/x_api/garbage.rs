//! What is hardly a post, and lines that the API never sends.

use serde_json::{Value, json};

use super::tweet::Tweet;

/// Size of the largest in bytes.
const N_BYTES: usize = 1 << 20;

fn nested() -> String {
    format!("{}{}", "[".repeat(1_000), "]".repeat(1_000))
}

/// Returns posts of which each is wrong, though all are JSON. They come after the one with an id.
pub(super) fn tweets(last_id: u64) -> Vec<Tweet> {
    let good = json!({"id": "1", "text": "strange", "created_at": "2026-11-22T10:00:00.000Z", "author_id": "1",
        "edit_history_tweet_ids": ["1"]});
    let with = |field: &str, value: Value| {
        let mut wrong = good.clone();
        wrong[field] = value;
        wrong.to_string()
    };
    let texts = [
        "7".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        nested(),
        with("id", json!(["?"])),
        with("text", json!({"is": "an object"})),
        with("created_at", json!("yesterday")),
        with("edit_history_tweet_ids", json!("1")),
        with("text", json!("huge ".repeat(N_BYTES / 5))).replace("\"id\":\"1\"", "\"id\":{}"),
        with("id", json!("__NESTED__")).replace("\"__NESTED__\"", &nested()),
    ];
    let wrong = |(raw, id)| Tweet { raw: Some(raw), own_id: Some(id), ..Tweet::new(u32::MAX) };
    texts.into_iter().zip(last_id + 1..).map(wrong).collect()
}

/// Returns whole lines of a stream.
pub(super) fn lines() -> Vec<String> {
    let rules = json!([{"id": "1", "tag": null}]);
    vec![
        "{\"data\":{\"id\":\"1\",".to_owned(),
        "<html><body>upstream connect error</body></html>".to_owned(),
        json!({"data": null, "matching_rules": rules}).to_string(),
        json!({"data": [], "matching_rules": rules}).to_string(),
        json!({"matching_rules": rules}).to_string(),
        format!("{{\"data\":{{\"id\":\"1\",\"text\":{}}}}}", nested()),
        json!({"data": {"id": {}, "text": "huge ".repeat(N_BYTES / 5)}, "matching_rules": rules}).to_string(),
        "null".to_owned(),
    ]
}
