//! What a few connections can take from everybody else: memory for responses, processor time and memory for bodies.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::process::{Process, peak_memory_of, reset_peak_memory_of};
use crate::support::{Client, PATIENCE, Space, eventually, in_soak, judge_in_soak, post, until};

/// The server with its real models takes 560 MiB, so this keeps it within 700.
const GROWTH_BYTES_MAX: u64 = 140 << 20;

const PEAK_BYTES_MAX: u64 = 700 << 20;

/// The latency of others during an attack, on two cores.
const P99_MAX: Duration = Duration::from_millis(250);

/// How often the others make each of their calls meanwhile.
const N_ROUNDS: usize = 50;

/// Address that only the attackers have: the same machine, but another sender.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

async fn server() -> (Process, SocketAddr) {
    let mut server = Process::start_on(&Space::new().await, &[]);
    let address = server.ready().await;
    (server, address)
}

/// Connects from an address of this machine.
async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// What the others notice of an attack.
struct Noticed {
    statuses: Vec<u16>,
    latencies: Vec<Duration>,
}

impl Noticed {
    /// Makes calls like any client, one after another.
    async fn of_calls(client: &Client, calls: &[(&str, Value)]) -> Self {
        let (mut statuses, mut latencies) = (Vec::new(), Vec::new());
        for _ in 0..N_ROUNDS {
            for (path, body) in calls {
                let started = Instant::now();
                let answer = match body {
                    Value::Null => client.try_get(path).await.unwrap(),
                    body => client.post(path, body).await.unwrap(),
                };
                latencies.push(started.elapsed());
                statuses.push(answer.status);
            }
        }
        latencies.sort();
        Self { statuses, latencies }
    }

    /// Judges that the calls were answered as without the attack.
    fn judge(&self, attack: &str) {
        let n_answered = self.statuses.iter().filter(|status| (200..300).contains(*status)).count();
        let p99 = self.latencies[self.latencies.len() * 99 / 100];
        let measured = format!(
            "intake: {attack}: {n_answered} of {} calls of others answered, p99 {} ms",
            self.statuses.len(),
            p99.as_millis()
        );
        judge_in_soak(p99 <= P99_MAX, &measured);
        assert!(n_answered * 100 >= self.statuses.len() * 95, "{measured}: {:?}", self.statuses);
    }
}

/// Calls that need a body.
fn calls_with_bodies() -> Vec<(&'static str, Value)> {
    vec![
        ("/api/v1/posts", json!([post("of-others", "so it goes")])),
        ("/api/v1/score", json!({"text": "so it goes"})),
        (
            "/api/v1/silences",
            json!({"dimension": "product", "key": "alpha", "ends_at": "2100-01-01T00:00:00Z"}),
        ),
    ]
}

fn calls_without_bodies() -> Vec<(&'static str, Value)> {
    ["/livez", "/api/v1/posts?limit=50", "/api/v1/alerts"].map(|path| (path, Value::Null)).into()
}

/// Paths of large responses: two that any server has, and the largest script of the dashboard if it was built.
async fn large_responses(client: &Client) -> Vec<String> {
    let page = client.try_get("/").await.unwrap();
    let mut paths = vec!["/openapi.json".to_owned(), "/metrics".to_owned()];
    if page.status == 200 {
        let page = client.text("/").await;
        let script = page.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js"));
        paths.extend(script.map(str::to_owned));
    }
    paths
}

/// Clients that request a response again and again and read nothing of it, until this is dropped.
async fn pipeline_without_reading(address: SocketAddr, n_clients: usize, request: &str) -> JoinSet<()> {
    let requests = Bytes::from(request.repeat(5_000));
    let (answered, mut answers) = mpsc::channel(n_clients);
    let mut clients = JoinSet::new();
    for _ in 0..n_clients {
        let (requests, answered) = (requests.clone(), answered.clone());
        clients.spawn(async move {
            let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
            let requesting = async {
                writer.write_all(&requests).await.unwrap();
                std::future::pending::<()>().await;
            };
            let seeing_an_answer = async {
                reader.peek(&mut [0]).await.unwrap();
                answered.send(()).await.unwrap();
            };
            tokio::join!(requesting, seeing_an_answer);
        });
    }
    for _ in 0..n_clients {
        // The server has answered the first of its requests, so it has come to the others.
        tokio::time::timeout(PATIENCE, answers.recv()).await.expect("a first request is not answered");
    }
    clients
}

#[tokio::test]
async fn clients_that_pipeline_and_read_nothing_take_little_memory() {
    let (server, address) = server().await;
    let client = Client::new(address);
    for path in large_responses(&client).await {
        for header in ["", "Accept-Encoding: gzip\r\n"] {
            let before = reset_peak_memory_of(server.pid());
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n");
            let n_attackers = in_soak(400, 120);
            let attackers = pipeline_without_reading(address, n_attackers, &request).await;
            let noticed = Noticed::of_calls(&client, &calls_without_bodies()).await;
            let peak = peak_memory_of(server.pid());
            println!("intake: {path} {header:?}: memory from {} to {} MiB", before >> 20, peak >> 20);
            assert!(peak <= before + GROWTH_BYTES_MAX, "{path}: memory grew from {before} to {peak} bytes");
            assert!(peak <= PEAK_BYTES_MAX, "{path}: {peak} bytes");
            noticed.judge(&format!("{n_attackers} clients pipeline {path} {header:?} and read nothing"));
            drop(attackers);
        }
    }
}

