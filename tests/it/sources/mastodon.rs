//! What only Mastodon's connector promises: access in words, life without a stream, hashtags, limits and tokens.

use std::time::{Duration, Instant};

use groundswell::connectors::{Connector as _, ConnectorError, Erasure};
use groundswell::models::source::{Checkpoint, SourceSettings};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::contract::{Heard, hear};
use super::hosts::LocalNetwork;
use super::hosts::mastodon::{Fediverse, instance, mastodon_with, status};
use crate::support::mastodon::{Access, FeedAccess, MastodonHost, STREAMING, Status, TIMELINES};
use crate::support::web::{End, Fault};
use crate::support::{TestApp, until};

const OPEN: FeedAccess = FeedAccess { local: Access::Public, remote: Access::Public };

fn settings(host: &MastodonHost) -> SourceSettings {
    SourceSettings { base_url: Some(host.web.url()), ..SourceSettings::default() }
}

fn now() -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(5))
}

/// Returns what the test of a source says: its state if it fails, and words.
async fn tested(host: &MastodonHost, only_local: bool, token: Option<&str>) -> String {
    let settings = SourceSettings { only_local: Some(only_local), ..settings(host) };
    match mastodon_with(settings, token, now()).test().await {
        Ok(words) => words,
        Err(error) => format!("{}: {error}", error.state().as_str()),
    }
}

#[tokio::test]
async fn what_the_instance_allows_is_said_in_words() {
    let host = instance(Some("secret")).await;
    let check = async |only_local: bool, token: Option<&str>, expected: &str| {
        let said = tested(&host, only_local, token).await;
        assert!(said.starts_with(expected), "{said}");
    };
    check(false, Some("secret"), "the instance streams posts, and accepts the access token").await;
    check(false, Some("wrong"), "needs_key: the instance does not accept the access token (status 401)")
        .await;
    check(false, None, "streaming is not available (status 401), so the instance is polled every 0 s").await;
    host.allow(FeedAccess { remote: Access::Authenticated, ..OPEN }, OPEN);
    check(false, None, "needs_key: the instance shows posts of other instances only to its users").await;
    check(true, None, "streaming is not available").await;
    host.allow(FeedAccess { remote: Access::Disabled, ..OPEN }, OPEN);
    let said = tested(&host, false, Some("secret")).await;
    assert!(said.ends_with("; the instance shows only its own posts"), "{said}");
    host.allow(FeedAccess { local: Access::Disabled, remote: Access::Disabled }, OPEN);
    check(false, Some("secret"), "refused: the instance has disabled its public timeline").await;
    host.set_token(None);
    host.allow(OPEN, OPEN);
    check(false, None, "the instance streams posts; no access token is required").await;
    host.web.fault(STREAMING, Fault::Status(404, None));
    check(false, None, "streaming is not available (status 404)").await;
}

#[tokio::test]
async fn an_instance_that_does_not_stream_is_asked_at_intervals() {
    let host = instance(Some("secret")).await;
    host.add((0..50).map(status));
    let mut connector = mastodon_with(settings(&host), None, now());
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 50).await;
    host.add((50..150).map(status));
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 150).await;
    host.add((150..160).map(status));
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 160).await;
    assert_eq!((heard.distinct().len(), heard.errors.len(), heard.gaps.len()), (160, 0, 0));
    assert!(connector.notice().unwrap().starts_with("streaming is not available (status 401)"));
    let n_opened = host.web.requests().iter().filter(|request| request.path == STREAMING).count();
    assert_eq!(n_opened, 1, "it is not tried again for a while");
}

#[tokio::test]
async fn a_stream_that_brings_only_deletions_is_done_without() {
    let network = Fediverse::start().await;
    network.0.web.keep_fault(STREAMING, Some(Fault::Quiet));
    let mut connector = mastodon_with(settings(&network.0), None, now());
    let mut heard = Heard::default();
    network.offer(0..20);
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 20).await;
    let mut n = 20;
    while connector.notice().is_none() {
        network.offer(n..n + 5);
        n += 5;
        hear(&mut connector, &mut heard, |heard| heard.ids.len() >= n as usize).await;
    }
    assert!(connector.notice().unwrap().contains("it omits posts"));
    assert_eq!((heard.errors.len(), heard.gaps.len()), (0, 0), "{:?}", heard.errors);
}

#[tokio::test]
async fn a_stream_that_keeps_failing_is_done_without() {
    let network = Fediverse::start().await;
    network.0.web.keep_fault(STREAMING, Some(Fault::Status(502, None)));
    let mut connector = mastodon_with(settings(&network.0), None, now());
    let mut heard = Heard::default();
    network.offer(0..20);
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 20).await;
    hear(&mut connector, &mut heard, |heard| heard.errors.len() >= 2).await;
    network.offer(20..40);
    hear(&mut connector, &mut heard, |heard| heard.distinct().len() >= 40).await;
    assert_eq!((heard.errors.len(), heard.gaps.len()), (2, 0), "{:?}", heard.errors);
    until("it says so", async || {
        connector.next_batch().await.unwrap();
        connector.notice().is_some_and(|notice| notice.contains("status 502"))
    })
    .await;
}

