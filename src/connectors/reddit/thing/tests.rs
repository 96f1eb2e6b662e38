use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

fn page_of(children: &Value) -> Option<Page> {
    let listing = json!({"kind": "Listing", "data": {"after": "t3_a", "dist": 1, "children": children}});
    page(listing.to_string().as_bytes(), NOW)
}

fn read(data: &Value) -> Result<Thing, Unreadable> {
    let page = page_of(&json!([{"kind": "t3", "data": data}])).unwrap();
    page.things.into_iter().next().unwrap()
}

#[test]
fn a_post_has_its_title_and_text() {
    let thing = read(&json!({
        "name": "t3_1abc2d", "title": "A & B ", "selftext": "says <c>\u{0}\nend ", "created_utc": 1_795_999_000.0,
        "author": "ana-b", "author_fullname": "t2_x1", "permalink": "/r/nimbrel/comments/1abc2d/a_b/",
        "score": 40, "num_comments": 7, "num_crossposts": 0, "removed_by_category": null, "edited": false,
    }))
    .unwrap();
    assert_eq!(thing.created_at, Timestamp::constant(1_795_999_000, 0));
    let expected = NewPost {
        id: "t3_1abc2d".into(),
        platform: "reddit".into(),
        text: "A & B \nsays <c>\nend".into(),
        author: Some(Author { id: Some("t2_x1".into()), handle: Some("ana-b".into()), ..Author::default() }),
        created_at: Some(thing.created_at),
        url: Some("https://www.reddit.com/r/nimbrel/comments/1abc2d/a_b/".into()),
        engagement: Some(Engagement { likes: Some(40), comments: Some(7), shares: Some(0), views: None }),
        ..NewPost::default()
    };
    assert_eq!(thing.post, Some(expected));
}

#[test]
fn a_comment_has_a_parent_and_needs_nothing_else() {
    let thing =
        read(&json!({"name": "t1_b", "body": "yes", "parent_id": "t3_a", "created_utc": 1_900_000_000}))
            .unwrap();
    let post = thing.post.unwrap();
    assert_eq!(thing.name, Name { kind: Kind::Comment, number: 11 });
    assert_eq!((post.text.as_str(), post.parent_id.as_deref(), post.author), ("yes", Some("t3_a"), None));
    assert_eq!(thing.created_at, NOW, "no post was written in the future");
}

#[test]
fn what_is_deleted_or_removed_is_told_from_what_says_so() {
    let check = |changes: Value, is_gone: bool| {
        let mut data =
            json!({"name": "t3_a", "title": "t", "selftext": "s", "created_utc": 1, "author": "ana"});
        data.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(read(&data).unwrap().post.is_none(), is_gone, "{data}");
    };
    check(json!({}), false);
    check(json!({"author": "[deleted]", "selftext": "[deleted]"}), true);
    check(json!({"author": "[deleted]", "selftext": "[removed]"}), true);
    // The account is deleted, and what was heard of it would still name it.
    check(json!({"author": "[deleted]"}), true);
    check(json!({"removed_by_category": "moderator", "selftext": "[removed]"}), true);
    check(json!({"selftext": "[removed]"}), false);
    check(json!({"author": null}), false);
}

#[test]
fn fields_that_are_wrong_are_left_out_or_cost_the_thing() {
    let usable = json!({"name": "t3_a", "title": "t", "created_utc": 1, "author": {"x": 1}, "permalink": "//e vil",
        "author_fullname": "a b", "score": -3, "num_comments": "many", "parent_id": "t5_x"});
    let post = read(&usable).unwrap().post.unwrap();
    assert_eq!((post.author, post.url, post.engagement, post.parent_id), (None, None, None, None));
    for wrong in [
        json!({}),
        json!(7),
        json!({"name": "t5_a", "title": "t", "created_utc": 1}),
        json!({"name": "t3_a", "title": "t"}),
        json!({"name": "t3_a", "title": "t", "created_utc": "yesterday"}),
        json!({"name": "t3_a", "title": "t", "created_utc": 1e300}),
        json!({"name": "t3_a", "title": " ", "created_utc": 1}),
        json!({"name": "t3_a", "body": "of a comment", "created_utc": 1}),
        json!({"name": "t3_a", "title": "t", "selftext": {"is": 1}, "created_utc": 1}),
        json!({"name": "t3_a", "title": "t".repeat(THING_BYTES_MAX), "created_utc": 1}),
    ] {
        assert!(read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_page_is_told_from_other_documents() {
    assert_eq!(page_of(&json!([])).unwrap(), Page { things: vec![], after: Some("t3_a".into()) });
    for wrong in ["", "<html>", "{}", r#"{"kind":"t5","data":{"children":[]}}"#, r#"{"kind":"Listing"}"#] {
        assert_eq!(page(wrong.as_bytes(), NOW), None, "{wrong}");
    }
    let text = read(&json!({"name": "t3_a", "title": "ü".repeat(20_000), "created_utc": 1})).unwrap();
    assert_eq!(text.post.unwrap().text.chars().count(), MAX_TEXT_CHARS);
}
