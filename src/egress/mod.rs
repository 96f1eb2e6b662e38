//! HTTP and WebSocket client for URLs that users configure. It reaches only the public internet and hosts that the
//! operator allows.
//!
//! The client connects only to addresses that it has checked: the resolver looks a host name up once, rejects it if any
//! of its addresses is not allowed, and passes exactly these addresses to the client. A name that resolves differently
//! the second time (DNS rebinding) gains nothing. The client follows no redirects, proxies from the environment are
//! ignored, and connections are not reused, so that each attempt is checked again. Redirects are followed only for
//! documents, after checking the new URL like the first one ([`fetch`]).

pub mod allowlist; // which addresses may be reached
pub mod exchange; // requests to programming interfaces
pub mod fetch; // documents, read up to a size
pub mod websocket; // connections that stay open

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Url, redirect};

use self::allowlist::Allowlist;

/// Maximum duration of a request, from name resolution to the status. Standard Webhooks asks for 15 to 30 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// Maximum time to connect to an address, which leaves time for a second one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Function that resolves a host name to addresses.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Reason why a request got no response. The messages reveal nothing about the target network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The URL is invalid, contains credentials, or has an unsupported scheme.
    #[error("the URL is not valid")]
    BadUrl,
    /// The URL does not use `https`, which is required unless the operator allows its host.
    #[error("the URL must begin with https://")]
    NotEncrypted,
    /// The host is in a network that is not allowed.
    #[error(
        "the URL leads to a network that is not allowed; the operator can allow it with `--egress-allow`"
    )]
    Refused,
    /// The host name does not resolve to any address.
    #[error("the host name does not resolve")]
    NoSuchName,
    /// No response arrived within [`TIMEOUT`].
    #[error("no response within 15 seconds")]
    TimedOut,
    /// The connection could not be established, failed its TLS check, or broke.
    #[error("the connection failed")]
    NoConnection,
}

/// Response from a receiver, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// HTTP status code, which alone decides whether the request succeeded.
    pub status: u16,
    /// Delay requested in `Retry-After`, if any.
    pub retry_after: Option<Duration>,
}

/// POST request to send to a receiver.
#[derive(Debug)]
pub struct PostRequest {
    /// URL to send the request to.
    pub url: Url,
    /// Headers to send, such as signatures.
    pub headers: HeaderMap,
    /// Encoded body to send.
    pub body: Vec<u8>,
}

/// HTTP client that connects only to allowed addresses.
#[derive(Clone)]
pub struct Egress {
    client: Client,
    resolver: CheckedResolver,
}

impl Egress {
    /// Creates a client that resolves names through the system.
    ///
    /// # Errors
    /// If the system has no trusted root certificates.
    pub fn new(allowed: Allowlist) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Self::with_lookup(allowed, Arc::new(|host| system_lookup(host).boxed()))
    }

    /// Creates a client that resolves names with the given function.
    ///
    /// # Errors
    /// The same as for [`Egress::new`].
    pub fn with_lookup(allowed: Allowlist, lookup: Lookup) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let resolver = CheckedResolver { allowed: Arc::new(allowed), lookup };
        // Fails if a provider is already installed; ours is the only one compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .dns_resolver(resolver.clone())
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("Groundswell/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, resolver })
    }

    /// Sends a request and returns the status of the response. The body of the response is never read.
    ///
    /// # Errors
    /// If no response arrived.
    pub async fn post(&self, post: PostRequest) -> Result<Response, EgressError> {
        check_url(&post.url, &self.resolver.allowed, &HTTP)?;
        let request = self.client.post(post.url).headers(post.headers).body(post.body);
        let response = request.send().await.map_err(|error| classify(&error))?;
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Response {
            status: response.status().as_u16(),
            retry_after: header.and_then(|text| retry_after(text, Timestamp::now())),
        })
    }

    /// Validates a URL before it is stored. The addresses of its host name are checked later, when a request is sent.
    ///
    /// # Errors
    /// If the URL is invalid or not allowed.
    pub fn check(&self, text: &str) -> Result<Url, EgressError> {
        let url = Url::parse(text).map_err(|_| EgressError::BadUrl)?;
        check_url(&url, &self.resolver.allowed, &HTTP)?;
        Ok(url)
    }
}