#[tokio::test]
async fn hashtags_are_heard_over_one_stream_and_each_post_once() {
    let host = instance(None).await;
    let tagged = |number, tags: &[&'static str]| Status { tags: tags.to_vec(), ..status(number) };
    host.add([
        tagged(0, &["cats"]),
        tagged(1, &["dogs"]),
        tagged(2, &["birds"]),
        tagged(3, &["cats", "dogs"]),
    ]);
    let tags = Some(vec!["Cats".to_owned(), "dogs".to_owned()]);
    let settings = SourceSettings { tags, ..settings(&host) };
    let mut connector = mastodon_with(settings.clone(), None, now());
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 3).await;
    until("it streams", async || {
        connector.next_batch().await.unwrap();
        host.web.requests().iter().any(|request| request.path == STREAMING)
    })
    .await;
    host.add([tagged(4, &["dogs", "cats"]), tagged(5, &["birds"]), tagged(6, &["dogs"])]);
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 5).await;
    let expected = [0, 1, 3, 4, 6].map(Fediverse::id);
    assert!(heard.distinct().into_iter().eq(expected.iter().map(String::as_str)), "{:?}", heard.ids);
    assert_eq!(heard.ids.len(), 5);
    let opened = host.web.requests().into_iter().filter(|request| request.path == STREAMING).count();
    assert_eq!(opened, 1);
    // Each hashtag continues where it is, also after another run.
    let (_, position) = heard.checkpoints.last().unwrap().clone();
    drop(connector);
    host.add([tagged(7, &["cats"])]);
    let mut connector = mastodon_with(settings, None, position);
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 6).await;
    assert_eq!(heard.ids[5], Fediverse::id(7));
}

#[tokio::test]
async fn a_limit_is_respected_before_it_is_hit() {
    // Long enough for the requests that are allowed, also on a busy machine.
    const PERIOD: Duration = Duration::from_secs(8);
    // Longer than any test.
    const FOREVER: Duration = Duration::from_secs(3_600);
    let limited = async |period: Duration| {
        let host = instance(None).await;
        host.add((0..400).map(status));
        let begun = Instant::now();
        host.limit_requests(6, period);
        let mut connector = mastodon_with(settings(&host), None, now());
        let mut heard = Heard::default();
        hear(&mut connector, &mut heard, |heard| !heard.errors.is_empty()).await;
        let wait = match &heard.errors[0] {
            ConnectorError::RateLimited { retry_after: Some(wait), .. } => *wait,
            other => panic!("{other:?}"),
        };
        assert!(wait <= period, "{wait:?}");
        (host, connector, heard, wait, begun)
    };
    let (host, mut connector, mut heard, ..) = limited(FOREVER).await;
    let n_requests = host.web.requests().len();
    hear(&mut connector, &mut heard, |heard| heard.errors.len() >= 3).await;
    assert!(heard.errors.iter().all(|error| matches!(error, ConnectorError::RateLimited { .. })));
    assert_eq!(host.web.requests().len(), n_requests, "it is asked in the meantime");

    let (host, mut connector, mut heard, wait, begun) = limited(PERIOD).await;
    tokio::time::sleep(wait).await;
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 400).await;
    assert!(begun.elapsed() >= PERIOD);
    assert!(host.web.requests().iter().all(|request| request.status != 429));
    assert_eq!((heard.distinct().len(), heard.gaps.len()), (400, 0));
}

#[tokio::test]
async fn a_token_is_sent_to_the_instance_and_refused_in_the_middle() {
    let host = instance(Some("secret")).await;
    host.add((0..5).map(status));
    let mut connector = mastodon_with(settings(&host), Some("secret"), now());
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 5).await;
    until("it streams", async || {
        connector.next_batch().await.unwrap();
        host.web.requests().iter().any(|request| request.path == STREAMING)
    })
    .await;
    for request in host.web.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer secret"), "{}", request.path);
        assert_eq!(request.param("access_token"), None);
    }
    host.set_token(Some("other"));
    hear(&mut connector, &mut heard, |heard| heard.errors.len() >= 2).await;
    let states: Vec<&str> = heard.errors.iter().map(|error| error.state().as_str()).collect();
    assert_eq!(states, ["waiting", "needs_key"]);
    assert!(heard.errors.iter().all(|error| !error.to_string().contains("secret")));
}

