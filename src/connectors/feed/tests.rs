use super::*;
use crate::egress::allowlist::Allowlist;

const FEED: &str = "http://127.0.0.1:9/feed";

fn settings(url: &str) -> SourceSettings {
    SourceSettings { url: Some(url.to_owned()), ..SourceSettings::default() }
}

fn feed(url: &str, position: Checkpoint) -> Feed {
    let egress = Egress::new(Allowlist::parse(["127.0.0.1"]).unwrap()).unwrap();
    Feed::new(egress, &settings(url), position).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns a document with entries written in these minutes.
fn document(minutes: std::ops::Range<u32>) -> Document {
    let items = minutes.map(|minute| {
        format!("<item><guid>{minute}</guid><title>t</title><pubDate>Mon, 23 Nov 2026 08:{minute:02}:00 GMT</pubDate></item>")
    });
    let items: String = items.collect();
    document::read(format!("<rss version='2.0'><channel>{items}</channel></rss>").as_bytes(), None, FEED)
        .unwrap()
}

fn version(etag: &str) -> Version {
    Version { url: FEED.to_owned(), etag: Some(etag.to_owned()), last_modified: None }
}

#[test]
fn a_position_holds_what_the_next_run_needs_and_only_for_its_feed() {
    let now = at("2026-11-23T09:00:00Z");
    let mut first = feed(FEED, Checkpoint::at(at("2026-11-23T07:00:00Z")));
    let batch = first.take(document(0..5), version("v1"), now);
    assert_eq!((batch.posts.len(), batch.gap, batch.lag), (5, None, Some(Duration::from_secs(56 * 60))));
    let position = batch.checkpoint.unwrap();
    assert_eq!(position.at, at("2026-11-23T08:04:00Z"));
    let mut again = feed(FEED, position.clone());
    assert_eq!(again.version, version("v1"));
    assert_eq!(again.take(document(3..7), version("v2"), now).posts.len(), 2);
    let elsewhere = feed("http://127.0.0.1:9/other", position.clone());
    assert_eq!((elsewhere.version, elsewhere.seen), Default::default());
    let broken = Checkpoint { state: Some("?".into()), ..position };
    assert_eq!(feed(FEED, broken).seen, Seen::default());
    // Nothing has changed, so there is nothing to save.
    assert!(first.take(document(0..5), version("v1"), now).is_empty());
    assert!(first.take(document(0..5), version("v2"), now).checkpoint.is_some());
}

#[test]
fn a_gap_reaches_from_the_newest_entry_that_was_seen_to_the_oldest_one_now() {
    let now = at("2026-11-23T09:00:00Z");
    let mut feed = feed(FEED, Checkpoint::at(at("2026-11-23T07:00:00Z")));
    assert_eq!(feed.take(document(0..5), version("v1"), now).gap, None);
    assert_eq!(feed.take(document(4..10), version("v2"), now).gap, None);
    let gap = feed.take(document(20..30), version("v3"), now).gap.unwrap();
    assert_eq!((gap.from, gap.to), (at("2026-11-23T08:09:00Z"), at("2026-11-23T08:20:00Z")));
}

#[test]
fn statuses_are_told_apart() {
    let check = |status: u16, retry_after: Option<u64>, state: &str| {
        let retry_after = retry_after.map(Duration::from_secs);
        let fetched = Fetched {
            status,
            retry_after,
            version: version("v1"),
            headers: HeaderMap::new(),
            content_type: None,
            body: Vec::new(),
        };
        let error = refusal(&fetched);
        assert_eq!(error.state().as_str(), state, "{status}");
        assert!(error.to_string().contains(&status.to_string()));
        matches!(error, ConnectorError::RateLimited { .. })
    };
    assert!(check(429, None, "waiting") && check(503, Some(1), "waiting") && !check(503, None, "waiting"));
    check(401, None, "needs_key");
    check(403, None, "needs_key");
    check(404, None, "refused");
    check(410, None, "refused");
    check(400, None, "refused");
    check(408, None, "waiting");
    check(204, None, "waiting");
    check(500, None, "waiting");
}

#[test]
fn settings_need_a_url_that_may_be_reached() {
    let egress = Egress::new(Allowlist::default()).unwrap();
    let why = |settings: &SourceSettings| {
        let now = Checkpoint::at(Timestamp::now());
        Feed::new(egress.clone(), settings, now).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(why(&SourceSettings::default()), "a feed requires a URL");
    assert!(why(&settings("http://127.0.0.1/")).contains("not allowed"));
    assert!(why(&settings("http://example.com/")).contains("https://"));
    assert_eq!(why(&settings("https://example.com/feed")), "");
}
