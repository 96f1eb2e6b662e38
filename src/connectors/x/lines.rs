//! Splits a stream that arrives in chunks into lines.

/// Maximum size of a line in bytes. A post takes a few kilobytes. Longer lines are counted but not parsed.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// Line of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Empty line, which keeps the connection alive.
    Empty,
    /// Text that may be a post.
    Text(Vec<u8>),
    /// Line that exceeds the maximum size.
    TooLong,
}

/// Splits a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Beginning of a line whose end has not arrived.
    begun: Vec<u8>,
    /// Whether that line is too long, so that none of it is kept.
    is_too_long: bool,
}

impl Lines {
    /// Adds a chunk of the stream. Returns the lines that end in it.
    pub(super) fn take(&mut self, part: &[u8]) -> Vec<Line> {
        let mut pieces = part.split(|&byte| byte == b'\n');
        let mut lines = Vec::new();
        // The part after the last line break is incomplete.
        let mut piece = pieces.next().unwrap_or_default();
        for next in pieces {
            self.extend(piece);
            lines.push(self.end());
            piece = next;
        }
        self.extend(piece);
        lines
    }

    fn extend(&mut self, piece: &[u8]) {
        if self.is_too_long || self.begun.len() + piece.len() > LINE_BYTES_MAX {
            (self.begun, self.is_too_long) = (Vec::new(), true);
            return;
        }
        self.begun.extend_from_slice(piece);
    }

    fn end(&mut self) -> Line {
        let text = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.is_too_long) {
            return Line::TooLong;
        }
        match text.trim_ascii() {
            [] => Line::Empty,
            text => Line::Text(text.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let stream = format!("{{\"a\":1}}\r\n\r\n{long}\r\n{{\"b\":2}}\r\n{{\"begun");
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        let expected = [text("{\"a\":1}"), Line::Empty, Line::TooLong, text("{\"b\":2}")];
        for size in [1, 3, 7, 100_000, stream.len()] {
            let mut lines = Lines::default();
            let read: Vec<Line> = stream.as_bytes().chunks(size).flat_map(|part| lines.take(part)).collect();
            assert_eq!(read, expected, "in parts of {size} bytes");
        }
    }
}
