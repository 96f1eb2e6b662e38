//! Parser of an append-only log: commands in Redis's protocol, and timestamp annotations.

use std::io::{self, BufRead, Read};

/// Size in bytes of the buffer that Redis reads a line into.
const LINE_BYTES_MAX: u64 = 128;

/// Length in bytes of the longest command name that matters here.
const NAME_BYTES_MAX: u64 = 16;

/// Contents of a log up to the first point of damage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Length in bytes of the prefix that consists of complete commands and complete transactions.
    pub(super) whole: u64,
    /// Offset at which parsing ended: the end of the log, or the first bytes that are not a command.
    pub(super) damaged_at: u64,
    /// Number of complete commands between `whole` and `damaged_at`, which belong to an unfinished transaction.
    pub(super) n_open: usize,
    /// Whether the log has timestamps. If so, Redis writes one for every second in which it logs a command.
    pub(super) has_timestamps: bool,
}

impl Scan {
    pub(super) fn read(mut log: impl BufRead) -> io::Result<Self> {
        let mut scan = Self::default();
        let mut is_open = false;
        loop {
            let Record { kind, n_bytes } = match Record::read(&mut log) {
                Ok(Some(item)) => item,
                Ok(None) | Err(ReadError::Damage) => return Ok(scan),
                Err(ReadError::Io(error)) => return Err(error),
            };
            scan.damaged_at += n_bytes;
            match kind {
                Kind::Timestamp => scan.has_timestamps = true,
                Kind::Multi => is_open = true,
                Kind::Exec => is_open = false,
                Kind::Annotation | Kind::Command => {}
            }
            if is_open {
                scan.n_open += usize::from(kind.is_command());
            } else {
                scan.n_open = 0;
                scan.whole = scan.damaged_at;
            }
        }
    }
}

/// Part of the log that can still be parsed after the damage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReadableTail {
    /// Number of complete commands found after the damage.
    pub(super) n_commands: usize,
    /// Number of seconds in which these commands were written, including the second in which the damage occurred.
    pub(super) n_seconds: usize,
}

impl ReadableTail {
    /// Tries to parse a command at every offset in `tail` except the first, where the damage is.
    pub(super) fn find(tail: &[u8]) -> Self {
        let mut readable = Self { n_commands: 0, n_seconds: 1 };
        let mut at = 1;
        while let Some(rest) = tail.get(at..).filter(|rest| !rest.is_empty()) {
            let found = matches!(rest.first(), Some(b'*' | b'#')).then(|| Record::read(&mut &*rest));
            let Some(Ok(Some(Record { kind, n_bytes }))) = found else {
                at += 1;
                continue;
            };
            readable.n_commands += usize::from(kind.is_command());
            readable.n_seconds += usize::from(kind == Kind::Timestamp);
            at += usize::try_from(n_bytes).unwrap_or(usize::MAX).max(1);
        }
        readable
    }
}

/// A command, or an annotation line between commands.
struct Record {
    kind: Kind,
    n_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Multi,
    Exec,
    Command,
    /// A line `#TS:<unix time>`.
    Timestamp,
    /// Any other line that begins with `#`.
    Annotation,
}

impl Kind {
    fn is_command(self) -> bool {
        matches!(self, Self::Multi | Self::Exec | Self::Command)
    }
}

/// Reason why the next record cannot be read.
enum ReadError {
    Damage,
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Record {
    /// Reads the next record; returns `None` at the end of the log. This is stricter than Redis, which accepts any two
    /// bytes, even zeros, at the end of an argument.
    fn read(log: &mut impl BufRead) -> Result<Option<Self>, ReadError> {
        let mut line = Line::read(log)?;
        if line.text.is_empty() {
            return Ok(None);
        }
        let mut n_bytes = line.n_bytes();
        if let Some(note) = line.body()?.strip_prefix(b"#") {
            let kind = if note.starts_with(b"TS:") { Kind::Timestamp } else { Kind::Annotation };
            return Ok(Some(Self { kind, n_bytes }));
        }
        let n_arguments = line.number(b'*')?;
        if n_arguments == 0 {
            return Err(ReadError::Damage);
        }
        let mut name = Vec::new();
        for i in 0..n_arguments {
            line = Line::read(log)?;
            let length = line.number(b'$')?;
            n_bytes += line.n_bytes() + length + 2;
            let n_named = if i == 0 { length.min(NAME_BYTES_MAX) } else { 0 };
            exactly(log, n_named, &mut name)?;
            skip(log, length - n_named)?;
            let mut end = Vec::new();
            exactly(log, 2, &mut end)?;
            if end != b"\r\n" {
                return Err(ReadError::Damage);
            }
        }
        name.make_ascii_lowercase();
        let kind = match name.as_slice() {
            b"multi" => Kind::Multi,
            b"exec" => Kind::Exec,
            _ => Kind::Command,
        };
        Ok(Some(Self { kind, n_bytes }))
    }
}

struct Line {
    text: Vec<u8>,
}

impl Line {
    fn read(log: &mut impl BufRead) -> Result<Self, ReadError> {
        let mut text = Vec::new();
        log.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        Ok(Self { text })
    }

    fn n_bytes(&self) -> u64 {
        u64::try_from(self.text.len()).unwrap_or(u64::MAX)
    }

    fn body(&self) -> Result<&[u8], ReadError> {
        self.text.strip_suffix(b"\r\n").ok_or(ReadError::Damage)
    }

    fn number(&self, sign: u8) -> Result<u64, ReadError> {
        let digits = self.body()?.strip_prefix(&[sign]).ok_or(ReadError::Damage)?;
        let number: u32 =
            std::str::from_utf8(digits).ok().and_then(|it| it.parse().ok()).ok_or(ReadError::Damage)?;
        Ok(u64::from(number))
    }
}

fn exactly(log: &mut impl BufRead, n: u64, into: &mut Vec<u8>) -> Result<(), ReadError> {
    let n_read = log.by_ref().take(n).read_to_end(into)?;
    if u64::try_from(n_read).is_ok_and(|n_read| n_read == n) { Ok(()) } else { Err(ReadError::Damage) }
}

fn skip(log: &mut impl BufRead, mut n: u64) -> Result<(), ReadError> {
    while n > 0 {
        let n_here = log.fill_buf()?.len().min(usize::try_from(n).unwrap_or(usize::MAX));
        if n_here == 0 {
            return Err(ReadError::Damage);
        }
        log.consume(n_here);
        n -= u64::try_from(n_here).unwrap_or(n);
    }
    Ok(())
}
