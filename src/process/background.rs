//! A child process that handles one request per line, using CPU that is otherwise idle.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::setsid;

use super::child;

/// Timeout for a response. On a busy machine the child may wait minutes for CPU; if it takes longer than this, it
/// hangs.
const TIMEOUT: Duration = Duration::from_secs(240);

/// This process's executable, even if its file has been replaced or removed.
const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// The lowest priority that a process or session can have.
const NICE: i32 = 19;

/// Time slice requested for the background process, if the kernel supports that. The default is several milliseconds,
/// and each wake-up on a post's path could wait that long.
const SLICE: Duration = Duration::from_micros(100);

/// A running child process. It ends when this value is dropped, or by itself when the parent ends.
pub struct Background {
    child: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl Background {
    /// Starts this executable with `arguments`. The child should call [`lower_priority`] first.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = child::command(THIS_EXECUTABLE);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Tied to the starting thread, which is the one that sends requests as well.
        child::end_with_parent(&mut command, Signal::SIGKILL);
        let mut child = command.spawn()?;
        let (requests, responses) = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(responses)) = (requests, responses) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self { child, requests, responses: BufReader::new(responses) })
    }

    /// Sends a line and waits for the response line. `line` must not contain a line break; the final one is added here.
    ///
    /// # Errors
    /// If the child has ended, or does not respond in time, in which case it is killed.
    pub fn request(&mut self, line: &str) -> io::Result<String> {
        self.requests.write_all(format!("{line}\n").as_bytes())?;
        self.wait()?;
        let mut response = String::new();
        match self.responses.read_line(&mut response)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(response),
        }
    }

    /// Waits until a response begins. Nothing is buffered between responses.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = PollTimeout::try_from(TIMEOUT).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut responses = [PollFd::new(self.responses.get_ref().as_fd(), PollFlags::POLLIN)];
        if poll(&mut responses, timeout)? > 0 {
            return Ok(());
        }
        self.child.kill()?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Killing a child that has already ended fails; waiting for it is still required.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Yields the CPU to all other processes: lowest priority, in its own session.
///
/// PostgreSQL gives each of its processes a session. If the kernel groups by session (autogroup, sched(7)), a group of
/// the default weight competes as a whole with each of them, whatever the priorities of its threads. So a thread of the
/// server could not yield to PostgreSQL, but a process in its own session, whose group has the lowest weight, can.
/// Requests that the kernel does not support are ignored.
pub fn lower_priority() {
    let _ = setsid();
    // The executable is `/proc/self/exe`, so `ps` would show `exe`.
    let _ = prctl::set_name(c"groundswell-bg");
    let _ = fs::write("/proc/self/autogroup", NICE.to_string());
    // SAFETY: passes numbers only; 0 is the calling process.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    let _ = shorten_slice();
}

/// Requests [`SLICE`] with `sched_setattr(2)`. Linux 6.12 and later honour it for ordinary processes.
fn shorten_slice() -> io::Result<()> {
    /// The first version of the kernel's `sched_attr`.
    #[repr(C)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime_ns: u64,
        deadline_ns: u64,
        period_ns: u64,
    }
    let size = u32::try_from(size_of::<Attributes>()).unwrap_or_default();
    let runtime_ns = u64::try_from(SLICE.as_nanos()).unwrap_or_default();
    let policy = u32::try_from(libc::SCHED_OTHER).unwrap_or_default();
    let attributes = Attributes {
        size,
        policy,
        flags: 0,
        nice: NICE,
        priority: 0,
        runtime_ns,
        deadline_ns: 0,
        period_ns: 0,
    };
    // SAFETY: the kernel reads `size` bytes of a struct that outlives the call; 0 is the calling thread.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
