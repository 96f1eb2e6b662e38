//! The WebSocket protocols of the compared systems.

use clap::ValueEnum;

/// Precedes the time of sending in a message's text.
const SENT_AT: &str = "sent@";

/// A protocol that a subscriber speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Groundswell: a subscription, then frames.
    Groundswell,
    /// Every message is the published text.
    Plain,
    /// Engine.IO 4 and Socket.IO 5: <https://socket.io/docs/v4/engine-io-protocol/>.
    SocketIo,
}

/// What a received message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message of the load.
    Message(Stamp),
    /// The subscription is confirmed.
    Ready,
    /// The sender expects this reply.
    ReplyWith(&'static str),
    /// Anything else.
    Other,
}

/// A message's time and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the message was sent, in microseconds since 1970.
    pub sent_at: u64,
    /// 0 for the first message of a load.
    pub number: u64,
}

impl Stamp {
    /// Formats the stamp as a message, padded to `n_bytes`.
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
    /// Returns the first message that a client sends.
    pub const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::Groundswell => Some(r#"{"op":"subscribe","feeds":["messages"]}"#),
            Self::Plain => None,
            // Requests the main namespace.
            Self::SocketIo => Some("40"),
        }
    }

    /// Interprets a received message.
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
