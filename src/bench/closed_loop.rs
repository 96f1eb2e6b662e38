//! Closed-loop HTTP load generator. It uses little CPU: requests are built in advance, and only the status and length
//! of each response are parsed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Largest latency that the histogram can represent, in microseconds.
const LATE_MAX: u64 = 120_000_000;

/// Delay before a retry after a 429 or 503. It is short because the server might otherwise run out of work, which would
/// distort the measurement.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Maximum size in bytes of a response's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Complete HTTP requests, in the order they are sent.
#[derive(Default)]
pub struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Lines of the head that every request has.
    headers: String,
}

impl Requests {
    /// Creates requests that present a bearer token.
    pub fn with_token(token: &str) -> Self {
        Self { headers: format!("Authorization: Bearer {token}\r\n"), ..Self::default() }
    }

    /// Appends a POST request to `path` with a JSON body.
    pub fn post(&mut self, path: &str, json: &[u8]) {
        let (length, headers) = (json.len(), &self.headers);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(json);
        self.ends.push(self.bytes.len());
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, n: usize) -> Option<&[u8]> {
        let start = n.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.bytes.get(start..*self.ends.get(n)?)
    }
}

/// A load to send to a server.
pub struct HttpLoad {
    /// URL of the server, `http://…`.
    pub address: String,
    /// Requests, each sent once. The load ends with the last one.
    pub requests: Arc<Requests>,
    /// Number of connections. Each sends its next request once it has received the previous response.
    pub n_connections: usize,
    /// Time after which no more requests are sent, even if some remain.
    pub length: Duration,
}

/// Measurements taken during a load.
pub struct LoadResult {
    /// Number of requests that were accepted.
    pub n_accepted: usize,
    /// Responses with 429 or 503, after which the same request was sent again.
    pub n_busy: usize,
    /// Time from the first request to the last response.
    pub elapsed: Duration,
    /// Times from request to response, in microseconds.
    latency: Histogram<u64>,
}

/// Throughput and latency of a load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Responses per second, across all connections.
    pub requests_per_second: f64,
    /// Median latency, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the latency, in milliseconds.
    pub p99_ms: f64,
    /// 99.9th percentile of the latency, in milliseconds.
    pub p999_ms: f64,
    /// Maximum latency, in milliseconds.
    pub max_ms: f64,
}

impl LoadResult {
    /// Computes throughput and latency quantiles.
    pub fn pace(&self) -> Pace {
        let ms = |quantile: f64| self.latency.value_at_quantile(quantile) as f64 / 1_000.0;
        Pace {
            requests_per_second: self.n_accepted as f64 / self.elapsed.as_secs_f64(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: self.latency.max() as f64 / 1_000.0,
        }
    }
}

impl Pace {
    /// Formats throughput and latency as a table cell.
    pub fn summary(&self) -> String {
        let Self { requests_per_second, p50_ms, p99_ms, p999_ms, max_ms } = self;
        format!(
            "{requests_per_second:.0} requests a second, p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, p99.9 {p999_ms:.1} ms, max {max_ms:.1} ms"
        )
    }
}

impl HttpLoad {
    /// Sends all requests from one thread, because more threads would take CPU time from the server.
    ///
    /// # Errors
    /// If a request is rejected, or a connection breaks.
    pub async fn send(self) -> anyhow::Result<LoadResult> {
        let host = self.address.strip_prefix("http://").context("the address does not begin with http://")?;
        let address = host.parse().with_context(|| format!("`{host}` is not an address with a port"))?;
        let sending = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.send_to(address))
        });
        sending.await?
    }

    async fn send_to(self, address: SocketAddr) -> anyhow::Result<LoadResult> {
        let n_connections = self.n_connections;
        let started = Instant::now();
        let shared = Arc::new(Shared {
            requests: self.requests,
            n_taken: AtomicUsize::new(0),
            until: started + self.length,
        });
        let mut connections = JoinSet::new();
        for _ in 0..n_connections {
            connections.spawn(run_connection(address, Arc::clone(&shared)));
        }
        let mut all =
            LoadResult { n_accepted: 0, n_busy: 0, elapsed: Duration::ZERO, latency: empty_histogram()? };
        while let Some(ended) = connections.join_next().await {
            let one = ended??;
            all.n_accepted += one.n_accepted;
            all.n_busy += one.n_busy;
            all.latency.add(one.latency)?;
        }
        all.elapsed = started.elapsed();
        Ok(all)
    }
}