#[tokio::test]
async fn responses_without_bodies_do_not_pile_up_either() {
    let (server, address) = server().await;
    let before = reset_peak_memory_of(server.pid());
    let request = format!("HEAD /livez HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(1_000);
    let attackers = (0..4).map(|_| async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut n_sent = 0_usize;
        // Until the server takes no more, or far more than it can hold responses for.
        while n_sent < 16 << 20 {
            let writing = tokio::time::timeout(Duration::from_secs(2), stream.write_all(request.as_bytes()));
            if !matches!(writing.await, Ok(Ok(()))) {
                break;
            }
            n_sent += request.len();
        }
        (stream, n_sent)
    });
    let attackers = join_all(attackers).await;
    let peak = peak_memory_of(server.pid());
    println!("intake: HEAD: memory from {} to {} MiB", before >> 20, peak >> 20);
    assert!(attackers.iter().all(|(_, n_sent)| *n_sent < 16 << 20), "the server takes requests without end");
    assert!(peak <= before + GROWTH_BYTES_MAX, "memory grew from {before} to {peak} bytes");
}

/// Twenty bytes that decompress to nothing.
const EMPTY_MEMBER: [u8; 20] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[tokio::test]
async fn empty_gzip_members_take_no_processor_time_from_others() {
    let (server, address) = server().await;
    let client = Client::new(address);
    for (n_bytes, refusal) in [(16 << 20, 413), (7 << 20, 400)] {
        let body = EMPTY_MEMBER.repeat(n_bytes / EMPTY_MEMBER.len());
        let headers =
            [("content-type", "application/json".to_owned()), ("content-encoding", "gzip".to_owned())];
        let before = processor_time_of(server.pid());
        let mut attackers = JoinSet::new();
        for _ in 0..8 {
            let (client, body, headers) = (client.clone(), body.clone(), headers.clone());
            attackers.spawn(async move { client.post_raw("/api/v1/score", &headers, body).await });
        }
        let noticed = Noticed::of_calls(&client, &calls_without_bodies()).await;
        let (busy, judged): (Vec<_>, Vec<_>) =
            attackers.join_all().await.into_iter().partition(|answer| answer.status == 429);
        // The memory for bodies has room for several of them, but not for all.
        assert!(busy.iter().all(|answer| answer.body["error"]["code"] == "busy") && !judged.is_empty());
        for answer in judged {
            assert_eq!(answer.status, refusal, "{}", answer.body);
            let is_named = answer.body["error"]["message"].as_str().unwrap().contains("gzip members");
            assert_eq!(is_named, refusal == 400, "{}", answer.body);
        }
        let took = processor_time_of(server.pid()) - before;
        judge_in_soak(
            took <= Duration::from_secs(8),
            &format!(
                "intake: 8 bodies of {} MB of empty gzip members took {} ms",
                n_bytes >> 20,
                took.as_millis()
            ),
        );
        noticed.judge("eight clients send empty gzip members");
    }
}

fn processor_time_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let n_ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(n_ticks * 10)
}

/// Eight megabytes of blanks, compressed, without their end.
fn unfinished_bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; (8 << 20) - 1]).unwrap();
    let mut compressed = encoder.finish().unwrap();
    compressed.truncate(compressed.len() - 8);
    compressed
}

/// Connects, sends a part of a body and stalls until the connection is dropped.
async fn stall(from: Ipv4Addr, to: SocketAddr, encoding: &str, part: &[u8]) -> TcpStream {
    let mut stream = connect_from(from, to).await;
    let length = part.len() + 1;
    let head = format!(
        "POST /api/v1/posts HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n{encoding}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It is refused or gives way if there is no room for it.
    let _ = stream.write_all(part).await;
    stream
}

#[tokio::test]
async fn bodies_that_stall_take_no_memory_from_bodies_that_arrive() {
    let (_server, address) = server().await;
    let client = Client::new(address);
    let (bomb, plain) = (unfinished_bomb(), vec![b' '; 7 << 20]);
    let gzip = "Content-Encoding: gzip\r\n";
    for (attack, encoding, part) in [("8 KB that inflate to 8 MB", gzip, &bomb), ("7 MB", "", &plain)] {
        for from in [ATTACKER, Ipv4Addr::LOCALHOST] {
            // Those who were refused or gave way come back.
            for _ in 0..2 {
                let attackers = join_all((0..8).map(|_| stall(from, address, encoding, part))).await;
                let noticed = Noticed::of_calls(&client, &calls_with_bodies()).await;
                noticed.judge(&format!("eight clients at {from} send {attack} and stall"));
                drop(attackers);
            }
        }
    }
}

#[tokio::test]
async fn a_large_body_that_arrives_finds_room_among_large_ones_that_stall() {
    let (_server, address) = server().await;
    let client = Client::new(address);
    let plain = vec![b' '; 7 << 20];
    let mut attackers = join_all((0..8).map(|_| stall(Ipv4Addr::LOCALHOST, address, "", &plain))).await;
    let text = "so it goes ".repeat(40);
    let posts: Vec<Value> = (0..900).map(|n| post(format!("large-{n}"), &text)).collect();
    let send = async || client.post("/api/v1/posts", &Value::Array(posts.clone())).await.unwrap().status;
    until("a large batch is accepted", async || send().await == 202).await;
    // Whoever had to give way is told so; the rest goes on. On a busy machine, the first batch may have been accepted before
    // the others had arrived, while there was room for all.
    let told = eventually("a body gives way", async || {
        send().await;
        for attacker in &mut attackers {
            let mut answer = vec![0; 4_096];
            match tokio::time::timeout(Duration::from_millis(20), attacker.read(&mut answer)).await {
                Ok(Ok(n_bytes)) if n_bytes > 0 => {
                    return Some(String::from_utf8_lossy(&answer[..n_bytes]).into_owned());
                }
                _ => {}
            }
        }
        None
    })
    .await;
    assert!(told.starts_with("HTTP/1.1 429"), "{told}");
}
