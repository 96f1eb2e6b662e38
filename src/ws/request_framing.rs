//! Where requests end among the bytes of a connection, which is all that must be known to pass one request at a time.
//!
//! This is no second parser of HTTP: actix parses every head, and says which body follows. A head ends at its first
//! blank line for actix, and here. Whatever else actix refuses ends the connection, so an end found here does not matter
//! then. If the two disagreed all the same, the connection would be closed (`connection_state`).

/// How far bytes belong to the part of a request that is being passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All bytes belong to it, and it goes on.
    All,
    /// It ends after this number of bytes.
    Ends(usize),
    /// The bytes are malformed. What follows them cannot be told.
    Unclear,
}

/// Search for the blank line that ends a head. Blank lines before the head belong to it, as they do for actix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum HeadScan {
    /// Nothing but blank lines so far.
    #[default]
    Before,
    /// Within a line.
    Line,
    /// After the end of a line.
    LineEnd,
    /// After the end of a line and a carriage return.
    Return,
}

impl HeadScan {
    /// Searches the next bytes. It never finds [`Extent::Unclear`].
    pub fn advance(&mut self, bytes: &[u8]) -> Extent {
        for (index, byte) in bytes.iter().enumerate() {
            *self = match (*self, byte) {
                (Self::Before, b'\r' | b'\n') => Self::Before,
                (Self::LineEnd | Self::Return, b'\n') => {
                    *self = Self::Before;
                    return Extent::Ends(index + 1);
                }
                (Self::LineEnd, b'\r') => Self::Return,
                (_, b'\n') => Self::LineEnd,
                _ => Self::Line,
            };
        }
        Extent::All
    }
}

/// Search for the end of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyScan {
    /// The number of bytes that remain of a body of known length.
    Length(u64),
    /// A body in chunks.
    Chunked(ChunkScan),
}

impl BodyScan {
    /// Searches the next bytes.
    pub fn advance(&mut self, bytes: &[u8]) -> Extent {
        match self {
            Self::Length(n_left) => skip(n_left, bytes).map_or(Extent::All, Extent::Ends),
            Self::Chunked(scan) => scan.advance(bytes),
        }
    }
}

/// Skips up to `n_left` bytes. Returns how many that is if it is all of them.
fn skip(n_left: &mut u64, bytes: &[u8]) -> Option<usize> {
    match usize::try_from(*n_left) {
        Ok(n) if n <= bytes.len() => {
            *n_left = 0;
            Some(n)
        }
        _ => {
            *n_left = n_left.saturating_sub(bytes.len().try_into().unwrap_or(u64::MAX));
            None
        }
    }
}

/// Part of a body in chunks that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkScan {
    /// The size of a chunk, with the digits so far. An empty size is malformed.
    Size { size: u64, n_digits: u8 },
    /// The rest of the line with the size.
    Extension { size: u64 },
    /// The end of the line with the size.
    SizeEnd { size: u64 },
    /// The bytes that remain of a chunk.
    Data { n_left: u64 },
    /// The end of the line after a chunk.
    DataReturn,
    /// The same, after its carriage return.
    DataEnd,
    /// The beginning of a trailer, or of the blank line that ends the body.
    TrailerStart,
    /// A trailer.
    Trailer,
    /// The end of a trailer.
    TrailerEnd,
    /// The blank line that ends the body, after its carriage return.
    LastReturn,
    /// Nothing.
    End,
}

impl Default for ChunkScan {
    fn default() -> Self {
        Self::Size { size: 0, n_digits: 0 }
    }
}

/// Maximum number of digits of a chunk's size: sixteen hold every `u64`.
const SIZE_DIGITS_MAX: u8 = 16;

