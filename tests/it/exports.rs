//! Exports leave room: lists, alerts and health are answered whatever those who download do.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{TestApp, eventually, until};

/// What exports of labels, and lists of posts, wait for while somebody has it.
const TABLE: &str = "label_corrections";

/// Keeps everybody from reading a table until the connection is dropped.
async fn lock(app: &TestApp) -> tokio_postgres::Client {
    let sql = app.space.sql().await;
    sql.batch_execute(&format!("BEGIN; LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    sql
}

/// Asks again and again, each time for something that waits for the table.
fn insist(app: &TestApp, path: &'static str, n_clients: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let ask = |client: crate::support::Client| async move {
        loop {
            if client.try_get(path).await.is_ok_and(|answer| answer.status == 429) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    };
    (0..n_clients).map(|_| tokio::spawn(ask(app.door()))).collect()
}

#[tokio::test]
async fn exports_that_get_nowhere_leave_lists_answered_and_further_ones_are_told_to_come_again() {
    let app = TestApp::start_with(&["--exports-max=16"]).await;
    let locked = lock(&app).await;
    let exporting = insist(&app, "/api/v1/labels/export", 40);
    let url = format!("http://{}/api/v1/labels/export", app.address);
    let refused = eventually("an export is refused", async || {
        let answer = reqwest::get(&url).await.unwrap();
        (answer.status().as_u16() == 429).then_some(answer)
    })
    .await;
    assert!(refused.headers().contains_key("retry-after"));
    let said: Value = refused.json().await.unwrap();
    assert_eq!(said["error"]["code"], "busy", "{said}");
    let evaluated = app.stage("alerter").await.handled + 8;
    until("rules are judged meanwhile", async || {
        assert_eq!(app.try_get("/api/v1/alerts").await.unwrap().status, 200);
        assert!(app.system().await.postgres.reachable);
        app.stage("alerter").await.handled > evaluated
    })
    .await;
    exporting.iter().for_each(tokio::task::JoinHandle::abort);
    drop(locked);
    until("there is room again", async || {
        app.try_get("/api/v1/labels/export").await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test]
async fn lists_that_get_nowhere_keep_nobody_from_being_alerted() {
    let app = TestApp::start().await;
    let locked = lock(&app).await;
    let listing = insist(&app, "/api/v1/posts", 40);
    let evaluated = app.stage("alerter").await.handled + 10;
    until("rules are judged meanwhile", async || {
        let system = app.system().await;
        assert!(system.postgres.reachable, "{:?}", system.postgres);
        app.stage("alerter").await.handled > evaluated
    })
    .await;
    assert_eq!(app.stage("alerter").await.failed, 0);
    listing.iter().for_each(tokio::task::JoinHandle::abort);
    drop(locked);
}

/// A client that asks for everything and reads nothing.
async fn asks_and_never_reads(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(to).await.unwrap();
    let request = format!("GET /api/v1/posts/export?format=ndjson HTTP/1.1\r\nhost: {to}\r\n\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    line
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_an_export_is_ended_and_its_place_is_anothers() {
    // More than the kernel keeps for a connection.
    const N_POSTS: usize = 6_000;
    let app = TestApp::start_with(&["--exports-max=3", "--export-stall-s=1"]).await;
    let text = "x".repeat(2_000);
    for first in (0..N_POSTS).step_by(1_000) {
        let of = |n: usize| json!({"id": n.to_string(), "platform": "web", "text": format!("{n} {text}")});
        app.publish((first..first + 1_000).map(of).collect()).await;
    }
    app.space.assert_counted_once(N_POSTS as u64).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(asks_and_never_reads(app.address).await);
    }
    let url = format!("http://{}/api/v1/posts/export?format=ndjson", app.address);
    let whole = eventually("a client that reads gets a place", async || {
        let answer = reqwest::get(&url).await.unwrap();
        (answer.status().as_u16() == 200).then_some(answer)
    })
    .await;
    assert_eq!(whole.text().await.unwrap().lines().count(), N_POSTS);
    until("the others are ended", async || {
        let metrics = app.text("/metrics").await;
        let ended = metrics.lines().find_map(|line| line.strip_prefix("groundswell_exports_stalled_total "));
        ended.is_some_and(|n| n.parse::<u64>().unwrap() >= 3)
    })
    .await;
    for mut line in stalled {
        let mut read = Vec::new();
        // A reset, not the end of the file.
        assert!(
            line.read_to_end(&mut read).await.is_err() || !read.ends_with(b"0\r\n\r\n"),
            "it has everything"
        );
    }
}
