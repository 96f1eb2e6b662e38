//! Live updates as server-sent events.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::Value;

use crate::support::{PATIENCE, TestApp, posts};

/// Client that reads one event after another.
struct Listener {
    answer: Response,
    text: String,
}

/// Event as a browser parses it.
#[derive(Debug, Default)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

impl Listener {
    async fn open(app: &TestApp, query: &str, last_id: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(format!("http://{}/api/v1/events{query}", app.address));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = request.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(
            !answer.headers().contains_key("content-encoding")
                || answer.headers()["content-encoding"] == "identity"
        );
        Self { answer, text: String::new() }
    }

    async fn next(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.contains("data: ") {
                    return read(&event);
                }
                continue;
            }
            let chunk =
                tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("nothing comes").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.expect("it ended")).unwrap());
        }
    }

    async fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await;
            if event.name == name {
                return event;
            }
        }
    }
}

fn read(text: &str) -> Event {
    let mut event = Event::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => event.id = Some(id.to_owned()),
            Some(("event", name)) => event.name = name.to_owned(),
            Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
            _ => {}
        }
    }
    event
}

#[tokio::test]
async fn a_client_that_reconnects_with_its_last_id_gets_exactly_what_it_missed() {
    let app = TestApp::start().await;
    let mut listener = Listener::open(&app, "?feeds=messages", None).await;
    assert_eq!(listener.next().await.data["data"]["recovered"], false);
    app.publish(posts(0..10)).await;
    let mut heard = Vec::new();
    let mut last_id = String::new();
    for _ in 0..10 {
        let event = listener.next_of("message:new").await;
        assert_eq!(event.id.as_deref(), event.data["id"].as_str());
        last_id = event.id.unwrap();
        heard.push(event.data["data"]["post"]["id"].as_str().unwrap().parse::<u64>().unwrap());
    }
    drop(listener);
    app.publish(posts(10..20)).await;
    app.space.assert_counted_once(20).await;
    // The header overrides the URL, which a browser never changes.
    let mut listener = Listener::open(&app, "?feeds=messages&since=gone:1", Some(&last_id)).await;
    assert_eq!(listener.next().await.data["data"]["recovered"], true);
    app.publish(posts(20..30)).await;
    for _ in 0..20 {
        let event = listener.next_of("message:new").await;
        heard.push(event.data["data"]["post"]["id"].as_str().unwrap().parse().unwrap());
    }
    heard.sort_unstable();
    assert_eq!(heard, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_client_gets_only_its_subscription_and_the_number_of_posts_its_rate_skipped() {
    let app = TestApp::start().await;
    let mut listener =
        Listener::open(&app, "?feeds=messages,metrics&platform=twitter&max_rate=0.5&delta=true", None).await;
    let subscribed = listener.next().await.data["data"].clone();
    assert_eq!((&subscribed["max_rate"], &subscribed["delta"]), (&0.5.into(), &true.into()));
    // As many as are live at once. To hear all of them would take over three minutes, so however slow the machine is,
    // some are skipped.
    let sent_at = Instant::now();
    app.publish(posts(0..200)).await;
    let (mut n_heard, mut n_skipped, mut n_deltas) = (0, 0, 0);
    let mut heard_for = Duration::ZERO;
    while n_heard + n_skipped < 100 || n_deltas == 0 {
        let event = listener.next().await;
        match event.name.as_str() {
            "message:new" => {
                assert_eq!(event.data["data"]["post"]["platform"], "twitter");
                n_heard += 1;
                heard_for = sent_at.elapsed();
            }
            "message:skipped" => n_skipped += event.data["data"]["by_rate"].as_u64().unwrap(),
            "metrics:delta" => {
                assert!(event.data["base"].is_string(), "{event:?}");
                n_deltas += 1;
            }
            _ => {}
        }
    }
    assert_eq!(n_heard + n_skipped, 100, "half of them are tweets");
    // One at once, and another every two seconds from then on.
    let n_heard_max = 1 + heard_for.as_secs() / 2;
    assert!((1..=n_heard_max).contains(&n_heard), "{n_heard} within {heard_for:?}");
    assert!(n_skipped > 0, "all were heard within {heard_for:?}");
}

#[tokio::test]
async fn an_event_stream_is_admitted_by_the_same_rules_as_a_socket() {
    let app = TestApp::start_with(&["--auth-token=0123456789abcdef", "--sockets-max=1"]).await;
    let url = format!("http://{}/api/v1/events", app.address);
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    let ask = |query: &str| client.get(format!("{url}{query}")).bearer_auth("0123456789abcdef");
    let foreign = ask("").header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    for (query, named) in [("?feeds=weather", "weather"), ("?since=17", "since"), ("?max_rate=0", "max_rate")]
    {
        let answer = ask(query).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        assert!(answer.text().await.unwrap().contains(named), "{query}");
    }
    let mut first = ask("").send().await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(ask("").send().await.unwrap().status(), 503);
    assert!(first.chunk().await.unwrap().unwrap().starts_with(b"retry: 2000"));
}
