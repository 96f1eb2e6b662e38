//! Bounds on the memory of browsers that stop reading or send endlessly.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::process::{Process, memory_of};
use crate::support::{Client, PATIENCE, Space, in_soak, until};

const N_STALLED: usize = 1_000;

/// More than an outbox holds: from then on posts are skipped.
const N_WARM: u64 = 1_500;

/// Posts that follow. If the outboxes kept them all, memory would grow by a multiple of what it may.
const N_MORE: u64 = 4_000;

/// Far below the growth if each of them kept the posts that follow, and above the noise of allocators and the live window.
const GROWTH_MAX: u64 = 32 << 20;

/// Pause between two bursts, which leaves the machine to others in between.
const PAUSE: Duration = Duration::from_millis(200);

/// Connects a browser with small buffers that subscribes to posts and then never reads.
async fn stalled(to: SocketAddr) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let line = socket.connect(to).await.unwrap();
    tokio_tungstenite::client_async(format!("ws://{to}/ws"), line).await.unwrap().0
}

fn long_posts(numbers: std::ops::Range<u64>) -> Vec<Value> {
    let text = "x".repeat(2_000);
    numbers.map(|n| json!({"id": n.to_string(), "platform": "web", "text": format!("{n} {text}")})).collect()
}

#[tokio::test]
async fn a_thousand_stalled_browsers_leave_memory_flat_and_others_served() {
    // In a soak, for so long at least.
    let so_long = in_soak(Duration::from_secs(600), Duration::ZERO);
    let space = Space::new().await;
    let mut server = Process::start_on(
        &space,
        &[
            // The replay buffer is bounded too, but at a size that this test does not reach.
            "--history-mb=1",
            // No connection is aborted: the outboxes alone must bound the memory.
            "--socket-stall-s=3600",
        ],
    );
    let address = server.ready().await;
    let client = Client::new(address);
    let mut stalled_sockets = Vec::new();
    for _ in 0..N_STALLED {
        stalled_sockets.push(stalled(address).await);
    }
    let mut reader = client.socket().await;
    reader.subscribe(&["messages"]).await;
    until("all are connected", async || client.system().await.sockets.open == N_STALLED as u64 + 1).await;
    let mut n_sent = 0;
    let mut n_heard = 0;
    let (mut baseline, mut highest) = (0, 0);
    let mut warm_at = None::<Instant>;
    while n_sent < N_WARM + N_MORE || warm_at.is_none_or(|at| at.elapsed() < so_long) {
        client.publish(long_posts(n_sent..n_sent + 100)).await;
        n_sent += 100;
        while n_heard < n_sent {
            match reader.next().await.expect("whoever reads was sent away")["event"].as_str().unwrap() {
                "message:new" => n_heard += 1,
                event => assert_eq!(event, "message:update", "whoever reads misses nothing"),
            }
        }
        if warm_at.is_none() && n_sent >= N_WARM {
            warm_at = Some(Instant::now());
            baseline = memory_of(server.pid());
        }
        highest = highest.max(memory_of(server.pid()));
        if warm_at.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    println!(
        "{N_STALLED} stalled sockets: {} MB when warm, {} MB at most over {} posts more",
        baseline >> 20,
        highest >> 20,
        n_sent - N_WARM
    );
    assert!(highest < baseline + GROWTH_MAX, "memory grew from {baseline} to {highest}");
    drop(stalled_sockets);
    until("their places are free", async || client.system().await.sockets.open == 1).await;
    server.terminate();
    assert!(server.ended().await.success());
}

/// Unsolicited pongs are not operations, so no rate limit applies; only the read gate bounds them.
#[tokio::test]
async fn a_flood_without_a_rate_limit_takes_no_memory() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &[]);
    let address = server.ready().await;
    let mut flooding = stalled(address).await;
    let before = memory_of(server.pid());
    // A control frame of a hundred bytes, masked with zeros.
    let pong = [&[0x8a, 0x80 | 100, 0, 0, 0, 0][..], &[0; 100]].concat();
    let pongs = pong.repeat(1_000);
    let mut highest = before;
    for _ in 0..600 {
        flooding.get_mut().write_all(&pongs).await.expect("whoever floods is slowed down, not sent away");
        highest = highest.max(memory_of(server.pid()));
    }
    assert!(highest < before + GROWTH_MAX / 2, "memory grew from {before} to {highest}");
    flooding.send(Message::text(r#"{"op":"ping"}"#)).await.unwrap();
    loop {
        let frame = tokio::time::timeout(PATIENCE, flooding.next()).await.unwrap().unwrap().unwrap();
        if frame.to_text().unwrap().contains(r#""event":"pong""#) {
            break;
        }
    }
    server.terminate();
    assert!(server.ended().await.success());
}
