//! A thousand browsers that do not read cost a bounded amount of memory, however long it goes on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;

use crate::support::process::Process;
use crate::support::{Client, Space, in_soak, until};

const N_STALLED: usize = 1_000;

/// More than an outbox takes: from then on posts are left out.
const N_WARM: u64 = 1_500;

/// Far below what a single post more for each of them would come to over the time, and above what allocators and the
/// window's figures move by.
const GROWTH_MAX: u64 = 32 << 20;

/// A browser behind a line that takes little, which asks for posts and then never reads.
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

/// Resident memory that is nobody else's: neither the executable nor shared files.
fn memory_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_thousand_browsers_that_do_not_read_leave_memory_flat_and_others_served() {
    let so_long = in_soak(Duration::from_secs(600), Duration::from_secs(12));
    let space = Space::new().await;
    let mut server = Process::start(&[
        "--database-url",
        &space.database_url,
        "--redis-url",
        &space.redis_url,
        "--prefix",
        &space.prefix,
        // What is kept for those who come back is bounded too, but later than this test would see.
        "--history-mb=1",
        // Nobody is sent away: the outboxes alone must hold.
        "--socket-stall-s=3600",
    ]);
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
    while warm_at.is_none_or(|at| at.elapsed() < so_long) {
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
    }
    println!(
        "{N_STALLED} stalled sockets: {} MB when warm, {} MB at most over {} posts more",
        baseline >> 20,
        highest >> 20,
        n_sent - N_WARM
    );
    assert!(n_sent > 2 * N_WARM, "only {n_sent} posts were sent: this shows nothing");
    assert!(highest < baseline + GROWTH_MAX, "memory grew from {baseline} to {highest}");
    drop(stalled_sockets);
    until("their places are free", async || client.system().await.sockets.open == 1).await;
    server.terminate();
    assert!(server.ended().await.success());
}
