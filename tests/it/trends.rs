//! What people speak of is counted over all processes, and by none twice.

use serde_json::{Value, json};

use crate::support::{Client, Space, TestApp, eventually, post, until};

/// A post of somebody.
fn said(id: usize, text: &str, author: usize) -> Value {
    let mut post = post(id, text);
    post["author"] = json!({"id": format!("author {author}")});
    post
}

fn posts() -> Vec<Value> {
    let battery = (0..30).map(|n| said(n, "the battery drains", n % 10));
    battery.chain((30..50).map(|n| said(n, "a lovely screen #phone https://example.org/x", n % 4))).collect()
}

async fn trends_of(client: &Client, window: &str, n_posts: u64) -> Value {
    eventually(&format!("{n_posts} posts are counted in {window}"), async || {
        let trends = client.get(&format!("/api/v1/trends?window={window}")).await;
        (trends["count"] == n_posts).then_some(trends)
    })
    .await
}

fn count_of(trends: &Value, term: &str) -> Option<u64> {
    let terms = trends["terms"].as_array().unwrap();
    terms.iter().find(|found| found["term"] == term)?["count"].as_u64()
}

#[tokio::test]
async fn what_one_process_counted_all_tell_also_after_it_has_ended() {
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &[]).await;
    one.leaves_others = true;
    let front = TestApp::start_on(&space, &["--roles=web"]).await;
    one.publish(posts()).await;
    for window in ["5m", "1h", "24h"] {
        let trends = trends_of(&front, window, 50).await;
        assert_eq!(count_of(&trends, "battery drains"), Some(30), "{trends}");
        assert_eq!(count_of(&trends, "lovely screen"), Some(20), "{trends}");
        assert_eq!(count_of(&trends, "#phone"), Some(20), "{trends}");
        assert_eq!((&trends["authors"]["distinct"], &trends["missed"]), (&10.into(), &0.into()), "{trends}");
        assert_eq!(trends["terms"].as_array().unwrap().len(), 3, "{trends}");
    }
    drop(one);
    drop(front);
    let next = TestApp::start_on(&space, &[]).await;
    trends_of(&next, "1h", 50).await;
    next.publish(posts()).await;
    next.publish(vec![said(50, "the battery drains", 0)]).await;
    let trends = trends_of(&next, "1h", 51).await;
    assert_eq!((count_of(&trends, "battery drains"), &trends["authors"]["distinct"]), (Some(31), &10.into()));
}

#[tokio::test]
async fn a_counter_that_dies_stops_nothing_and_every_post_is_counted_or_missed() {
    let app = TestApp::start().await;
    app.publish(posts()).await;
    trends_of(&app, "5m", 50).await;
    app.kill("trend_counter").await;
    app.publish((100..300).map(|n| said(n, "the battery drains", n)).collect()).await;
    app.space.assert_counted_once(250).await;
    app.until_rebuilt("trend_counter", 1).await;
    until("every post is counted or missed", async || {
        let trends = app.get("/api/v1/trends?window=1h").await;
        trends["count"].as_u64().unwrap() + trends["missed"].as_u64().unwrap() == 250
    })
    .await;
}
