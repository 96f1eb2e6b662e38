use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::client::Answer;
use super::resources;
use super::*;
use crate::connectors::Erasure;
use crate::connectors::meter::Unmetered;
use crate::egress::Egress;
use crate::egress::allowlist::Allowlist;
use crate::egress::fetch::Version;
use crate::models::source::credentials::Credentials;

#[test]
fn queries_are_few_short_and_different() {
    let check = |given: &[&str], is_usable: bool| {
        let given = Some(given.iter().map(|query| (*query).to_owned()).collect());
        let settings = SourceSettings { queries: given, ..SourceSettings::default() };
        assert_eq!(queries(&settings).is_ok(), is_usable, "{settings:?}");
    };
    check(&["nimbrel"], true);
    check(&[" nimbrel | nimbrels ", "b", "c", "d", "e"], true);
    check(&[], false);
    check(&["a", "b", "c", "d", "e", "f"], false);
    check(&["a", " "], false);
    check(&["a", "a "], false);
    check(&["a\nb"], false);
    check(&["ä".repeat(512).as_str()], true);
    check(&["ä".repeat(513).as_str()], false);
    assert!(queries(&SourceSettings::default()).is_err());
}

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn access(token: Option<&str>) -> Access {
    let egress = Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap();
    let credentials = Credentials { token: token.map(str::to_owned), ..Credentials::default() };
    Access { egress, credentials, meter: Arc::new(Unmetered) }
}

fn at(position: Checkpoint) -> YouTube {
    let settings = SourceSettings { queries: Some(vec!["nimbrel".into()]), ..SourceSettings::default() };
    YouTube::new(access(Some("key")), &settings, position).unwrap()
}

/// Fake network, whose videos and their ages in minutes a test controls.
#[derive(Default)]
struct Network {
    /// Videos that searches find.
    found: Vec<(&'static str, i64)>,
    /// Videos that are no longer there.
    gone: Vec<&'static str>,
    /// Number of pages of a search.
    n_pages: u32,
    /// Comments of each video, with their ages.
    comments: Vec<(&'static str, i64)>,
}

impl Network {
    fn time(age: i64) -> String {
        (NOW - minutes(age)).to_string()
    }

    fn answer(&self, request: &Request, n_asked: u32) -> Answer {
        let (items, next) = match request {
            Request::Search { .. } => {
                let result = |(id, age): &(&str, i64)| json!({"id": {"videoId": id}, "snippet": {"publishedAt": Self::time(*age)}});
                (
                    self.found.iter().map(result).collect(),
                    (n_asked + 1 < self.n_pages).then(|| format!("P{n_asked}")),
                )
            }
            Request::Videos(ids) => {
                let there = ids.iter().filter(|id| !self.gone.contains(&id.as_str()));
                (there.map(|id| json!({"id": id, "snippet": {"title": id}})).collect(), None)
            }
            Request::Comments { video, .. } => {
                let comment = |(id, age): &(&str, i64)| {
                    let id = format!("{video}.{id}");
                    let snippet = json!({"textDisplay": "words", "publishedAt": Self::time(*age)});
                    json!({"snippet": {"topLevelComment": {"id": id, "snippet": snippet}}})
                };
                (self.comments.iter().map(comment).collect::<Vec<_>>(), None)
            }
        };
        let page = json!({"kind": "youtube#list", "nextPageToken": next, "items": items}).to_string();
        match request {
            Request::Search { .. } => {
                Answer::Found(resources::found(page.as_bytes()).unwrap(), Version::default())
            }
            Request::Videos(_) => Answer::Videos(resources::videos(page.as_bytes(), NOW).unwrap()),
            Request::Comments { video, .. } => {
                Answer::Threads(resources::threads(page.as_bytes(), video, NOW).unwrap(), Version::default())
            }
        }
    }
}

/// Responds to all requests that are due, and returns the batches.
fn run(youtube: &mut YouTube, network: &Network, now: Timestamp) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut n_searches = 0;
    while let Plan::Ask(request) = youtube.plan(now) {
        youtube.begin(request.clone(), now);
        youtube.attempt = None;
        let answer = network.answer(&request, n_searches);
        n_searches += u32::from(matches!(request, Request::Search { .. }));
        batches.push(youtube.take(request, Reply { answer, n_searches_left: None }, now));
        assert!(batches.len() < 100);
    }
    batches
}

fn ids(batches: &[Batch]) -> Vec<&str> {
    batches.iter().flat_map(|batch| &batch.posts).map(|post| post.id.as_str()).collect()
}

fn erasures(batches: &[Batch]) -> Vec<Erasure> {
    batches.iter().flat_map(|batch| batch.erasures.clone()).collect()
}

#[test]
fn videos_and_comments_are_offered_once_and_any_position_loses_nothing() {
    let network = Network {
        found: vec![("b", 5), ("a", 10)],
        comments: vec![("2", 1), ("1", 3)],
        n_pages: 1,
        ..Network::default()
    };
    let mut youtube = at(Checkpoint::at(NOW - minutes(60)));
    let batches = run(&mut youtube, &network, NOW);
    let all = ids(&batches);
    let mut sorted = all.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["comment:a.1", "comment:a.2", "comment:b.1", "comment:b.2", "video:a", "video:b"]);
    assert_eq!(ids(&run(&mut youtube, &network, NOW + minutes(90))), [""; 0]);
    for n_taken in 0..batches.len() {
        let (before, after) = batches.split_at(n_taken + 1);
        let position = before[n_taken].checkpoint.clone().unwrap();
        assert!(position.at <= NOW);
        let again = run(&mut at(position), &network, NOW);
        let mut again = ids(&again);
        let mut expected = ids(after);
        again.sort_unstable();
        expected.sort_unstable();
        assert_eq!(again, expected, "after {n_taken}");
    }
}

