//! What goes wrong: faults that a test orders.

use std::collections::VecDeque;
use std::time::Duration;

use super::record::Version;

/// A fault of one connection. Where it says "after", it counts the data frames sent on the connection, `#info` frames
/// included.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Refuses the upgrade.
    Refuse(Refusal),
    /// Accepts the TCP connection and never answers.
    NeverAnswer,
    /// Sends an `#info` frame first, whatever the cursor. Only in v2.
    Inform(Notice),
    /// Resets the TCP connection after so many frames.
    ResetAfter(u64),
    /// Resets the TCP connection in the middle of the frame that follows so many whole ones.
    ResetInside(u64),
    /// Closes with a code after so many frames.
    CloseAfter {
        /// The frames before.
        frames: u64,
        /// The code of the close frame.
        code: u16,
    },
    /// Sends a final error frame after so many frames, and ends the TCP connection without a close frame.
    ErrorAfter {
        /// The frames before.
        frames: u64,
        /// `ConsumerTooSlow`, `InternalError` or any other name.
        name: &'static str,
    },
    /// Sends every frame twice.
    Twice,
    /// Swaps each event with the next one. An event waits until it has a neighbour.
    Swapped,
    /// Sends every frame in two fragments, which RFC 6455 allows.
    Fragmented,
    /// Waits before each frame.
    Pace(Duration),
    /// Holds back events and more, on this connection only.
    Silent(Silence),
}

/// How much a host holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Silence {
    /// Nothing.
    Off,
    /// Everything but pings and answers to control frames.
    PingsOnly,
    /// Everything: no ping, no pong, no answer to a close frame. The TCP connection stays open.
    Total,
}

/// How open streams end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// By a TCP reset.
    Reset,
    /// By a close frame with this code.
    Close(u16),
    /// By a final error frame with this name, without a close frame. In v1, which has no error frames, by the end alone.
    Error(&'static str),
}

/// What an `#info` frame announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The time asked for is older than the archive.
    OutdatedCursor,
    /// The number asked for has not been assigned yet.
    FutureCursor,
}

impl Notice {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutdatedCursor => "OutdatedCursor",
            Self::FutureCursor => "FutureCursor",
        }
    }
}

/// An answer other than the upgrade.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body; otherwise the usual error of the endpoint.
    pub body: Option<String>,
}

impl Refusal {
    /// A refusal with a status and the usual body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }
}

/// The faults that wait for connections.
#[derive(Debug, Default)]
pub(super) struct FaultQueue {
    once: VecDeque<Vec<Fault>>,
    lasting: Vec<Fault>,
}

impl FaultQueue {
    pub(super) fn push(&mut self, faults: Vec<Fault>) {
        self.once.push_back(faults);
    }

    pub(super) fn keep(&mut self, faults: Vec<Fault>) {
        self.lasting = faults;
    }

    pub(super) fn len(&self) -> usize {
        self.once.len()
    }

    /// Returns what the next connection meets.
    pub(super) fn next(&mut self) -> Vec<Fault> {
        self.once.pop_front().unwrap_or_else(|| self.lasting.clone())
    }
}

/// Frames that no well-behaved host sends, for `HostEvent::raw`.
pub mod frames {
    use super::Version;

    /// The size of `huge`.
    pub const HUGE: usize = 1 << 20;

    /// A text frame that is not JSON.
    pub fn not_json() -> String {
        "{\"$type\":\"message\",\"payload\":{\"seq\":".to_owned()
    }

    /// A valid frame of 1 MiB: a post with a text far longer than any client writes.
    pub fn huge(version: Version) -> String {
        let frame =
            |text: &str| post(version, &format!("{{\"$type\":\"app.bsky.feed.post\",\"text\":\"{text}\"}}"));
        let rest = HUGE - frame("").len();
        frame(&"x".repeat(rest))
    }

    /// A valid frame with a record nested 1,000 deep, beyond the limit of most parsers.
    pub fn nested(version: Version) -> String {
        post(version, &format!("{{\"reply\":{}{}}}", "[".repeat(999), "]".repeat(999)))
    }

    /// Valid JSON with one field of the wrong type in each frame.
    pub fn wrong_types(version: Version) -> Vec<String> {
        let good = post(version, "{\"$type\":\"app.bsky.feed.post\",\"text\":\"good\"}");
        let number = match version {
            Version::V1 => ("\"time_us\":__TIME_US__", "\"time_us\":\"yesterday\""),
            Version::V2 => ("\"seq\":__SEQ__", "\"seq\":\"twelve\""),
        };
        let text = [
            ("\"did\":\"did:plc:strange\"", "\"did\":17"),
            ("\"operation\":\"create\"", "\"operation\":null"),
            ("\"collection\":\"app.bsky.feed.post\"", "\"collection\":[\"app.bsky.feed.post\"]"),
            ("\"rkey\":\"3kstrange2222\"", "\"rkey\":{}"),
            ("\"text\":\"good\"", "\"text\":[\"bad\"]"),
        ];
        let mut wrong: Vec<_> =
            text.iter().chain([&number]).map(|(from, to)| good.replacen(from, to, 1)).collect();
        wrong.push("[]".to_owned());
        wrong.push("null".to_owned());
        wrong
    }

    /// A frame with a post; `record` is JSON.
    pub fn post(version: Version, record: &str) -> String {
        let commit = format!(
            "\"rev\":\"3kstrange2222\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\
             \"rkey\":\"3kstrange2222\",\"record\":{record},\
             \"cid\":\"bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4\""
        );
        let did = "\"did\":\"did:plc:strange\"";
        match version {
            Version::V1 => {
                format!("{{{did},\"time_us\":__TIME_US__,\"kind\":\"commit\",\"commit\":{{{commit}}}}}")
            }
            Version::V2 => format!(
                "{{\"$type\":\"message\",\"payload\":{{\"$type\":\"network.bsky.jetstream.subscribeEvents#commit\",\
                 \"seq\":__SEQ__,{did},\"time\":\"__TIME__\",\"witnessedAt\":\"__TIME__\",{commit}}}}}"
            ),
        }
    }
}
