//! People are told once, however many processes judge.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

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
    let open = eventually("one alert counts all", async || {
        let found = alerts(&one, "negativity").await;
        assert!(found.len() <= 1, "{found:?}");
        found.into_iter().find(|alert| alert["state"] == "open" && alert["count"] == 30)
    })
    .await;
    assert_eq!(
        (&open["scope"]["dimension"], &open["severity"]),
        (&"overall".into(), &"critical".into()),
        "{open}"
    );

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
    let begun = std::time::Instant::now();
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
    // A growing alert is pushed every five seconds.
    let n_pushed_max = 10 + begun.elapsed().as_secs() as usize / 5;
    assert!((1..=n_pushed_max).contains(&n_pushed), "a burst of 600 posts was {n_pushed} pushes");
}

#[tokio::test]
async fn what_people_will_be_told_is_written_with_the_alert_that_it_is_about() {
    let app = TestApp::start().await;
    app.space.record_notifications().await;
    app.publish(said("I will cancel my contract", 0..5)).await;
    alert(&app, "churn", "open").await;
    app.publish(said("I hate it", 10..40)).await;
    let negativity = alert(&app, "negativity", "open").await;
    assert_eq!(app.space.notified_as_they_opened().await, (2, 2));
    let shown = negativity["posts"].as_array().unwrap();
    assert_eq!(shown.len(), 20);
    assert!(shown.iter().all(|post| post["text"] == "I hate it"), "the posts that made it: {shown:?}");
}

#[tokio::test]
async fn an_alert_of_a_rule_tells_what_the_posts_are_about_and_what_was_read_before() {
    let app = TestApp::start().await;
    let mut calm = said("a fine day at the lake", 0..60);
    for (post, minutes) in calm.iter_mut().zip((10..30).cycle()) {
        let at = Timestamp::now() - SignedDuration::from_mins(minutes);
        post["created_at"] = json!(at.to_string());
    }
    app.publish(calm).await;
    app.publish(said("I hate the broken battery", 100..140)).await;
    let alert = alert(&app, "negativity", "open").await;
    let evidence = &alert["evidence"];
    let terms: Vec<&str> =
        evidence["terms"].as_array().unwrap().iter().map(|found| found["term"].as_str().unwrap()).collect();
    assert!(terms.contains(&"battery") && !terms.contains(&"lake"), "{terms:?}");
    let series = evidence["series"].as_array().unwrap();
    let values: Vec<f64> = series.iter().map(|point| point["value"].as_f64().unwrap()).collect();
    assert!(values.len() > 10 && values[0] == 0.0 && *values.last().unwrap() > 0.5, "{values:?}");
    let last = series.last().unwrap();
    assert_eq!((&last["low"], &last["high"]), (&json!(0.0), &json!(0.5)), "what the rule lets pass");
}

#[tokio::test]
async fn a_customer_who_comes_and_goes_is_one_alert_in_the_end() {
    let app = TestApp::start().await;
    let sql = app.space.sql().await;
    for round in 0..4 {
        app.publish(said("I will cancel my contract", round * 3..round * 3 + 3)).await;
        let open = eventually("an alert opens", async || {
            alerts(&app, "churn").await.into_iter().find(|alert| alert["state"] == "open")
        })
        .await;
        assert_eq!(open["flapping"], round == 3, "{open}");
        // As if five minutes had passed, and a moment.
        let quiet =
            "UPDATE sentiment_alerts SET updated_at = now() - interval '301 seconds' WHERE state = 'open'";
        sql.execute(quiet, &[]).await.unwrap();
        if round < 3 {
            eventually("it is over", async || {
                alerts(&app, "churn")
                    .await
                    .into_iter()
                    .all(|alert| alert["state"] == "resolved")
                    .then_some(())
            })
            .await;
        }
    }
    let evaluated = app.stage("alerter").await.handled + 3;
    eventually("it is judged again", async || (app.stage("alerter").await.handled > evaluated).then_some(()))
        .await;
    let n_open = alerts(&app, "churn").await.into_iter().filter(|alert| alert["state"] == "open").count();
    assert_eq!(n_open, 1, "it is held open until it has been calm for longer");
    let calm = "UPDATE sentiment_alerts SET updated_at = now() - interval '601 seconds' WHERE state = 'open'";
    sql.execute(calm, &[]).await.unwrap();
    eventually("it is over", async || {
        alerts(&app, "churn").await.into_iter().all(|alert| alert["state"] == "resolved").then_some(())
    })
    .await;
}

#[tokio::test]
async fn churn_alerts_need_three_posts_and_a_share_above_the_usual_one_and_clear_by_themselves() {
    let app = TestApp::start().await;
    let sql = app.space.sql().await;
    app.publish(said("I will cancel my contract", 0..2)).await;
    app.space.assert_counted_once(2).await;
    let evaluated = app.stage("alerter").await.handled + 5;
    eventually("they are judged", async || (app.stage("alerter").await.handled > evaluated).then_some(()))
        .await;
    assert_eq!(alerts(&app, "churn").await, [Value::Null; 0]);

    app.publish(said("I will cancel my contract", 2..5)).await;
    let open = eventually("all are in one alert", async || {
        alerts(&app, "churn").await.into_iter().find(|alert| alert["count"] == 5)
    })
    .await;
    assert_eq!(open["title"], "5 posts suggest churn", "{open}");
    assert_eq!((&open["value"], &open["threshold"]), (&json!(5.0), &json!(2.0)));
    assert_eq!(open["measured"]["peak"]["count"], 5, "{open}");

    // As if that had been six minutes ago: every post is at risk as usual. The alerter that starts now learns so.
    let earlier = "UPDATE sentiment_rollups SET bucket = bucket - interval '6 minutes'";
    sql.execute(earlier, &[]).await.unwrap();
    let soon = "UPDATE alert_rules SET keep_firing_seconds = 5 WHERE metric = 'churn_high'";
    sql.execute(soon, &[]).await.unwrap();
    app.kill("alerter").await;
    app.until_rebuilt("alerter", 1).await;
    let mut next = 5;
    eventually("it clears by itself, although posts still join it", async || {
        app.publish(said("I will cancel my contract", next..next + 1)).await;
        next += 1;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let resolved = |alert: &Value| alert["id"] == open["id"] && alert["state"] == "resolved";
        alerts(&app, "churn").await.iter().any(resolved).then_some(())
    })
    .await;
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
