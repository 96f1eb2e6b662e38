//! HTTP, up to the upgrade: reads the request and writes the answer.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::fault::Refusal;
use super::record::Version;

/// The endpoint of v2, also the prefix of its `$type`s.
pub(super) const V2_METHOD: &str = "network.bsky.jetstream.subscribeEvents";

/// The one subprotocol of v2.
const SUBPROTOCOL: &str = "xrpc.v1.json";

/// The size of the largest request head. Enough for 10,000 DIDs.
const MAX_HEAD: usize = 1 << 20;

/// A request without a body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    /// What the client sent after the request.
    pub(super) rest: Vec<u8>,
}

impl Request {
    /// Reads a request. Returns nothing if the client leaves before it is complete or sends something else.
    pub(super) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if stream.read_buf(&mut bytes).await.ok()? == 0 || bytes.len() > MAX_HEAD {
                return None;
            }
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
        };
        let rest = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).ok()?;
        let mut lines = head.lines();
        let target = lines.next()?.strip_prefix("GET ")?.split(' ').next()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Some(Self { path: path.to_owned(), query, headers: lines.filter_map(header).collect(), rest })
    }

    /// The version of the endpoint, if it is one.
    pub(super) fn version(&self) -> Option<Version> {
        match self.path.strip_prefix("/xrpc/") {
            Some(method) => (method == V2_METHOD).then_some(Version::V2),
            None => (self.path == "/subscribe").then_some(Version::V1),
        }
    }

    /// The first value of a parameter.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a header has a value among those that commas separate.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(value))
    }

    /// The head that begins the stream, if the client asked for one.
    pub(super) fn upgrade(&self, version: Version) -> Option<String> {
        let key = self.list("sec-websocket-key").next()?;
        if !self.has("upgrade", "websocket") || !self.has("sec-websocket-version", "13") {
            return None;
        }
        let mut head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {}\r\n",
            derive_accept_key(key.as_bytes())
        );
        // Names of subprotocols are case-sensitive, unlike other tokens.
        if version == Version::V2 && self.list("sec-websocket-protocol").any(|item| item == SUBPROTOCOL) {
            head.push_str(&format!("sec-websocket-protocol: {SUBPROTOCOL}\r\n"));
        }
        head.push_str("\r\n");
        Some(head)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.headers.iter().filter(move |(key, _)| key == name);
        values.flat_map(|(_, value)| value.split(',').map(str::trim))
    }
}

impl Refusal {
    /// An error as XRPC writes it.
    pub(super) fn xrpc(status: u16, error: &str, message: &str) -> Self {
        let body = json!({"error": error, "message": message}).to_string();
        Self::status(status).header("content-type", "application/json").body(&body)
    }

    /// An error as v1 writes it.
    pub(super) fn plain(status: u16, message: &str) -> Self {
        Self::status(status).header("content-type", "text/plain; charset=utf-8").body(&format!("{message}\n"))
    }

    /// Gives a refusal the body that is usual for its endpoint.
    pub(super) fn complete(self, version: Option<Version>) -> Self {
        if self.body.is_some() {
            return self;
        }
        let (error, message) = match self.status {
            400 => ("InvalidRequest", "the request is invalid"),
            401 => ("AuthenticationRequired", "authentication is required"),
            403 => ("Forbidden", "access is denied"),
            404 => ("NotFound", "not found"),
            429 => ("RateLimitExceeded", "rate limit exceeded"),
            503 => ("ServiceUnavailable", "service not ready: cursor replay warming up"),
            _ => ("InternalServerError", "internal server error"),
        };
        let mut usual = match version {
            Some(Version::V1) => Self::plain(self.status, message),
            _ => Self::xrpc(self.status, error, message),
        };
        usual.headers.extend(self.headers);
        usual
    }

    /// Sends the answer and ends the connection.
    pub(super) async fn send(&self, stream: &mut TcpStream) {
        send(stream, self.status, &self.headers, self.body.as_deref().unwrap_or_default().as_bytes()).await;
    }
}

/// Sends an answer and ends the connection.
pub(super) async fn send(stream: &mut TcpStream, status: u16, headers: &[(String, String)], body: &[u8]) {
    let mut head =
        format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let answer = [head.as_bytes(), body].concat();
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}
