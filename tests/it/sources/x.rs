//! What only X's connector promises: rules that others added are left alone, and every post is paid for once, within the
//! budget.

use std::sync::Arc;
use std::time::Duration;

use groundswell::connectors::access::Access;
use groundswell::connectors::networks;
use groundswell::connectors::{Batch, Connector, ConnectorError};
use groundswell::egress::Egress;
use groundswell::egress::allowlist::Allowlist;
use groundswell::models::source::credentials::Credentials;
use groundswell::models::source::{Checkpoint, Network, SourceSettings};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::contract::{Heard, hear};
use super::hosts::x::XApi;
use super::hosts::{LocalNetwork, Trouble};
use crate::support::web::plain::{http, send};
use crate::support::web::{End, Fault};
use crate::support::x_api::{RECENT, RULES, STREAM, Tweet};
use crate::support::{PATIENCE, TestApp, until};

/// Price of a post in millionths of a US dollar.
const PRICE: u64 = 5_000;

fn now() -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(5))
}

/// Returns the next error, and the batches before it.
async fn next_error(connector: &mut dyn Connector) -> (ConnectorError, Vec<Batch>) {
    let mut batches = Vec::new();
    loop {
        match connector.next_batch().await {
            Ok(batch) => batches.push(batch),
            Err(error) => return (error, batches),
        }
    }
}

fn n_posts(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.posts.len()).sum()
}

#[tokio::test]
async fn rules_follow_the_queries_and_those_of_others_stay() {
    let api = XApi::start_api().await;
    let egress = Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap();
    let queries = |queries: &[&str]| SourceSettings {
        queries: Some(queries.iter().map(|&query| query.to_owned()).collect()),
        ..api.settings(20.0)
    };
    let rule = json!({"add": [{"value": "of others", "tag": "theirs"}]});
    let adding = http().post(format!("{}{RULES}", api.host.web.url())).bearer_auth("secret").json(&rule);
    assert_eq!(send(adding).await.unwrap().status, 201);
    let values = || api.host.rules().into_iter().map(|(value, _)| value).collect::<Vec<_>>();
    for (wanted, expected) in [
        (&["nimbrel", "vexa"][..], vec!["of others", "nimbrel", "vexa"]),
        (&["vexa", "orlo"][..], vec!["of others", "vexa", "orlo"]),
    ] {
        let mut connector = api.connect(&queries(wanted), now());
        assert!(connector.next_batch().await.is_ok());
        assert_eq!(values(), expected);
        drop(connector);
        until("the stream is closed", async || api.host.web.n_open() == 0).await;
    }
    let mut connector = api.connect(&queries(&["vexa", "a OR"]), now());
    let refused = connector.next_batch().await.unwrap_err();
    assert_eq!(refused.state().as_str(), "refused");
    assert!(refused.to_string().contains("`a OR`"), "{refused}");
    // Settings are refused by name before anything is asked.
    let invalid = networks::check(&egress, Network::X, &queries(&[])).unwrap_err();
    assert_eq!(invalid.field, "settings.queries");
}

#[tokio::test]
async fn a_post_is_paid_for_once_however_often_it_comes() {
    let api = XApi::start_api().await;
    api.trouble(Trouble::Twice);
    let mut connector = api.connect(&api.settings(20.0), now());
    let mut heard = Heard::default();
    api.offer(0..30);
    hear(&mut connector, &mut heard, |heard| heard.distinct().len() >= 30).await;
    api.offer(30..50);
    hear(&mut connector, &mut heard, |heard| heard.distinct().len() >= 50).await;
    assert_eq!((heard.ids.len(), api.meter.used("posts")), (50, 50 * PRICE));
    assert!(api.host.n_posts_read() >= 50);
}