impl ChunkScan {
    fn advance(&mut self, bytes: &[u8]) -> Extent {
        let mut index = 0;
        while let Some(rest) = bytes.get(index..).filter(|rest| !rest.is_empty()) {
            if let Self::Data { n_left } = self {
                let Some(n_skipped) = skip(n_left, rest) else {
                    return Extent::All;
                };
                index += n_skipped;
                *self = Self::DataReturn;
                continue;
            }
            index += 1;
            match rest.first().and_then(|byte| self.after(*byte)) {
                Some(Self::End) => return Extent::Ends(index),
                Some(next) => *self = next,
                None => return Extent::Unclear,
            }
        }
        Extent::All
    }

    /// Returns what follows a byte outside of chunks; `None` if it is malformed.
    fn after(self, byte: u8) -> Option<Self> {
        let next = match (self, byte) {
            (Self::Size { size, n_digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map(u64::from)?;
                let size = size.checked_mul(16)? | digit;
                Self::Size { size, n_digits: n_digits.checked_add(1).filter(|n| *n <= SIZE_DIGITS_MAX)? }
            }
            (Self::Size { n_digits: 0, .. }, _) => return None,
            (Self::Size { size, .. } | Self::Extension { size }, b'\r') => Self::SizeEnd { size },
            (Self::Size { size, .. }, b' ' | b'\t' | b';') => Self::Extension { size },
            // A line feed alone would end the line for some parsers, and not for others.
            (Self::Size { .. } | Self::Extension { .. }, b'\n') | (Self::Size { .. }, _) => return None,
            (Self::Extension { size }, _) => Self::Extension { size },
            (Self::SizeEnd { size: 0 }, b'\n') => Self::TrailerStart,
            (Self::SizeEnd { size }, b'\n') => Self::Data { n_left: size },
            (Self::DataReturn, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::default(),
            (Self::TrailerStart, b'\r') => Self::LastReturn,
            (Self::LastReturn, b'\n') => Self::End,
            (Self::TrailerStart, _) => Self::Trailer,
            (Self::Trailer, b'\r') => Self::TrailerEnd,
            (Self::Trailer, _) => Self::Trailer,
            (Self::TrailerEnd, b'\n') => Self::TrailerStart,
            _ => return None,
        };
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use actix_codec::Decoder as _;
    use actix_http::h1::{Codec, Message, MessageType};
    use bytes::BytesMut;

    use super::*;

    const CHUNKED: BodyScan = BodyScan::Chunked(ChunkScan::Size { size: 0, n_digits: 0 });

    fn head(bytes: &[u8]) -> Extent {
        let whole = HeadScan::default().advance(bytes);
        // Whatever the pieces in which the bytes arrive.
        let mut scan = HeadScan::default();
        let one_by_one = bytes.iter().position(|byte| scan.advance(&[*byte]) != Extent::All);
        assert_eq!(one_by_one.map_or(Extent::All, |index| Extent::Ends(index + 1)), whole);
        whole
    }

    fn body(mut scan: BodyScan, bytes: &[u8]) -> Extent {
        let mut copy = scan;
        let whole = copy.advance(bytes);
        for (index, byte) in bytes.iter().enumerate() {
            match scan.advance(&[*byte]) {
                Extent::All => {}
                Extent::Ends(n) => {
                    assert_eq!(whole, Extent::Ends(index + n));
                    return whole;
                }
                Extent::Unclear => {
                    assert_eq!(whole, Extent::Unclear);
                    return whole;
                }
            }
        }
        assert_eq!(whole, Extent::All);
        whole
    }

    #[test]
    fn a_head_ends_at_its_blank_line() {
        let check = |text: &str, expected: Extent| assert_eq!(head(text.as_bytes()), expected, "{text:?}");
        check("GET / HTTP/1.1\r\n\r\nGET", Extent::Ends(18));
        check("GET / HTTP/1.1\n\nGET", Extent::Ends(16));
        check("GET / HTTP/1.1\n\r\nGET", Extent::Ends(17));
        check("\r\n\r\n\n\nGET / HTTP/1.1\r\n\r\nGET", Extent::Ends(24));
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Extent::Ends(27));
        check("GET / HTTP/1.1\r\nHost: a\r\n", Extent::All);
        check("GET / HTTP/1.1\r\nHost: a\r\nB: \r \n\r", Extent::All);
        check("\r\n\r\n", Extent::All);
    }

    #[test]
    fn a_body_ends_after_its_length_or_its_last_chunk() {
        let check = |scan: BodyScan, text: &str, expected: Extent| {
            assert_eq!(body(scan, text.as_bytes()), expected, "{text:?}");
        };
        check(BodyScan::Length(3), "abcGET", Extent::Ends(3));
        check(BodyScan::Length(3), "ab", Extent::All);
        check(BodyScan::Length(u64::MAX), "ab", Extent::All);
        check(CHUNKED, "3\r\nabc\r\n0\r\n\r\nGET", Extent::Ends(13));
        check(CHUNKED, "4;a=b\r\n\r\n\r\n\r\n0\r\nA: b\r\n\r\nGET", Extent::Ends(24));
        check(CHUNKED, "A \r\n0123456789\r\n00\r\n\r\n", Extent::Ends(22));
        check(CHUNKED, "3\r\nabc\r\n", Extent::All);
        check(CHUNKED, "0\r\n\r", Extent::All);
        for malformed in
            ["\r\n", "x\r\n", "3\nabc", "3\r\nabcd", "0\r\n\rG", "11111111111111111", ";a\r\n", "0;a\n"]
        {
            check(CHUNKED, malformed, Extent::Unclear);
        }
    }

    /// Decodes like the server, and returns where actix says that the first request ends.
    fn end_for_actix(bytes: &[u8]) -> Option<usize> {
        let (mut codec, mut left) = (Codec::default(), BytesMut::from(bytes));
        let Ok(Some(Message::Item(mut request))) = codec.decode(&mut left) else { return None };
        if matches!(codec.message_type(), MessageType::Payload) {
            loop {
                match codec.decode(&mut left) {
                    Ok(Some(Message::Chunk(None))) => break,
                    Ok(Some(Message::Chunk(Some(_)))) => {}
                    _ => return None,
                }
            }
        }
        drop(request.take_payload());
        Some(bytes.len() - left.len())
    }

    #[actix_web::test]
    async fn requests_end_where_actix_says() {
        let bodies = [
            "",
            "a",
            "\r\n\r\n",
            "0\r\n\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            "1;x\r\n\n\r\n0\r\nA: \r\n\r\n",
            "5\r\n\r\n\r\nx\r\n00\r\n\r\n",
        ];
        let framings = [
            String::new(),
            "Content-Length: 0\r\n".to_owned(),
            "Content-Length: 4\r\n".to_owned(),
            "Transfer-Encoding: chunked\r\n".to_owned(),
            "transfer-encoding:\tChunked\n".to_owned(),
        ];
        let mut n_compared = 0;
        for (start, framing) in
            ["", "\r\n", "\n\n"].iter().flat_map(|start| framings.iter().map(move |it| (start, it)))
        {
            for sent in bodies {
                let bytes =
                    format!("{start}POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n{sent}GET / HTTP/1.1\r\n\r\n");
                let Some(end) = end_for_actix(bytes.as_bytes()) else { continue };
                let Extent::Ends(head) = HeadScan::default().advance(bytes.as_bytes()) else {
                    panic!("{bytes:?}")
                };
                let scan = match framing.to_ascii_lowercase() {
                    lower if lower.contains("chunked") => CHUNKED,
                    lower if lower.contains('4') => BodyScan::Length(4),
                    _ => BodyScan::Length(0),
                };
                let Extent::Ends(body) = body(scan, &bytes.as_bytes()[head..]) else { panic!("{bytes:?}") };
                assert_eq!(head + body, end, "{bytes:?}");
                n_compared += 1;
            }
        }
        assert!(n_compared > 50, "{n_compared}");
    }
}
