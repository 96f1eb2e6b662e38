//! Exports never block lists, alerts or health checks, whatever their clients do.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::support::process::Process;
use crate::support::{Client, LOOK_EVERY, PATIENCE, Space, TestApp, eventually, posts, until};

/// Lock that blocks exports of labels and lists of posts while it is held.
const TABLE: &str = "label_corrections";

/// Blocks all reads of a table until the connection is dropped.
async fn lock(app: &TestApp) -> tokio_postgres::Client {
    let sql = app.space.sql().await;
    sql.batch_execute(&format!("BEGIN; LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    sql
}

/// Repeatedly requests something that waits for the table. Reports rejections: whether they carry `Retry-After`, and their
/// code.
fn insist(app: &TestApp, path: &str, n_clients: usize) -> (Vec<JoinHandle<()>>, Receiver<(bool, Value)>) {
    let (tell, refusals) = channel(1);
    let ask = |url: String, tell: Sender<(bool, Value)>| async move {
        loop {
            let Ok(answer) = reqwest::get(&url).await else {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            if answer.status().as_u16() == 429 {
                let says_when = answer.headers().contains_key("retry-after");
                let body: Value = answer.json().await.unwrap();
                // One is enough.
                let _ = tell.try_send((says_when, body["error"]["code"].clone()));
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    };
    let url = format!("http://{}{path}", app.address);
    ((0..n_clients).map(|_| tokio::spawn(ask(url.clone(), tell.clone()))).collect(), refusals)
}

#[tokio::test]
async fn blocked_exports_do_not_block_lists_and_further_exports_get_retry_after() {
    let app = TestApp::start_with(&["--exports-max=16"]).await;
    let locked = lock(&app).await;
    // Of forty concurrent requests, sixteen get a permit and keep it until the table is unlocked.
    let (exporting, mut refusals) = insist(&app, "/api/v1/labels/export", 40);
    let refused = tokio::time::timeout(PATIENCE, refusals.recv()).await.expect("nobody is refused");
    assert_eq!(refused, Some((true, json!("busy"))));
    let evaluated = app.stage("alerter").await.handled + 8;
    until("rules are judged meanwhile", async || {
        assert_eq!(app.try_get("/api/v1/alerts").await.unwrap().status, 200);
        assert!(app.system().await.postgres.reachable);
        app.stage("alerter").await.handled > evaluated
    })
    .await;
    exporting.iter().for_each(JoinHandle::abort);
    drop(locked);
    until("there is room again", async || {
        app.try_get("/api/v1/labels/export").await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test]
async fn blocked_lists_do_not_delay_alerts() {
    let app = TestApp::start().await;
    app.publish(posts(0..20)).await;
    app.space.assert_counted_once(20).await;
    let locked = lock(&app).await;
    let (listing, _) = insist(&app, "/api/v1/posts", 40);
    let evaluated = app.stage("alerter").await.handled + 10;
    until("rules are judged meanwhile", async || {
        let system = app.system().await;
        assert!(system.postgres.reachable, "{:?}", system.postgres);
        app.stage("alerter").await.handled > evaluated
    })
    .await;
    assert_eq!(app.stage("alerter").await.failed, 0);
    listing.iter().for_each(JoinHandle::abort);
    drop(locked);
}

/// Connects a client that requests everything and reads nothing.
async fn request_without_reading(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(to).await.unwrap();
    let request = format!("GET /api/v1/posts/export?format=ndjson HTTP/1.1\r\nhost: {to}\r\n\r\n");
    line.write_all(request.as_bytes()).await.unwrap();
    line
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_disconnected_and_its_permit_is_released() {
    // More than the kernel buffers for a connection.
    const N_POSTS: usize = 6_000;
    // In a process of its own: servers within one process share their metrics.
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &["--exports-max=3", "--export-stall-s=5"]);
    let address = server.ready().await;
    let client = Client::new(address);
    let text = "x".repeat(2_000);
    for first in (0..N_POSTS).step_by(1_000) {
        let of = |n: usize| json!({"id": n.to_string(), "platform": "web", "text": format!("{n} {text}")});
        client.publish((first..first + 1_000).map(of).collect()).await;
    }
    space.assert_counted_once(N_POSTS as u64).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(request_without_reading(address).await);
    }
    let url = format!("http://{address}/api/v1/posts/export?format=ndjson");
    // On a busy machine, a client that reads may come to a stop for longer than the limit, too. It then asks again.
    let whole = eventually("a client that reads gets a permit and every post", async || {
        let answer = reqwest::get(&url).await.unwrap();
        if answer.status() != 200 {
            return None;
        }
        answer.text().await.ok()
    })
    .await;
    assert_eq!(whole.lines().count(), N_POSTS);
    let metric = async |name: &str| {
        let metrics = client.text("/metrics").await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap().parse::<f64>().unwrap()
    };
    // Those that read nothing can end in no other way.
    until("the others are disconnected", async || metric("groundswell_exports_open").await == 0.0).await;
    // On a busy machine, some may have been refused before they began.
    assert!(metric("groundswell_exports_stalled_total").await >= 1.0);
    for mut line in stalled {
        let mut read = Vec::new();
        // A reset, not the end of the file.
        assert!(
            line.read_to_end(&mut read).await.is_err() || !read.ends_with(b"0\r\n\r\n"),
            "it has everything"
        );
    }
}
