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

/// How long to wait for an orphan to exit. A busy server may have much to write first.
const TIMEOUT: Duration = Duration::from_secs(120);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server that an earlier process left running, identified by its working folder.
pub(super) struct Orphan<'a> {
    /// Name of the server, for messages: `postgresql` or `redis`.
    pub(super) server: &'static str,
    /// Names that the orphan's process may have.
    pub(super) programs: &'a [&'static str],
    /// Working folder of the orphan, which no other process with that name shares.
    pub(super) folder: &'a Path,
    /// Signal that requests a clean shutdown.
    pub(super) signal: Signal,
    /// Main process, which receives the signal if it is known. Otherwise every process found receives it.
    pub(super) leader: Option<Pid>,
}

impl Orphan<'_> {
    /// Asks the orphan to shut down and waits until it has. Never kills it, because it may be writing accepted posts to
    /// disk.
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

    /// Returns the ids of all of the orphan's processes, found by name and by a folder: the one that they run in, or
    /// one on their command line. A pid file would not be enough, because its pid may belong to another process by now.
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
