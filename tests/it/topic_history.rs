//! Topics applied to posts that are already stored.

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::{Client, Space, TestApp, eventually, posts, until};

/// Posts of which every fourth has no product.
fn stored() -> Vec<Value> {
    let mut sent = posts(0..2_000);
    for post in sent.iter_mut().skip(1).step_by(4) {
        post.as_object_mut().unwrap().remove("product");
    }
    sent
}

async fn create(client: &Client, topic: &Value) -> String {
    let made = client.post("/api/v1/topics", topic).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/api/v1/topics/{}", made.body["id"].as_str().unwrap())
}

/// Applies a topic to the posts of the last day, and returns the path of its jobs.
async fn apply(client: &Client, topic: &str) -> String {
    let path = format!("{topic}/history");
    let made = client.post(&path, &json!({"days": 1})).await.unwrap();
    assert_eq!((made.status, &made.body["state"]), (202, &json!("queued")), "{}", made.body);
    path
}

async fn newest(client: &Client, jobs: &str) -> Value {
    client.get(jobs).await["items"][0].clone()
}

async fn done(client: &Client, jobs: &str) -> Value {
    eventually("the topic is applied to all posts", async || {
        let job = newest(client, jobs).await;
        assert!(["queued", "running", "done"].map(Value::from).contains(&job["state"]), "{job}");
        (job["state"] == "done").then_some(job)
    })
    .await
}

/// Counts the posts of a product in the rollups of the last hour.
/// Returns the number of posts that are stored under a product. The sums are compared with them.
async fn counted(space: &Space, product: &str) -> i64 {
    const SQL: &str = "SELECT count(*) FROM social_media_posts WHERE $1 = ANY (products)";
    space.sql().await.query_one(SQL, &[&product]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_topic_is_applied_to_stored_posts_and_taken_back_when_it_changes() {
    let app = TestApp::start().await;
    for part in stored().chunks(500) {
        app.publish(part.to_vec()).await;
    }
    app.space.assert_counted_once(2_000).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["metrics"]).await;
    socket.window_of(2_000).await;

    let topic = create(&app, &json!({"name": "Love", "kind": "product", "query": "love OR hate"})).await;
    let refused = app.post(&format!("{topic}/history"), &json!({"days": 0})).await.unwrap();
    assert_eq!((refused.status, &refused.body["error"]["details"]["field"]), (422, &json!("days")));
    assert_eq!(app.post(&format!("{topic}/history"), &json!({"days": 91})).await.unwrap().status, 422);
    let jobs = apply(&app, &topic).await;
    let refused = app.post(&jobs, &json!({"days": 1})).await.unwrap();
    assert_eq!((refused.status, &refused.body["error"]["code"]), (409, &json!("job_unfinished")));
    let job = done(&app, &jobs).await;
    let counts = ["posts_read", "posts_changed", "posts_total"].map(|count| &job[count]);
    assert_eq!(counts, [&json!(2_000), &json!(1_000), &json!(2_000)]);
    app.space.assert_sums_exact().await;
    until("the posts are counted under the topic", async || counted(&app.space, "Love").await == 1_000).await;
    // The live window follows without reading the rollups again.
    let counts_topic = |live: &Value| {
        let items = live["products"].as_array().unwrap();
        items.iter().any(|item| item["key"] == "Love" && item["count"] == 1_000)
    };
    socket.window_where("counts the topic", counts_topic).await;
    let path = format!("{jobs}/{}", job["id"].as_str().unwrap());
    assert_eq!((app.delete(&path).await, app.delete(&format!("{topic}/history/1")).await), (409, 400));

    // With another name and query, it takes back what it gave.
    let other = json!({"name": "Loved", "kind": "product", "query": "love"});
    assert_eq!(app.act(("PUT", &topic), &other, "Ana").await.status, 200);
    let jobs = apply(&app, &topic).await;
    assert_eq!(done(&app, &jobs).await["posts_changed"], 1_000);
    app.space.assert_sums_exact().await;
    assert_eq!((counted(&app.space, "Love").await, counted(&app.space, "Loved").await), (0, 500));
    app.space.assert_counted_once(2_000).await;

    // A job is cancelled before its topic has settled.
    let jobs = apply(&app, &topic).await;
    let path = format!("{jobs}/{}", newest(&app, &jobs).await["id"].as_str().unwrap());
    assert_eq!((app.delete(&path).await, app.delete(&path).await), (204, 409));
    assert_eq!(newest(&app, &jobs).await["state"], "cancelled");
    assert_eq!(app.delete(&topic).await, 204);
    assert_eq!(app.delete(&path).await, 404);
    assert_eq!(app.try_get(&jobs).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_job_is_resumed_after_its_task_and_its_process_are_killed() {
    /// Makes every batch take so long that one is always in the middle, and that the job outlasts three deaths.
    const SLOW: &str = "
        CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.25); RETURN NEW; END $$;
        CREATE TRIGGER take_time BEFORE UPDATE ON topic_jobs FOR EACH ROW EXECUTE FUNCTION take_time()";
    let space = Space::new().await;
    let mut first = Process::start_on(&space, &[]);
    let client = Client::new(first.ready().await);
    for part in stored().chunks(500) {
        client.publish(part.to_vec()).await;
    }
    space.assert_counted_once(2_000).await;
    let sql = space.sql().await;
    sql.batch_execute(SLOW).await.unwrap();
    let topic = create(&client, &json!({"name": "Love", "kind": "product", "query": "love OR hate"})).await;
    let jobs = apply(&client, &topic).await;
    let read = async |client: &Client| newest(client, &jobs).await["posts_read"].as_u64().unwrap();
    until("the job has begun", async || read(&client).await > 100).await;
    first.kill().await;

    let app = TestApp::start_on(&space, &[]).await;
    let n_read = read(&app).await;
    assert!(n_read < 2_000, "the job was over before the process was killed");
    sql.batch_execute("UPDATE topic_jobs SET leased_until = now() - interval '1 second'").await.unwrap();
    for n in 1..=3 {
        let n_read = read(&app).await;
        until("the job goes on", async || read(&app).await > n_read).await;
        app.kill("topic_historian").await;
        app.until_rebuilt("topic_historian", n).await;
    }
    sql.batch_execute("DROP FUNCTION take_time() CASCADE").await.unwrap();
    let job = done(&app, &jobs).await;
    assert_eq!((&job["posts_read"], &job["posts_changed"]), (&json!(2_000), &json!(1_000)));
    space.assert_sums_exact().await;
    until("the posts are counted under the topic", async || counted(&app.space, "Love").await == 1_000).await;
}
