//! Messages as bytes: frames of a WebSocket, or lines in chunks.

use crate::support::websocket;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    WebSocket,
    Lines,
}

impl Wire {
    pub(super) fn message(self, text: &str) -> Vec<u8> {
        match self {
            Self::WebSocket => {
                let mut bytes = Vec::new();
                websocket::message(websocket::TEXT, text.as_bytes(), &mut bytes);
                bytes
            }
            Self::Lines => chunk(format!("{text}\r\n").as_bytes()),
        }
    }

    /// Returns a message in two parts, which either protocol allows.
    pub(super) fn fragments(self, text: &str) -> Vec<u8> {
        match self {
            Self::WebSocket => {
                let mut bytes = Vec::new();
                websocket::fragments(websocket::TEXT, text.as_bytes(), &mut bytes);
                bytes
            }
            Self::Lines => {
                let line = format!("{text}\r\n");
                // Not even at the boundary of a character.
                let (first, second) = line.as_bytes().split_at(line.len() / 2);
                [chunk(first), chunk(second)].concat()
            }
        }
    }

    /// Returns what keeps a quiet stream alive.
    pub(super) fn ping(self) -> Vec<u8> {
        match self {
            Self::WebSocket => {
                let mut bytes = Vec::new();
                websocket::message(websocket::PING, b"", &mut bytes);
                bytes
            }
            Self::Lines => chunk(b"\r\n"),
        }
    }

    /// Returns the end in good order. Lines have no code for it.
    pub(super) fn close(self, code: u16, reason: &str) -> Vec<u8> {
        match self {
            Self::WebSocket => {
                let mut bytes = Vec::new();
                websocket::close(code, reason, &mut bytes);
                bytes
            }
            Self::Lines => b"0\r\n\r\n".to_vec(),
        }
    }
}

/// Returns a chunk of the chunked transfer coding.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
