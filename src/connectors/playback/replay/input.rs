//! Reads a file, plain or gzipped, as lines of NDJSON or rows of CSV. Compression and format are detected from the
//! first bytes, because file names may be misleading.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;

use crate::models::new_post;

use super::csv::{Line, Rows};

/// First bytes of a gzipped file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

type Bytes = Box<dyn BufRead + Send>;

/// An open file of posts.
pub struct Input {
    lines: Lines,
    n_bytes_read: Arc<AtomicU64>,
}

enum Lines {
    Json { bytes: Bytes, line: u64, text: Vec<u8> },
    Csv(Rows<Bytes>),
}

impl Input {
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let name = file.display();
        let n_bytes_read = Arc::new(AtomicU64::new(0));
        let opened = File::open(file).with_context(|| format!("cannot read `{name}`"))?;
        let mut raw = BufReader::with_capacity(
            64 * 1024,
            Counted { inner: opened, n_bytes_read: Arc::clone(&n_bytes_read) },
        );
        let is_gzipped = raw.fill_buf().with_context(|| format!("cannot read `{name}`"))?.starts_with(&GZIP);
        let mut bytes: Bytes = if is_gzipped {
            Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        let begin = bytes.fill_buf().with_context(|| format!("cannot read `{name}`"))?;
        let lines = match begin.trim_ascii_start().first() {
            Some(b'{') => Lines::Json { bytes, line: 0, text: Vec::new() },
            Some(_) => Lines::Csv(Rows::new(bytes).with_context(|| format!("cannot replay `{name}`"))?),
            None => anyhow::bail!("`{name}` is empty"),
        };
        Ok(Self { lines, n_bytes_read })
    }

    /// Returns the next non-empty line and its number, or `None` at the end.
    pub fn next_line(&mut self) -> anyhow::Result<Option<Line>> {
        match &mut self.lines {
            Lines::Csv(rows) => rows.next_row(),
            Lines::Json { bytes, line, text } => loop {
                text.clear();
                if bytes.read_until(b'\n', text)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                if !text.trim_ascii().is_empty() {
                    return Ok(Some((*line, new_post::parse(text))));
                }
            },
        }
    }

    pub fn ignored_columns(&self) -> &[String] {
        match &self.lines {
            Lines::Json { .. } => &[],
            Lines::Csv(rows) => rows.ignored_columns(),
        }
    }

    /// Returns the number of bytes read from disk so far.
    pub fn n_bytes_read(&self) -> u64 {
        self.n_bytes_read.load(Ordering::Relaxed)
    }
}

struct Counted<R> {
    inner: R,
    n_bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_bytes_read.fetch_add(u64::try_from(n).unwrap_or_default(), Ordering::Relaxed);
        Ok(n)
    }
}
