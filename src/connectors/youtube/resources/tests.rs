use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

fn page_of(items: &Value) -> Vec<u8> {
    let page =
        json!({"kind": "youtube#listResponse", "etag": "e1", "nextPageToken": "CAUQAA", "items": items});
    page.to_string().into_bytes()
}

#[test]
fn searches_name_videos() {
    let good = json!({"kind": "youtube#searchResult", "id": {"kind": "youtube#video", "videoId": "abc-DEF_123"},
        "snippet": {"publishedAt": "2026-11-20T10:00:00Z", "title": "A &amp; B"}});
    let untimed = json!({"id": {"videoId": "x1"}, "snippet": {}});
    let wrong = [
        json!({"id": {"channelId": "UC1"}}),
        json!({"id": "x"}),
        json!(7),
        json!({"id": {"videoId": "a b"}}),
        json!({"id": {"videoId": "a"}, "snippet": {"publishedAt": "yesterday"}}),
        json!({"id": {"videoId": "a"}, "snippet": "a"}),
    ];
    let mut items = vec![good, untimed];
    items.extend(wrong);
    let page = found(&page_of(&json!(items))).unwrap();
    let read: Vec<_> = page.items.iter().flatten().collect();
    let at = Some("2026-11-20T10:00:00Z".parse().unwrap());
    assert_eq!(
        read,
        [
            &Found { id: "abc-DEF_123".into(), published_at: at },
            &Found { id: "x1".into(), published_at: None },
        ]
    );
    assert_eq!(
        (page.items.len(), page.next.as_deref(), page.etag.as_deref()),
        (8, Some("CAUQAA"), Some("e1"))
    );
}

#[test]
fn only_pages_of_the_api_are_pages() {
    assert_eq!(found(b"<html>"), None);
    assert_eq!(found(b"{}"), None);
    assert_eq!(found(br#"{"kind": "compute#list", "items": []}"#), None);
    assert_eq!(found(br#"{"kind": "youtube#searchListResponse"}"#).unwrap().items, []);
}

#[test]
fn videos_become_posts() {
    let video = json!({"id": "abc-DEF_123", "snippet": {
        "publishedAt": "2026-11-20T10:00:00Z", "channelId": "UCana", "channelTitle": "Ana",
        "title": "Nimbrel\u{0} review", "description": "Long\nwords", "defaultLanguage": "en-GB",
    }, "statistics": {"viewCount": "1200", "likeCount": "34", "favoriteCount": "0", "commentCount": 5}});
    let page = videos(&page_of(&json!([video])), NOW).unwrap();
    let item = page.items[0].as_ref().unwrap();
    assert_eq!(
        item.post,
        NewPost {
            id: "video:abc-DEF_123".into(),
            platform: "youtube".into(),
            text: "Nimbrel review\nLong\nwords".into(),
            author: Some(Author {
                id: Some("UCana".into()),
                handle: Some("Ana".into()),
                ..Author::default()
            }),
            lang: Some("en-GB".into()),
            created_at: Some("2026-11-20T10:00:00Z".parse().unwrap()),
            url: Some("https://www.youtube.com/watch?v=abc-DEF_123".into()),
            engagement: Some(Engagement {
                views: Some(1_200),
                likes: Some(34),
                comments: Some(5),
                shares: None
            }),
            ..NewPost::default()
        }
    );
    assert_eq!(ids(&page), Some(HashSet::from(["abc-DEF_123"])));
}

#[test]
fn only_what_a_video_says_is_its_content() {
    let content = |views: &str, title: &str| {
        let video = json!({"id": "a", "snippet": {"title": title}, "statistics": {"viewCount": views}});
        videos(&page_of(&json!([video])), NOW).unwrap().items[0].as_ref().unwrap().content
    };
    assert_eq!(content("1", "one"), content("2", "one"));
    assert_ne!(content("1", "one"), content("1", "two"));
}

#[test]
fn comments_and_their_replies_become_posts() {
    let comment = |id: &str, snippet: Value| json!({"kind": "youtube#comment", "id": id, "snippet": snippet});
    let first = comment(
        "Ugx1",
        json!({"videoId": "v1", "textDisplay": "Good <3", "textOriginal": "?", "likeCount": 3,
        "authorDisplayName": "@bo", "authorChannelId": {"value": "UCbo"},
        "publishedAt": "2026-11-20T11:00:00Z", "updatedAt": "2026-11-20T11:00:00Z"}),
    );
    let reply =
        comment("Ugx1.r2", json!({"textOriginal": "Yes", "parentId": "Ugx1", "authorChannelId": "?"}));
    let thread = json!({"id": "Ugx1", "snippet": {"videoId": "v1", "topLevelComment": first, "totalReplyCount": 2},
        "replies": {"comments": [reply, 7]}});
    let page = threads(&page_of(&json!([thread, {"snippet": {}}])), "v1", NOW).unwrap();
    let thread = page.items[0].as_ref().unwrap();
    assert!(page.items[1].is_err());
    let comment = thread.comments[0].as_ref().unwrap().post.clone();
    assert_eq!(
        comment,
        NewPost {
            id: "comment:Ugx1".into(),
            platform: "youtube".into(),
            text: "Good <3".into(),
            author: Some(Author { id: Some("UCbo".into()), handle: Some("@bo".into()), ..Author::default() }),
            created_at: Some("2026-11-20T11:00:00Z".parse().unwrap()),
            url: Some("https://www.youtube.com/watch?v=v1&lc=Ugx1".into()),
            parent_id: Some("video:v1".into()),
            engagement: Some(Engagement { likes: Some(3), comments: Some(2), ..Engagement::default() }),
            ..NewPost::default()
        }
    );
    let reply = &thread.comments[1].as_ref().unwrap().post;
    assert_eq!((reply.id.as_str(), reply.parent_id.as_deref()), ("comment:Ugx1.r2", Some("comment:Ugx1")));
    assert!(thread.comments[2].is_err());
}

#[test]
fn what_is_hostile_costs_only_itself() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long = "x".repeat(ITEM_BYTES_MAX);
    let good = r#"{"id": "a", "snippet": {"title": "one"}}"#;
    let body = format!(
        r#"{{"kind": "youtube#videoListResponse", "items": [{good}, {{"id": "b", "snippet": {deep}}},
            {{"id": "c", "snippet": {{"title": "{long}"}}}}, {{"id": 7}}, {{"id": "d", "snippet": {{"title": " "}}}}]}}"#
    );
    let page = videos(body.as_bytes(), NOW).unwrap();
    assert_eq!(page.items.iter().filter(|item| item.is_ok()).count(), 1);
    let named: Vec<_> =
        page.items.iter().filter_map(|item| item.as_ref().err()).map(|it| it.id.as_deref()).collect();
    assert_eq!(named, [Some("b"), Some("c"), None, Some("d")]);
    assert_eq!(ids(&page), None, "not all of them say which video they are");
    let long = json!({"id": "a", "snippet": {"title": "t", "description": "ä".repeat(20_000)}});
    let page = videos(&page_of(&json!([long])), NOW).unwrap();
    assert_eq!(page.items[0].as_ref().unwrap().post.text.chars().count(), MAX_TEXT_CHARS);
}
