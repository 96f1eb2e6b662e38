use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tracing::warn;

use super::EmbeddedError;

/// How long to wait for an orphan to end: a busy server may first have much to write.
const TIMEOUT: Duration = Duration::from_secs(120);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server left running by an earlier process, identified by its working folder.
pub(super) struct Orphan<'a> {
    /// `postgresql` or `redis`, for messages.
    pub(super) server: &'static str,
    /// Possible names of the orphan's process.
    pub(super) programs: &'a [&'static str],
    /// The orphan's working folder, which no other process with that name shares.
    pub(super) folder: &'a Path,
    /// The signal that requests a clean shutdown.
    pub(super) signal: Signal,
    /// The main process, to which the signal is sent if it is known; otherwise it is sent to every process found.
    pub(super) leader: Option<Pid>,
}

impl Orphan<'_> {
    /// Asks the orphan to end and waits until it has. Never kills it, because it may be writing accepted posts to disk.
    ///
    /// Blocks for up to two minutes, then fails with [`EmbeddedError::StillRunning`].
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        let found = self.find();
        let Some(first) = found.first() else {
            return Ok(());
        };
        warn!(
            server = self.server,
            pid = first.as_raw(),
            "found a server left by an earlier process; stopping it"
        );
        for pid in found.iter().filter(|pid| self.leader.is_none_or(|leader| leader == **pid)) {
            // The process may just have ended by itself.
            let _ = kill(*pid, self.signal);
        }
        let deadline = Instant::now() + TIMEOUT;
        while let Some(pid) = self.find().first() {
            if Instant::now() > deadline {
                return Err(EmbeddedError::StillRunning { server: self.server, pid: pid.as_raw() });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Returns all of the orphan's processes, found by name and by the folder in which they work or for which they were
    /// started. A pid file would not be enough: the pid may now belong to another process.
    pub(super) fn find(&self) -> Vec<Pid> {
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| self.is_it(*pid)).map(Pid::from_raw).collect()
    }

    fn is_it(&self, pid: i32) -> bool {
        let process = Path::new("/proc").join(pid.to_string());
        let Ok(name) = fs::read_to_string(process.join("comm")) else {
            return false;
        };
        if !self.programs.contains(&name.trim_end()) {
            return false;
        }
        if fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == self.folder) {
            return true;
        }
        // In a container, root may not see the working folder of another user's process, only its command line.
        fs::read(process.join("cmdline")).is_ok_and(|arguments| {
            arguments.split(|byte| *byte == 0).any(|argument| OsStr::from_bytes(argument) == self.folder)
        })
    }
}