#[test]
fn a_video_is_erased_once_it_is_missing_twice() {
    let mut network = Network { found: vec![("a", 5), ("b", 5)], n_pages: 1, ..Network::default() };
    let mut youtube = at(Checkpoint::at(NOW - minutes(60)));
    run(&mut youtube, &network, NOW);
    network.gone = vec!["a"];
    network.found = vec![];
    assert_eq!(erasures(&run(&mut youtube, &network, NOW + minutes(20))), []);
    let gone = erasures(&run(&mut youtube, &network, NOW + minutes(40)));
    assert_eq!(gone, [Erasure::Post("video:a".into())]);
    assert_eq!(erasures(&run(&mut youtube, &network, NOW + minutes(60))), []);
    // A video that reappears after one check was never gone.
    network.gone = vec!["b"];
    run(&mut youtube, &network, NOW + minutes(80));
    network.gone = vec![];
    run(&mut youtube, &network, NOW + minutes(120));
    network.gone = vec!["b"];
    assert_eq!(erasures(&run(&mut youtube, &network, NOW + minutes(200))), []);
}

#[test]
fn what_a_search_does_not_reach_is_a_gap() {
    let network = Network { found: vec![("a", 5)], n_pages: 9, ..Network::default() };
    let mut youtube = at(Checkpoint::at(NOW - minutes(60)));
    let batches = run(&mut youtube, &network, NOW);
    let gaps: Vec<_> = batches.iter().filter_map(|batch| batch.gap.as_ref()).collect();
    let [gap] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.from, gap.to), (NOW - minutes(60), NOW - minutes(5)));
    // A search that reaches earlier results leaves no gap.
    let batches = run(&mut youtube, &network, NOW + minutes(61));
    assert!(batches.iter().all(|batch| batch.gap.is_none()));
}

#[test]
fn refusals_of_one_video_concern_no_other() {
    let network = Network { found: vec![("a", 5)], n_pages: 1, ..Network::default() };
    let mut youtube = at(Checkpoint::at(NOW - minutes(60)));
    run(&mut youtube, &network, NOW);
    let request = Request::Comments { video: "a".into(), page: None };
    let batch = youtube.take_refusal(&request, Refusal::CommentsDisabled, NOW).unwrap();
    assert_eq!((batch.erasures, youtube.state.videos.get("a").unwrap().comments_at), (vec![], None));
    let batch = youtube.take_refusal(&request, Refusal::VideoGone, NOW).unwrap();
    let gone = youtube.state.videos.get("a").unwrap();
    assert_eq!(
        (batch.erasures, gone.is_missing, gone.look_at),
        (vec![], true, NOW),
        "one answer is no proof"
    );
}

#[test]
fn what_is_used_up_waits_and_the_rest_goes_on() {
    let network = Network { found: vec![("a", 5)], n_pages: 1, ..Network::default() };
    let mut youtube = at(Checkpoint::at(NOW - minutes(60)));
    run(&mut youtube, &network, NOW);
    let reset = NOW + minutes(300);
    youtube.used_up = vec![(Quota::Search, reset)];
    let later = NOW + minutes(61);
    assert!(matches!(youtube.plan(later), Plan::Ask(Request::Videos(_))));
    run(&mut youtube, &network, later);
    let Plan::UsedUp { quota: Quota::Search, until, next } = youtube.plan(later) else { panic!() };
    assert_eq!(until, reset);
    assert!(next > later && next < reset, "comments are still read");
    assert!(matches!(youtube.plan(reset), Plan::Ask(_)));
    let error = used_up(Quota::Search, reset, next);
    assert!(
        error
            .to_string()
            .starts_with("the searches that Google grants a day are used up; the next attempt is at "),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_key_it_says_how_to_get_one() {
    let settings = SourceSettings { queries: Some(vec!["nimbrel".into()]), ..SourceSettings::default() };
    let mut youtube = YouTube::new(access(None), &settings, Checkpoint::at(NOW)).unwrap();
    let error = youtube.next_batch().await.unwrap_err();
    assert_eq!(error.state().as_str(), "needs_key");
    for word in ["console.cloud.google.com", "YouTube Data API v3", "API key"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}
