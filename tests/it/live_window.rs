//! How much of the newest past is live.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{PATIENCE, TestApp, eventually, post, redis};

/// How long three windows may take to pass. They take half a minute.
const WINDOWS_PASS_WITHIN: Duration = PATIENCE.saturating_mul(4);

/// A post written at this time.
fn written_at(id: usize, at: Timestamp) -> Value {
    let mut post = post(id, "I love it");
    post["created_at"] = json!(at);
    post
}

/// The bounds of the window that an answer or a frame names.
fn bounds(answer: &Value) -> (Timestamp, Timestamp) {
    let bound = |name: &str| answer["window"][name].as_str().unwrap().parse().unwrap();
    (bound("from"), bound("to"))
}

/// How many of the posts written at these times a window holds. What is asked late names a later window, so however
/// slow the machine is, this is what it must count.
fn n_within(written: &[Timestamp], (from, to): (Timestamp, Timestamp)) -> usize {
    written.iter().filter(|at| (from..to).contains(*at)).count()
}

#[tokio::test]
async fn a_longer_live_window_holds_older_posts_and_says_how_long_it_is_on_sockets_and_in_redis() {
    for (setting, seconds) in [("60s", 60), ("5m", 300), ("15m", 900)] {
        let app = TestApp::start_with(&[&format!("--live-window={setting}")]).await;
        let now = Timestamp::now();
        let written = [12, 200, 800].map(|seconds_ago| now - SignedDuration::from_secs(seconds_ago));
        app.publish(written.iter().enumerate().map(|(id, at)| written_at(id, *at)).collect()).await;
        app.space.assert_counted_once(3).await;
        let holds_them = |live: &Value| {
            let (from, to) = bounds(live);
            assert_eq!(
                (live["window"]["seconds"].as_i64(), to.duration_since(from).as_secs()),
                (Some(seconds), seconds)
            );
            live["overall"]["count"] == n_within(&written, (from, to))
        };
        eventually("the frame holds them", async || {
            let frame = app.socket().await.next_of("metrics:initial").await["data"].take();
            holds_them(&frame).then_some(())
        })
        .await;
        eventually("redis holds them", async || {
            let key = format!("{}sentiment:overall", app.space.prefix);
            let told = redis::command(&app.space.redis_url, &[b"GET", key.as_bytes()]);
            let mut live: Value = serde_json::from_str(&told).ok()?;
            holds_them(&json!({"window": live["window"].take(), "overall": live})).then_some(())
        })
        .await;
    }
}

/// The posts of eighty seconds past and of almost as much time ahead as a clock may be fast, two a second, so that every
/// minute of whole buckets holds 120. All are stored before the window reaches them, so it matters neither how long
/// storing takes nor how late an answer or a frame is read. Three windows are seen in both ways.
#[tokio::test]
async fn a_steady_source_shows_the_same_count_at_any_moment_by_rest_and_by_socket() {
    let app = TestApp::start_with(&["--live-window=60s"]).await;
    // Far from the bounds of buckets, whatever a time is rounded to.
    let whole_second = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let at = |n: i64| whole_second + SignedDuration::from_millis(n * 500 + 250);
    let written: Vec<Timestamp> = (-160..560).map(at).collect();
    app.publish(written.iter().enumerate().map(|(id, at)| written_at(id, *at)).collect()).await;
    app.space.assert_counted_once(written.len() as u64).await;
    let assert_steady = |answer: &Value| {
        let (from, to) = bounds(answer);
        assert_eq!((answer["window"]["seconds"].as_i64(), to.duration_since(from).as_secs()), (Some(60), 60));
        assert_eq!(to.as_second() % 10, 0, "the window ends with a bucket");
        (answer["overall"]["count"].as_u64(), n_within(&written, (from, to)) as u64, to)
    };
    let by_rest = async {
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let before = Timestamp::now();
            let overall = app.get("/api/metrics/overall?window=60s").await;
            let after = Timestamp::now();
            let answer = json!({"window": overall["window"], "overall": overall});
            let (count, expected, to) = assert_steady(&answer);
            assert_eq!(count, Some(expected), "{answer}");
            let settled = SignedDuration::from_secs(1);
            assert!(to <= after - settled, "the newest bucket is complete: {answer}");
            assert!(to > before - settled - SignedDuration::from_secs(10), "none is newer: {answer}");
            seen.insert(to);
            let trend = app.get("/api/metrics/trend?window=5m").await;
            let steps = trend["items"].as_array().unwrap();
            assert!(steps.iter().all(|step| step["complete"] == true && step["seconds"] == 10.0), "{trend}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let by_socket = async {
        let mut socket = app.socket().await;
        socket.subscribe(&["metrics"]).await;
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let frame = socket.next().await.unwrap();
            if frame["feed"] != "metrics" {
                continue;
            }
            let (count, expected, to) = assert_steady(&frame["data"]);
            // What is stored may not yet have reached the window when the socket connects.
            if seen.is_empty() && count != Some(expected) {
                continue;
            }
            assert_eq!(count, Some(expected), "{frame}");
            let encoded_at: Timestamp = frame["ts"].as_str().unwrap().parse().unwrap();
            assert!(
                to <= encoded_at - SignedDuration::from_secs(1),
                "the newest bucket is complete: {frame}"
            );
            seen.insert(to);
            let newest = frame["data"]["trend"]["items"].as_array().unwrap().last().unwrap();
            assert!(newest["seconds"].as_f64().unwrap() <= 10.0, "{newest}");
        }
    };
    let seen = tokio::time::timeout(WINDOWS_PASS_WITHIN, async { tokio::join!(by_rest, by_socket) }).await;
    assert!(seen.is_ok(), "the windows do not move on");
}
