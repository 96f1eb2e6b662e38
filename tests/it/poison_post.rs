//! A post that breaks whoever touches it never takes its neighbours with it.

use serde_json::{Value, json};

use crate::support::{Client, Space, TestApp, eventually, post, posts, redis, until};

async fn letters(client: &Client, n_letters: usize) -> Vec<Value> {
    eventually("the dead letters are there", async || {
        let found = client.get("/api/v1/dead-letters").await["items"].as_array().unwrap().clone();
        (found.len() == n_letters).then_some(found)
    })
    .await
}

/// The id of the post in a letter.
fn id_in(letter: &Value) -> String {
    let post: Value = serde_json::from_str(letter["post"].as_str().unwrap()).unwrap();
    post["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_poison_post_is_buried_after_three_attempts_alone_and_its_neighbours_are_stored() {
    let app = TestApp::start().await;
    let mut batch = posts(0..300);
    batch.insert(170, post("panics", "this is poison-panic"));
    batch.insert(33, post("fails", "this is poison-error"));
    app.publish(batch).await;
    let letters = letters(&app, 2).await;
    for (id, reason) in [("panics", "poison-panic"), ("fails", "poison-error")] {
        let letter = letters.iter().find(|letter| id_in(letter) == id).unwrap();
        assert_eq!(letter["attempts"], 3, "{letter}");
        assert!(letter["reason"].as_str().unwrap().contains(reason), "{letter}");
        assert_eq!(letter["source"], "http");
    }
    app.space.assert_counted_once(300).await;
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 0, "a panic while scoring is no death of `{stage}`");
    }
}

#[tokio::test]
async fn posts_that_come_while_a_poison_post_is_isolated_are_stored() {
    let app = TestApp::start_with(&["--batch-size=20"]).await;
    let load = app.load();
    for n in 0..3 {
        app.publish(vec![post(format!("poison {n}"), "poison-panic")]).await;
        letters(&app, n + 1).await;
    }
    let n_sent = load.stop().await;
    app.space.assert_counted_once(n_sent).await;
    assert_eq!(app.space.backlog().await.dead, 3, "innocent posts are among the dead letters");
}

#[tokio::test]
async fn a_dead_letter_dies_again_while_its_cause_lasts_and_is_stored_once_it_is_mended() {
    let space = Space::new().await;
    let app = TestApp::start_on(&space, &[]).await;
    app.publish(vec![post("sick", "poison-error"), post("sound", "I love it")]).await;
    let first = letters(&app, 1).await.remove(0);

    let replayed = app.post("/api/v1/dead-letters/replay", &json!({"all": true})).await.unwrap();
    assert_eq!((replayed.status, replayed.body), (200, json!({"replayed": 1})));
    until("it has died again", async || letters(&app, 1).await[0]["id"] != first["id"]).await;
    space.assert_counted_once(1).await;
    drop(app);

    // The lexicon reads it without harm.
    let app = TestApp::start_on(&space, &["--fast-model=lexicon"]).await;
    let id = letters(&app, 1).await[0]["id"].clone();
    let replayed = app.post("/api/v1/dead-letters/replay", &json!({"ids": [id]})).await.unwrap();
    assert_eq!((replayed.status, replayed.body), (200, json!({"replayed": 1})));
    space.assert_counted_once(2).await;
    letters(&app, 0).await;
}

#[tokio::test]
async fn an_entry_that_holds_no_post_is_buried_with_its_reason_and_the_rest_is_stored() {
    let app = TestApp::start().await;
    let stream = format!("{}social_posts_stream", app.space.prefix);
    let now = jiff::Timestamp::now().to_string();
    let broken: [&[&[u8]]; 5] = [
        &[b"nonsense", b"\xff\xfe"],
        &[b"v", b"9 9", b"source", b"http", b"received_at", now.as_bytes(), b"post", b"{}"],
        &[b"v", b"1", b"source", b"http", b"received_at", now.as_bytes(), b"post", b"{\"id\":"],
        &[b"v", b"1", b"source", b"http", b"received_at", b"yesterday", b"post", b"{}"],
        &[b"v", b"1", b"source", b"http", b"received_at", now.as_bytes(), b"post", b"{\"id\":\"1\"}"],
    ];
    app.publish(posts(0..50)).await;
    for fields in broken {
        let add: [&[u8]; 3] = [b"XADD", stream.as_bytes(), b"*"];
        redis::command(&app.space.redis_url, &[&add[..], fields].concat());
    }
    app.publish(posts(50..100)).await;
    let letters = letters(&app, broken.len()).await;
    app.space.assert_counted_once(100).await;
    // Newest first.
    let reasons: Vec<&str> = letters.iter().rev().map(|letter| letter["reason"].as_str().unwrap()).collect();
    for (reason, names) in
        reasons.iter().zip(["`v`", "`v` is not a version", "`post.", "`received_at`", "`post."])
    {
        assert!(reason.contains(names), "{reasons:?}");
    }
    assert!(letters.iter().all(|letter| letter["attempts"] == 0));
}
