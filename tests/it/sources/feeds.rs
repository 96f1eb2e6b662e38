//! What only feeds do: settings of their own, conditional requests, and whatever a site may send instead of a feed.

use std::time::{Duration, Instant};

use groundswell::connectors::{Batch, Connector, ConnectorError};
use groundswell::models::source::Checkpoint;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::hosts::feed::feed;
use crate::support::feed_host::{Entry, Fault, FeedHost, Format};
use crate::support::{PATIENCE, TestApp, judge_in_soak, until};

/// How long whatever a site sends may take to read, on a machine that does nothing else.
const HOSTILE_WITHIN: Duration = Duration::from_secs(10);

async fn act(app: &TestApp, method: &str, path: &str, body: Value) -> (u16, Value) {
    let answer = app.act((method, path), &body, "Ana").await;
    (answer.status, answer.body)
}

/// Creates a source that hears a feed. Returns its path.
async fn hear(app: &TestApp, url: &str) -> String {
    let source = json!({"network": "feed", "name": "Blog", "settings": {"url": url}});
    let (status, made) = act(app, "POST", "/api/v1/sources", source).await;
    assert_eq!(status, 201, "{made}");
    format!("/api/v1/sources/{}", made["id"].as_str().unwrap())
}

fn now() -> Checkpoint {
    Checkpoint::at(Timestamp::now())
}

/// Returns the first batch in which there is anything.
async fn next(connector: &mut dyn Connector) -> Result<Batch, ConnectorError> {
    loop {
        let batch = connector.next_batch().await?;
        if !batch.is_empty() {
            return Ok(batch);
        }
    }
}

#[tokio::test]
async fn entries_are_stored_once_whether_the_source_is_restarted_or_the_feed_moves() {
    let host = FeedHost::start(Format::Rss).await;
    host.add((0..10).map(Entry::new));
    let app = TestApp::start_with(&["--notify-allow=127.0.0.1"]).await;
    let path = hear(&app, &host.url()).await;
    app.space.assert_counted_once(10).await;
    until("it says so", async || {
        let source = app.get(&path).await;
        source["state"] == "running" && source["stored"] == 10 && source["cursor"]["host"] == host.url()
    })
    .await;
    let source = app.get(&path).await;
    assert!(source["cursor"].get("state").is_none(), "{source}");
    let posts = app.get("/api/v1/posts?limit=1").await;
    let post = &posts["items"][0]["post"];
    assert_eq!((&post["platform"], &post["source"]), (&json!("feed"), &json!("feed")), "{post}");
    assert!(post["url"].as_str().unwrap().starts_with("https://site.example/"), "{post}");

    // A run that continues asks only for what is new.
    for n_requests in [2, 3] {
        act(&app, "POST", &format!("{path}/pause"), json!({})).await;
        act(&app, "POST", &format!("{path}/resume"), json!({})).await;
        until("it asks", async || host.requests().len() >= n_requests).await;
        let request = host.requests().pop().unwrap();
        assert_eq!((request.header("if-none-match").is_some(), request.status), (true, 304), "{request:?}");
    }
    host.add((10..15).map(Entry::new));
    let elsewhere = FeedHost::start(Format::Rss).await;
    elsewhere.add((5..20).map(Entry::new));
    host.fault(Fault::MovedTo(elsewhere.url()));
    act(&app, "POST", &format!("{path}/resume"), json!({})).await;
    app.space.assert_counted_once(20).await;
    assert_eq!(app.get(&path).await["gaps"], json!([]));
    let (status, test) = act(&app, "POST", &format!("{path}/test"), json!({})).await;
    assert_eq!((status, &test["state"]), (200, &json!("running")), "{test}");
    assert_eq!(test["message"], "the feed can be read, and has 15 entries");
}

#[tokio::test]
async fn settings_of_feeds_are_refused_by_name() {
    let app = TestApp::start().await;
    let feed = "https://site.example/feed";
    for (network, settings, field) in [
        ("feed", json!({}), "settings.url"),
        ("feed", json!({"url": "http://127.0.0.1/feed"}), "settings.url"),
        ("feed", json!({"url": "http://site.example/feed"}), "settings.url"),
        ("feed", json!({"url": feed, "base_url": "https://site.example"}), "settings.base_url"),
        ("feed", json!({"url": feed, "interval_s": 59}), "settings.interval_s"),
        ("feed", json!({"url": feed, "interval_s": 86_401}), "settings.interval_s"),
        ("bluesky", json!({"url": feed}), "settings.url"),
        ("bluesky", json!({"interval_s": 60}), "settings.interval_s"),
    ] {
        let source = json!({"network": network, "name": "Blog", "settings": settings});
        let (status, refused) = act(&app, "POST", "/api/v1/sources", source).await;
        assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!(field)), "{refused}");
    }
}

