//! WebSocket protocols that the compared systems speak.

use clap::ValueEnum;

/// Marker in a message's text that precedes the time of publication.
const SENT_AT: &str = "sent@";

/// Protocol that a subscriber speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Groundswell's own: the client subscribes and receives frames.
    Groundswell,
    /// Every message consists of the published text alone.
    Plain,
    /// Engine.IO 4 and Socket.IO 5: <https://socket.io/docs/v4/engine-io-protocol/>.
    SocketIo,
}

/// Meaning of a message that a subscriber received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message that the benchmark published, identified by its stamp.
    Message(Stamp),
    /// Confirmation of the subscription.
    Ready,
    /// A request that the subscriber must answer with this text.
    ReplyWith(&'static str),
    /// Anything else, which the subscriber ignores.
    Other,
}

/// Time and number of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Time of publication, in microseconds since 1970.
    pub sent_at: u64,
    /// Position of the message in its load, starting at 0.
    pub number: u64,
}

impl Stamp {
    /// Formats the stamp as a message, padded to `n_bytes` bytes.
    pub fn padded_to(self, n_bytes: usize) -> String {
        let mut text = format!("{SENT_AT}{}#{};", self.sent_at, self.number);
        text.extend(std::iter::repeat_n('x', n_bytes.saturating_sub(text.len())));
        text
    }

    fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(SENT_AT)?;
        let (sent_at, rest) = rest.split_once('#')?;
        let (number, _) = rest.split_once(';')?;
        Some(Self { sent_at: sent_at.parse().ok()?, number: number.parse().ok()? })
    }
}

impl Protocol {
    /// Returns the message that a client sends to open the conversation; `None` if the protocol needs none.
    pub const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::Groundswell => Some(r#"{"op":"subscribe","feeds":["messages"]}"#),
            Self::Plain => None,
            // Requests the main namespace.
            Self::SocketIo => Some("40"),
        }
    }

    /// Classifies a received message. One that bears a stamp is a published message in any protocol; the meaning of the
    /// rest depends on the protocol.
    pub fn parse(self, text: &str) -> Incoming {
        if let Some(stamp) = Stamp::find(text) {
            return Incoming::Message(stamp);
        }
        match self {
            Self::Groundswell if text.starts_with(r#"{"event":"subscribed""#) => Incoming::Ready,
            Self::SocketIo if text.starts_with("40") => Incoming::Ready,
            Self::SocketIo if text == "2" => Incoming::ReplyWith("3"),
            _ => Incoming::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_the_format_of_each_system() {
        let stamp = Stamp { sent_at: 1_732_180_000_000_000, number: 42 };
        let text = stamp.padded_to(200);
        assert_eq!(text.len(), 200);
        let frame = format!(r#"{{"event":"message:new","data":{{"post":{{"text":"{text}"}}}}}}"#);
        assert_eq!(Protocol::Groundswell.parse(&frame), Incoming::Message(stamp));
        assert_eq!(Protocol::Plain.parse(&text), Incoming::Message(stamp));
        assert_eq!(Protocol::SocketIo.parse(&format!(r#"42["m","{text}"]"#)), Incoming::Message(stamp));
    }

    #[test]
    fn the_handshake_of_each_protocol_is_understood() {
        assert_eq!(Protocol::Groundswell.parse(r#"{"event":"subscribed","feed":null}"#), Incoming::Ready);
        assert_eq!(Protocol::SocketIo.parse(r#"0{"sid":"a"}"#), Incoming::Other);
        assert_eq!(Protocol::SocketIo.parse(r#"40{"sid":"a"}"#), Incoming::Ready);
        assert_eq!(Protocol::SocketIo.parse("2"), Incoming::ReplyWith("3"));
        assert_eq!(Protocol::Plain.parse("sent@no#number;"), Incoming::Other);
    }
}
