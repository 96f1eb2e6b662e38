//! Exactly one process evaluates the rules, and another goes on where it stopped.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::servers::{open_folder, remove};
use crate::support::{Client, Space, TestApp, eventually, judge_in_soak, post, until};

/// What is promised, and judged in a soak; the measurement takes some of it.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(10);

/// The lock of who evaluates the rules, and that of who looks for what is unusual.
const LOCKS: [u32; 2] = [0x6773_0005, 0x6773_0006];

/// How many processes hold each of them.
async fn leaders(sql: &tokio_postgres::Client) -> [i64; 2] {
    const SQL: &str = "
        SELECT count(*) FILTER (WHERE objid = $1), count(*) FILTER (WHERE objid = $2) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND classid = 0
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let [rules, signals] = LOCKS;
    let row = sql.query_one(SQL, &[&rules, &signals]).await.unwrap();
    [row.get(0), row.get(1)]
}

/// Opens an alert about something unusual, and asks not to be told of such things: who looks for them ends it.
async fn leave_a_signal_to_be_ended(sql: &tokio_postgres::Client) {
    const SQL: &str = "
        UPDATE signal_settings SET sensitivity = 'off';
        INSERT INTO sentiment_alerts (id, rule, metric, dimension, key, state, severity, title, value, threshold, count,
            opened_at, updated_at, posts)
        VALUES (gen_random_uuid(), 'spike', 'volume', 'overall', '', 'open', 'info', '', 0, 0, 0, now(), now(), '[]')";
    sql.batch_execute(SQL).await.unwrap();
}

async fn alerts(client: &Client, state: &str) -> Vec<Value> {
    let found = client.get(&format!("/api/v1/alerts?state={state}&rule=negativity")).await;
    found["items"].as_array().unwrap().clone()
}

/// Everything is negative, as the model for tests reads it.
fn hatred(ids: std::ops::Range<usize>) -> Vec<Value> {
    ids.map(|id| post(id, "I hate it")).collect()
}

#[tokio::test]
async fn when_the_process_that_evaluates_is_killed_another_goes_on_where_it_stopped() {
    let space = Space::new().await;
    let sql = space.sql().await;
    let folders = [open_folder(), open_folder()];
    let process = |place: usize| {
        let folder: &tempfile::TempDir = &folders[place];
        Process::start(&[
            &format!("--data-dir={}", folder.path().join("data").display()),
            &format!("--database-url={}", space.database_url),
            &format!("--redis-url={}", space.redis_url),
            &format!("--prefix={}", space.prefix),
        ])
    };
    let mut first = process(0);
    let address = first.ready().await;
    until("the first leads", async || leaders(&sql).await == [1, 1]).await;
    let mut second = process(1);
    let other = Client::new(second.ready().await);
    until("one leads", async || match leaders(&sql).await {
        n_leaders @ [0..=1, 0..=1] => n_leaders == [1, 1],
        _ => panic!("two lead"),
    })
    .await;

    Client::new(address).publish(hatred(0..30)).await;
    let open = eventually("an alert opens", async || alerts(&other, "open").await.pop()).await;

    leave_a_signal_to_be_ended(&sql).await;
    let killed_at = Instant::now();
    first.kill().await;
    until("the second leads", async || leaders(&sql).await == [1, 1]).await;
    let silence = json!({"key": "", "dimension": "overall", "ends_at": "2100-01-01T00:00:00Z"});
    assert_eq!(other.post("/api/v1/silences", &silence).await.unwrap().status, 201);
    eventually("the second evaluates", async || {
        alerts(&other, "open").await.into_iter().find(|alert| alert["silenced"] == true)
    })
    .await;
    eventually("the second looks for what is unusual", async || {
        let found = other.get("/api/v1/alerts?state=resolved&rule=spike").await;
        found["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let away = killed_at.elapsed();
    judge_in_soak(away < TAKEN_OVER_WITHIN, &format!("alert_leader: taken over {away:.1?} after the kill"));

    // The alert is the one that was open, and it ends as it would have.
    other.publish((100..200).map(|id| post(id, "I love it")).collect::<Vec<_>>()).await;
    let over = eventually("it is over", async || alerts(&other, "resolved").await.pop()).await;
    assert_eq!(over["id"], open["id"]);
    let history = other.get(&format!("/api/v1/alerts/{}", open["id"].as_str().unwrap())).await;
    let events: Vec<_> = history["history"].as_array().unwrap().iter().collect();
    let named = |name: &str| events.iter().filter(|it| it["phase"] == name || it["action"] == name).count();
    assert_eq!(["firing", "silenced", "resolved"].map(named), [1, 1, 1], "{history}");
    second.terminate();
    assert!(second.ended().await.success());
    folders.into_iter().for_each(remove);
}

#[tokio::test]
async fn a_restart_opens_nothing_again_and_forgets_nothing() {
    let space = Space::new().await;
    let first = TestApp::start_on(&space, &[]).await;
    first.publish(hatred(0..30)).await;
    let open = eventually("an alert opens", async || alerts(&first, "open").await.pop()).await;
    drop(first);
    let second = TestApp::start_on(&space, &[]).await;
    let evaluated = second.stage("alerter").await.handled + 8;
    until("it is evaluated again", async || second.stage("alerter").await.handled > evaluated).await;
    let still = alerts(&second, "open").await;
    assert_eq!((still.len(), &still[0]["id"]), (1, &open["id"]));
    assert!(alerts(&second, "resolved").await.is_empty());
}
