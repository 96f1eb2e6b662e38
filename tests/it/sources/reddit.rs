//! What only Reddit's connector promises: posts and comments, whatever is deleted around them; deletions that are never
//! announced; tokens; and Reddit's limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use groundswell::connectors::networks;
use groundswell::connectors::reddit::Pace;
use groundswell::connectors::{Connector, ConnectorError, Erasure};
use groundswell::models::source::{Checkpoint, Network};
use jiff::{SignedDuration, Timestamp};

use super::contract::{Heard, hear};
use super::hosts::reddit::{PACE, RedditApi, access, host, reddit, settings};
use super::hosts::{LocalNetwork, SILENCE};
use crate::support::reddit::{
    ANYTHING, Kind, LISTINGS, RedditHost, RedditOptions, TOKEN, Thing, Visibility, fullname,
};
use crate::support::web::Fault;
use crate::support::{PATIENCE, judge_in_soak};

const INFO: &str = "/api/info";

fn just_now() -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(5))
}

fn post(number: u32) -> String {
    fullname(Kind::Post, number)
}

fn comment(number: u32) -> String {
    fullname(Kind::Comment, number)
}

/// Hears until all of these were heard.
async fn hear_all(connector: &mut dyn Connector, heard: &mut Heard, ids: &[String]) {
    hear(connector, heard, |heard| ids.iter().all(|id| heard.ids.contains(id))).await;
}

fn n_requests(host: &RedditHost, path: &str, status: u16) -> usize {
    let requests = host.web.requests();
    requests.iter().filter(|request| request.path.starts_with(path) && request.status == status).count()
}

#[tokio::test]
async fn posts_and_comments_are_heard_once_and_the_app_says_who_it_is() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..120);
    host.comment(0..30);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    let all: Vec<String> = (0..120).map(post).chain((0..30).map(comment)).collect();
    hear_all(&mut connector, &mut heard, &all).await;
    host.comment(30..31);
    hear_all(&mut connector, &mut heard, &[comment(30)]).await;
    assert_eq!((heard.ids.len(), heard.errors.len()), (151, 0));
    for request in host.web.requests() {
        assert!(request.header("user-agent").unwrap().contains("groundswell.client:v"));
        let is_token = request.path == TOKEN;
        assert_eq!((request.method == "POST", request.param("raw_json").is_none()), (is_token, is_token));
        assert!(
            request.query.iter().all(|(_, value)| !value.contains("token-") && !value.contains("secret"))
        );
        assert_eq!(request.param("before"), None, "it would be empty for ever once that post is deleted");
    }
    assert_eq!(n_requests(&host, TOKEN, 200), 1);
}

#[tokio::test]
async fn whatever_was_heard_last_may_be_deleted() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..5);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    hear_all(&mut connector, &mut heard, &[post(4)]).await;
    let position = heard.checkpoints.last().unwrap().1.clone();
    host.delete(Kind::Post, 4);
    host.publish(5..8);
    hear_all(&mut connector, &mut heard, &[post(5), post(6), post(7)]).await;
    let mut again = Heard::default();
    hear_all(&mut reddit(&host, Arc::default(), position), &mut again, &[post(5), post(6), post(7)]).await;
    assert_eq!((&heard.gaps, &again.gaps), (&vec![], &vec![]));
}

#[tokio::test]
async fn a_post_that_is_deleted_while_pages_are_read_hides_none_before_it() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..250);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    let is_one_page_read = |_: &Heard| n_requests(&host, LISTINGS, 200) >= 1;
    hear(&mut connector, &mut heard, is_one_page_read).await;
    assert_eq!(heard.ids.len(), 0, "more pages follow");
    // The next page would be asked for by the first of these, and then by the second.
    host.delete(Kind::Post, 150);
    host.delete(Kind::Post, 151);
    hear(&mut connector, &mut heard, |heard| heard.distinct().len() >= 250).await;
    assert!(heard.gaps.is_empty() && heard.errors.is_empty(), "{:?}", heard.errors);
}

