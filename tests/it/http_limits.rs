//! Bounds on the memory that unauthenticated clients can use, by bodies and by names.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use groundswell::models::system_health::StageState;
use reqwest::Method;

use crate::support::process::{Process, peak_memory_of, reset_peak_memory_of};
use crate::support::{Client, Space, until};

/// Number of clients that send such a body concurrently.
const N_SENDERS: usize = 48;

/// Decompressed size of one body of about 130 KB.
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
async fn gzip_bombs_take_no_more_memory_than_other_bodies() {
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
    // Rejected for its length, no longer for lack of permits.
    assert_eq!(send("/api/v1/posts").await, 413);
    until("every stage still runs as it was started", async || {
        let stages = client.system().await.stages;
        stages.iter().all(|stage| stage.state == StageState::Running && stage.restarts == 0)
    })
    .await;
    assert_eq!(client.readiness().await.unwrap().status, 200);
}

#[tokio::test]
async fn invented_methods_and_paths_add_nothing_to_the_metrics() {
    let space = Space::new().await;
    let options = ["--auth-token=0123456789abcdef", "--rate-limits=false"];
    let mut server = Process::start_on(&space, &options);
    let address = server.ready().await;
    let http = reqwest::Client::new();
    let exported = async || {
        let request = http.get(format!("http://{address}/metrics")).bearer_auth("0123456789abcdef");
        request.send().await.unwrap().text().await.unwrap()
    };
    let invent = async |name: String, token: &str| {
        for path in [format!("/{name}"), format!("/api/v1/posts/{name}"), format!("/livez?{name}={name}")] {
            let method = Method::from_bytes(name.to_uppercase().as_bytes()).unwrap();
            let request = http.request(method, format!("http://{address}{path}")).bearer_auth(token);
            request.header("x-request-id", &name).send().await.unwrap();
        }
    };
    let names_of = |exported: &str| -> BTreeSet<String> {
        let named = exported.lines().filter(|line| line.contains("_http_request_seconds_count{"));
        named.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    for token in ["wrong", "0123456789abcdef"] {
        invent("first".to_owned(), token).await;
    }
    exported().await;
    let before = names_of(&exported().await);
    assert!(before.iter().any(|name| name.contains(r#"method="other""#)), "{before:?}");
    for n in 0..100 {
        invent(format!("invented{n}"), "wrong").await;
        invent(format!("invented{n}"), "0123456789abcdef").await;
    }
    let after = exported().await;
    assert_eq!(names_of(&after), before);
    assert!(!after.to_lowercase().contains("invented"), "{after}");
}
