//! Sources that follow topics: the network is asked for what the topics ask for, also after they change.

use std::ops::Range;

use serde_json::{Value, json};

use super::hosts::LocalNetwork;
use super::hosts::mastodon::{instance, status};
use super::hosts::x::XApi;
use super::hosts::youtube::YouTubeApi;
use crate::support::mastodon::Status;
use crate::support::web::Request;
use crate::support::x_api::{STREAM, Tweet};
use crate::support::youtube::{SEARCH, Video};
use crate::support::{TestApp, until};

/// Server with a source that follows topics, of which there are none yet.
struct Follower {
    app: TestApp,
    /// Path of the source.
    path: String,
}

impl Follower {
    async fn start(network: &str, settings: Value, token: Option<&str>) -> Self {
        let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
        let mut source = json!({"network": network, "name": "Followed", "settings": settings});
        source["settings"]["follow_topics"] = json!(true);
        if let Some(token) = token {
            source["credentials"] = json!({"token": token});
        }
        let made = app.act(("POST", "/api/v1/sources"), &source, "Ana").await;
        assert_eq!(made.status, 201, "{}", made.body);
        let path = format!("/api/v1/sources/{}", made.body["id"].as_str().unwrap());
        let follower = Self { app, path };
        follower.until_waiting_for_a_topic().await;
        follower
    }

    async fn until_waiting_for_a_topic(&self) {
        until("it waits for a topic", async || {
            let source = self.app.get(&self.path).await;
            source["state"] == "waiting" && source["reason"] == "no topic is enabled that it could follow"
        })
        .await;
        let test = self.app.act(("POST", &format!("{}/test", self.path)), &Value::Null, "Ana").await;
        assert_eq!(test.body["state"], "waiting", "{}", test.body);
    }

    /// Creates a topic, or replaces the one at `path`. Returns its path.
    async fn put_topic(&self, path: Option<&str>, query: &str, enabled: bool) -> String {
        let topic = json!({"name": "Nimbrel", "kind": "brand", "query": query, "enabled": enabled});
        let call = path.map_or(("POST", "/api/v1/topics"), |path| ("PUT", path));
        let made = self.app.act(call, &topic, "Ana").await;
        assert!(made.status < 300, "{}", made.body);
        format!("/api/v1/topics/{}", made.body["id"].as_str().unwrap())
    }

    /// Returns the queries, and the parts that are left out, each with its effect.
    async fn queries(&self) -> (Vec<String>, Vec<(String, String)>) {
        let found = self.app.get(&format!("{}/queries", self.path)).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |name: &str| found[name].as_array().unwrap().clone();
        let left_out = list("left_out");
        let left_out = left_out.iter().map(|it| (text(&it["part"]), text(&it["effect"]))).collect();
        assert!(list("queries").iter().all(|it| it["topics"] == json!(["Nimbrel"])), "{found}");
        (list("queries").iter().map(|it| text(&it["query"])).collect(), left_out)
    }

    async fn until_running(&self) {
        until("it hears the network", async || self.app.get(&self.path).await["state"] == "running").await;
    }

    /// Disables the topic, and checks that nothing is missing from what was heard before.
    async fn end(&self, topic: &str, query: &str, n_posts: u64) {
        self.put_topic(Some(topic), query, false).await;
        self.until_waiting_for_a_topic().await;
        let source = self.app.get(&self.path).await;
        assert_eq!((&source["gaps"], &source["rejected"]), (&json!([]), &json!(0)), "{source}");
        assert!(source["cursor"]["at"].is_string(), "{source}");
        self.app.space.assert_counted_once(n_posts).await;
    }
}

fn left_out(parts: &[(&str, &str)]) -> Vec<(String, String)> {
    parts.iter().map(|&(part, effect)| (part.to_owned(), effect.to_owned())).collect()
}

