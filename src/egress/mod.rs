//! Requests to addresses that people gave us, which go to the public internet and to what the operator allows.
//!
//! The check is made on the very addresses that are connected to: the resolver looks a name up once, refuses it when any
//! record of it is refused, and hands the rest to the connector. So a name that answers differently the second time
//! (DNS rebinding) gains nothing. Redirects are not followed, proxies from the environment are not used, and connections
//! are not kept, so that each attempt is checked anew.

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

/// How long an attempt may take, from the name to the status. Standard Webhooks asks for 15 to 30 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// How long a connection may take to come about, so that a second address still has its turn.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks a name up.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Why a request did not come to an answer. The texts tell nothing about what lies where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// It is no address of the web.
    #[error("the address is not valid")]
    BadUrl,
    /// The address must be `https`.
    #[error("the address must begin with https://")]
    NotEncrypted,
    /// It would lead to where it must not.
    #[error(
        "the address leads to a network that must not be reached; the operator can allow it (`--notify-allow`)"
    )]
    Refused,
    /// The name leads nowhere.
    #[error("the name does not resolve")]
    NoSuchName,
    /// Nobody answered in time.
    #[error("no answer within 15 seconds")]
    TimedOut,
    /// No connection, or one that broke, or was not the one it should be.
    #[error("the connection failed")]
    NoConnection,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// A request.
#[derive(Debug)]
pub struct Post {
    /// Where to.
    pub url: Url,
    /// What it says about itself.
    pub headers: HeaderMap,
    /// What it says.
    pub body: Vec<u8>,
}

/// The way out.
#[derive(Clone)]
pub struct Egress {
    client: Client,
    allowed: Arc<Allowlist>,
}

impl Egress {
    /// A way out as the system resolves names.
    ///
    /// # Errors
    /// When the system has no certificates to trust.
    pub fn new(allowed: Allowlist) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Self::with_lookup(allowed, Arc::new(|host| system_lookup(host).boxed()))
    }

    /// The same, with names resolved by the caller.
    ///
    /// # Errors
    /// As for [`Egress::new`].
    pub fn with_lookup(allowed: Allowlist, lookup: Lookup) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let allowed = Arc::new(allowed);
        let resolver = CheckedResolver { allowed: Arc::clone(&allowed), lookup };
        // Whichever was installed first serves; ours is the only one that is compiled in.
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

    /// Sends, and answers the status. The body of the answer is never read.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn post(&self, post: Post) -> Result<Answer, EgressError> {
        check_url(&post.url, &self.allowed)?;
        let request = self.client.post(post.url).headers(post.headers).body(post.body);
        let response = request.send().await.map_err(|error| classify(&error))?;
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: header.and_then(|text| retry_after(text, Timestamp::now())),
        })
    }

    /// Whether an address may be noted at all. Where its name leads is only known when it is sent to.
    ///
    /// # Errors
    /// When it cannot be right.
    pub fn check(&self, text: &str) -> Result<Url, EgressError> {
        let url = Url::parse(text).map_err(|_| EgressError::BadUrl)?;
        check_url(&url, &self.allowed)?;
        Ok(url)
    }
}

/// Checks what the address itself says. A literal IP address never reaches the resolver, so it is judged here.
fn check_url(url: &Url, allowed: &Allowlist) -> Result<(), EgressError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(EgressError::BadUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EgressError::BadUrl);
    }
    // Brackets are how an IPv6 address is written in a URL. Other spellings (0x7f.1, 2130706433) are normal by now.
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if literal.is_some_and(|address| !allowed.admits(host, address)) {
        return Err(EgressError::Refused);
    }
    let is_vouched_for =
        allowed.names_host(host) || literal.is_some_and(|address| allowed.names_address(address));
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_vouched_for => Ok(()),
        "http" => Err(EgressError::NotEncrypted),
        _ => Err(EgressError::BadUrl),
    }
}

/// Travels through the client's errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Stopped(EgressError);

fn classify(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(next) = cause {
        if let Some(Stopped(why)) = next.downcast_ref::<Stopped>() {
            return *why;
        }
        cause = next.source();
    }
    if error.is_timeout() { EgressError::TimedOut } else { EgressError::NoConnection }
}

async fn system_lookup(host: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// Resolves a name and lets the connection be made only if every address of it may be reached. What it hands out is
/// what is connected to.
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
            let addresses = looking.await.map_err(|_| Stopped(EgressError::NoSuchName))?;
            if addresses.is_empty() {
                return Err(Stopped(EgressError::NoSuchName).into());
            }
            // One bad record spoils the name: which of them would be connected to is for the network to decide.
            if !addresses.iter().all(|address| allowed.admits(&host, *address)) {
                return Err(Stopped(EgressError::Refused).into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
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

    /// Answers each connection with this, and counts them.
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

    /// Resolves every name to these, one list after the other; the last stays.
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

    fn post(url: &str) -> Post {
        Post { url: url.parse().unwrap(), headers: HeaderMap::new(), body: b"{}".to_vec() }
    }

    fn only_one() -> Allowlist {
        Allowlist::parse(["127.0.0.1"]).unwrap()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

    #[tokio::test]
    async fn a_name_that_answers_differently_the_second_time_gains_nothing() {
        let (port, n_allowed) = receiver("127.0.0.1:0", OK).await;
        let (_, n_forbidden) = receiver(&format!("127.0.0.2:{port}"), OK).await;
        let (lookup, n_lookups) = names(&[&["127.0.0.1"], &["127.0.0.2"]]);
        let egress = Egress::with_lookup(only_one(), lookup).unwrap();
        let url = format!("https://rebinding.example:{port}/");
        // It is no TLS that is spoken there, but that it was spoken to is what matters. One lookup decided it.
        assert_eq!(egress.post(post(&url)).await, Err(EgressError::NoConnection));
        assert_eq!((n_allowed.load(Ordering::SeqCst), n_lookups.load(Ordering::SeqCst)), (1, 1));
        assert_eq!(egress.post(post(&url)).await, Err(EgressError::Refused));
        assert_eq!((n_forbidden.load(Ordering::SeqCst), n_lookups.load(Ordering::SeqCst)), (0, 2));
    }

    #[tokio::test]
    async fn one_bad_record_spoils_a_name() {
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
    async fn an_address_written_out_is_judged_like_one_that_was_looked_up() {
        let (port, n_reached) = receiver("127.0.0.2:0", OK).await;
        let egress = Egress::new(only_one()).unwrap();
        for host in ["127.0.0.2", "[::ffff:127.0.0.2]", "0x7f.2", "2130706434", "localhost"] {
            let outcome = egress.post(post(&format!("https://{host}:{port}/"))).await;
            // The system may know `localhost` as 127.0.0.1 alone, which is allowed here.
            let expected = if host == "localhost" { outcome } else { Err(EgressError::Refused) };
            assert_eq!(outcome, expected, "{host}");
        }
        assert_eq!(n_reached.load(Ordering::SeqCst), 0);
        assert_eq!(egress.post(post("http://1.1.1.1/")).await, Err(EgressError::NotEncrypted));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
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
    async fn what_a_receiver_asks_for_is_told_with_its_status() {
        let answer = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
        let (port, _) = receiver("127.0.0.1:0", answer).await;
        let egress = Egress::new(only_one()).unwrap();
        let outcome = egress.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
        assert_eq!(outcome, Answer { status: 429, retry_after: Some(Duration::from_secs(7)) });
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
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
