use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

fn settings(mapping: Value) -> SourceSettings {
    SourceSettings { mapping: Some(serde_json::from_value(mapping).unwrap()), ..SourceSettings::default() }
}

fn read(item: &str, settings: &SourceSettings) -> Result<NewPost, Rejection> {
    let item: &RawValue = serde_json::from_str(item).unwrap();
    post_of(item, 3, &Delivery { source: SourceId::from_u128(1), id: "msg_1", settings })
}

fn rejected(item: &Value, settings: &SourceSettings) -> (&'static str, String) {
    let why = read(&item.to_string(), settings).unwrap_err();
    (why.code, why.field)
}

#[test]
fn every_field_is_found_where_the_mapping_says() {
    let settings = settings(json!({
        "id": "/id", "platform": "/on", "text": "/body/plain~1text", "lang": "/lang", "created_at": "/at", "url": "/links/0",
        "parent_id": "/parent", "channel": "/channel", "product": "/m~0n",
        "author": {"id": "/by/id", "handle": "/by/name", "followers": "/by/n", "location": "/by/from"},
        "geo": {"city": "/city", "country": "/country", "lat": "/at_place/0", "lon": "/at_place/1"},
        "engagement": {"likes": "/n/0", "shares": "/n/1", "comments": "/n/2", "views": "/n/3"},
    }));
    let item = json!({
        "id": 9_007_199_254_740_993_u64, "on": "forum", "body": {"plain/text": "hello"}, "lang": "en", "at": 1_700_000_000,
        "links": ["https://example.org/1"], "parent": -7, "channel": "support", "m~n": "nimbrel",
        "by": {"id": 12, "name": "ana", "n": "34", "from": "Bonn"}, "city": "Berlin", "country": "DE",
        "at_place": [52.5, "13.4"], "n": [1, "2", 3, 0], "unknown": [[[]]],
    });
    let post = read(&item.to_string(), &settings).unwrap();
    let expected: NewPost = serde_json::from_value(json!({
        "id": "9007199254740993", "platform": "forum", "text": "hello", "lang": "en", "created_at": "2023-11-14T22:13:20Z",
        "url": "https://example.org/1", "parent_id": "-7", "channel": "support", "product": "nimbrel",
        "author": {"id": "12", "handle": "ana", "followers": 34, "location": "Bonn"},
        "geo": {"city": "Berlin", "country": "DE", "lat": 52.5, "lon": 13.4},
        "engagement": {"likes": 1, "shares": 2, "comments": 3, "views": 0},
    }))
    .unwrap();
    assert_eq!(post, expected);
}

