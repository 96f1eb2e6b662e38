//! Differences between two live windows as a JSON merge patch (RFC 7396).

use serde_json::{Map, Value};

/// Array fields, each with the field that identifies its items. A merge patch can only replace a whole array, so in a
/// patch each of these arrays is an object that maps the identifying values to items.
const ITEMS: [(&str, &str); 6] = [
    ("geo", "key"),
    ("products", "key"),
    ("channels", "key"),
    ("platforms", "key"),
    ("sources", "key"),
    ("items", "from"),
];

/// Returns the patch that turns `old` into `new`; an empty object if they are equal.
pub fn patch(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => Value::Object(patch_fields(old, new)),
        _ => new.clone(),
    }
}

fn patch_fields(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            Some(before) if before == value => {}
            before => {
                patch.insert(name.clone(), patch_field(name, before.unwrap_or(&Value::Null), value));
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    patch
}

fn patch_field(name: &str, old: &Value, new: &Value) -> Value {
    let named_by = ITEMS.iter().find(|(field, _)| *field == name).map(|(_, key)| *key);
    let (Some(key), Value::Array(old), Value::Array(new)) = (named_by, old, new) else {
        return patch(old, new);
    };
    Value::Object(patch_fields(&by_name(old, key), &by_name(new, key)))
}

/// Returns the items as an object that maps each item's `key` field to its other fields.
fn by_name(items: &[Value], key: &str) -> Map<String, Value> {
    let named = items.iter().filter_map(|item| {
        let mut fields = item.as_object()?.clone();
        let Some(Value::String(name)) = fields.remove(key) else {
            return None;
        };
        Some((name, Value::Object(fields)))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::actors::live_metrics::windows::LiveWindows;
    use crate::models::id::PostId;
    use crate::models::post::{Post, ScoredPost, Source};
    use crate::models::rollup::delta_of;
    use crate::models::score::{EMOTIONS, Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};

    /// Applies a patch as a client does: RFC 7396 plus the rule for arrays.
    fn merge(target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        let fields = target.as_object_mut().unwrap();
        for (name, value) in patch {
            if value.is_null() {
                fields.remove(name);
                continue;
            }
            let key = ITEMS.iter().find(|(field, _)| field == name).map(|(_, key)| *key);
            let before = fields.entry(name.clone()).or_insert(Value::Null);
            match (key, before) {
                (Some(key), Value::Array(items)) => {
                    let mut named = Value::Object(by_name(items, key));
                    merge(&mut named, value);
                    *items = named
                        .as_object()
                        .unwrap()
                        .iter()
                        .map(|(name, item)| {
                            let mut item = item.clone();
                            item[key] = json!(name);
                            item
                        })
                        .collect();
                }
                (_, before) => merge(before, value),
            }
        }
    }

    fn sorted(mut value: Value) -> Value {
        for (field, key) in ITEMS {
            if let Some(items) = value.get_mut(field).and_then(Value::as_array_mut) {
                items.sort_by_key(|item| item[key].to_string());
            }
        }
        value
    }

    fn check(old: Value, new: Value, expected: Value) {
        let patch = patch(&old, &new);
        assert_eq!(patch, expected);
        let mut merged = old;
        merge(&mut merged, &patch);
        assert_eq!(sorted(merged), sorted(new));
    }

    #[test]
    fn a_patch_holds_only_the_changes_and_turns_the_old_value_into_the_new() {
        check(
            json!({"a": 1, "b": {"c": 2, "d": 3}}),
            json!({"a": 1, "b": {"c": 2, "d": 4}}),
            json!({"b": {"d": 4}}),
        );
        check(
            json!({"geo": [{"key": "Oslo", "count": 2}, {"key": "Lyon", "count": 1}]}),
            json!({"geo": [{"key": "Rome", "count": 5}, {"key": "Oslo", "count": 2}]}),
            json!({"geo": {"Rome": {"count": 5}, "Lyon": null}}),
        );
        check(
            json!({"items": [{"from": "12:00", "count": 0, "average": 0.5}]}),
            json!({"items": [{"from": "12:00", "count": 3, "average": 0.5}, {"from": "12:10", "count": 0}]}),
            json!({"items": {"12:00": {"count": 3}, "12:10": {"count": 0}}}),
        );
        check(json!({"a": 1}), json!({"a": 1}), json!({}));
    }

    /// Returns a post whose score depends only on the length of its text, because the test measures bytes rather than
    /// accuracy.
    fn post(text: &str, at: Timestamp) -> ScoredPost {
        let n = text.len();
        let label = [SentimentLabel::Positive, SentimentLabel::Neutral, SentimentLabel::Negative][n % 3];
        let named = |name: &str| text.to_lowercase().contains(&name.to_lowercase()).then(|| name.to_owned());
        let post = Post {
            uuid: PostId::now_v7(),
            id: String::new(),
            platform: ["twitter", "web", "forum"][n % 3].to_owned(),
            text: text.to_owned(),
            author: None,
            lang: None,
            created_at: at,
            received_at: at,
            original_created_at: None,
            source: Source::new("replay"),
            connector: None,
            city: n.is_multiple_of(4).then(|| ["Lyon", "Oslo", "Graz", "Rome", "Cork"][n % 5].to_owned()),
            country: None,
            lat: None,
            lon: None,
            products: ["Mayweather", "McGregor", "UFC"].into_iter().filter_map(named).collect(),
            topics: Vec::new(),
            channel: None,
            url: None,
            parent_id: None,
            reach: 0,
            engagement: None,
        };
        let part = (n % 97) as f32 / 97.0;
        let model = ModelId { name: "m".into(), version: "1".into(), hash: String::new() };
        let score = Score {
            sentiment: Sentiment { label, score: part, confidence: 0.9, uncertain: false },
            emotion: Emotion { label: EMOTIONS[n % 7].into(), scores: EmotionScores::default() },
            toxicity: part / 3.0,
            churn_risk: part / 2.0,
            virality: 10.0,
            model: Arc::new(model),
        };
        ScoredPost { post, score, awaits_correction: false }
    }

    /// Returns texts and times from the busiest hour of the shipped replay.
    fn recorded_hour() -> Vec<(Timestamp, String)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mayweather-mcgregor_tweets.csv.gz");
        let file = flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap());
        let mut posts: Vec<(Timestamp, String)> = csv::Reader::from_reader(file)
            .records()
            .map(|record| {
                let record = record.unwrap();
                (format!("{}Z", record[0].replace(' ', "T")).parse().unwrap(), record[4].to_owned())
            })
            .collect();
        posts.sort();
        // The file has whole seconds, so posts of the same second are spread over it.
        for same in posts.chunk_by_mut(|left, right| left.0 == right.0) {
            let apart = SignedDuration::from_secs(1) / i32::try_from(same.len()).unwrap();
            for (post, n) in same.iter_mut().zip(0..) {
                post.0 += apart * n;
            }
        }
        let hour = |start: usize| {
            let end = posts[start].0 + SignedDuration::from_hours(1);
            start..posts.partition_point(|(at, _)| *at < end)
        };
        let busiest = (0..posts.len()).step_by(100).map(hour).max_by_key(ExactSizeIterator::len).unwrap();
        posts[busiest].to_vec()
    }

    /// Sends four windows a second while posts arrive, and a whole window every ten seconds, as in production. A soak
    /// test covers a recorded hour; an ordinary run covers a few minutes of it.
    #[test]
    fn deltas_take_at_most_fifteen_percent_of_the_bytes_of_whole_windows() {
        let posts = recorded_hour();
        let start = posts[0].0;
        let (mut windows, mut revisions) = (LiveWindows::default(), BTreeMap::new());
        let mut waiting = posts.iter().peekable();
        let (mut whole, mut sent, mut n_frames) = (0, 0, 0);
        let (mut shown, mut whole_at, mut horizon_was) = (None::<Value>, start, None);
        let n_seconds = if std::env::var_os("GROUNDSWELL_TEST_SOAK").is_some() { 3_600 } else { 240 };
        for step in 1..4 * n_seconds {
            let now = start + SignedDuration::from_millis(step * 250);
            let mut changed = horizon_was.replace(windows.horizon(now)) != Some(windows.horizon(now));
            while let Some((at, text)) = waiting.next_if(|(at, _)| *at <= now) {
                let mut delta: Vec<_> = delta_of([&post(text, *at)]).into_iter().collect();
                for (key, sums) in &mut delta {
                    let revision = revisions.entry(key.clone()).or_insert(0);
                    *revision += 1;
                    sums.revision = *revision;
                }
                windows.apply(delta, now).unwrap();
                windows.count(now, 1, 1);
                changed = true;
            }
            if !changed {
                continue;
            }
            let new = serde_json::to_value(windows.live(now)).unwrap();
            let n_whole = new.to_string().len();
            n_frames += 1;
            whole += n_whole;
            let is_due = now.duration_since(whole_at) >= SignedDuration::from_secs(10);
            match shown.as_ref().filter(|_| !is_due) {
                Some(old) => sent += patch(old, &new).to_string().len(),
                None => {
                    sent += n_whole;
                    whole_at = now;
                }
            }
            shown = Some(new);
        }
        let share = sent as f64 / whole as f64;
        println!(
            "{n_seconds} s of {} posts an hour: {n_frames} frames, {whole} bytes as whole windows, {sent} with deltas: {:.1}%",
            posts.len(),
            100.0 * share
        );
        assert!(share <= 0.15, "{share}");
    }
}
