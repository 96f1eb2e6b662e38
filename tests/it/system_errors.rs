//! Recent errors over time, with their messages.

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::receivers::{Answer, Receiver};
use crate::support::{Client, Space, eventually, post, until};

/// Returns the number of errors of a kind in the last hour.
fn n_of(overview: &Value, kind: &str) -> u64 {
    let steps = overview["steps"].as_array().unwrap();
    steps.iter().filter_map(|step| step["counts"][kind].as_u64()).sum()
}

#[tokio::test]
async fn errors_are_counted_by_kind_and_origin_and_listed_with_their_messages() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &["--notify-allow=127.0.0.1"]);
    let client = Client::new(server.ready().await);
    let quiet = client.get("/api/v1/system/errors").await;
    assert_eq!((quiet["steps"].as_array().unwrap().len(), quiet["step_seconds"].as_i64()), (60, Some(60)));
    for kind in ["restart", "dead_letter", "failed_notification", "refused_request"] {
        assert_eq!(n_of(&quiet, kind), 0, "{quiet}");
    }

    assert_eq!(client.post("/api/v1/posts", &json!({"nonsense": true})).await.unwrap().status, 422);
    let receiver = Receiver::start(vec![Answer::status(500)]).await;
    let wish = json!({
        "name": "ops", "kind": "webhook", "settings": {"url": receiver.url}, "service_alerts": true,
    });
    assert_eq!(client.post("/api/v1/notification-channels", &wish).await.unwrap().status, 201);
    until("the channel is remembered", async || client.system().await.service_alert_destinations == 1).await;
    client.publish(vec![post("sick", "poison-error"), post("sicker", "poison-error")]).await;

    let told = eventually("everything is counted", async || {
        let told = client.get("/api/v1/system/errors?window=24h").await;
        let all = [("dead_letter", 2), ("refused_request", 1), ("failed_notification", 1)];
        all.iter().all(|(kind, n)| n_of(&told, kind) >= *n).then_some(told)
    })
    .await;
    let origins = told["origins"].as_array().unwrap();
    for (kind, origin) in
        [("dead_letter", "ingester"), ("refused_request", "http"), ("failed_notification", "service_alerter")]
    {
        assert!(origins.iter().any(|it| it["kind"] == kind && it["origin"] == origin), "{origins:?}");
    }
    let recent = told["recent"].as_array().unwrap();
    let words = |kind: &str| recent.iter().find(|it| it["kind"] == kind).unwrap()["message"].to_string();
    assert!(words("dead_letter").contains("poison"), "{recent:?}");
    assert!(
        words("failed_notification").contains("webhook: the receiver had an internal error"),
        "{recent:?}"
    );
    assert!(recent.iter().any(|it| it["kind"] == "warning"), "nothing of the log: {recent:?}");
    assert!(recent.iter().all(|it| it["kind"] != "refused_request"));

    let refused = client.try_get("/api/v1/system/errors?window=2h").await.unwrap();
    assert_eq!(refused.status, 400, "{}", refused.body);
}