#[test]
fn what_is_absent_null_or_empty_is_absent_from_the_post() {
    let settings = settings(json!({
        "text": "", "lang": "/lang", "author": {"handle": "/by/name"}, "geo": {"city": "/city"}, "created_at": "/at",
    }));
    let post = read("\"hello\"", &settings).unwrap();
    let expected = NewPost {
        id: "00000000-0000-0000-0000-000000000001/msg_1/3".to_owned(),
        platform: "webhook".to_owned(),
        text: "hello".to_owned(),
        ..NewPost::default()
    };
    assert_eq!(post, expected, "the same delivery makes the same id");
    let with_text =
        super::tests::settings(json!({"text": "/t", "lang": "/lang", "author": {"handle": "/by/name"}}));
    let post = read(r#"{"t": "hello", "lang": null, "by": {"name": ""}}"#, &with_text).unwrap();
    assert_eq!(post, expected);
    let elsewhere = SourceSettings { platform: Some("crm".to_owned()), ..with_text };
    assert_eq!(read(r#"{"t": "hello"}"#, &elsewhere).unwrap().platform, "crm");
}

#[test]
fn a_value_that_does_not_fit_is_rejected_by_the_name_of_its_field() {
    let check = |field: &str, mapping: Value, value: Value, code: &str| {
        let mut whole = json!({"text": "/text"});
        whole.as_object_mut().unwrap().extend(mapping.as_object().unwrap().clone());
        let item = json!({"text": "hello", "v": value});
        assert_eq!(rejected(&item, &settings(whole)), (static_code(code), field.to_owned()), "{item}");
    };
    check("id", json!({"id": "/x"}), json!(1), "missing_field");
    check("id", json!({"id": "/v"}), Value::Null, "missing_field");
    check("id", json!({"id": "/v"}), json!(1.5), "wrong_type");
    check("id", json!({"id": "/v"}), json!(1e20), "wrong_type");
    check("id", json!({"id": "/v"}), json!({"id": 1}), "wrong_type");
    check("text", json!({"text": "/v"}), json!(5), "wrong_type");
    check("text", json!({"text": "/v"}), json!(""), "missing_field");
    check("author.followers", json!({"author": {"followers": "/v"}}), json!("many"), "wrong_type");
    check("author.followers", json!({"author": {"followers": "/v"}}), json!(1.5), "wrong_type");
    check("geo.lat", json!({"geo": {"lat": "/v"}}), json!(true), "wrong_type");
    check("engagement.likes", json!({"engagement": {"likes": "/v"}}), json!([1]), "wrong_type");
    check("created_at", json!({"created_at": "/v"}), json!("yesterday"), "invalid_time");
    check("created_at", json!({"created_at": "/v"}), json!("2026-01-01"), "invalid_time");
    check("created_at", json!({"created_at": "/v"}), json!(i64::MIN), "invalid_time");
    check("created_at", json!({"created_at": "/v"}), json!(1e300), "invalid_time");
    check("created_at", json!({"created_at": "/v"}), json!("NaN"), "invalid_time");
    check("created_at", json!({"created_at": "/v"}), json!([]), "invalid_time");
}

fn static_code(code: &str) -> &'static str {
    ["missing_field", "wrong_type", "invalid_time"].into_iter().find(|known| *known == code).unwrap()
}

#[test]
fn times_are_texts_seconds_or_milliseconds() {
    let check = |value: Value, expected: &str| {
        let settings = settings(json!({"text": "/t", "created_at": "/at"}));
        let post = read(&json!({"t": "hello", "at": value}).to_string(), &settings).unwrap();
        assert_eq!(post.created_at, Some(expected.parse::<Timestamp>().unwrap()), "{value}");
    };
    check(json!("2023-11-14T23:13:20+01:00"), "2023-11-14T22:13:20Z");
    check(json!(1_700_000_000), "2023-11-14T22:13:20Z");
    check(json!(1_700_000_000_123_i64), "2023-11-14T22:13:20.123Z");
    check(json!(1_700_000_000.25), "2023-11-14T22:13:20.25Z");
    check(json!("1700000000.000100"), "2023-11-14T22:13:20.0001Z");
    check(json!("1700000000123"), "2023-11-14T22:13:20.123Z");
    check(json!(0), "1970-01-01T00:00:00Z");
}

#[test]
fn long_deep_and_broken_items_are_rejected() {
    let mapped = settings(json!({"text": "/t"}));
    for settings in [&mapped, &SourceSettings::default()] {
        let long = json!({"t": "a".repeat(1024 * 1024)});
        assert_eq!(rejected(&long, settings), ("too_long", String::new()));
        let deep = format!("{{\"t\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            read(&deep, settings).unwrap_err().code,
            if settings.mapping.is_some() { "malformed_json" } else { "unknown_field" }
        );
    }
    assert_eq!(read(r#"{"t": "\ud800"}"#, &mapped).unwrap_err().code, "invalid_text");
    assert_eq!(rejected(&json!([1, 2]), &mapped), ("missing_field", "text".to_owned()));
}

#[test]
fn without_a_mapping_items_are_posts_as_they_are() {
    let plain = SourceSettings::default();
    let post = json!({"id": "1", "platform": "web", "text": "hello"});
    assert_eq!(read(&post.to_string(), &plain).unwrap().id, "1");
    assert_eq!(
        rejected(&json!({"id": "1", "text": "hello"}), &plain),
        ("missing_field", "platform".to_owned())
    );
    assert_eq!(
        rejected(&json!({"id": 1, "platform": "web", "text": "x"}), &plain),
        ("wrong_type", "id".to_owned())
    );
}
