//! HTTP client for URLs that people configure, restricted to the public internet and what the operator allows.
//!
//! The addresses that are checked are the ones that are connected to: the resolver looks a host name up once, rejects
//! it if any of its records is rejected, and passes the records to the connector. A name that resolves differently the
//! second time (DNS rebinding) gains nothing. Redirects are not followed, proxies from the environment are ignored, and
//! connections are not reused, so that each attempt is checked again.

pub mod allowlist; // which addresses may be reached

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

/// Timeout of an attempt, from name resolution to the status. Standard Webhooks asks for 15 to 30 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout of a connection attempt; leaves time for a second address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks up a host name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Why a request got no response. The texts reveal nothing about the target network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The URL is not valid.
    #[error("the URL is not valid")]
    BadUrl,
    /// The URL must use `https`.
    #[error("the URL must begin with https://")]
    NotEncrypted,
    /// The URL leads to a network that is not allowed.
    #[error(
        "the URL leads to a network that is not allowed; the operator can allow it with `--notify-allow`"
    )]
    Refused,
    /// The host name does not resolve.
    #[error("the host name does not resolve")]
    NoSuchName,
    /// There was no response in time.
    #[error("no response within 15 seconds")]
    TimedOut,
    /// The connection could not be established, or broke, or failed its TLS check.
    #[error("the connection failed")]
    NoConnection,
}

/// A receiver's response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// The `Retry-After` header, if there is one.
    pub retry_after: Option<Duration>,
}

/// A POST request to send.
#[derive(Debug)]
pub struct PostRequest {
    /// Target URL.
    pub url: Url,
    /// Request headers.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Vec<u8>,
}

/// HTTP client that checks every address it connects to.
#[derive(Clone)]
pub struct Egress {
    client: Client,
    allowed: Arc<Allowlist>,
}

impl Egress {
    /// Creates a client that uses the system's resolver.
    ///
    /// # Errors
    /// If the system has no trusted certificates.
    pub fn new(allowed: Allowlist) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Self::with_lookup(allowed, Arc::new(|host| system_lookup(host).boxed()))
    }

    /// Creates a client with the given resolver.
    ///
    /// # Errors
    /// The same as for [`Egress::new`].
    pub fn with_lookup(allowed: Allowlist, lookup: Lookup) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let allowed = Arc::new(allowed);
        let resolver = CheckedResolver { allowed: Arc::clone(&allowed), lookup };
        // Fails if a provider is already installed; ours is the only one compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .dns_resolver(resolver)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("Groundswell/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, allowed })
    }

    /// Sends a request and returns the status. The response body is never read.
    ///
    /// # Errors
    /// If there was no response.
    pub async fn post(&self, post: PostRequest) -> Result<Response, EgressError> {
        check_url(&post.url, &self.allowed)?;
        let request = self.client.post(post.url).headers(post.headers).body(post.body);
        let response = request.send().await.map_err(|error| classify(&error))?;
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Response {
            status: response.status().as_u16(),
            retry_after: header.and_then(|text| retry_after(text, Timestamp::now())),
        })
    }

    /// Validates a URL before it is stored. What its host name resolves to is checked when a request is sent.
    ///
    /// # Errors
    /// If the URL is not valid or not allowed.
    pub fn check(&self, text: &str) -> Result<Url, EgressError> {
        let url = Url::parse(text).map_err(|_| EgressError::BadUrl)?;
        check_url(&url, &self.allowed)?;
        Ok(url)
    }
}

/// Checks the URL itself. A literal IP address never reaches the resolver, so it is checked here.
fn check_url(url: &Url, allowed: &Allowlist) -> Result<(), EgressError> {
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
        "https" => Ok(()),
        "http" if is_allowed => Ok(()),
        "http" => Err(EgressError::NotEncrypted),
        _ => Err(EgressError::BadUrl),
    }
}

/// Carries our error through the HTTP client's error chain.
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

/// Resolver that rejects a host name unless all its addresses are allowed, and returns exactly the addresses that are
/// then connected to.
struct CheckedResolver {
    allowed: Arc<Allowlist>,
    lookup: Lookup,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let looking = (self.lookup)(host.clone());
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let addresses = looking.await.map_err(|_| LookupError(EgressError::NoSuchName))?;
            if addresses.is_empty() {
                return Err(LookupError(EgressError::NoSuchName).into());
            }
            // A single rejected record rejects the name, because the network decides which address is connected to.
            if !addresses.iter().all(|address| allowed.admits(&host, *address)) {
                return Err(LookupError(EgressError::Refused).into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Parses `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
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

    /// Starts a server that sends this response on each connection and counts connections.
    async fn receiver(address: &str, answer: &'static str) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let n_reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&n_reached);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (port, n_reached)
    }

    /// Returns a resolver that answers with each list in turn and then repeats the last one.
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
        let (port, n_allowed) = receiver("127.0.0.1:0", OK).await;
        let (_, n_forbidden) = receiver(&format!("127.0.0.2:{port}"), OK).await;
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