#[tokio::test]
async fn posts_that_are_old_or_hidden_by_a_cache_are_heard() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..5);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    hear_all(&mut connector, &mut heard, &[post(4)]).await;
    // A moderator approves it two days later.
    let at = Timestamp::now() - SignedDuration::from_hours(40);
    host.add([Thing { at, ..Thing::new(Kind::Post, 90) }]);
    hear_all(&mut connector, &mut heard, &[post(90)]).await;
    host.cache_pages(true);
    let n_before = n_requests(&host, LISTINGS, 200);
    hear(&mut connector, &mut heard, |_| n_requests(&host, LISTINGS, 200) >= n_before + 4).await;
    host.publish(5..6);
    hear_all(&mut connector, &mut heard, &[post(5)]).await;
    assert_eq!(heard.ids.len(), 7);
}

#[tokio::test]
async fn what_is_deleted_or_removed_is_erased_and_an_empty_answer_deletes_nothing() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..5);
    host.comment(0..5);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    hear_all(&mut connector, &mut heard, &[post(4), comment(4)]).await;
    host.web.fault(INFO, Fault::Quiet);
    let n_looks = n_requests(&host, INFO, 200);
    hear(&mut connector, &mut heard, |_| n_requests(&host, INFO, 200) >= n_looks + 4).await;
    assert_eq!(heard.erasures, []);
    host.delete(Kind::Post, 1);
    hear(&mut connector, &mut heard, |heard| !heard.erasures.is_empty()).await;
    host.remove(Kind::Comment, 2);
    hear(&mut connector, &mut heard, |heard| heard.erasures.len() >= 2).await;
    assert_eq!(heard.erasures, [post(1), comment(2)].map(Erasure::Post));
    // What is there no more is missing in two answers in a row, and so is everything else then.
    host.forget();
    hear(&mut connector, &mut heard, |heard| heard.erasures.len() >= 10).await;
    assert_eq!((heard.erasures.len(), heard.errors.len()), (10, 0));
}

#[tokio::test]
async fn deletions_are_noticed_after_a_restart() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..3);
    let mut heard = Heard::default();
    hear_all(&mut reddit(&host, Arc::default(), just_now()), &mut heard, &[post(2)]).await;
    host.delete(Kind::Post, 1);
    let position = heard.checkpoints.last().unwrap().1.clone();
    let mut again = Heard::default();
    let mut connector = reddit(&host, Arc::default(), position);
    hear(&mut connector, &mut again, |again| !again.erasures.is_empty()).await;
    assert_eq!((again.erasures, again.ids), (vec![Erasure::Post(post(1))], vec![]));
}

#[tokio::test]
async fn tokens_are_renewed_before_they_expire_and_once_if_they_are_refused() {
    // They are renewed a tenth of it before they expire, which a busy machine must not use up.
    let token_life = Duration::from_secs(10);
    let host = host(RedditOptions { token_life, ..RedditOptions::default() }).await;
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |_| n_requests(&host, TOKEN, 200) >= 2).await;
    assert_eq!((n_requests(&host, ANYTHING, 401), heard.errors.len()), (0, 0));
    host.expire_tokens();
    host.publish(0..1);
    hear_all(&mut connector, &mut heard, &[post(0)]).await;
    assert_eq!((n_requests(&host, ANYTHING, 401), heard.errors.len()), (1, 0));
    // A token that is refused as soon as it was issued is no reason to ask for ever.
    host.web.keep_fault(LISTINGS, Some(Fault::Status(401, None)));
    host.web.keep_fault(INFO, Some(Fault::Status(401, None)));
    hear(&mut connector, &mut heard, |heard| !heard.errors.is_empty()).await;
    assert_eq!(heard.errors[0].state().as_str(), "needs_key");
    assert_eq!(n_requests(&host, ANYTHING, 401), 3);
}