#[tokio::test]
async fn a_source_says_what_is_wrong_with_its_feed() {
    let host = FeedHost::start(Format::Atom).await;
    host.keep_fault(Some(Fault::Body("text/html", b"<html><body>Back soon</body></html>".to_vec())));
    let app = TestApp::start_with(&["--notify-allow=127.0.0.1"]).await;
    let path = hear(&app, &host.url()).await;
    let reason = async || app.get(&path).await["reason"].as_str().unwrap_or_default().to_owned();
    until("it says that this is no feed", async || {
        let reason = reason().await;
        reason.contains("not a feed") && reason.contains("(attempt 2)")
    })
    .await;
    assert_eq!(app.get(&path).await["state"], "waiting");
    host.keep_fault(Some(Fault::Status(410, None)));
    until("it is gone", async || app.get(&path).await["state"] == "refused").await;
    assert_eq!(reason().await, "the feed is gone (status 410)");
}

#[tokio::test]
async fn requests_are_conditional_by_date_where_there_are_no_tags() {
    let host = FeedHost::start(Format::Json).await;
    host.send_no_etags();
    host.add((0..3).map(Entry::new));
    let mut connector = feed(&host, now());
    let position = next(&mut connector).await.unwrap().checkpoint.unwrap();
    connector.next_batch().await.unwrap();
    assert_eq!(host.requests().pop().unwrap().status, 304);
    // Another run continues conditionally, and an answer that breaks off changes nothing.
    let mut connector = feed(&host, position);
    assert!(connector.next_batch().await.unwrap().is_empty());
    assert_eq!(host.requests().pop().unwrap().status, 304);
    host.add([Entry::new(3)]);
    host.fault(Fault::BreaksInside(2));
    assert!(next(&mut connector).await.unwrap_err().is_temporary());
    let batch = next(&mut connector).await.unwrap();
    assert_eq!(batch.posts.iter().map(|post| post.id.as_str()).collect::<Vec<_>>(), ["urn:example:3"]);
}

#[tokio::test]
async fn whatever_a_site_sends_is_read_or_refused_in_little_time() {
    let host = FeedHost::start(Format::Rss).await;
    let rss = |title: &str| {
        format!("<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>")
    };
    let bomb = "<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>";
    let latin1 =
        [b"<?xml version='1.0' encoding='iso-8859-1'?>", rss("caf#").replace('#', "\u{e9}").as_bytes()]
            .concat();
    let latin1: Vec<u8> = String::from_utf8(latin1).unwrap().chars().map(|c| c as u8).collect();
    for (body, expected) in [
        (format!("<!DOCTYPE rss [{bomb}]>{}", rss("&c;")).into_bytes(), Ok("&c;")),
        (latin1, Ok("caf\u{e9}")),
        ("<b>".repeat(500_000).into_bytes(), Err("nested too deeply")),
        (vec![b'<'; 6 << 20], Err("larger than 5242880 bytes")),
        (rss("never ends").as_bytes()[..60].to_vec(), Err("is not a feed")),
        (Vec::new(), Err("it is empty")),
        (vec![0; 1_000], Err("is not a feed")),
    ] {
        let what = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        host.fault(Fault::Body("text/xml", body));
        let mut connector = feed(&host, now());
        let began_at = Instant::now();
        let outcome = tokio::time::timeout(PATIENCE, next(&mut connector)).await.expect("it takes forever");
        let took = began_at.elapsed();
        judge_in_soak(took < HOSTILE_WITHIN, &format!("sources: a hostile feed took {took:.1?}: {what:?}"));
        match (outcome, expected) {
            (Ok(batch), Ok(text)) => assert_eq!(batch.posts[0].text, text, "{what}"),
            (Err(error), Err(why)) => {
                assert!(error.is_temporary() && error.to_string().contains(why), "{what}: {error}");
            }
            (outcome, _) => panic!("{what}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn entries_without_ids_keep_those_that_are_made_for_them() {
    for format in [Format::Rss, Format::Atom, Format::Json] {
        let host = FeedHost::start(format).await;
        host.add((0..5).map(|number| Entry { id: None, ..Entry::new(number) }));
        let mut connector = feed(&host, now());
        let first = next(&mut connector).await.unwrap();
        assert_eq!(first.posts[0].id, "https://site.example/0");
        host.fault(Fault::Twice);
        host.add([Entry { id: None, ..Entry::new(5) }]);
        let second = next(&mut connector).await.unwrap();
        let ids: Vec<_> = second.posts.iter().map(|post| post.id.as_str()).collect();
        assert_eq!(ids, ["https://site.example/5"], "{format:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_loses_nothing() {
    let host = FeedHost::start(Format::Atom).await;
    host.add((0..200).map(Entry::new));
    let mut connector = feed(&host, now());
    let mut n_posts = 0;
    while n_posts < 200 {
        if let Ok(batch) = tokio::time::timeout(Duration::from_millis(1), connector.next_batch()).await {
            n_posts += batch.unwrap().posts.len();
        }
    }
    assert_eq!(n_posts, 200);
    // It comes back within about a second, although there is nothing to do.
    let began_at = Instant::now();
    tokio::time::timeout(PATIENCE, connector.next_batch()).await.expect("it does not come back").unwrap();
    let took = began_at.elapsed();
    judge_in_soak(took < Duration::from_secs(3), &format!("sources: a call came back after {took:.1?}"));
}
