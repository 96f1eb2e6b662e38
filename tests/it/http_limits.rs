//! What a stranger may cost.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use groundswell::models::stage_health::StageState;

use crate::support::process::{Process, peak_memory_of, reset_peak_memory_of};
use crate::support::{Client, Space, until};

/// Clients that send such a body at the same time.
const N_SENDERS: usize = 48;

/// What one body inflates to, from about 130 KB.
const INFLATED_BYTES: usize = 128 << 20;

/// The server with its real models takes 560 MiB, so this keeps it within 700.
const GROWTH_BYTES_MAX: u64 = 140 << 20;

const PEAK_BYTES_MAX: u64 = 700 << 20;

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![b' '; 1 << 20];
    for _ in 0..INFLATED_BYTES / piece.len() {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn bodies_that_inflate_enormously_take_no_more_memory_than_other_bodies() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &[]);
    let address = server.ready().await;
    let (client, http) = (Client::new(address), reqwest::Client::new());
    let bomb = bytes::Bytes::from(gzip_bomb());
    let send = async |path: &str| {
        let request = http.post(format!("http://{address}{path}")).header("content-type", "application/json");
        let request = request.header("content-encoding", "gzip").body(bomb.clone());
        request.send().await.unwrap().status().as_u16()
    };
    let before = reset_peak_memory_of(server.pid());
    let mut statuses = BTreeSet::new();
    for path in ["/api/v1/posts", "/api/v1/score", "/api/v1/views"] {
        statuses.extend(join_all((0..N_SENDERS).map(|_| send(path))).await);
    }
    let peak = peak_memory_of(server.pid());
    println!("http_limits: memory from {} to {} MiB at most", before >> 20, peak >> 20);
    assert!(peak <= before + GROWTH_BYTES_MAX, "memory grew from {before} to {peak} bytes");
    assert!(peak <= PEAK_BYTES_MAX, "{peak} bytes");
    assert!(statuses.is_subset(&BTreeSet::from([413, 429])), "{statuses:?}");
    // Refused for its length, no longer for want of room.
    assert_eq!(send("/api/v1/posts").await, 413);
    until("every stage still runs as it was started", async || {
        let stages = client.system().await.stages;
        stages.iter().all(|stage| stage.state == StageState::Running && stage.restarts == 0)
    })
    .await;
    assert_eq!(client.readiness().await.unwrap().status, 200);
}
