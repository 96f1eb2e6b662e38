use serde_json::{Value, json};

use super::*;
use crate::egress::allowlist::Allowlist;
use crate::models::source::SourceGap;

fn settings(base_url: &str) -> SourceSettings {
    SourceSettings { base_url: Some(base_url.to_owned()), ..SourceSettings::default() }
}

fn tagged(tags: &[&str]) -> SourceSettings {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    SourceSettings { tags: Some(tags), ..settings("https://social.example") }
}

fn open(settings: &SourceSettings, position: Checkpoint) -> Result<Mastodon, ConnectorError> {
    let egress = Egress::new(Allowlist::default()).unwrap();
    Mastodon::new(egress, settings, &Credentials::default(), position)
}

fn connector(settings: &SourceSettings, position: Checkpoint) -> Mastodon {
    let mut connector = open(settings, position).unwrap();
    connector.instance = Some(Instance::unknown(&connector.client.base).unwrap());
    connector
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> Checkpoint {
    Checkpoint::at(at("2026-11-23T08:00:00Z"))
}

/// Returns a status written at the given minute.
fn status(minute: u32) -> Value {
    json!({
        "id": format!("{}", 1_000 + minute), "uri": format!("https://social.example/{minute}"), "visibility": "public",
        "created_at": format!("2026-11-23T08:{minute:02}:00Z"), "content": "<p>words</p>", "account": {"acct": "ana"}
    })
}

fn reply(minute: u32, to: u32) -> Value {
    let mut reply = status(minute);
    reply["in_reply_to_id"] = json!(format!("{}", 1_000 + to));
    reply
}

/// Returns a response with a page, the newest status first.
fn page(statuses: impl DoubleEndedIterator<Item = Value>) -> Answer {
    let body = Value::from(statuses.rev().collect::<Vec<_>>()).to_string().into_bytes();
    Answer { status: 200, body, pause: None }
}

/// Passes pages to a connector until all timelines are filled.
fn fill(connector: &mut Mastodon, pages: Vec<Answer>) -> Vec<Batch> {
    let mut pages = pages.into_iter();
    let mut batches = Vec::new();
    while !connector.unfilled.is_empty() {
        connector.ask().unwrap();
        connector.request = None;
        batches.push(connector.fill_in(&pages.next().expect("a page too few")).unwrap());
    }
    batches
}

fn ids(batches: &[Batch]) -> Vec<&str> {
    batches.iter().flat_map(|batch| &batch.posts).map(|post| post.id.rsplit('/').next().unwrap()).collect()
}

#[tokio::test]
async fn a_position_holds_what_the_next_run_needs_and_only_for_its_instance() {
    let mut first = connector(&settings("https://social.example"), start());
    let batches = fill(&mut first, vec![page((0..3).map(status)), page(std::iter::empty())]);
    assert_eq!(ids(&batches), ["0", "1", "2"]);
    let position = batches.last().unwrap().checkpoint.clone().unwrap();
    assert_eq!(position.at, at("2026-11-23T08:02:00Z"));
    let again = |base_url: &str| connector(&settings(base_url), position.clone());
    let mut second = again("https://social.example");
    second.ask().unwrap();
    assert_eq!(second.fill.as_ref().unwrap().request().min_id.as_deref(), Some("1002"));
    second.request = None;
    let batches = fill(&mut second, vec![page((1..5).map(status)), page(std::iter::empty())]);
    assert_eq!(ids(&batches), ["3", "4"], "each is offered once");
    let mut elsewhere = again("https://other.example");
    elsewhere.ask().unwrap();
    assert_eq!(elsewhere.fill.as_ref().unwrap().request().min_id, None);
}

#[tokio::test]
async fn the_time_of_a_position_holds_for_all_timelines() {
    let mut connector = connector(&tagged(&["cats", "dogs"]), start());
    let pages = vec![
        page((0..3).map(status)),
        page(std::iter::empty()),
        page([status(1), status(5)].into_iter()),
        page(std::iter::empty()),
    ];
    let batches = fill(&mut connector, pages);
    assert_eq!(ids(&batches), ["0", "1", "2", "5"], "one with both hashtags is offered once");
    let positions: Vec<_> = batches.iter().filter_map(|batch| batch.checkpoint.clone()).collect();
    let times: Vec<_> = positions.iter().map(|position| position.at.to_string()).collect();
    assert_eq!(times, ["2026-11-23T08:00:00Z", "2026-11-23T08:05:00Z"]);
    // A hashtag that is added later starts at that time; the others continue from their positions.
    let mut later = self::connector(&tagged(&["birds", "cats"]), positions[1].clone());
    assert_eq!(later.marks.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    later.ask().unwrap();
    assert_eq!(later.fill.as_ref().unwrap().request().min_id, None);
}

#[tokio::test]
async fn the_stream_waits_for_what_was_written_before_it() {
    let mut connector = connector(&settings("https://social.example"), start());
    let read = |value: Value| connector_entry(&value);
    connector.stage = Stage::Opened;
    connector.received.push_back(Event::Status { entry: read(status(9)), timeline: Some(0) });
    assert_eq!(connector.batch(), Batch::default());
    let batches = fill(&mut connector, vec![page((0..3).map(status)), page(std::iter::empty())]);
    assert_eq!(ids(&batches), ["0", "1", "2"]);
    connector.stage = Stage::Live;
    let batch = connector.batch();
    assert_eq!(ids(std::slice::from_ref(&batch)), ["9"]);
    assert_eq!(batch.checkpoint.unwrap().at, at("2026-11-23T08:09:00Z"));
}

fn connector_entry(value: &Value) -> status::Entry {
    Reading { domain: "social.example", now: Timestamp::now() }.status(&value.to_string())
}

#[tokio::test]
async fn deletions_replies_and_edits_find_their_posts() {
    let mut connector = connector(&settings("https://social.example"), start());
    connector.stage = Stage::Live;
    let mut hear = |events: Vec<Event>| {
        connector.received.extend(events);
        connector.batch()
    };
    let written = |value: Value| Event::Status { entry: connector_entry(&value), timeline: Some(0) };
    let edited = |mut value: Value, words: &str| {
        value["edited_at"] = json!("2026-11-23T09:00:00Z");
        value["content"] = json!(words);
        Event::Status { entry: connector_entry(&value), timeline: None }
    };
    let batch = hear(vec![written(status(1)), written(reply(2, 1)), written(reply(3, 0))]);
    let parents: Vec<_> = batch.posts.iter().map(|post| post.parent_id.as_deref()).collect();
    assert_eq!(parents, [None, Some("https://social.example/1"), None]);
    // An edit may arrive before its post, and does not move the position.
    let batch = hear(vec![edited(status(4), "edited"), written(status(4))]);
    assert_eq!(batch.posts.iter().map(|post| post.text.as_str()).collect::<Vec<_>>(), ["edited"]);
    let batch = hear(vec![edited(status(1), "edited"), Event::Deleted("1001".to_owned())]);
    assert_eq!(ids(std::slice::from_ref(&batch)), ["1"]);
    assert_eq!(batch.erasures, [super::super::Erasure::Post("https://social.example/1".to_owned())]);
    assert_eq!(batch.checkpoint, None);
    // A status that was never received cannot be mapped to a post, and is not yielded afterwards.
    let batch = hear(vec![Event::Deleted("1007".to_owned()), written(status(7)), Event::Unreadable]);
    assert_eq!((batch.posts.len(), batch.erasures.len(), batch.n_unreadable), (0, 0, 1));
}

#[tokio::test]
async fn a_limit_that_is_used_up_stops_requests() {
    let mut connector = connector(&settings("https://social.example"), start());
    connector.note_pause(&Answer { status: 200, body: Vec::new(), pause: Some(Duration::from_secs(3_600)) });
    let error = connector.next().await.unwrap_err();
    let ConnectorError::RateLimited { retry_after: Some(wait), .. } = error else { panic!("{error}") };
    assert!((1..=3_600).contains(&wait.as_secs()), "{wait:?}");
    assert!(connector.next().await.is_err(), "also when it is asked about itself");
}

#[tokio::test]
async fn a_stream_that_leaves_posts_out_is_done_without() {
    let mut connector = connector(&tagged(&["cats"]), start());
    connector.do_without_stream("status 401".to_owned());
    let notice = "streaming is not available (status 401), so the instance is polled every 60 s";
    assert_eq!(connector.notice().as_deref(), Some(notice));
    let many: Vec<String> = (0..20).map(|n| format!("tag{n}")).collect();
    let many = tagged(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(self::connector(&many, start()).interval().as_secs(), 114, "within what Mastodon allows");
}

#[tokio::test]
async fn a_gap_is_declared_with_what_follows_it() {
    let long_ago = Checkpoint::at(at("2026-11-20T08:00:00Z"));
    let mut connector = connector(&settings("https://social.example"), long_ago.clone());
    let batches = fill(&mut connector, vec![page((0..3).map(status)), page(std::iter::empty())]);
    let gaps: Vec<&SourceGap> = batches.iter().filter_map(|batch| batch.gap.as_ref()).collect();
    let [gap] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.from, gap.to), (long_ago.at, at("2026-11-23T08:00:00Z")));
}

#[tokio::test]
async fn settings_need_an_instance_that_may_be_reached() {
    let why = |settings: &SourceSettings| {
        open(settings, start()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(why(&SourceSettings::default()), "Mastodon requires the address of an instance");
    assert!(why(&settings("http://127.0.0.1/")).contains("not allowed"));
    assert!(why(&settings("http://example.com/")).contains("https://"));
    assert_eq!(why(&settings("https://example.com")), "");
}
