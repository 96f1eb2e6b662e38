//! Mends the append-only log of Redis after a power cut.
//!
//! A power cut may cost what was not yet on disk: the last second with `everysec`, nothing that was answered with
//! `always`. What it leaves is a log whose end is cut off, zeros, or blocks of which some were written and some not.
//! Redis copes with the first alone, and where the cut lies within a command within a transaction it leaves the
//! transaction open: whatever is accepted afterwards then belongs to it, and goes with it at the next start.
//!
//! So the log is read before every start. Damage that a power cut explains is cut off at the last place where a
//! command and its transaction are whole, and kept beside the log. Anything else is left untouched for a person.

mod scan;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tracing::error;

use super::EmbeddedError;
use scan::{Remains, Scan};

/// Redis' folder for the parts of the log, and the list of them.
const FOLDER: &str = "appendonlydir";
const MANIFEST: &str = "appendonly.aof.manifest";

/// Several times what the busiest machine writes within [`SECONDS_MAX`].
const DROPPED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// `everysec` promises a second, and the one that is under way is lost with it.
const SECONDS_MAX: usize = 2;

/// A second cut is rare, and nobody looks at the sixth.
const COPIES_MAX: usize = 5;

/// Reading is all that a healthy log costs at a start; larger pieces make it no faster.
const BUFFER_BYTES: usize = 256 * 1024;

/// What was cut off the end of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Bytes that remain in the log.
    pub(super) kept_bytes: u64,
    /// Bytes that were cut off.
    pub(super) bytes: u64,
    /// Whole commands among them: of a transaction without its end, or behind the damage.
    pub(super) n_commands: usize,
    /// Where the bytes are now, without zeros at their end.
    pub(super) copy: PathBuf,
}

/// Cuts off what a power cut left at the end of the log of the Redis that works in `redis`. Does nothing to a whole
/// log, and nothing where there is none yet. Redis must not be running.
///
/// Fails with [`EmbeddedError::DamagedLog`], and changes nothing, where a power cut does not explain the damage.
pub(super) fn mend(redis: &Path) -> Result<Option<Dropped>, EmbeddedError> {
    let Some(path) = newest_part(&redis.join(FOLDER)) else {
        return Ok(None);
    };
    let mut log = File::open(&path).map_err(EmbeddedError::io("read", &path))?;
    let length = log.metadata().map_err(EmbeddedError::io("read", &path))?.len();
    let scan = Scan::read(BufReader::with_capacity(BUFFER_BYTES, &log));
    let scan = scan.map_err(EmbeddedError::io("read", &path))?;
    if scan.whole == length {
        return Ok(None);
    }
    let bytes = length - scan.whole;
    let too_much =
        |n_commands| EmbeddedError::DamagedLog { path: path.clone(), at: scan.damaged_at, bytes, n_commands };
    if bytes > DROPPED_BYTES_MAX {
        return Err(too_much(0));
    }
    let tail = tail(&mut log, scan.whole).map_err(EmbeddedError::io("read", &path))?;
    let behind = usize::try_from(scan.damaged_at - scan.whole).ok().and_then(|at| tail.get(at..));
    let remains = Remains::find(behind.unwrap_or_default());
    let is_recent = scan.has_seconds && remains.n_seconds <= SECONDS_MAX;
    if remains.n_commands > 0 && !is_recent {
        return Err(too_much(remains.n_commands));
    }
    let copy = keep(redis, &tail)?;
    truncate(&path, scan.whole).map_err(EmbeddedError::io("write", &path))?;
    let n_commands = scan.n_open + remains.n_commands;
    error!(
        log = %path.display(),
        kept_bytes = scan.whole,
        dropped_bytes = bytes,
        dropped_commands = n_commands,
        copy = %copy.display(),
        "the end of the redis log was damaged, as by a power cut: it was cut off, and a copy was kept"
    );
    Ok(Some(Dropped { kept_bytes: scan.whole, bytes, n_commands, copy }))
}

/// The part that Redis writes to. The others were complete before it was begun.
fn newest_part(folder: &Path) -> Option<PathBuf> {
    let manifest = fs::read_to_string(folder.join(MANIFEST)).ok()?;
    let name = manifest.lines().filter_map(increment).max_by_key(|(sequence, _)| *sequence)?.1;
    let path = folder.join(name);
    path.exists().then_some(path)
}

/// `file <name> seq <n> type i`.
fn increment(line: &str) -> Option<(u64, &str)> {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["file", name, "seq", sequence, "type", "i"] => Some((sequence.parse().ok()?, name)),
        _ => None,
    }
}

fn tail(log: &mut File, from: u64) -> std::io::Result<Vec<u8>> {
    log.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    log.read_to_end(&mut tail)?;
    let n_written = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    tail.truncate(n_written);
    Ok(tail)
}

/// On disk before the log is cut.
fn keep(redis: &Path, tail: &[u8]) -> Result<PathBuf, EmbeddedError> {
    const PREFIX: &str = "dropped-";
    let copy = redis.join(format!("{PREFIX}{}.aof", Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%6fZ")));
    let written = fs::write(&copy, tail).and_then(|()| File::open(&copy)?.sync_all());
    written.map_err(EmbeddedError::io("write", &copy))?;
    let entries = fs::read_dir(redis).map_err(EmbeddedError::io("read", redis))?.flatten();
    let mut copies: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)))
        .map(|entry| entry.path())
        .collect();
    // Their names hold their time.
    copies.sort();
    for old in copies.iter().rev().skip(COPIES_MAX) {
        fs::remove_file(old).map_err(EmbeddedError::io("remove", old))?;
    }
    Ok(copy)
}

fn truncate(path: &Path, length: u64) -> std::io::Result<()> {
    let log = OpenOptions::new().write(true).open(path)?;
    log.set_len(length)?;
    log.sync_all()
}
