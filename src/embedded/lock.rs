use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, Write},
    path::Path,
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};

use super::EmbeddedError;

/// How long to try for the lock. `RunInfo::read` holds it for a moment to see whether it is free, and a server that
/// starts just then must not report that another one is running.
const TIMEOUT: Duration = Duration::from_secs(1);

const RETRY_EVERY: Duration = Duration::from_millis(20);

/// Exclusive lock on a data directory, held until the value is dropped.
///
/// The operating system releases the lock when the process ends, for whatever reason, so it is never stale. The process
/// id in the file is only there for people to read.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: Flock<File>,
}

impl DirectoryLock {
    /// Acquires the lock, blocking for up to a second. Fails with [`EmbeddedError::Locked`] if another process holds
    /// it.
    pub(super) fn acquire(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let path = data_dir.join("lock");
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let file = open(&path)?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut file) => {
                    write_pid(&mut file).map_err(EmbeddedError::io("write", &path))?;
                    return Ok(Self { _file: file });
                }
                Err(_) if Instant::now() < deadline => std::thread::sleep(RETRY_EVERY),
                Err(_) => {
                    return Err(EmbeddedError::Locked {
                        data_dir: data_dir.to_owned(),
                        pid: read_pid(&path),
                    });
                }
            }
        }
    }

    /// Returns whether any process, including this one, holds the lock.
    pub(super) fn is_held(data_dir: &Path) -> bool {
        let Ok(file) = File::open(data_dir.join("lock")) else {
            return false;
        };
        Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
    }
}

fn open(path: &Path) -> Result<File, EmbeddedError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(EmbeddedError::io("open", path))
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(path: &Path) -> String {
    let noted = fs::read_to_string(path).unwrap_or_default();
    let noted = noted.trim();
    if noted.is_empty() {
        return "unknown".to_owned();
    }
    noted.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_refuses_a_second_holder_and_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(folder.path()).unwrap();
        let refusal = DirectoryLock::acquire(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains(&format!("(pid {})", std::process::id())), "{refusal}");
        drop(first);
        DirectoryLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn inspecting_a_lock_does_not_take_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!DirectoryLock::is_held(folder.path()));
        let lock = DirectoryLock::acquire(folder.path()).unwrap();
        assert!(DirectoryLock::is_held(folder.path()));
        drop(lock);
        assert!(!DirectoryLock::is_held(folder.path()));
    }
}