struct Shared {
    requests: Arc<Requests>,
    n_taken: AtomicUsize,
    until: Instant,
}

fn empty_histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATE_MAX, 3)?)
}

/// Sends requests on one connection until none are left or the time is up.
async fn run_connection(address: SocketAddr, shared: Arc<Shared>) -> anyhow::Result<LoadResult> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(HEAD_BYTES_MAX);
    let mut responses =
        LoadResult { n_accepted: 0, n_busy: 0, elapsed: Duration::ZERO, latency: empty_histogram()? };
    while Instant::now() < shared.until {
        let Some(request) = shared.requests.get(shared.n_taken.fetch_add(1, Ordering::Relaxed)) else {
            break;
        };
        while Instant::now() < shared.until {
            let sent_at = Instant::now();
            stream.write_all(request).await?;
            let status = read_response(&mut stream, &mut buffer).await?;
            match status {
                200..=299 => {
                    let micros = u64::try_from(sent_at.elapsed().as_micros())?;
                    responses.latency.saturating_record(micros.max(1));
                    responses.n_accepted += 1;
                    break;
                }
                429 | 503 => {
                    responses.n_busy += 1;
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                _ => bail!("answered {status}: {}", String::from_utf8_lossy(&buffer)),
            }
        }
    }
    Ok(responses)
}

/// Reads one complete response and returns its status.
async fn read_response(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        if let Some(head) = Head::of(buffer)? {
            break head;
        }
        anyhow::ensure!(buffer.len() < HEAD_BYTES_MAX, "the head of a response is too long");
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
    };
    while buffer.len() < head.n_bytes_with_body {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
    }
    Ok(head.status)
}

#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    n_bytes_with_body: usize,
}

impl Head {
    /// Parses a response's head once it is complete; returns `None` until then.
    fn of(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let length = length.context("a response of unknown length")??;
        Ok(Some(Self { status, n_bytes_with_body: end + END.len() + length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_holds_the_status_and_the_length_of_the_response() {
        let whole = b"HTTP/1.1 202 Accepted\r\ncontent-type: x\r\nContent-Length: 12\r\n\r\n{\"accepted\"";
        let expected = Head { status: 202, n_bytes_with_body: whole.len() + 1 };
        assert_eq!(Head::of(whole).unwrap(), Some(expected));
        assert_eq!(Head::of(&whole[..30]).unwrap(), None);
        assert!(Head::of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn requests_are_kept_apart() {
        let mut requests = Requests::default();
        requests.post("/a", b"{}");
        requests.post("/b", b"[1]");
        assert!(requests.get(0).unwrap().ends_with(b"Content-Length: 2\r\n\r\n{}"));
        assert!(requests.get(1).unwrap().starts_with(b"POST /b ") && requests.get(2).is_none());
    }

    /// Starts a server that responds with 429 to every third request and with 202 to the others, and never closes a
    /// connection.
    async fn throttling_server() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut buffer, mut n) = (Vec::new(), 0);
                    while stream.read_buf(&mut buffer).await.unwrap_or(0) > 0 {
                        if !buffer.ends_with(b"{}") {
                            continue;
                        }
                        buffer.clear();
                        n += 1;
                        let status = if n % 3 == 0 { 429 } else { 202 };
                        let response = format!("HTTP/1.1 {status} So\r\ncontent-length: 4\r\n\r\nbody");
                        stream.write_all(response.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn every_request_is_granted_once_however_often_the_server_is_busy() {
        let mut requests = Requests::default();
        for _ in 0..20 {
            requests.post("/api/v1/posts", b"{}");
        }
        let length = Duration::from_secs(60);
        let load = HttpLoad {
            address: throttling_server().await,
            requests: Arc::new(requests),
            n_connections: 3,
            length,
        };
        let responses = load.send().await.unwrap();
        assert_eq!(responses.n_accepted, 20);
        assert!(responses.n_busy > 0);
        assert!(responses.pace().p999_ms <= responses.pace().max_ms);
    }
}
