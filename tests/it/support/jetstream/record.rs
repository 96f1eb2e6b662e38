//! What a test can ask about a connection.

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/subscribe`
    V1,
    /// `/xrpc/network.bsky.jetstream.subscribeEvents`
    V2,
}

/// A request and, if it was upgraded, the stream that followed.
#[derive(Debug, Clone)]
pub struct ConnectionRecord {
    /// The parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// The headers in order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The version of the endpoint, if the path is one.
    pub version: Option<Version>,
    /// The status that was answered, 101 for a stream; none if nothing was answered yet.
    pub status: Option<u16>,
    /// The number of data frames sent.
    pub frames: u64,
    /// The `seq` of the first event sent.
    pub first_seq: Option<u64>,
    /// The `seq` of the last event sent.
    pub last_seq: Option<u64>,
    /// The number of pings sent.
    pub pings: u64,
    /// The number of pongs received, asked for or not.
    pub pongs: u64,
    /// The code of the client's close frame, 1005 if it had none.
    pub client_close: Option<u16>,
    /// Whether the connection has ended.
    pub is_over: bool,
}

impl ConnectionRecord {
    /// The values of a repeated parameter.
    pub fn params(&self, name: &str) -> Vec<&str> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params(name).first().copied()
    }

    /// The first value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
