use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::constant(1_795_435_200, 0);

fn read_with(data: &Value, includes: &Value) -> Delivered {
    let includes = serde_json::value::to_raw_value(includes).unwrap();
    read(&data.to_string(), &Includes::read(Some(&includes)), NOW)
}

fn post(data: &Value) -> NewPost {
    match read_with(data, &json!({})).content {
        Content::Post(post) => *post,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_post_is_read_with_its_author_place_and_counts() {
    let data = json!({
        "id": "1992500000000000001", "text": "short…", "author_id": "42", "lang": "in",
        "created_at": "2026-11-23T11:00:00.000Z", "note_tweet": {"text": "a long text &amp; more"},
        "public_metrics": {"retweet_count": 2, "quote_count": 3, "reply_count": 4, "like_count": 5, "bookmark_count": 6,
            "impression_count": 700},
        "referenced_tweets": [{"type": "quoted", "id": "7"}, {"type": "replied_to", "id": "8"}],
        "edit_history_tweet_ids": ["1992500000000000000", "1992500000000000001"],
        "geo": {"place_id": "p", "coordinates": {"type": "Point", "coordinates": [13.4, 52.5]}},
        "entities": {"hashtags": [{"tag": "nimbrel"}]},
    });
    let includes = json!({
        "users": [{"id": "41", "username": "other", "name": "O"},
            {"id": "42", "username": "ana", "name": "Ana", "location": "Kiel", "public_metrics": {"followers_count": 9}}],
        "places": [{"id": "p", "name": "Berlin", "place_type": "city", "country_code": "DE", "full_name": "Berlin, DE"}],
    });
    let Delivered { version, content } = read_with(&data, &includes);
    assert_eq!(version, Some(1_992_500_000_000_000_001));
    let expected = NewPost {
        id: "1992500000000000000".to_owned(),
        platform: "x".to_owned(),
        text: "a long text &amp; more".to_owned(),
        author: Some(Author {
            id: Some("42".to_owned()),
            handle: Some("ana".to_owned()),
            followers: Some(9),
            location: Some("Kiel".to_owned()),
        }),
        lang: Some("id".to_owned()),
        created_at: Some("2026-11-23T11:00:00Z".parse().unwrap()),
        geo: Some(Geo {
            city: Some("Berlin".to_owned()),
            country: Some("DE".to_owned()),
            lat: Some(52.5),
            lon: Some(13.4),
        }),
        url: Some("https://x.com/ana/status/1992500000000000001".to_owned()),
        parent_id: Some("8".to_owned()),
        engagement: Some(Engagement { likes: Some(5), shares: Some(5), comments: Some(4), views: Some(700) }),
        ..NewPost::default()
    };
    assert_eq!(content, Content::Post(Box::new(expected.clone())));
    assert_eq!(crate::models::new_post::check(&expected), Ok(()));
}

#[test]
fn what_is_missing_or_unbelievable_costs_no_post() {
    let bare = post(&json!({"id": "1992500000000000000", "text": "nimbrel"}));
    assert_eq!(bare.created_at, time_of(1_992_500_000_000_000_000));
    assert_eq!(bare.url.as_deref(), Some("https://x.com/i/status/1992500000000000000"));
    let odd = post(&json!({
        "id": "1", "text": "nimbrel", "created_at": "2026-11-23T11:00:00Z", "lang": "qme", "author_id": "no number",
        "public_metrics": {"retweet_count": -1, "like_count": i64::MAX}, "geo": {"coordinates": {"coordinates": [1e9, 0.0]}},
    }));
    assert_eq!((odd.lang, odd.author, odd.geo), (None, None, None));
    assert_eq!(odd.engagement.and_then(|it| it.likes), None);
    let long = post(&json!({"id": "1", "text": "ä".repeat(20_000), "created_at": "2026-11-23T11:00:00Z"}));
    assert_eq!(long.text.chars().count(), MAX_TEXT_CHARS);
    // Authors that cannot be parsed.
    let data = json!({"id": "1", "text": "nimbrel", "created_at": "2026-11-23T11:00:00Z"});
    assert!(matches!(read_with(&data, &json!({"users": 7})).content, Content::Post(_)));
}

#[test]
fn what_is_no_post_is_told_apart() {
    let repost = json!({"id": "5", "text": "RT @ana: nimbrel", "created_at": "2026-11-23T11:00:00Z",
        "referenced_tweets": [{"type": "retweeted", "id": "1"}]});
    assert!(matches!(read_with(&repost, &json!({})).content, Content::Repost(_)));
    for (data, version) in [
        (json!({"id": "5", "text": 7}), Some(5)),
        (json!({"id": "5", "text": " ", "created_at": "2026-11-23T11:00:00Z"}), Some(5)),
        (json!({"id": "5", "text": "nimbrel", "created_at": "2126-11-23T11:00:00Z"}), Some(5)),
        (json!({"id": "-5", "text": "nimbrel"}), None),
        (json!({"id": 5, "text": "nimbrel"}), None),
        (json!([]), None),
        (json!("nimbrel"), None),
    ] {
        assert_eq!(
            read_with(&data, &json!({})),
            Delivered { version, content: Content::Unreadable },
            "{data}"
        );
    }
}

#[test]
fn ids_hold_times() {
    let at = time_of(1_992_500_000_000_000_000).unwrap();
    let before = time_of(earlier(1_992_500_000_000_000_000, std::time::Duration::from_secs(10))).unwrap();
    assert_eq!(at.duration_since(before), SignedDuration::from_secs(10));
    assert_eq!(earlier(7, std::time::Duration::from_secs(10)), 7);
}
