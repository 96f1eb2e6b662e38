use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::{EmbeddedError, lock::DirectoryLock};

const FILE: &str = "run.json";

/// Addresses and process ids of a running server, as stored in `<data-dir>/run.json`.
///
/// `replay`, `synth`, `dead-letters` and `doctor` use it to find the server. The file may outlive a killed server, so
/// it is valid only while that server holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Process id of the server.
    pub pid: u32,
    /// URL of the dashboard and the API, such as `http://127.0.0.1:8080`.
    pub address: String,
    /// URL of the database that the server uses; see [`super::Endpoints`] for the form of a private one.
    pub postgres_url: String,
    /// URL of the Redis that the server uses; see [`super::Endpoints`] for the form of a private one.
    pub redis_url: String,
    /// Prefix of all stream and key names; empty by default.
    pub prefix: String,
    /// Process id of the private PostgreSQL, or `None` if the server uses an external one.
    pub postgres_pid: Option<u32>,
    /// Process id of the private Redis, or `None` if the server uses an external one.
    pub redis_pid: Option<u32>,
    /// Time at which the server began to listen.
    pub started_at: jiff::Timestamp,
    /// Version of Groundswell that the server runs.
    pub version: String,
}

impl RunInfo {
    /// Replaces `<data-dir>/run.json` atomically, so that a reader never sees a partial file.
    pub fn write(&self, data_dir: &Path) -> Result<(), EmbeddedError> {
        let path = data_dir.join(FILE);
        let part = data_dir.join("run.json.part");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| EmbeddedError::io("encode", &path)(std::io::Error::other(error)))?;
        fs::write(&part, text).map_err(EmbeddedError::io("write", &part))?;
        fs::rename(&part, &path).map_err(EmbeddedError::io("write", &path))
    }

    /// Reads the file. Fails with [`EmbeddedError::NotRunning`] unless the process that wrote it still holds the lock.
    pub fn read(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let not_running = || EmbeddedError::NotRunning { data_dir: data_dir.to_owned() };
        let text = fs::read(data_dir.join(FILE)).map_err(|_| not_running())?;
        let found: Self = serde_json::from_slice(&text).map_err(|_| not_running())?;
        if !DirectoryLock::is_held(data_dir) || !is_alive(found.pid) {
            return Err(not_running());
        }
        Ok(found)
    }

    /// Removes the file. A missing file is not an error.
    pub fn remove(data_dir: &Path) -> Result<(), EmbeddedError> {
        let path = data_dir.join(FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(EmbeddedError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> RunInfo {
        RunInfo {
            pid: std::process::id(),
            address: "http://127.0.0.1:8080".to_owned(),
            postgres_url: "postgresql:///postgres?host=/somewhere&user=groundswell".to_owned(),
            redis_url: "redis+unix:///somewhere/redis.sock".to_owned(),
            prefix: String::new(),
            postgres_pid: Some(2),
            redis_pid: None,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            version: "0.1.0".to_owned(),
        }
    }

    #[test]
    fn a_running_server_is_found_by_its_run_info() {
        let folder = tempfile::tempdir().unwrap();
        let _lock = DirectoryLock::acquire(folder.path()).unwrap();
        example().write(folder.path()).unwrap();
        assert_eq!(RunInfo::read(folder.path()).unwrap(), example());
        RunInfo::remove(folder.path()).unwrap();
        RunInfo::remove(folder.path()).unwrap();
        assert!(matches!(RunInfo::read(folder.path()), Err(EmbeddedError::NotRunning { .. })));
    }

    #[test]
    fn the_note_of_a_dead_server_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        example().write(folder.path()).unwrap();
        let refusal = RunInfo::read(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains("start it with `groundswell serve`"), "{refusal}");
    }

    #[test]
    fn the_note_of_a_dead_server_is_not_believed_while_its_successor_starts() {
        let folder = tempfile::tempdir().unwrap();
        let _lock = DirectoryLock::acquire(folder.path()).unwrap();
        // No pid exceeds the kernel's limit of 2^22.
        RunInfo { pid: u32::MAX, ..example() }.write(folder.path()).unwrap();
        assert!(RunInfo::read(folder.path()).is_err());
    }
}
