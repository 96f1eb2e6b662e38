//! What has changed from one live window to the next, as a JSON merge patch (RFC 7396).

use serde_json::{Map, Value};

/// Which fields are arrays of items, and what names an item in each. In a patch they are objects by that name, since a
/// merge patch can only replace an array as a whole.
const ITEMS: [(&str, &str); 6] = [
    ("geo", "key"),
    ("products", "key"),
    ("channels", "key"),
    ("platforms", "key"),
    ("sources", "key"),
    ("items", "from"),
];

/// The patch that makes `new` of `old`; an empty object when they are equal.
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

/// Items by their name, each without it.
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
    use serde_json::json;

    use super::*;

    /// Applies a patch as a client does, by RFC 7396 and the rule for arrays.
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
    fn only_what_has_changed_is_in_a_patch_and_it_makes_the_new_of_the_old() {
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
}
