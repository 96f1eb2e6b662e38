//! Service alerts reach the operators even while PostgreSQL or Redis is down.

use std::time::Duration;

use groundswell::models::service_alert::ServiceCondition;
use serde_json::{Value, json};

use crate::support::receivers::{Answer, Receiver, is_genuine};
use crate::support::{PrivateServers, Space, TestApp, eventually, post, stays, until};

const ALLOW: &str = "--notify-allow=127.0.0.1";
const SOON: &str = "--service-alert-after-s=1";
const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

/// Returns a receiver in the syntax of the configuration.
fn operator(receiver: &Receiver) -> String {
    format!("--operator-channel=webhook+{}#{SECRET}", receiver.url)
}

/// Returns the messages that a receiver got about a condition.
fn told(receiver: &Receiver, condition: &str) -> Vec<Value> {
    let bodies = receiver.received().into_iter().map(|it| it.json());
    bodies.filter(|body| body["data"]["condition"] == condition).collect()
}

async fn hears(receiver: &Receiver, event: &str, condition: &str) -> Value {
    eventually(&format!("{event} of {condition} arrives"), async || {
        told(receiver, condition).into_iter().find(|body| body["type"] == event)
    })
    .await
}

/// Creates a channel that receives service alerts through the API.
async fn channel(app: &TestApp, receiver: &Receiver) {
    let wish = json!({
        "name": "ops", "kind": "webhook", "settings": {"url": receiver.url}, "service_alerts": true,
    });
    let made = app.post("/api/v1/notification-channels", &wish).await.unwrap();
    assert_eq!((made.status, &made.body["service_alerts"]), (201, &json!(true)), "{}", made.body);
    until("it is remembered", async || app.system().await.service_alert_destinations == 2).await;
}

#[tokio::test]
async fn a_postgres_outage_and_its_end_are_notified_to_operators_and_channels() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let (configured, stored) = (Receiver::content().await, Receiver::content().await);
    let app = TestApp::start_on(&space, &[ALLOW, SOON, &operator(&configured)]).await;
    channel(&app, &stored).await;
    servers.embedded.stop_postgres().await.unwrap();
    for receiver in [&configured, &stored] {
        let fired = hears(receiver, "service.fired", "postgres_away").await;
        assert_eq!(
            (&fired["data"]["severity"], &fired["data"]["resolved_at"]),
            (&json!("critical"), &Value::Null)
        );
    }
    assert!(is_genuine(SECRET, &configured.received()[0]));
    stays("the channel is remembered while nobody can ask for it", Duration::from_secs(7), async || {
        app.system().await.service_alert_destinations == 2
    })
    .await;
    until("it is in the system view", async || {
        let open = app.system().await.service_alerts;
        open.iter().any(|alert| alert.condition == ServiceCondition::PostgresAway)
    })
    .await;
    servers.embedded.start_postgres().await.unwrap();
    for receiver in [&configured, &stored] {
        let resolved = hears(receiver, "service.resolved", "postgres_away").await;
        assert!(resolved["data"]["resolved_at"].is_string());
        assert_eq!(told(receiver, "postgres_away").len(), 2);
    }
    until("nothing is wrong any more", async || app.system().await.service_alerts.is_empty()).await;
    drop(app);
    servers.stop().await;
}

#[tokio::test]
async fn a_redis_outage_and_its_end_are_notified_to_operators() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let receiver = Receiver::content().await;
    let app = TestApp::start_on(&space, &[ALLOW, SOON, &operator(&receiver)]).await;
    until("it is measured", async || app.system().await.redis.reachable).await;
    servers.embedded.stop_redis().await.unwrap();
    hears(&receiver, "service.fired", "redis_away").await;
    servers.embedded.start_redis().await.unwrap();
    hears(&receiver, "service.resolved", "redis_away").await;
    assert_eq!(told(&receiver, "redis_away").len(), 2, "one outage is told of once");
    drop(app);
    servers.stop().await;
}

#[tokio::test]
async fn a_new_dead_letter_notifies_the_operators_once_and_old_ones_do_not() {
    let space = Space::new().await;
    let app = TestApp::start_on(&space, &[]).await;
    app.publish(vec![post("before", "poison-error")]).await;
    let n_dead = async |n| space.backlog().await.dead == n;
    until("it is buried", async || n_dead(1).await).await;
    drop(app);

    let receiver = Receiver::content().await;
    let app = TestApp::start_on(&space, &[ALLOW, SOON, &operator(&receiver)]).await;
    until("it is measured", async || app.system().await.stream.is_some_and(|stream| stream.dead == 1)).await;
    stays("those of before are old news", Duration::from_secs(3), async || {
        told(&receiver, "dead_letters").is_empty()
    })
    .await;
    app.publish(vec![post("sick", "poison-error"), post("sicker", "poison-panic")]).await;
    let fired = hears(&receiver, "service.fired", "dead_letters").await;
    assert_eq!(fired["data"]["severity"], "warning");
    until("all are buried", async || n_dead(3).await).await;
    hears(&receiver, "service.resolved", "dead_letters").await;
    assert_eq!(told(&receiver, "dead_letters").len(), 2);
}

#[tokio::test]
async fn a_stage_that_keeps_dying_is_notified_even_when_the_notifying_stage_dies_too() {
    // The first attempt fails; the message is sent again with the same id.
    let receiver = Receiver::start(vec![Answer::status(500), Answer::status(204)]).await;
    let app = TestApp::start_with(&[ALLOW, SOON, &operator(&receiver)]).await;
    for n in 1..=3 {
        app.kill("trend_counter").await;
        app.until_rebuilt("trend_counter", n).await;
    }
    app.kill("service_alerter").await;
    let fired = hears(&receiver, "service.fired", "stage_restarting").await;
    assert_eq!(fired["data"]["stage"], "trend_counter");
    let all = receiver.wait_for(2).await;
    assert_eq!(all[0].header("webhook-id"), all[1].header("webhook-id"));
}
