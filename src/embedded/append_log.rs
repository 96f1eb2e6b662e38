//! Repairs Redis's append-only log after a power cut.
//!
//! A power cut may lose whatever was not yet on disk: with `everysec`, the last second of writes; with `always`,
//! nothing that was acknowledged. It can leave a log with a truncated end, with zeros, or with only some of the last
//! blocks written. Redis handles only the first case. If the log breaks off within a transaction, Redis leaves the
//! transaction open: every command accepted afterwards becomes part of it and is lost at the next start.
//!
//! The log is therefore read before every start. Damage that a power cut explains is cut off after the last complete
//! command and transaction, and kept in a file beside the log. Any other damage is left untouched for a person to
//! examine. A manifest that consists of zeros is rebuilt where the parts of the log are beyond doubt.

mod manifest;
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
use scan::{ReadableTail, Scan};

/// Folder in which Redis keeps the parts of the log and their manifest.
const FOLDER: &str = "appendonlydir";
const MANIFEST: &str = "appendonly.aof.manifest";

/// Maximum size in bytes of a tail that is cut off: several times what the busiest machine writes within
/// [`SECONDS_MAX`].
const DROPPED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Maximum number of seconds of lost writes that a power cut can explain: `everysec` promises to lose at most one, in
/// addition to the second in progress.
const SECONDS_MAX: usize = 2;

/// Number of copies of cut tails that are kept. Power cuts are rare, and nobody looks at the sixth copy.
const COPIES_MAX: usize = 5;

/// Size of the read buffer in bytes. Reading is the only cost of a healthy log at startup; a larger buffer is no
/// faster.
const BUFFER_BYTES: usize = 256 * 1024;

/// Tail that was cut off a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CutTail {
    /// Number of bytes left in the log.
    pub(super) kept_bytes: u64,
    /// Size of the tail that was cut off, in bytes.
    pub(super) bytes: u64,
    /// Number of complete commands in the tail: those of an unfinished transaction before the damage, and any after it.
    pub(super) n_commands: usize,
    /// Path of the file that now holds the tail, without trailing zeros.
    pub(super) copy: PathBuf,
}

/// Cuts off the damage that a power cut left at the end of the log in the folder `redis`. Does nothing if the log is
/// intact or missing. Redis must not be running.
///
/// Fails with [`EmbeddedError::DamagedLog`], and changes nothing, if a power cut cannot explain the damage, and with
/// [`EmbeddedError::LostManifest`] if the manifest is lost and the parts of the log are in doubt.
pub(super) fn repair(redis: &Path) -> Result<Option<CutTail>, EmbeddedError> {
    let folder = redis.join(FOLDER);
    manifest::rebuild(&folder)?;
    let Some(path) = newest_part(&folder) else {
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
    let unexplained =
        |n_commands| EmbeddedError::DamagedLog { path: path.clone(), at: scan.damaged_at, bytes, n_commands };
    if bytes > DROPPED_BYTES_MAX {
        return Err(unexplained(0));
    }
    let tail = tail(&mut log, scan.whole).map_err(EmbeddedError::io("read", &path))?;
    let behind = usize::try_from(scan.damaged_at - scan.whole).ok().and_then(|at| tail.get(at..));
    let readable = ReadableTail::find(behind.unwrap_or_default());
    let is_recent = scan.has_timestamps && readable.n_seconds <= SECONDS_MAX;
    if readable.n_commands > 0 && !is_recent {
        return Err(unexplained(readable.n_commands));
    }
    let copy = save_copy(redis, &tail)?;
    truncate(&path, scan.whole).map_err(EmbeddedError::io("write", &path))?;
    let n_commands = scan.n_open + readable.n_commands;
    error!(
        log = %path.display(),
        kept_bytes = scan.whole,
        dropped_bytes = bytes,
        dropped_commands = n_commands,
        copy = %copy.display(),
        "the end of the redis log was damaged, as by a power cut: it was cut off, and a copy was kept"
    );
    Ok(Some(CutTail { kept_bytes: scan.whole, bytes, n_commands, copy }))
}

/// Returns the part of the log that Redis appends to. The other parts were complete before this one was created.
fn newest_part(folder: &Path) -> Option<PathBuf> {
    let manifest = fs::read_to_string(folder.join(MANIFEST)).ok()?;
    let name = manifest.lines().filter_map(increment).max_by_key(|(sequence, _)| *sequence)?.1;
    let path = folder.join(name);
    path.exists().then_some(path)
}

/// Parses the manifest line `file <name> seq <n> type i` into the sequence number and the name.
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

/// Writes the tail to a copy and syncs it to disk before the log is cut.
fn save_copy(redis: &Path, tail: &[u8]) -> Result<PathBuf, EmbeddedError> {
    const PREFIX: &str = "dropped-";
    let copy = redis.join(format!("{PREFIX}{}.aof", Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%6fZ")));
    let written = fs::write(&copy, tail).and_then(|()| File::open(&copy)?.sync_all());
    written.map_err(EmbeddedError::io("write", &copy))?;
    let entries = fs::read_dir(redis).map_err(EmbeddedError::io("read", redis))?.flatten();
    let mut copies: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)))
        .map(|entry| entry.path())
        .collect();
    // File names sort by time.
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
