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

/// A server that was busy may have much to write before it ends.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server of an earlier life, as it is found by the folder it works in.
pub(super) struct Leftover<'a> {
    /// For messages: `postgresql` or `redis`.
    pub(super) server: &'static str,
    /// The names its process may have.
    pub(super) programs: &'a [&'static str],
    /// The folder it works in, which no other process of that name does.
    pub(super) folder: &'a Path,
    /// What asks it to end cleanly.
    pub(super) signal: Signal,
    /// The one process to ask, where it is known; else all that are found.
    pub(super) leader: Option<Pid>,
}

impl Leftover<'_> {
    /// Asks what is left of an earlier life to end, and waits until it has. Never kills: it may be writing down posts
    /// that were accepted.
    ///
    /// Blocks for up to two minutes, then fails with [`EmbeddedError::StillRunning`].
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        let found = self.find();
        let Some(first) = found.first() else {
            return Ok(());
        };
        warn!(server = self.server, pid = first.as_raw(), "found a server of an earlier life; stopping it");
        for pid in found.iter().filter(|pid| self.leader.is_none_or(|leader| leader == **pid)) {
            // It may just have ended by itself.
            let _ = kill(*pid, self.signal);
        }
        let deadline = Instant::now() + PATIENCE;
        while let Some(pid) = self.find().first() {
            if Instant::now() > deadline {
                return Err(EmbeddedError::StillRunning { server: self.server, pid: pid.as_raw() });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// All processes that are it, by name and by the folder they work in or were started for. A number in a file
    /// would not do: it may by now belong to another process.
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
        // Inside a container root may not see where another user's process works, only how it was started.
        fs::read(process.join("cmdline")).is_ok_and(|arguments| {
            arguments.split(|byte| *byte == 0).any(|argument| OsStr::from_bytes(argument) == self.folder)
        })
    }
}