#[tokio::test]
async fn what_cannot_be_heard_says_why() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..1);
    let test = async || networks::test(access(Arc::default()), Network::Reddit, &settings(&host)).await;
    for (visibility, words) in [
        (Visibility::Private, "r/nimbrel is private"),
        (Visibility::Quarantined, "r/nimbrel is quarantined"),
        (Visibility::Banned, "r/nimbrel was banned"),
    ] {
        host.show(visibility);
        let error = reddit(&host, Arc::default(), just_now()).next_batch().await.unwrap_err();
        assert_eq!(error.state().as_str(), "refused");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(test().await, Err(error));
    }
    host.show(Visibility::Public);
    let found = test().await.unwrap();
    assert!(found.contains("approved") && found.contains("r/nimbrel"), "{found}");
    host.web.keep_fault(TOKEN, Some(Fault::Status(403, None)));
    let error = test().await.unwrap_err();
    assert_eq!(error.state().as_str(), "needs_approval");
    assert!(error.to_string().contains("Responsible Builder Policy"), "{error}");
}

#[tokio::test]
async fn a_subreddit_that_is_private_for_a_while_is_heard_afterwards() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..2);
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    hear_all(&mut connector, &mut heard, &[post(1)]).await;
    host.show(Visibility::Private);
    host.publish(2..4);
    hear(&mut connector, &mut heard, |heard| heard.errors.len() >= 2).await;
    assert!(!heard.errors[0].is_temporary());
    host.show(Visibility::Public);
    hear_all(&mut connector, &mut heard, &[post(2), post(3)]).await;
    assert_eq!(heard.ids.len(), 4);
}

#[tokio::test]
async fn reddits_limit_is_kept_before_it_is_hit() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..1);
    host.limit_requests(4, Duration::from_secs(2));
    let mut connector = reddit(&host, Arc::default(), just_now());
    let mut heard = Heard::default();
    let begun = Instant::now();
    hear(&mut connector, &mut heard, |heard| !heard.errors.is_empty()).await;
    let ConnectorError::RateLimited { retry_after: Some(wait), .. } = &heard.errors[0] else {
        panic!("{:?}", heard.errors);
    };
    assert!(*wait <= Duration::from_secs(2), "{wait:?}");
    tokio::time::sleep(*wait).await;
    host.publish(1..2);
    hear_all(&mut connector, &mut heard, &[post(1)]).await;
    assert!(begun.elapsed() >= Duration::from_millis(1_900));
    assert_eq!(n_requests(&host, ANYTHING, 429), 0);
}

#[tokio::test]
async fn requests_are_counted_and_looks_leave_most_of_them_to_what_is_new() {
    let host = host(RedditOptions::default()).await;
    host.publish(0..1);
    let meter = Arc::default();
    let pace = Pace { n_looks_max: 3, n_requests_max: 40, ..PACE };
    let mut connector = reddit(&host, Arc::clone(&meter), just_now()).with_pace(pace);
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| !heard.errors.is_empty()).await;
    assert_eq!((meter.used("requests"), meter.used("api/info")), (40, 3));
    assert_eq!((n_requests(&host, INFO, 200), n_requests(&host, LISTINGS, 200)), (3, 37));
    let ConnectorError::RateLimited { message, retry_after: Some(wait) } = &heard.errors[0] else {
        panic!("{:?}", heard.errors);
    };
    assert!(message.contains("are used up") && *wait <= Duration::from_secs(600), "{message}");
}

#[tokio::test]
async fn it_starts_and_stops_in_bounded_time() {
    let network = RedditApi::start().await;
    network.0.web.keep_fault(LISTINGS, Some(Fault::Silent));
    let begun = Instant::now();
    let mut connector = network.connector(just_now());
    let error = tokio::time::timeout(PATIENCE, connector.next_batch()).await.expect("it waits").unwrap_err();
    drop(connector);
    assert!(error.is_temporary(), "{error}");
    let took = begun.elapsed();
    judge_in_soak(took < 2 * SILENCE, &format!("sources: a silent host was given up after {took:.1?}"));
}
