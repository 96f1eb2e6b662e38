//! What the API itself promises.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    ANYTHING, CHANNEL_ID, COMMENTS, Comment, Problem, SEARCH, VIDEOS, Video, YouTubeHost, YouTubeOptions,
    comment_id, video_id,
};
use crate::support::web::Fault;
use crate::support::web::plain::{Plain, http, send};

async fn get(host: &YouTubeHost, path: &str, query: &str) -> Plain {
    let request = http().get(format!("{}{path}?{query}", host.web.url()));
    send(request.header("x-goog-api-key", "secret")).await.unwrap()
}

async fn search(host: &YouTubeHost, query: &str) -> Plain {
    get(host, SEARCH, &format!("part=snippet&type=video&order=date&q=nimbrel&{query}")).await
}

fn numbers(answer: &Value, id: &str) -> Vec<u32> {
    let number = |item: &Value| item.pointer(id).unwrap().as_str().unwrap()[1..].parse().unwrap();
    answer["items"].as_array().unwrap().iter().map(number).collect()
}

fn found(answer: &Plain) -> Vec<u32> {
    numbers(&answer.json(), "/id/videoId")
}

fn reason(answer: &Plain) -> (u16, String) {
    (answer.status, answer.json()["error"]["errors"][0]["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn videos_are_found_newest_first_and_in_pages() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    let ago = |hours| Timestamp::now() - SignedDuration::from_hours(hours);
    host.publish(0..12);
    host.add([
        Video { at: ago(2), title: "nimbrel & \"friends\"".to_owned(), ..Video::new(20) },
        Video { title: "something else".to_owned(), ..Video::new(21) },
    ]);
    let first = search(&host, "").await;
    assert_eq!(found(&first), [11, 10, 9, 8, 7]);
    let info = &first.json()["pageInfo"];
    assert_eq!((&info["totalResults"], &info["resultsPerPage"]), (&json!(13), &json!(5)));
    let token = first.json()["nextPageToken"].as_str().unwrap().to_owned();
    assert_eq!(found(&search(&host, &format!("pageToken={token}&maxResults=3")).await), [6, 5, 4]);
    let all = search(&host, "maxResults=50").await;
    assert_eq!((found(&all).len(), all.json().get("nextPageToken")), (13, None));
    let old = &all.json()["items"][12]["snippet"];
    assert_eq!(old["title"], "nimbrel &amp; &quot;friends&quot;", "it is escaped");
    assert_eq!(old["publishedAt"].as_str().unwrap().len(), "2026-11-22T10:00:00Z".len());
    assert_eq!(found(&search(&host, &format!("publishedBefore={}", ago(1))).await), [20]);
    assert_eq!(found(&search(&host, &format!("maxResults=50&publishedAfter={}", ago(1))).await).len(), 12);
    for (query, n) in [("nimbrel -post", 1), ("friends|something", 2), ("\"post\" 7 about", 1), ("", 14)] {
        let answer = get(&host, SEARCH, &format!("part=snippet&maxResults=50&q={query}")).await;
        assert_eq!(found(&answer).len(), n, "{query}");
    }
    for (query, says) in [
        ("maxResults=51", "invalidParameter"),
        ("publishedAfter=yesterday", "invalidParameter"),
        ("pageToken=x", "invalidPageToken"),
    ] {
        assert_eq!(reason(&search(&host, query).await), (400, says.to_owned()), "{query}");
    }
    assert_eq!(reason(&get(&host, SEARCH, "q=x").await).1, "missingRequiredParameter");
    host.add((100..700).map(Video::new));
    let last = search(&host, "maxResults=50&pageToken=CAoQ1c2").await.json();
    assert_eq!(
        (last["items"].as_array().unwrap().len(), last.get("nextPageToken")),
        (50, None),
        "no more than 500"
    );
}

#[tokio::test]
async fn videos_are_listed_by_their_ids() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    host.publish(0..3);
    host.comment(0, 0..4);
    host.change(0, |video| (video.n_views, video.n_likes) = (1_000, Some(10)));
    host.change(1, |video| (video.n_likes, video.has_comments) = (None, false));
    host.edit(2, "an edited title & more");
    let query = format!("part=snippet,statistics&id={},{},{},gone", video_id(0), video_id(1), video_id(2));
    let answer = get(&host, VIDEOS, &query).await;
    let videos = answer.json()["items"].clone();
    assert_eq!(numbers(&answer.json(), "/id"), [0, 1, 2]);
    let expected = json!({"viewCount": "1000", "likeCount": "10", "favoriteCount": "0", "commentCount": "4"});
    assert_eq!(videos[0]["statistics"], expected);
    assert_eq!(videos[1]["statistics"], json!({"viewCount": "0", "favoriteCount": "0"}));
    assert_eq!(videos[2]["snippet"]["title"], "an edited title & more");

    let tag = answer.header("etag").to_owned();
    let again = async || {
        let request = http().get(format!("{}{VIDEOS}?{query}&key=secret", host.web.url()));
        send(request.header("if-none-match", &tag)).await.unwrap()
    };
    assert_eq!((again().await.status, again().await.text.as_str()), (304, ""));
    host.delete(1);
    assert_eq!(numbers(&again().await.json(), "/id"), [0, 2]);
    assert_eq!(reason(&get(&host, VIDEOS, "part=snippet").await).1, "missingRequiredParameter");
    let many = vec!["x"; 51].join(",");
    assert_eq!(reason(&get(&host, VIDEOS, &format!("part=snippet&id={many}")).await).1, "invalidFilters");
    assert_eq!(host.delete_author(), CHANNEL_ID);
    assert_eq!(get(&host, VIDEOS, &query).await.json()["items"], json!([]));
}

#[tokio::test]
async fn comments_come_newest_first_unless_there_are_none() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    host.publish(0..2);
    host.comment(0, 0..30);
    host.add_comments([Comment { n_likes: 5, text: "a < b".to_owned(), ..Comment::new(30, 0) }]);
    let threads = async |query: &str| {
        get(&host, COMMENTS, &format!("part=snippet&videoId={}&{query}", video_id(0))).await
    };
    let first = threads("order=time").await.json();
    let ids = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!((ids(&first).len(), &ids(&first)[1]), (20, &json!(comment_id(29))));
    let snippet = &first["items"][0]["snippet"]["topLevelComment"]["snippet"];
    assert_eq!((&snippet["textDisplay"], &snippet["textOriginal"]), (&json!("a &lt; b"), &json!("a < b")));
    assert_eq!(snippet["authorChannelId"]["value"], CHANNEL_ID);
    let token = first["nextPageToken"].as_str().unwrap();
    assert_eq!(ids(&threads(&format!("order=time&pageToken={token}")).await.json()).len(), 11);
    let relevant = threads("order=relevance&textFormat=plainText&maxResults=100").await.json();
    assert_eq!((ids(&relevant).len(), &ids(&relevant)[0]), (31, &json!(comment_id(30))));
    assert_eq!(relevant["items"][0]["snippet"]["topLevelComment"]["snippet"]["textDisplay"], "a < b");
    host.edit_comment(7, "edited");
    host.delete_comment(8);
    let all = threads("maxResults=100&textFormat=plainText").await.text;
    assert!(all.contains("\"textDisplay\":\"edited\"") && !all.contains(&comment_id(8)));

    host.change(1, |video| video.has_comments = false);
    for (video, expected) in [(1, (403, "commentsDisabled")), (7, (404, "videoNotFound"))] {
        let answer = get(&host, COMMENTS, &format!("part=snippet&videoId={}", video_id(video))).await;
        assert_eq!(reason(&answer), (expected.0, expected.1.to_owned()));
    }
}