#[tokio::test]
async fn a_spent_budget_closes_the_stream_and_says_so() {
    let api = XApi::start_api().await;
    // It pays for 20 posts.
    let settings = api.settings(0.1);
    let mut connector = api.connect(&settings, now());
    assert!(connector.next_batch().await.unwrap().posts.is_empty());
    for step in 0..4 {
        api.offer(step * 5..step * 5 + 5);
    }
    let (error, batches) = next_error(&mut connector).await;
    assert_eq!((n_posts(&batches), api.meter.used("posts")), (20, 20 * PRICE));
    assert_eq!(error.state().as_str(), "waiting");
    assert!(error.to_string().starts_with("the budget of $0.10 for "), "{error}");
    until("the stream is closed", async || api.host.web.n_open() == 0).await;
    // Nothing is requested any more, until there is more money.
    api.offer(20..30);
    let n_requests = api.host.web.requests().len();
    assert_eq!(next_error(&mut connector).await.0.to_string(), error.to_string());
    assert_eq!(api.host.web.requests().len(), n_requests);
    let position = batches.iter().rev().find_map(|batch| batch.checkpoint.clone()).unwrap();
    let mut connector = api.connect(&api.settings(20.0), position);
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.contains(&XApi::id(29))).await;
    assert!(heard.gaps.is_empty());
}

#[tokio::test]
async fn no_page_is_requested_that_the_rest_cannot_pay() {
    let api = XApi::start_api().await;
    api.offer(0..40);
    // It pays for 25 posts: a page of 25, and then there is nothing left.
    let mut connector = api.connect(&api.settings(0.125), now());
    let (error, batches) = next_error(&mut connector).await;
    assert!(error.to_string().contains("is spent"), "{error}");
    assert_eq!((n_posts(&batches), api.host.n_posts_read()), (25, 25));
    // What is missing is searched for later.
    let position = batches.iter().rev().find_map(|batch| batch.checkpoint.clone()).unwrap();
    let mut connector = api.connect(&api.settings(20.0), position);
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.distinct().len() >= 40).await;
    // Less than the smallest page.
    let api = XApi::start_api().await;
    api.offer(0..40);
    let mut connector = api.connect(&api.settings(0.045), now());
    for _ in 0..2 {
        assert!(connector.next_batch().await.unwrap().posts.is_empty());
    }
    assert!(!api.host.web.requests().iter().any(|request| request.path == RECENT));
}

