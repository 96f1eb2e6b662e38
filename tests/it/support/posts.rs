//! Posts to send.

use serde_json::{Value, json};

/// What the posts say in turn: something for every label of the model that tests use.
const TEXTS: [&str; 4] = ["I love it", "I hate it", "it is a phone", "the parcel came on Monday"];

/// A post about nothing in particular.
pub fn post(id: impl std::fmt::Display, text: &str) -> Value {
    json!({"id": id.to_string(), "platform": "web", "text": text})
}

/// Different posts, numbered, over a few cities, products and channels.
pub fn posts(numbers: std::ops::Range<u64>) -> Vec<Value> {
    let pick = |names: &[&str], n: u64| names[usize::try_from(n).unwrap() % names.len()].to_owned();
    numbers
        .map(|n| {
            json!({
                "id": n.to_string(),
                "platform": pick(&["web", "twitter"], n),
                "text": pick(&TEXTS, n),
                "product": pick(&["alpha", "beta", "gamma"], n),
                "channel": pick(&["support", "store"], n),
                "geo": {"city": pick(&["Lyon", "Oslo", "Graz"], n), "country": "FR"},
            })
        })
        .collect()
}