/// URL schemes of a protocol.
struct Schemes {
    encrypted: &'static str,
    /// Accepted only for hosts that the operator allows.
    plain: &'static str,
}

const HTTP: Schemes = Schemes { encrypted: "https", plain: "http" };
const WEBSOCKET: Schemes = Schemes { encrypted: "wss", plain: "ws" };

/// Checks the URL without resolving its host name. Literal IP addresses are checked here because they never reach the
/// resolver.
fn check_url(url: &Url, allowed: &Allowlist, schemes: &Schemes) -> Result<(), EgressError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(EgressError::BadUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressError::BadUrl);
    }
    // URLs write IPv6 addresses in brackets. The parser has normalised other notations (0x7f.1, 2130706433).
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if literal.is_some_and(|address| !allowed.admits(host, address)) {
        return Err(EgressError::Refused);
    }
    let is_allowed =
        allowed.allows_host(host) || literal.is_some_and(|address| allowed.allows_address(address));
    match url.scheme() {
        scheme if scheme == schemes.encrypted => Ok(()),
        scheme if scheme == schemes.plain && is_allowed => Ok(()),
        scheme if scheme == schemes.plain => Err(EgressError::NotEncrypted),
        _ => Err(EgressError::BadUrl),
    }
}

/// Wraps an [`EgressError`] to pass it through the error chain of the HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LookupError(EgressError);

fn classify(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(next) = cause {
        if let Some(LookupError(why)) = next.downcast_ref::<LookupError>() {
            return *why;
        }
        cause = next.source();
    }
    if error.is_timeout() { EgressError::TimedOut } else { EgressError::NoConnection }
}

