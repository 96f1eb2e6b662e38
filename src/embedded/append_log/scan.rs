//! An append-only log as bytes: commands in Redis' protocol, and lines that say what time it was.

use std::io::{self, BufRead, Read};

/// Redis reads lines into a buffer of this size.
const LINE_BYTES_MAX: u64 = 128;

/// No name of a command that matters here is longer.
const NAME_BYTES_MAX: u64 = 16;

/// What a log is up to its first damage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Bytes from its beginning that hold whole commands and whole transactions only.
    pub(super) whole: u64,
    /// Where reading ended: at the end, or at the first thing that is no command.
    pub(super) damaged_at: u64,
    /// Whole commands between the two: those of a transaction without its end.
    pub(super) n_open: usize,
    /// Whether it says what time it was; Redis writes that once in each second with a command.
    pub(super) has_seconds: bool,
}

impl Scan {
    pub(super) fn read(mut log: impl BufRead) -> io::Result<Self> {
        let mut scan = Self::default();
        let mut is_open = false;
        loop {
            let Item { kind, n_bytes } = match Item::read(&mut log) {
                Ok(Some(item)) => item,
                Ok(None) | Err(Stop::Damage) => return Ok(scan),
                Err(Stop::Io(error)) => return Err(error),
            };
            scan.damaged_at += n_bytes;
            match kind {
                Kind::Second => scan.has_seconds = true,
                Kind::Multi => is_open = true,
                Kind::Exec => is_open = false,
                Kind::Note | Kind::Command => {}
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

/// What can still be read behind a damage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// Whole commands.
    pub(super) n_commands: usize,
    /// Seconds in which they were written, the one of the damage included.
    pub(super) n_seconds: usize,
}

impl Remains {
    /// Looks at every place of `tail` that could begin a command, but not at the first, which is the damage.
    pub(super) fn find(tail: &[u8]) -> Self {
        let mut remains = Self { n_commands: 0, n_seconds: 1 };
        let mut at = 1;
        while let Some(rest) = tail.get(at..).filter(|rest| !rest.is_empty()) {
            let found = matches!(rest.first(), Some(b'*' | b'#')).then(|| Item::read(&mut &*rest));
            let Some(Ok(Some(Item { kind, n_bytes }))) = found else {
                at += 1;
                continue;
            };
            remains.n_commands += usize::from(kind.is_command());
            remains.n_seconds += usize::from(kind == Kind::Second);
            at += usize::try_from(n_bytes).unwrap_or(usize::MAX).max(1);
        }
        remains
    }
}

/// One command, or one line between commands.
struct Item {
    kind: Kind,
    n_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Multi,
    Exec,
    Command,
    /// `#TS:<unix time>`.
    Second,
    /// Any other line that begins with `#`.
    Note,
}

impl Kind {
    fn is_command(self) -> bool {
        matches!(self, Self::Multi | Self::Exec | Self::Command)
    }
}

/// Why the next item could not be read.
enum Stop {
    Damage,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Item {
    /// `None` at the end. Stricter than Redis, which takes any two bytes for the end of an argument, zeros as well.
    fn read(log: &mut impl BufRead) -> Result<Option<Self>, Stop> {
        let mut line = Line::read(log)?;
        if line.text.is_empty() {
            return Ok(None);
        }
        let mut n_bytes = line.n_bytes();
        if let Some(note) = line.body()?.strip_prefix(b"#") {
            let kind = if note.starts_with(b"TS:") { Kind::Second } else { Kind::Note };
            return Ok(Some(Self { kind, n_bytes }));
        }
        let n_arguments = line.number(b'*')?;
        if n_arguments == 0 {
            return Err(Stop::Damage);
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
                return Err(Stop::Damage);
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
    fn read(log: &mut impl BufRead) -> Result<Self, Stop> {
        let mut text = Vec::new();
        log.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        Ok(Self { text })
    }

    fn n_bytes(&self) -> u64 {
        u64::try_from(self.text.len()).unwrap_or(u64::MAX)
    }

    fn body(&self) -> Result<&[u8], Stop> {
        self.text.strip_suffix(b"\r\n").ok_or(Stop::Damage)
    }

    fn number(&self, sign: u8) -> Result<u64, Stop> {
        let digits = self.body()?.strip_prefix(&[sign]).ok_or(Stop::Damage)?;
        let number: u32 =
            std::str::from_utf8(digits).ok().and_then(|it| it.parse().ok()).ok_or(Stop::Damage)?;
        Ok(u64::from(number))
    }
}

fn exactly(log: &mut impl BufRead, n: u64, into: &mut Vec<u8>) -> Result<(), Stop> {
    let n_read = log.by_ref().take(n).read_to_end(into)?;
    if u64::try_from(n_read).is_ok_and(|n_read| n_read == n) { Ok(()) } else { Err(Stop::Damage) }
}

fn skip(log: &mut impl BufRead, mut n: u64) -> Result<(), Stop> {
    while n > 0 {
        let n_here = log.fill_buf()?.len().min(usize::try_from(n).unwrap_or(usize::MAX));
        if n_here == 0 {
            return Err(Stop::Damage);
        }
        log.consume(n_here);
        n -= u64::try_from(n_here).unwrap_or(n);
    }
    Ok(())
}