#[tokio::test]
async fn what_is_asked_is_paid_for() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    host.publish(0..1);
    search(&host, "").await;
    get(&host, VIDEOS, "part=snippet&id=x").await;
    assert_eq!(host.quota_used(), (1, 1));
    host.set_quota(0, 1);
    let refused = search(&host, "").await;
    assert_eq!(reason(&refused), (429, "rateLimitExceeded".to_owned()));
    assert!(refused.text.contains("Search Queries per day"));
    assert_eq!(get(&host, VIDEOS, "part=snippet&id=x").await.status, 200);
    let refused = get(&host, VIDEOS, "part=snippet&id=x").await;
    assert_eq!(reason(&refused), (403, "quotaExceeded".to_owned()));

    let host =
        YouTubeHost::start(YouTubeOptions { n_searches: None, n_units: 250, ..YouTubeOptions::default() })
            .await;
    for status in [200, 200, 403] {
        assert_eq!(search(&host, "").await.status, status);
    }
    assert_eq!(host.quota_used(), (2, 200));
}

#[tokio::test]
async fn every_refusal_has_its_reason() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    for (problem, status, says) in [
        (Problem::NoKey, 403, "forbidden"),
        (Problem::KeyInvalid, 400, "API_KEY_INVALID"),
        (Problem::KeyInvalidOfOld, 400, "keyInvalid"),
        (Problem::AccessNotConfigured, 403, "accessNotConfigured"),
        (Problem::QuotaExceeded, 403, "quotaExceeded"),
        (Problem::SearchesExceeded, 429, "RESOURCE_EXHAUSTED"),
        (Problem::RateLimitExceeded, 403, "rateLimitExceeded"),
        (Problem::BackendError, 503, "backendError"),
    ] {
        host.keep_problem(Some(problem));
        let answer = search(&host, "").await;
        assert!(answer.status == status && answer.text.contains(says), "{problem:?}: {}", answer.text);
    }
    host.keep_problem(None);
    for (key, status) in [("", 403), ("&key=wrong", 400), ("&key=secret", 200)] {
        let request = http().get(format!("{}{SEARCH}?part=snippet{key}", host.web.url()));
        assert_eq!(send(request).await.unwrap().status, status, "{key}");
    }
    assert_eq!(get(&host, "/youtube/v3/other", "").await.status, 404);
    for (status, says) in
        [(401, "authError"), (403, "forbidden"), (429, "rateLimitExceeded"), (500, "backendError")]
    {
        host.web.fault(ANYTHING, Fault::Status(status, Some(7)));
        let answer = search(&host, "").await;
        assert_eq!((reason(&answer), answer.header("retry-after")), ((status, says.to_owned()), "7"));
    }
    host.publish(0..10);
    host.web.fault(SEARCH, Fault::Twice);
    assert_eq!(found(&search(&host, "maxResults=50").await).len(), 20);
    host.web.fault(SEARCH, Fault::Closes(3));
    assert!(search(&host, "").await.json().is_null());
}

#[tokio::test]
async fn garbage_stands_where_videos_and_comments_do() {
    let host = YouTubeHost::start(YouTubeOptions::default()).await;
    host.publish(0..3);
    let n = host.add_garbage() as usize;
    host.publish(3..5);
    let n_comments = host.add_comment_garbage(0) as usize;
    host.comment(0, 0..2);
    let comments = format!("part=snippet&videoId={}", video_id(0));
    for (page, n_items) in [
        (search(&host, "maxResults=50").await, 5 + n),
        (get(&host, COMMENTS, &comments).await, 2 + n_comments),
    ] {
        assert!(page.json().is_null(), "most parsers give up on it");
        let fields: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_str(&page.text).unwrap();
        let items: Vec<Box<serde_json::value::RawValue>> =
            serde_json::from_str(fields["items"].get()).unwrap();
        assert_eq!(items.len(), n_items);
    }
}
