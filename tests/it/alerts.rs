//! People are told once, however many processes judge.

use serde_json::Value;

use crate::support::client::Socket;
use crate::support::{Client, Space, TestApp, eventually, post};

fn said(text: &str, ids: std::ops::Range<usize>) -> Vec<Value> {
    ids.map(|id| post(id, text)).collect()
}

async fn alerts(client: &Client, rule: &str) -> Vec<Value> {
    let all = client.get("/api/v1/alerts").await["items"].as_array().unwrap().clone();
    all.into_iter().filter(|alert| alert["rule"] == rule).collect()
}

async fn alert(client: &Client, rule: &str, state: &str) -> Value {
    eventually(&format!("one {rule} alert is {state}"), async || {
        let found = alerts(client, rule).await;
        assert!(found.len() <= 1, "{found:?}");
        found.into_iter().find(|alert| alert["state"] == state)
    })
    .await
}

/// Frames of alerts up to the first post with this id: whatever was told before it.
async fn events_before(socket: &mut Socket, id: &str) -> Vec<String> {
    let mut events = Vec::new();
    loop {
        let frame = socket.next().await.unwrap();
        if frame["data"]["post"]["id"] == id {
            return events;
        }
        let event = frame["event"].as_str().unwrap();
        if event.starts_with("alert:") {
            events.push(event.to_owned());
        }
    }
}

#[tokio::test]
async fn a_negativity_alert_opens_once_and_resolves_once_with_two_processes() {
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &[]).await;
    let other = TestApp::start_on(&space, &[]).await;
    one.leaves_others = true;
    let mut sockets = [one.socket().await, other.socket().await];
    for socket in &mut sockets {
        socket.subscribe(&["alerts", "messages"]).await;
    }
    one.publish(said("I hate it", 0..30)).await;
    let open = alert(&one, "negativity", "open").await;
    assert_eq!((&open["scope"]["dimension"], &open["count"]), (&"overall".into(), &30.into()), "{open}");
    assert_eq!(open["severity"], "critical");

    other.publish(said("I love it", 30..70)).await;
    let resolved = alert(&other, "negativity", "resolved").await;
    assert_eq!(resolved["id"], open["id"]);

    // It would hold again at once, but people were told a moment ago.
    one.publish(said("I hate it", 70..170)).await;
    space.assert_counted_once(170).await;
    let evaluated = one.stage("alerter").await.handled + 8;
    eventually("the windows are judged again", async || {
        (one.stage("alerter").await.handled > evaluated).then_some(())
    })
    .await;
    alert(&one, "negativity", "resolved").await;

    one.publish(vec![post("last", "it is a phone")]).await;
    for socket in &mut sockets {
        assert_eq!(events_before(socket, "last").await, ["alert:negativity", "alert:resolved"]);
    }
}

#[tokio::test]
async fn nineteen_negative_posts_are_no_alert() {
    let app = TestApp::start().await;
    app.publish(said("I hate it", 0..19)).await;
    app.space.assert_counted_once(19).await;
    let evaluated = app.stage("alerter").await.handled + 8;
    eventually("the windows are judged", async || {
        (app.stage("alerter").await.handled > evaluated).then_some(())
    })
    .await;
    assert_eq!(alerts(&app, "negativity").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_burst_of_leaving_customers_is_one_alert_that_counts_them_all() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.subscribe(&["alerts", "messages"]).await;
    for first in (0..600).step_by(100) {
        app.publish(said("I will cancel my contract", first..first + 100)).await;
    }
    eventually("one alert counts all", async || {
        let found = alerts(&app, "churn").await;
        assert!(found.len() <= 1, "{} alerts", found.len());
        found.into_iter().find(|alert| alert["count"] == 600)
    })
    .await;
    let shown = alert(&app, "churn", "open").await;
    assert_eq!(shown["posts"].as_array().unwrap().len(), 20, "an alert shows some of its posts");
    app.space.assert_counted_once(600).await;
    app.publish(vec![post("last", "it is a phone")]).await;
    let n_pushed = events_before(&mut socket, "last").await.len();
    assert!((1..=10).contains(&n_pushed), "a burst of 600 posts was {n_pushed} pushes");
}

#[tokio::test]
async fn an_alerter_that_dies_in_a_burst_leaves_no_post_out() {
    let app = TestApp::start().await;
    app.publish(said("I will cancel my contract", 0..50)).await;
    app.kill("alerter").await;
    app.publish(said("I will cancel my contract", 50..100)).await;
    eventually("the alert counts all", async || {
        alerts(&app, "churn").await.into_iter().find(|alert| alert["count"] == 100)
    })
    .await;
    app.space.assert_counted_once(100).await;
}
