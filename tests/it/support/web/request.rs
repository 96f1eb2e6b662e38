//! Requests as they arrive, and what became of them.

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Size of the largest head in bytes. Enough for fifty ids and a long query.
const N_HEAD_BYTES_MAX: usize = 64 << 10;

/// Request that was received.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET` or another method.
    pub method: String,
    /// Path without the query, still percent-encoded.
    pub path: String,
    /// Parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// Headers in order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// What came after the head.
    pub body: Vec<u8>,
    /// Status of the answer, 101 for a WebSocket; 0 if there is none yet.
    pub status: u16,
    /// Number of messages sent on the stream, repeated ones included.
    pub n_messages: u64,
    /// Whether the answer has ended.
    pub is_over: bool,
}

impl Request {
    /// Returns the value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params(name).first().copied()
    }

    /// Returns the values of a repeated parameter.
    pub fn params(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the token of the `Authorization` header.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Returns the body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads a request. Bytes after it stay in the buffer. Returns nothing if the client leaves or sends something else.
    pub(super) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Self> {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if buffer.len() > N_HEAD_BYTES_MAX || stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(buffer.drain(..end).collect()).ok()?;
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let (path, query) =
            target.split(' ').next()?.split_once('?').unwrap_or((target.split(' ').next()?, ""));
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: lines.filter_map(header).collect(),
            ..Self::default()
        };
        let n_bytes = request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
        while buffer.len() < n_bytes {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        request.body = buffer.drain(..n_bytes).collect();
        Some(request)
    }
}