#[tokio::test]
async fn the_rules_of_x_follow_the_topics() {
    let api = XApi::start_api().await;
    let settings = json!({"base_url": api.host.web.url(), "usd_per_month": 20});
    let source = Follower::start("x", settings, Some("secret")).await;
    assert!(api.host.web.requests().is_empty(), "nothing is asked without a topic");
    let rules = || api.host.rules().into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
    let n_streams = || api.host.web.requests().iter().filter(|request| request.path == STREAM).count();
    let hears = async |n: usize, expected: &str| {
        until("X has the rule, and streams", async || {
            rules() == [expected] && n_streams() == n && api.host.web.n_open() == 1
        })
        .await;
        source.until_running().await;
    };
    let topic = source.put_topic(None, "nimbrel -job refund*", true).await;
    hears(1, "nimbrel").await;
    let wider = left_out(&[("NOT job", "wider"), ("refund*", "wider")]);
    assert_eq!(source.queries().await, (vec!["nimbrel".to_owned()], wider));
    api.offer(0..5);
    source.app.space.assert_counted_once(5).await;
    source.put_topic(Some(&topic), "nimbrel OR \"vexa one\"", true).await;
    hears(2, "nimbrel OR \"vexa one\"").await;
    api.host.add([Tweet { text: "a Vexa One".to_owned(), ..Tweet::new(5) }]);
    api.offer(6..8);
    source.app.space.assert_counted_once(8).await;
    source.end(&topic, "nimbrel", 8).await;
    until("the stream is closed", async || api.host.web.n_open() == 0).await;
}

#[tokio::test]
async fn the_searches_of_youtube_follow_the_topics() {
    let network = YouTubeApi::start().await;
    let host = &network.0;
    let settings = json!({"base_url": format!("{}/youtube/v3", host.web.url())});
    let source = Follower::start("youtube", settings, Some("secret")).await;
    assert!(host.web.requests().is_empty(), "nothing is asked without a topic");
    let searched = async |expected: &str| {
        let is_search = |it: &Request| it.path == SEARCH && it.param("q") == Some(expected);
        until("YouTube is searched", async || host.web.requests().iter().any(is_search)).await;
        source.until_running().await;
    };
    host.publish(0..3);
    let topic = source.put_topic(None, "nimbrel lang:en", true).await;
    searched("nimbrel").await;
    source.app.space.assert_counted_once(3).await;
    assert_eq!(source.queries().await.1, left_out(&[("lang:en", "wider")]));
    host.add([Video { title: "the Vexa".to_owned(), ..Video::new(3) }]);
    source.put_topic(Some(&topic), "nimbrel OR vexa", true).await;
    searched("nimbrel|vexa").await;
    source.app.space.assert_counted_once(4).await;
    source.end(&topic, "nimbrel", 4).await;
}

#[tokio::test]
async fn the_hashtags_of_mastodon_follow_the_topics() {
    let host = instance(None).await;
    let source = Follower::start("mastodon", json!({"base_url": host.web.url()}), None).await;
    assert!(host.web.requests().is_empty(), "nothing is asked without a topic");
    let tagged = |numbers: Range<u32>, tag: &'static str| {
        host.add(numbers.map(|number| Status { tags: vec![tag], ..status(number) }));
    };
    let asked = async |tag: &str| {
        let path = format!("/api/v1/timelines/tag/{tag}");
        let has_asked = |it: &Request| it.path == path;
        until("Mastodon is asked", async || host.web.requests().iter().any(has_asked)).await;
        source.until_running().await;
    };
    tagged(0..3, "nimbrel");
    let topic = source.put_topic(None, "#Nimbrel OR nimbrel", true).await;
    asked("nimbrel").await;
    source.app.space.assert_counted_once(3).await;
    assert_eq!(source.queries().await, (vec!["nimbrel".to_owned()], left_out(&[("nimbrel", "missing")])));
    tagged(3..5, "nimbrel");
    source.app.space.assert_counted_once(5).await;
    source.put_topic(Some(&topic), "#nimbrel OR #vexa refund", true).await;
    asked("vexa").await;
    tagged(5..6, "vexa");
    tagged(6..7, "nimbrel");
    source.app.space.assert_counted_once(7).await;
    source.end(&topic, "#nimbrel", 7).await;
    let is_public = |it: &Request| it.path.ends_with("/timelines/public");
    assert!(!host.web.requests().iter().any(is_public), "nobody asks for all posts");
}
