//! What the API itself promises.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::filter::Filter;
use super::{ANYTHING, AUTHOR_ID, LOOKUP, RECENT, RULES, STREAM, Tweet, XHost, XOptions, tweet_id};
use crate::support::until;
use crate::support::web::plain::{Plain, http, send};
use crate::support::web::{End, Fault};

async fn get(host: &XHost, path: &str) -> Plain {
    send(http().get(format!("{}{path}", host.web.url())).bearer_auth("secret")).await.unwrap()
}

async fn post(host: &XHost, path: &str, body: Value) -> Plain {
    let request = http().post(format!("{}{path}", host.web.url())).bearer_auth("secret").json(&body);
    send(request).await.unwrap()
}

async fn listen(host: &XHost, query: &str) -> reqwest::Response {
    let url = format!("{}{STREAM}?{query}", host.web.url());
    http().get(url).bearer_auth("secret").send().await.unwrap()
}

/// Reads until so many lines that are not empty have come, or until the end. Returns them, and whether the end was in
/// good order.
async fn lines(response: &mut reqwest::Response, n: usize) -> (Vec<String>, Option<bool>) {
    let mut text = Vec::new();
    loop {
        let read = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<String> = read.split("\r\n").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if lines.len() >= n && read.ends_with("\r\n") {
            return (lines, None);
        }
        match response.chunk().await {
            Ok(Some(bytes)) => text.extend(bytes),
            Ok(None) => return (lines, Some(true)),
            Err(_) => return (lines, Some(false)),
        }
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn numbers(answer: &Value) -> Vec<u32> {
    let number = |tweet: &Value| tweet["text"].as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    answer["data"].as_array().unwrap().iter().map(number).collect()
}

fn check(text: &str, post: &str, expected: Result<bool, &str>) {
    let filter = Filter::parse(text);
    match (filter, expected) {
        (Ok(filter), Ok(expected)) => {
            let tweet = Tweet { text: post.to_owned(), ..Tweet::new(0) };
            assert_eq!(filter.matches(&tweet), expected, "{text}: {post}");
        }
        (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
        (filter, _) => panic!("{text}: {filter:?}"),
    }
}

#[test]
fn rules_match_as_they_are_described() {
    check("nimbrel", "a Nimbrel, at last", Ok(true));
    check("nimbrel", "nimbrels", Ok(false));
    check("nimbrel", "#nimbrel", Ok(true));
    check("#nimbrel", "nimbrel", Ok(false));
    check("snow day #NoSchool", "a day of snow #noschool", Ok(true));
    check("apple OR iphone ipad", "apple", Ok(true));
    check("(apple OR iphone) ipad", "apple", Ok(false));
    check("cat #meme -grumpy", "grumpy cat #meme", Ok(false));
    check("\"grumpy cat\"", "cat, grumpy", Ok(false));
    check("\"grumpy cat\" from:ana lang:en -is:retweet", "a grumpy cat", Ok(true));
    check("cat (has:links OR has:hashtags)", "cat https://cat.example", Ok(true));
    check("", "", Err("no viable alternative"));
    check("(cat", "", Err("missing ')'"));
    check("cat)", "", Err("extraneous input"));
    check("\"cat", "", Err("quotation mark"));
    check("cat -(dog mouse)", "", Err("mismatched input"));
    check("has:links OR is:retweet", "", Err("standalone"));
    check("-cat", "", Err("standalone"));
}

#[tokio::test]
async fn rules_are_added_listed_and_deleted() {
    let host = XHost::start(XOptions { n_rules_max: 3, ..XOptions::default() }).await;
    let none = get(&host, RULES).await.json();
    assert_eq!((&none["meta"]["result_count"], none.get("data")), (&json!(0), None));
    let nimbrel = json!({"add": [{"value": "nimbrel", "tag": "topic 1"}, {"value": "cat -dog"}]});
    let dry = post(&host, &format!("{RULES}?dry_run=true"), nimbrel.clone()).await.json();
    assert_eq!((&dry["meta"]["summary"]["valid"], host.rules().len()), (&json!(2), 0));
    let added = post(&host, RULES, nimbrel.clone()).await;
    let summary = json!({"created": 2, "not_created": 0, "valid": 2, "invalid": 0});
    assert_eq!((added.status, &added.json()["meta"]["summary"]), (201, &summary));
    assert_eq!(host.rules()[0], ("nimbrel".to_owned(), Some("topic 1".to_owned())));
    assert_eq!(get(&host, RULES).await.json()["data"], added.json()["data"]);

    let id = added.json()["data"][0]["id"].clone();
    let duplicate = post(&host, RULES, json!({"add": [{"value": "nimbrel"}]})).await.json();
    let problem = &duplicate["errors"][0];
    assert_eq!((&problem["title"], &problem["id"]), (&json!("DuplicateRule"), &id));
    for invalid in ["has:links".to_owned(), "(cat".to_owned(), "c".repeat(1_025)] {
        let answer = post(&host, RULES, json!({"add": [{"value": invalid}]})).await.json();
        assert_eq!(
            answer["meta"]["summary"],
            json!({"created": 0, "not_created": 1, "valid": 0, "invalid": 1})
        );
        assert!(answer["errors"][0]["type"].as_str().unwrap().ends_with("/invalid-rules"));
    }
    let too_many = post(&host, RULES, json!({"add": [{"value": "a"}, {"value": "b"}]})).await;
    assert_eq!((too_many.status, &too_many.json()["title"]), (422, &json!("RulesCapExceeded")));

    let deleted = post(&host, RULES, json!({"delete": {"ids": [id, "7"]}})).await.json();
    assert_eq!(deleted["meta"]["summary"], json!({"deleted": 1, "not_deleted": 1}));
    post(&host, RULES, json!({"delete": {"values": ["cat -dog"]}})).await;
    assert_eq!(host.rules(), []);
    assert_eq!(post(&host, RULES, json!({})).await.status, 400);
    assert_eq!(post(&host, RULES, json!({})).await.header("x-rate-limit-limit"), "100");
}

#[tokio::test]
async fn posts_are_found_by_query_id_and_time() {
    let host = XHost::start(XOptions::default()).await;
    let at = Timestamp::now() - SignedDuration::from_hours(2);
    host.add((0..5).map(|number| Tweet { at, ..Tweet::new(number) }));
    host.publish(10..40);
    host.add([Tweet { text: "something else".to_owned(), ..Tweet::new(50) }]);
    let search = async |query: &str| get(&host, &format!("{RECENT}?query=nimbrel{query}")).await;
    let first = search("").await;
    assert_eq!(numbers(&first.json()), (30..40).rev().collect::<Vec<_>>());
    let meta = first.json()["meta"].clone();
    assert_eq!((&meta["newest_id"], &meta["oldest_id"]), (&json!(host.id(39)), &json!(host.id(30))));
    assert_eq!(meta["result_count"], 10);
    let token = meta["next_token"].as_str().unwrap();
    assert_eq!(
        numbers(&search(&format!("&next_token={token}")).await.json()),
        (20..30).rev().collect::<Vec<_>>()
    );
    let all = search("&max_results=100").await.json();
    assert_eq!((numbers(&all).len(), all["meta"].get("next_token")), (35, None));
    let between = format!("&since_id={}&until_id={}", host.id(12), host.id(15));
    assert_eq!(numbers(&search(&between).await.json()), [14, 13]);
    let ago = |minutes| (Timestamp::now() - SignedDuration::from_mins(minutes)).to_string();
    let between = format!("&start_time={}&end_time={}", ago(150), ago(60));
    assert_eq!(numbers(&search(&between).await.json()), [4, 3, 2, 1, 0]);
    let none = search(&format!("&since_id={}", host.id(39))).await;
    assert_eq!((none.status, none.text.as_str()), (200, r#"{"meta":{"result_count":0}}"#));

    let fields = "tweet.fields=created_at,lang,public_metrics,conversation_id,entities,possibly_sensitive,referenced_tweets\
                  &expansions=author_id&user.fields=public_metrics,verified,created_at";
    let full = search(&format!("&{fields}")).await.json();
    assert_eq!(full["data"][0]["author_id"], AUTHOR_ID);
    assert_eq!(full["includes"]["users"][0]["username"], "ana");
    assert!(full["data"][0]["created_at"].as_str().unwrap().ends_with('Z'));
    let too_old = tweet_id(Timestamp::now() - SignedDuration::from_hours(8 * 24), 0);
    for (query, says) in [
        ("&max_results=5".to_owned(), "is not between 10 and 100"),
        (format!("&start_time={}", ago(8 * 24 * 60)), "must be on or after"),
        (format!("&start_time={}", ago(0)), "a minimum of 10 seconds"),
        ("&end_time=yesterday".to_owned(), "RFC 3339"),
        (format!("&since_id={too_old}"), "must be a tweet id created after"),
        ("&since_id=x".to_owned(), "is not valid"),
        (format!("&since_id={}&start_time={}", host.id(0), ago(5)), "in conjunction with"),
        ("&next_token=x".to_owned(), "Invalid 'next_token'"),
        ("x".repeat(512), "Rule length"),
        (" (".to_owned(), "There were errors"),
    ] {
        let refused = search(&query).await;
        let message = refused.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(refused.status == 400 && message.contains(says), "{query}: {}", refused.text);
    }
}

#[tokio::test]
async fn posts_are_looked_up_with_their_versions_and_counts() {
    let host = XHost::start(XOptions::default()).await;
    host.publish(0..3);
    let first = host.id(1);
    host.edit(1, "post 1 edited");
    host.change(0, |it| (it.n_likes, it.n_reposts, it.n_replies, it.n_quotes, it.n_views) = (1, 2, 3, 4, 5));
    host.delete(2);
    let ids = format!("{},{first},{},x", host.id(0), host.id(2));
    let answer = get(&host, &format!("{LOOKUP}?ids={ids}&tweet.fields=public_metrics")).await.json();
    let [metrics, edited] = [&answer["data"][0]["public_metrics"], &answer["data"][1]];
    assert_eq!((&metrics["like_count"], &metrics["impression_count"]), (&json!(1), &json!(5)));
    assert_eq!(edited["edit_history_tweet_ids"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&edited["edit_history_tweet_ids"][0], &edited["edit_history_tweet_ids"][1]),
        (&json!(first), &edited["id"])
    );
    let missing: Vec<&Value> =
        answer["errors"].as_array().unwrap().iter().map(|it| &it["resource_id"]).collect();
    assert_eq!(missing, [&json!(host.id(2)), &json!("x")]);
    assert_eq!(host.delete_author(), AUTHOR_ID);
    let gone = get(&host, &format!("{LOOKUP}?ids={first}")).await;
    assert_eq!((gone.status, gone.json().get("data")), (200, None));
    assert_eq!(get(&host, LOOKUP).await.status, 400);
    assert_eq!(host.n_posts_read(), 2);
}

#[tokio::test]
async fn the_stream_brings_what_the_rules_match() {
    let options =
        XOptions { ping_every: Duration::from_millis(20), has_backfill: true, ..XOptions::default() };
    let host = XHost::start(options).await;
    assert_eq!(listen(&host, "").await.status(), 409, "there are no rules");
    post(&host, RULES, json!({"add": [{"value": "nimbrel", "tag": "topic 1"}]})).await;
    host.publish(0..2);
    let mut stream = listen(&host, "expansions=author_id&tweet.fields=created_at").await;
    assert_eq!(stream.headers()["x-rate-limit-limit"], "50");
    let second = get(&host, STREAM).await;
    assert_eq!((second.status, &second.json()["connection_issue"]), (429, &json!("TooManyConnections")));
    host.add([Tweet { text: "something else".to_owned(), ..Tweet::new(2) }, Tweet::new(3)]);
    host.edit(3, "post 3 edited nimbrel");
    let (read, _) = lines(&mut stream, 2).await;
    let (written, edited) = (parsed(&read[0]), parsed(&read[1]));
    assert_eq!(written["data"]["id"], json!(host.id(3)));
    assert_eq!(written["includes"]["users"][0]["id"], AUTHOR_ID);
    assert_eq!(written["matching_rules"][0]["tag"], "topic 1");
    assert_eq!(edited["data"]["edit_history_tweet_ids"][0], json!(host.id(3)));
    let (none, _) =
        tokio::time::timeout(Duration::from_millis(60), lines(&mut stream, 1)).await.unwrap_or_default();
    assert!(none.is_empty());
    host.web.disconnect(End::Error);
    let (read, is_orderly) = lines(&mut stream, 9).await;
    assert_eq!(
        (&parsed(&read[0])["errors"][0]["title"], is_orderly),
        (&json!("operational-disconnect"), Some(true))
    );

    // Whoever comes back misses nothing, if it may.
    let mut again = listen(&host, "backfill_minutes=5").await;
    assert_eq!(lines(&mut again, 4).await.0.len(), 4);
    drop(again);
    until("nobody listens", async || host.web.n_open() == 0).await;
    assert_eq!(listen(&host, "backfill_minutes=6").await.status(), 400);

    for (fault, n, is_orderly) in [
        (Fault::Closes(3), 3, Some(true)),
        (Fault::Fails(3), 4, Some(true)),
        (Fault::BreaksInside(3), 4, Some(false)),
        (Fault::Twice, 20, None),
        (Fault::Fragmented, 10, None),
    ] {
        host.web.fault(STREAM, fault);
        let mut stream = listen(&host, "").await;
        host.publish(100..110);
        let (read, end) = lines(&mut stream, 20.min(if is_orderly.is_some() { 20 } else { n })).await;
        assert_eq!((read.len(), end), (n, is_orderly), "{fault:?}");
        drop(stream);
        until("nobody listens", async || host.web.n_open() == 0).await;
    }
}

#[tokio::test]
async fn everything_is_limited_and_says_how() {
    let host = XHost::start(XOptions::default()).await;
    host.publish(0..20);
    let path = format!("{RECENT}?query=nimbrel");
    assert_eq!(get(&host, &path).await.header("x-rate-limit-remaining"), "449");
    host.limit_requests(("GET", RECENT), 0, Duration::from_secs(60));
    let refused = get(&host, &path).await;
    assert_eq!((refused.status, &refused.json()["title"]), (429, &json!("Too Many Requests")));
    assert_eq!(refused.header("x-rate-limit-remaining"), "0");
    let seconds = refused.header("x-rate-limit-reset").parse::<i64>().unwrap() - Timestamp::now().as_second();
    assert!((58..=60).contains(&seconds) && refused.header("retry-after").is_empty());
    host.limit_requests(("GET", RECENT), 1, Duration::from_secs(60));

    host.cap_usage(10);
    let capped = get(&host, &path).await;
    assert_eq!((capped.status, &capped.json()["title"]), (429, &json!("UsageCapExceeded")));
    host.cap_usage(11);
    host.limit_requests(("GET", RECENT), 9, Duration::from_secs(60));
    assert_eq!(get(&host, &path).await.status, 200);
    host.cap_usage(u64::MAX);

    host.enroll(false);
    let refused = get(&host, &path).await;
    assert_eq!((refused.status, &refused.json()["reason"]), (403, &json!("client-not-enrolled")));
    host.enroll(true);
    let anonymous = send(http().get(format!("{}{path}", host.web.url()))).await.unwrap();
    assert_eq!((anonymous.status, &anonymous.json()["title"]), (401, &json!("Unauthorized")));
    assert_eq!(get(&host, "/2/other").await.status, 404);
    for (status, wait_s, header) in
        [(429, Some(7), "x-rate-limit-reset"), (503, Some(3), "retry-after"), (500, None, "")]
    {
        host.web.fault(ANYTHING, Fault::Status(status, wait_s));
        let refused = get(&host, &path).await;
        assert_eq!((refused.status, refused.header(header).is_empty()), (status, header.is_empty()));
    }
}

#[tokio::test]
async fn garbage_stands_where_posts_do() {
    let host = XHost::start(XOptions::default()).await;
    post(&host, RULES, json!({"add": [{"value": "nimbrel"}]})).await;
    let mut stream = listen(&host, "").await;
    host.publish(0..3);
    let n = host.add_garbage() as usize;
    host.publish(3..5);
    let n_sent = host.send_garbage() as usize;
    host.publish(5..6);
    let (read, _) = lines(&mut stream, 6 + n + n_sent).await;
    assert_eq!(parsed(read.last().unwrap())["data"]["id"], json!(host.id(5)));
    let page = get(&host, &format!("{RECENT}?query=nimbrel&max_results=100")).await;
    assert!(page.json().is_null(), "most parsers give up on it");
    let items: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&page.text).unwrap();
    let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(items["data"].get()).unwrap();
    assert_eq!(items.len(), 6 + n);
}
