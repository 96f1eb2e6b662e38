//! A child process that answers one request per line, using CPU that is otherwise idle.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::setsid;

use super::child;

/// How long to wait for a response. On a busy machine the child may wait minutes for CPU; one that takes longer than
/// this has hung.
const TIMEOUT: Duration = Duration::from_secs(240);

/// Path of this process's executable, which works even if the file has been replaced or removed.
const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// Lowest priority that a process or session can have.
const NICE: i32 = 19;

/// Priority of processes that must make progress even if the CPU is busy.
const NICE_OF_OTHERS: i32 = 10;

/// Time slice requested for background processes, if the kernel supports it. The default slice lasts several
/// milliseconds, and any thread that wakes up to handle a post might have to wait that long.
const SLICE: Duration = Duration::from_micros(100);

/// A running child process. It is stopped when this value is dropped, and exits when its parent exits.
pub struct Background {
    child: Arc<Mutex<Child>>,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl Background {
    /// Starts this executable with `arguments`. The child should first call [`lower_priority`].
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = child::command(THIS_EXECUTABLE);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Tied to the starting thread, which is the one that sends requests as well.
        child::end_with_parent(&mut command, Signal::SIGKILL);
        // unsupervised: the caller sees the child's exit and starts another
        let mut child = command.spawn()?;
        let (requests, responses) = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(responses)) = (requests, responses) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let pid = child.id();
        let background =
            Self { child: Arc::new(Mutex::new(child)), requests, responses: BufReader::new(responses) };
        collect_exit_status(Arc::clone(&background.child), pid)?;
        Ok(background)
    }

    /// Sends a line and waits for a one-line response. `line` must not contain a line break; this function adds the
    /// final one.
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

    /// Waits until a response begins. Nothing is left in the buffer between responses.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = PollTimeout::try_from(TIMEOUT).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut responses = [PollFd::new(self.responses.get_ref().as_fd(), PollFlags::POLLIN)];
        if poll(&mut responses, timeout)? > 0 {
            return Ok(());
        }
        self.child.lock().unwrap_or_else(PoisonError::into_inner).kill()?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Killing a child that has already ended fails; waiting for it is still required.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Starts a thread that collects the child's exit status as soon as the child ends. A child that ends between two
/// requests would otherwise remain a zombie until the next request.
fn collect_exit_status(child: Arc<Mutex<Child>>, pid: u32) -> io::Result<()> {
    // unsupervised: waits for the child's exit, and ends with it
    thread::Builder::new().name(format!("wait-{pid}")).spawn(move || {
        // Without the lock, so that others can kill the child.
        child::wait_for_end(pid);
        let _ = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    })?;
    Ok(())
}

/// Yields the CPU to all other processes: moves to a session of its own and takes the lowest priority.
///
/// PostgreSQL gives each of its processes a session. If the kernel groups by session (autogroup, sched(7)), a group
/// competes as a whole with the other groups at the default weight, whatever the priorities of its threads. A thread of
/// the server could therefore not yield to PostgreSQL, but a process in a session of its own can, because its group
/// takes the lowest weight. Requests that the kernel does not support are ignored.
pub fn lower_priority() {
    let _ = setsid();
    // The executable is `/proc/self/exe`, so `ps` would show `exe`.
    let _ = prctl::set_name(c"groundswell-bg");
    let _ = fs::write("/proc/self/autogroup", NICE.to_string());
    // SAFETY: passes numbers only; 0 is the calling process.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    let _ = shorten_slice(0, NICE);
}

/// Makes another process, which has a session of its own, give way to every thread that wakes up. Unlike the lowest
/// priority, this one still gets a tenth of a busy CPU. Does nothing if the kernel or the permissions do not allow it.
pub fn lower_priority_of(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/autogroup"), NICE_OF_OTHERS.to_string());
    // SAFETY: passes numbers only.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, pid, NICE_OF_OTHERS) };
    let _ = shorten_slice(pid, NICE_OF_OTHERS);
}

/// Requests a time slice of [`SLICE`] with `sched_setattr(2)`, which Linux 6.12 and later honour for ordinary
/// processes. The call also sets the priority; 0 is the calling thread.
fn shorten_slice(pid: u32, nice: i32) -> io::Result<()> {
    /// First version of the kernel's `sched_attr`.
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
    let attributes =
        Attributes { size, policy, flags: 0, nice, priority: 0, runtime_ns, deadline_ns: 0, period_ns: 0 };
    // SAFETY: the kernel reads `size` bytes of a struct that outlives the call.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, pid, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_child_that_ends_between_requests_does_not_remain_a_zombie() {
        // The executable of this test finds no test of this name, prints nothing and exits. A line that it printed could
        // be read as its response.
        let nothing = ["--list", "--format", "terse", "no test has this name"];
        let mut background = Background::start(&nothing).unwrap();
        let folder = format!("/proc/{}", background.child.lock().unwrap().id());
        let started_at = Instant::now();
        while Path::new(&folder).exists() {
            assert!(started_at.elapsed() < TIMEOUT, "`{folder}` still exists");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(background.request("x").is_err());
    }
}