#[tokio::test]
async fn what_was_written_while_the_stream_was_broken_is_fetched() {
    let network = Fediverse::start().await;
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    let mut n = 0;
    for end in [End::Reset, End::Close, End::Error, End::Reset, End::Close] {
        network.offer(n..n + 60);
        network.0.web.disconnect(end);
        network.offer(n + 60..n + 120);
        n += 120;
        hear(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= n as usize).await;
    }
    assert_eq!((heard.ids.len(), heard.gaps.len()), (600, 0), "each is offered once");
    // Garbage on the stream costs no post around it.
    until("it streams", async || {
        let batch = connector.next_batch().await.unwrap();
        batch.is_empty()
    })
    .await;
    let n_garbage = network.0.send_garbage();
    network.offer(n..n + 5);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 605 && heard.n_unreadable >= n_garbage)
        .await;
    assert_eq!(heard.n_unreadable, n_garbage);
}

#[tokio::test]
async fn more_than_can_be_read_afterwards_is_declared() {
    let host = instance(None).await;
    let at = Timestamp::now() - SignedDuration::from_hours(2);
    let old = |number: u32| Status { at: at + SignedDuration::from_secs(number.into()), ..status(number) };
    host.add((0..1_700).map(old));
    let mut connector = mastodon_with(settings(&host), None, Checkpoint::at(at));
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 1_600).await;
    let [gap] = &heard.gaps[..] else { panic!("{:?}", heard.gaps) };
    assert_eq!((heard.ids.len(), gap.from), (1_600, at));
    // Mastodon tells times in milliseconds.
    assert_eq!(gap.to.duration_since(at).as_secs_f64().round(), 100.0);
}

#[tokio::test]
async fn a_post_keeps_what_its_network_says_about_it() {
    let host = instance(None).await;
    host.add([Status {
        is_local: true,
        tags: vec!["nimbrel"],
        language: Some("de"),
        n_reblogs: 2,
        n_favourites: 3,
        n_replies: 4,
        ..Status::new(0)
    }]);
    let mut connector = mastodon_with(settings(&host), None, now());
    let mut posts = Vec::new();
    while posts.is_empty() {
        posts = connector.next_batch().await.unwrap().posts;
    }
    let (post, url) = (&posts[0], host.web.url());
    assert_eq!(post.text, "post 0 about nimbrel\n#nimbrel");
    assert_eq!(post.id, format!("{url}/users/ana/statuses/{}", host.id(0)));
    assert_eq!(post.url, Some(format!("{url}/@ana/{}", host.id(0))));
    let author = post.author.as_ref().unwrap();
    let domain = url.trim_start_matches("http://");
    assert_eq!((author.id.clone(), author.followers), (Some(format!("ana@{domain}")), Some(37)));
    let engagement = post.engagement.unwrap();
    assert_eq!((engagement.shares, engagement.likes, engagement.comments), (Some(2), Some(3), Some(4)));
    assert_eq!(post.lang.as_deref(), Some("de"));
}

#[tokio::test]
async fn posts_are_stored_and_erased() {
    let network = Fediverse::start().await;
    let host = &network.0;
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let settings = json!({"base_url": host.web.url(), "only_local": false});
    let source = json!({"network": "mastodon", "name": "Fedi", "settings": settings});
    let made = app.act(("POST", "/api/v1/sources"), &source, "Ana").await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/sources/{}", made.body["id"].as_str().unwrap());
    network.offer(0..10);
    app.space.assert_counted_once(10).await;
    until("it streams", async || host.web.requests().iter().any(|it| it.path == STREAMING && !it.is_over))
        .await;
    network.offer(10..20);
    app.space.assert_counted_once(20).await;
    network.delete(3);
    network.delete(13);
    until("they are erased", async || app.get(&path).await["erased"] == 2).await;
    for (field, value) in [
        ("tags", json!([])),
        ("tags", json!(["#cats"])),
        ("tags", json!(vec!["cats"; 21])),
        ("url", json!("https://site.example/feed")),
    ] {
        let mut wrong = source.clone();
        wrong["settings"][field] = value;
        let refused = app.act(("POST", "/api/v1/sources"), &wrong, "Ana").await;
        let named = &refused.body["error"]["details"]["field"];
        assert_eq!((refused.status, named), (422, &json!(format!("settings.{field}"))), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_deletion_that_was_said_while_pages_were_read_is_kept() {
    let network = Fediverse::start().await;
    network.offer(0..10);
    let mut connector = network.connector(now());
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 10).await;
    until("it streams", async || {
        connector.next_batch().await.unwrap();
        network.0.web.requests().iter().any(|it| it.path == STREAMING)
    })
    .await;
    // The page that follows comes late, and the stream breaks afterwards.
    network.0.web.fault(TIMELINES, Fault::Silent);
    network.delete(4);
    hear(connector.as_mut(), &mut heard, |heard| !heard.erasures.is_empty()).await;
    assert_eq!(heard.erasures, [Erasure::Post(Fediverse::id(4))]);
}