async fn system_lookup(host: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// Resolver that rejects a host name unless all of its addresses are allowed. The client connects to exactly the
/// addresses that it returns.
#[derive(Clone)]
struct CheckedResolver {
    allowed: Arc<Allowlist>,
    lookup: Lookup,
}

impl CheckedResolver {
    /// Returns the addresses of a host, all of which may be reached.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, EgressError> {
        let addresses = (self.lookup)(host.to_owned()).await.map_err(|_| EgressError::NoSuchName)?;
        if addresses.is_empty() {
            return Err(EgressError::NoSuchName);
        }
        // A single rejected record rejects the name, because the network decides which address is connected to.
        if !addresses.iter().all(|address| self.allowed.admits(host, *address)) {
            return Err(EgressError::Refused);
        }
        Ok(addresses)
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let addresses = resolver.addresses(&host).await.map_err(LookupError)?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Parses `Retry-After`, which is a number of seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Starts a server that sends `answer` on each connection, and counts the connections.
    async fn receiver(address: &str, answer: &'static str) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(address).await.unwrap();
        (listener.local_addr().unwrap().port(), serve(listener, answer))
    }

    /// Returns two listeners with the same port, the first one on 127.0.0.1 and the second one on 127.0.0.2.
    async fn same_port() -> (TcpListener, TcpListener) {
        for _ in 0..100 {
            let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = first.local_addr().unwrap().port();
            // Another program may have this port on the other address.
            if let Ok(second) = TcpListener::bind(("127.0.0.2", port)).await {
                return (first, second);
            }
        }
        panic!("no port is free on both addresses");
    }

    fn serve(listener: TcpListener, answer: &'static str) -> Arc<AtomicUsize> {
        let n_reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&n_reached);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        n_reached
    }

    /// Returns a resolver that returns each list of addresses in turn and then repeats the last one.
    fn names(answers: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
        let read = |text: &&str| text.parse().unwrap();
        let lists: Vec<Vec<IpAddr>> = answers.iter().map(|list| list.iter().map(read).collect()).collect();
        let left = Arc::new(Mutex::new(lists.into_iter()));
        let last = Arc::new(Mutex::new(Vec::new()));
        let n_lookups = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&n_lookups);
        let lookup: Lookup = Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let mut last = last.lock().unwrap();
            if let Some(next) = left.lock().unwrap().next() {
                *last = next;
            }
            let found = last.clone();
            async move { Ok(found) }.boxed()
        });
        (lookup, n_lookups)
    }

    fn post(url: &str) -> PostRequest {
        PostRequest { url: url.parse().unwrap(), headers: HeaderMap::new(), body: b"{}".to_vec() }
    }

    fn only_one() -> Allowlist {
        Allowlist::parse(["127.0.0.1"]).unwrap()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

    #[tokio::test]
    async fn a_name_that_resolves_differently_the_second_time_gains_nothing() {
        let (allowed, forbidden) = same_port().await;
        let port = allowed.local_addr().unwrap().port();
        let (n_allowed, n_forbidden) = (serve(allowed, OK), serve(forbidden, OK));
        let (lookup, n_lookups) = names(&[&["127.0.0.1"], &["127.0.0.2"]]);
        let egress = Egress::with_lookup(only_one(), lookup).unwrap();
        let url = format!("https://rebinding.example:{port}/");
        // The server speaks no TLS, but all that matters is whether it was connected to. A single lookup decided that.
        assert_eq!(egress.post(post(&url)).await, Err(EgressError::NoConnection));
        assert_eq!((n_allowed.load(Ordering::SeqCst), n_lookups.load(Ordering::SeqCst)), (1, 1));
        assert_eq!(egress.post(post(&url)).await, Err(EgressError::Refused));
        assert_eq!((n_forbidden.load(Ordering::SeqCst), n_lookups.load(Ordering::SeqCst)), (0, 2));
    }

    #[tokio::test]
    async fn one_refused_record_refuses_the_name() {
        let (port, n_allowed) = receiver("127.0.0.1:0", OK).await;
        for records in
            [["127.0.0.1", "127.0.0.2"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::ffff:10.0.0.1"]]
        {
            let egress = Egress::with_lookup(only_one(), names(&[&records]).0).unwrap();
            let outcome = egress.post(post(&format!("https://mixed.example:{port}/"))).await;
            assert_eq!(outcome, Err(EgressError::Refused));
        }
        let egress = Egress::with_lookup(only_one(), names(&[&[]]).0).unwrap();
        assert_eq!(egress.post(post("https://nowhere.example/")).await, Err(EgressError::NoSuchName));
        assert_eq!(n_allowed.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_literal_address_is_checked_like_a_resolved_one() {
        let (port, n_reached) = receiver("127.0.0.2:0", OK).await;
        let egress = Egress::new(only_one()).unwrap();
        for host in ["127.0.0.2", "[::ffff:127.0.0.2]", "0x7f.2", "2130706434", "localhost"] {
            let outcome = egress.post(post(&format!("https://{host}:{port}/"))).await;
            // The system may resolve `localhost` to 127.0.0.1 alone, which is allowed here.
            let expected = if host == "localhost" { outcome } else { Err(EgressError::Refused) };
            assert_eq!(outcome, expected, "{host}");
        }
        assert_eq!(n_reached.load(Ordering::SeqCst), 0);
        assert_eq!(egress.post(post("http://1.1.1.1/")).await, Err(EgressError::NotEncrypted));
    }

    #[tokio::test]
    async fn a_redirect_is_a_response_and_is_not_followed() {
        let (inside, n_inside) = receiver("127.0.0.1:0", OK).await;
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (port, n_reached) = receiver("127.0.0.1:0", answer.leak()).await;
        let egress = Egress::new(only_one()).unwrap();
        let outcome = egress.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(
            (outcome.status, n_reached.load(Ordering::SeqCst), n_inside.load(Ordering::SeqCst)),
            (302, 1, 0)
        );
    }

    #[tokio::test]
    async fn retry_after_is_returned_with_the_status() {
        let answer = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
        let (port, _) = receiver("127.0.0.1:0", answer).await;
        let egress = Egress::new(only_one()).unwrap();
        let outcome = egress.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(outcome, Response { status: 429, retry_after: Some(Duration::from_secs(7)) });
    }

    #[test]
    fn retry_after_is_parsed_in_both_forms() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let read = |text: &str| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(read("Sat, 21 Nov 2026 10:02:00 GMT"), Some(120));
        assert_eq!(read("Sat, 21 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-5"), None);
        assert_eq!(read(""), None);
    }
}
