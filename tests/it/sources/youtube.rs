//! What only YouTube's connector promises: comments, deletions that are never announced, quotas, and the key.

use std::sync::Arc;

use groundswell::connectors::youtube::Pace;
use groundswell::connectors::{ConnectorError, Erasure};
use groundswell::models::source::Checkpoint;
use jiff::{SignedDuration, Timestamp};

use super::contract::{Heard, hear};
use super::hosts::LocalNetwork;
use super::hosts::youtube::{PACE, YouTubeApi, youtube};
use crate::support::web::Fault;
use crate::support::youtube::{COMMENTS, Problem, SEARCH, VIDEOS, comment_id, video_id};

fn just_now() -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(5))
}

fn comment(number: u32) -> String {
    format!("comment:{}", comment_id(number))
}

#[tokio::test]
async fn comments_are_heard_once_and_again_when_they_were_edited() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..2);
    network.0.comment(0, 0..150);
    let mut connector = network.connector(just_now());
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 152).await;
    network.0.comment(1, 150..152);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 154).await;
    let expected = (0..152).map(comment).chain((0..2).map(YouTubeApi::id)).collect();
    assert_eq!(
        heard.distinct().into_iter().map(str::to_owned).collect::<std::collections::BTreeSet<_>>(),
        expected
    );
    network.0.edit_comment(151, "edited");
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 155).await;
    assert_eq!(heard.ids[154], comment(151));
    // One that is gone may be on another page.
    network.0.delete_comment(150);
    network.0.comment(1, 152..153);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 156).await;
    assert_eq!((&heard.ids[155], &heard.erasures, &heard.gaps), (&comment(152), &vec![], &vec![]));
}

#[tokio::test]
async fn a_video_without_comments_costs_no_other() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..3);
    network.0.change(0, |video| video.has_comments = false);
    network.0.comment(2, 0..1);
    let n_garbage = network.0.add_comment_garbage(2);
    let mut connector = network.connector(just_now());
    let mut heard = Heard::default();
    let is_all = |heard: &Heard| heard.ids.len() >= 4 && heard.n_unreadable >= n_garbage;
    hear(connector.as_mut(), &mut heard, is_all).await;
    assert_eq!((heard.errors, heard.n_unreadable), (vec![], n_garbage));
    let refused = network.0.web.requests().iter().filter(|it| it.status == 403).count();
    assert_eq!(refused, 1, "asked for once");
}

#[tokio::test]
async fn a_deleted_video_is_erased_and_no_other_answer_is_a_deletion() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..60);
    let mut connector = network.connector(just_now());
    let mut heard = Heard::default();
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 60).await;
    network.0.web.fault(VIDEOS, Fault::Quiet);
    network.0.web.fault(VIDEOS, Fault::Closes(3));
    network.0.publish(60..61);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 61).await;
    network.0.delete(7);
    hear(connector.as_mut(), &mut heard, |heard| !heard.erasures.is_empty()).await;
    network.0.publish(61..62);
    hear(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 62).await;
    assert_eq!(heard.erasures, [Erasure::Post(YouTubeApi::id(7))]);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let network = YouTubeApi::start().await;
    for (problem, state, word) in [
        (Problem::KeyInvalid, "needs_key", "API key"),
        (Problem::KeyInvalidOfOld, "needs_key", "API key"),
        (Problem::AccessNotConfigured, "needs_approval", "enable `YouTube Data API v3`"),
        (Problem::QuotaExceeded, "waiting", "used up; the next attempt"),
        (Problem::SearchesExceeded, "waiting", "used up; the next attempt"),
        (Problem::RateLimitExceeded, "waiting", "rateLimitExceeded"),
        (Problem::BackendError, "waiting", "503"),
    ] {
        network.0.keep_problem(Some(problem));
        let error = network.connector(just_now()).next_batch().await.unwrap_err();
        assert_eq!(error.state().as_str(), state, "{problem:?}");
        assert!(error.to_string().contains(word), "{error}");
    }
    network.0.keep_problem(None);
    let found = youtube(&network.0, Arc::default(), just_now()).test().await.unwrap();
    assert!(found.contains("the API key is accepted"), "{found}");
}

#[tokio::test]
async fn the_key_is_in_no_url_and_what_has_not_changed_is_not_sent_again() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..1);
    network.0.comment(0, 0..1);
    let mut connector = network.connector(just_now());
    let mut heard = Heard::default();
    let unchanged = |path: &str| {
        let requests = network.0.web.requests();
        requests.iter().filter(|request| request.path == path && request.status == 304).count()
    };
    let is_quiet = |_: &Heard| unchanged(SEARCH) >= 2 && unchanged(COMMENTS) >= 2;
    hear(connector.as_mut(), &mut heard, is_quiet).await;
    for request in network.0.web.requests() {
        assert_eq!((request.param("key"), request.header("x-goog-api-key")), (None, Some("secret")));
    }
    let searches = network.0.web.requests();
    let search = searches.iter().find(|request| request.path == SEARCH).unwrap();
    assert_eq!((search.param("order"), search.param("type")), (Some("date"), Some("video")));
    assert_eq!(heard.ids.len(), 2);
}

#[tokio::test]
async fn used_up_searches_wait_for_the_next_day_while_comments_go_on() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..1);
    let meter = Arc::default();
    let pace = Pace { n_searches_max: 1, ..PACE };
    let mut connector = youtube(&network.0, Arc::clone(&meter), just_now()).with_pace(pace);
    let mut heard = Heard::default();
    let is_used_up =
        |error: &ConnectorError| error.to_string().contains("searches that Google grants a day are used up");
    hear(&mut connector, &mut heard, |heard| heard.errors.iter().any(is_used_up)).await;
    let ConnectorError::RateLimited { retry_after: Some(wait), .. } = heard.errors.last().unwrap() else {
        panic!("{:?}", heard.errors);
    };
    assert!(wait.as_secs() < 60, "there is something else to do");
    network.0.publish(1..2);
    network.0.comment(0, 0..1);
    hear(&mut connector, &mut heard, |heard| heard.ids.contains(&comment(0))).await;
    let n_searches = network.0.web.requests().iter().filter(|request| request.path == SEARCH).count();
    assert_eq!((n_searches, meter.used("search.list")), (1, 1));
    assert!(!heard.ids.contains(&YouTubeApi::id(1)) && meter.used("units") > 0);
}

#[tokio::test]
async fn comments_leave_units_to_videos() {
    let network = YouTubeApi::start().await;
    network.0.publish(0..20);
    let meter = Arc::default();
    let pace = Pace { n_units_max: 20, ..PACE };
    let pace = Pace {
        last_look: std::time::Duration::from_secs(60),
        first_look: std::time::Duration::from_secs(60),
        ..pace
    };
    let mut connector = youtube(&network.0, Arc::clone(&meter), just_now()).with_pace(pace);
    let mut heard = Heard::default();
    hear(&mut connector, &mut heard, |heard| !heard.errors.is_empty()).await;
    assert_eq!(meter.used("units"), 18, "{:?}", heard.errors);
    assert!(heard.errors[0].to_string().contains("except those for videos"), "{:?}", heard.errors);
    network.0.publish(20..21);
    hear(&mut connector, &mut heard, |heard| heard.ids.contains(&YouTubeApi::id(20))).await;
    assert_eq!(heard.ids.iter().filter(|id| **id == format!("video:{}", video_id(20))).count(), 1);
}