#[tokio::test]
async fn what_is_missing_is_said_in_words() {
    let api = XApi::start_api().await;
    let egress = Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap();
    let tested = async |token: Option<&str>, usd: f64| {
        let credentials = Credentials { token: token.map(str::to_owned), ..Credentials::default() };
        let access = Access { egress: egress.clone(), credentials, meter: Arc::clone(&api.meter) as _ };
        networks::test(access, Network::X, &api.settings(usd)).await
    };
    let check = |outcome: Result<String, ConnectorError>, state: &str, words: &str| {
        let error = outcome.unwrap_err();
        assert_eq!(error.state().as_str(), state, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    check(tested(None, 20.0).await, "needs_key", "create a project with an app");
    check(tested(Some("secret"), 0.0).await, "refused", "$0.005 for each post");
    assert!(api.host.web.requests().is_empty());
    check(tested(Some("other"), 20.0).await, "needs_key", "does not accept the bearer token (status 401)");
    let found = tested(Some("secret"), 20.0).await.unwrap();
    assert!(found.starts_with("approved; the budget of $20.00 pays for 4000 posts a month"), "{found}");
    api.host.enroll(false);
    check(tested(Some("secret"), 20.0).await, "needs_approval", "attach the app to a project");
    assert_eq!((api.host.n_posts_read(), api.meter.used("posts")), (0, 0));
}

#[tokio::test]
async fn limits_are_kept_before_they_are_hit_and_caps_are_waited_for() {
    let api = XApi::start_api().await;
    api.host.limit_requests(("GET", STREAM), 1, Duration::from_secs(600));
    let mut connector = api.connect(&api.settings(20.0), now());
    assert!(connector.next_batch().await.is_ok());
    api.host.web.disconnect(End::Close);
    assert!(next_error(&mut connector).await.0.to_string().contains("closed"));
    let n_streams = || api.host.web.requests().iter().filter(|request| request.path == STREAM).count();
    assert_eq!(n_streams(), 1);
    let (error, _) = next_error(&mut connector).await;
    assert!(error.to_string().contains("no more connections to the stream until"), "{error}");
    assert_eq!((error.state().as_str(), n_streams()), ("waiting", 1));

    let api = XApi::start_api().await;
    api.host.cap_usage(0);
    let (error, _) = next_error(&mut api.connect(&api.settings(20.0), now())).await;
    let ConnectorError::RateLimited { message, retry_after } = &error else { panic!("{error:?}") };
    assert!(message.contains("the usage cap of the X account is reached"), "{message}");
    assert!(retry_after.is_some());

    let api = XApi::start_api().await;
    let mut first = api.connect(&api.settings(20.0), now());
    assert!(first.next_batch().await.is_ok());
    let (error, _) = next_error(&mut api.connect(&api.settings(20.0), now())).await;
    assert!(error.to_string().contains("one connection"), "{error}");
    assert_eq!(error.state().as_str(), "waiting");
}

#[tokio::test]
async fn reposts_are_left_out_and_a_search_that_fails_is_repeated() {
    let api = XApi::start_api().await;
    api.offer(0..5);
    api.host.add([Tweet { is_repost: true, ..Tweet::new(5) }]);
    api.offer(6..10);
    api.host.web.fault(RECENT, Fault::Status(500, None));
    api.host.web.fault(RECENT, Fault::BreaksInside(3));
    let mut connector = api.connect(&api.settings(20.0), now());
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 9).await;
    assert!(!heard.ids.contains(&XApi::id(5)));
    assert_eq!((heard.errors, api.meter.used("posts")), (vec![], 10 * PRICE));
}

#[tokio::test]
async fn a_search_that_is_refused_leaves_the_stream_alone() {
    let api = XApi::start_api().await;
    api.host.web.keep_fault(RECENT, Some(Fault::Status(403, None)));
    let mut connector = api.connect(&api.settings(20.0), now());
    let mut heard = Heard::default();
    let refused = async {
        while connector.notice().is_none() {
            connector.next_batch().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("it is not noticed");
    api.offer(0..5);
    hear(&mut connector, &mut heard, |heard| heard.ids.len() >= 5).await;
    assert_eq!((heard.errors, heard.gaps), (vec![], vec![]));
    let notice = connector.notice().unwrap();
    assert!(notice.starts_with("posts from before the connection cannot be searched: "), "{notice}");
}

#[tokio::test]
async fn posts_are_stored_once_with_what_they_cost() {
    let api = XApi::start_api().await;
    let app = TestApp::start_with(&["--notify-allow=127.0.0.1"]).await;
    let source = json!({
        "network": "x", "name": "X", "credentials": {"token": "secret"},
        "settings": {"base_url": api.host.web.url(), "queries": ["nimbrel"], "usd_per_month": 20},
    });
    let made = app.act(("POST", "/api/v1/sources"), &source, "Ana").await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/api/v1/sources/{}", made.body["id"].as_str().unwrap());
    until("it listens", async || app.get(&path).await["state"] == "running").await;
    api.offer(0..10);
    app.space.assert_counted_once(10).await;
    until("it says what was spent", async || {
        let source = app.get(&path).await;
        source["cost"]["spent_usd"] == 0.05 && source["cost"]["limit_usd"] == 20.0 && source["stored"] == 10
    })
    .await;
    let posts = app.get("/api/v1/posts?limit=1").await;
    let post = &posts["items"][0]["post"];
    assert_eq!((&post["platform"], &post["author"]["handle"]), (&json!("x"), &json!("ana")), "{post}");
}
