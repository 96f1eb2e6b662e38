//! What each system's client says and hears on its WebSocket.

use clap::ValueEnum;

/// Before the time at which a message was sent, in its text.
const SENT_AT: &str = "sent@";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Groundswell's: a subscription, then frames.
    Groundswell,
    /// Every message is the text that was published.
    Plain,
    /// Engine.IO 4 and Socket.IO 5: <https://socket.io/docs/v4/engine-io-protocol/>.
    SocketIo,
}

/// What is to be done about something that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message of the load.
    Message(Stamp),
    /// From now on messages come.
    Ready,
    /// Say this.
    Answer(&'static str),
    /// Nothing.
    Other,
}

/// When a message was sent, and which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Microseconds since 1970.
    pub sent_at: u64,
    /// 0 for the first of a load.
    pub number: u64,
}

impl Stamp {
    /// As it stands in a message, which is filled up to so many bytes.
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

impl Dialect {
    /// What a client says first.
    pub const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::Groundswell => Some(r#"{"op":"subscribe","feeds":["messages"]}"#),
            Self::Plain => None,
            // Asks for the main namespace.
            Self::SocketIo => Some("40"),
        }
    }

    /// Makes sense of what a client hears.
    pub fn hear(self, text: &str) -> Heard {
        if let Some(stamp) = Stamp::find(text) {
            return Heard::Message(stamp);
        }
        match self {
            Self::Groundswell if text.starts_with(r#"{"event":"subscribed""#) => Heard::Ready,
            Self::SocketIo if text.starts_with("40") => Heard::Ready,
            Self::SocketIo if text == "2" => Heard::Answer("3"),
            _ => Heard::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_what_each_system_makes_of_it() {
        let stamp = Stamp { sent_at: 1_732_180_000_000_000, number: 42 };
        let text = stamp.padded_to(200);
        assert_eq!(text.len(), 200);
        let frame = format!(r#"{{"event":"message:new","data":{{"post":{{"text":"{text}"}}}}}}"#);
        assert_eq!(Dialect::Groundswell.hear(&frame), Heard::Message(stamp));
        assert_eq!(Dialect::Plain.hear(&text), Heard::Message(stamp));
        assert_eq!(Dialect::SocketIo.hear(&format!(r#"42["m","{text}"]"#)), Heard::Message(stamp));
    }

    #[test]
    fn the_beginning_of_a_conversation_is_understood() {
        assert_eq!(Dialect::Groundswell.hear(r#"{"event":"subscribed","feed":null}"#), Heard::Ready);
        assert_eq!(Dialect::SocketIo.hear(r#"0{"sid":"a"}"#), Heard::Other);
        assert_eq!(Dialect::SocketIo.hear(r#"40{"sid":"a"}"#), Heard::Ready);
        assert_eq!(Dialect::SocketIo.hear("2"), Heard::Answer("3"));
        assert_eq!(Dialect::Plain.hear("sent@no#number;"), Heard::Other);
    }
}
