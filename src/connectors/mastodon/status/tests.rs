use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn reading() -> Reading<'static> {
    Reading { domain: "social.example", now: now() }
}

fn status() -> Value {
    json!({
        "id": "115600000000000001",
        "uri": "https://social.example/users/ana/statuses/115600000000000001",
        "url": "https://social.example/@ana/115600000000000001",
        "created_at": "2026-11-23T07:59:00.000Z",
        "edited_at": null,
        "in_reply_to_id": null,
        "visibility": "public",
        "language": "en",
        "spoiler_text": "",
        "content": "<p>The <a href=\"https://social.example/tags/nimbrel\">#<span>nimbrel</span></a> is out &amp; about</p>",
        "reblog": null,
        "replies_count": 1, "reblogs_count": 2, "favourites_count": 3,
        "account": {"id": "1", "acct": "ana", "followers_count": 7},
        "media_attachments": [], "mentions": [], "tags": []
    })
}

/// Returns a status in which some fields are replaced.
fn with(changes: Value) -> Entry {
    let mut status = status();
    for (name, value) in changes.as_object().unwrap() {
        status[name] = value.clone();
    }
    reading().status(&status.to_string())
}

fn post(changes: Value) -> Option<NewPost> {
    with(changes).unwrap().post.map(|post| *post)
}

#[test]
fn a_status_becomes_a_post() {
    let expected = NewPost {
        id: "https://social.example/users/ana/statuses/115600000000000001".to_owned(),
        platform: "mastodon".to_owned(),
        text: "The #nimbrel is out & about".to_owned(),
        author: Some(Author {
            id: Some("ana@social.example".to_owned()),
            handle: Some("ana@social.example".to_owned()),
            followers: Some(7),
            location: None,
        }),
        lang: Some("en".to_owned()),
        created_at: Some("2026-11-23T07:59:00Z".parse().unwrap()),
        url: Some("https://social.example/@ana/115600000000000001".to_owned()),
        engagement: Some(Engagement { likes: Some(3), shares: Some(2), comments: Some(1), views: None }),
        ..NewPost::default()
    };
    assert_eq!(post(json!({})), Some(expected));
    let status = with(json!({"edited_at": "2026-11-23T08:00:00Z", "in_reply_to_id": "7"})).unwrap();
    assert_eq!((status.edited_at, status.in_reply_to.as_deref()), (Some(now()), Some("7")));
}

#[test]
fn authors_have_one_name_on_every_instance() {
    let author = |acct: &str, followers: i64| {
        post(json!({"account": {"acct": acct, "followers_count": followers}})).unwrap().author.unwrap()
    };
    assert_eq!(author("ben@Other.Example", 7).id.as_deref(), Some("ben@other.example"));
    assert_eq!(author("ben", -1).followers, None, "hidden");
    for wrong in ["", "@other.example", "two words"] {
        assert!(with(json!({"account": {"acct": wrong}})).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_not_public_or_has_no_words_is_no_post() {
    assert!(post(json!({"visibility": "unlisted"})).is_some());
    for changes in [
        json!({"visibility": "private"}),
        json!({"visibility": "direct"}),
        json!({"visibility": "something new"}),
        json!({"reblog": {"id": "1"}}),
        json!({"content": "<p> </p>"}),
        json!({"content": ""}),
    ] {
        assert_eq!(post(changes.clone()), None, "{changes}");
    }
}

#[test]
fn a_content_warning_is_part_of_the_text() {
    let text = |warning: &str, content: &str| {
        post(json!({"spoiler_text": warning, "content": content})).unwrap().text
    };
    assert_eq!(text("nimbrel recall", "<p>It burns</p>"), "nimbrel recall\nIt burns");
    assert_eq!(text("nimbrel recall", ""), "nimbrel recall");
    let longest = text(&"w".repeat(20_000), &"c".repeat(20_000));
    assert_eq!(longest.chars().count(), MAX_TEXT_CHARS);
}

#[test]
fn oddities_cost_no_post() {
    assert_eq!(post(json!({"language": "not a tag"})).unwrap().lang, None);
    assert_eq!(post(json!({"language": null})).unwrap().lang, None);
    assert_eq!(post(json!({"url": null})).unwrap().url, None);
    assert_eq!(post(json!({"url": "javascript:alert(1)"})).unwrap().url, None);
    let engagement =
        post(json!({"favourites_count": -1, "replies_count": null})).unwrap().engagement.unwrap();
    assert_eq!((engagement.likes, engagement.comments), (Some(0), None));
    let ahead = post(json!({"created_at": "2031-01-01T00:00:00Z"})).unwrap();
    assert_eq!(ahead.created_at, Some(now()));
}

#[test]
fn what_cannot_be_read_keeps_its_id() {
    let key = |entry: Entry| entry.unwrap_err();
    let broken = key(with(json!({"content": 7})));
    assert_eq!(broken.id.as_deref(), Some("115600000000000001"));
    for changes in [
        json!({"id": 7}),
        json!({"id": ""}),
        json!({"id": "../1"}),
        json!({"uri": "two words"}),
        json!({"uri": "x".repeat(300)}),
        json!({"created_at": "yesterday"}),
        json!({"account": []}),
        json!({"content": "x".repeat(STATUS_BYTES_MAX)}),
    ] {
        let unreadable = key(with(changes.clone()));
        assert!(unreadable.key.starts_with('#') && unreadable.key != broken.key, "{changes}");
    }
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let first = key(reading().status(&nested));
    assert_eq!((first.id.clone(), &first), (None, &key(reading().status(&nested))));
    assert_ne!(first.key, key(reading().status("[]")).key);
}

#[test]
fn a_broken_status_costs_none_of_the_others_on_a_page() {
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let page = format!("[{}, {nested}, 7, {}]", status(), status());
    let entries = reading().page(page.as_bytes()).unwrap();
    let are_read: Vec<bool> = entries.iter().map(Result::is_ok).collect();
    assert_eq!(are_read, [true, false, false, true]);
    for wrong in ["{}", "<html>", "[", ""] {
        assert_eq!(reading().page(wrong.as_bytes()), None, "{wrong}");
    }
}

#[test]
fn longer_ids_are_newer() {
    assert_eq!(by_age("9", "10"), Ordering::Less);
    assert_eq!(by_age("115600000000000002", "115600000000000001"), Ordering::Greater);
    assert_eq!(by_age("01JD", "01JD"), Ordering::Equal);
}
